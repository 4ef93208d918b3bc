#include "ms310/resize.h"

#include <gtest/gtest.h>

namespace ms310 {
namespace {

// Bit-identity with Python is tested by packages/core/cpp_tests.
TEST(FittedInto, KeepsProportions) {
  EXPECT_EQ(FittedInto({640, 480}, {300, 300}), cv::Size(300, 225));
  EXPECT_EQ(FittedInto({480, 640}, {320, 320}), cv::Size(240, 320));
  EXPECT_EQ(FittedInto({1, 1000}, {100, 100}), cv::Size(1, 100));
}

TEST(FittedInto, RoundsHalvesToEven) {
  EXPECT_EQ(FittedInto({2, 5}, {100, 1}), cv::Size(1, 1));
  EXPECT_EQ(FittedInto({4, 10}, {100, 5}), cv::Size(2, 5));
  EXPECT_EQ(FittedInto({5, 10}, {100, 5}), cv::Size(2, 5));  // 2.5
  EXPECT_EQ(FittedInto({7, 10}, {100, 5}), cv::Size(4, 5));  // 3.5
}

TEST(ResizeAntialiased, AveragesOverAllPixels) {
  cv::Mat picture(1, 4, CV_8UC3, cv::Scalar(0, 0, 0));
  picture.at<cv::Vec3b>(0, 3) = {200, 100, 40};
  const cv::Mat small = ResizeAntialiased(picture, {1, 1});
  EXPECT_EQ(small.at<cv::Vec3b>(0, 0), cv::Vec3b(42, 21, 8));  // weights 5 7 7 5 of a triangle
}

}  // namespace
}  // namespace ms310
