#include "ms310/file_name.h"

#include <gtest/gtest.h>

namespace ms310 {
namespace {

TEST(HasEnding, TakesNoHeedOfCase) {
  EXPECT_TRUE(HasEnding("a/model.om", ".om"));
  EXPECT_TRUE(HasEnding("a/MODEL.Om", ".om"));
  EXPECT_FALSE(HasEnding("a/model.om.txt", ".om"));
  EXPECT_FALSE(HasEnding("a.om/model", ".om"));
  EXPECT_FALSE(HasEnding("", ".om"));
}

TEST(LowerCase, LeavesOtherBytesAlone) { EXPECT_EQ(LowerCase("AZaz09_\xC3\x84"), "azaz09_\xC3\x84"); }

}  // namespace
}  // namespace ms310
