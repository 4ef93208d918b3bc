#include "ms310/timing.h"

#include <gtest/gtest.h>

namespace ms310 {
namespace {

TEST(TimingReport, HasTheOldWordsAndPercentiles) {
  EXPECT_EQ(TimingReport({4, 1, 3, 2}),
            "NN inference cost average time: 2.500 ms of infer_count 4\np50: 2.000 ms\np95: 4.000 ms\n");
}

TEST(TimingReport, OfNothing) {
  EXPECT_EQ(TimingReport({}), "NN inference cost average time: 0.000 ms of infer_count 0\n");
}

}  // namespace
}  // namespace ms310
