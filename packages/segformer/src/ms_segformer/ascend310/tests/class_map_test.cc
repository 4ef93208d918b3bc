#include "class_map.h"

#include <gtest/gtest.h>

#include <cstring>

#include "ms310/encode_png.h"
#include "ms310/error.h"
#include "ms310/picture.h"

namespace ms_segformer {
namespace {

ms310::Manifest Logits(std::vector<int64_t> shape, size_t classes) {
  ms310::Manifest manifest;
  manifest.path = "manifest.json";
  manifest.output_form = "logits";
  manifest.outputs = {{"logits", std::move(shape), ms310::DataType::kFloat32}};
  manifest.classes.assign(classes, "class");
  return manifest;
}

ms310::Manifest Classes(std::vector<int64_t> shape, size_t classes) {
  ms310::Manifest manifest = Logits(std::move(shape), classes);
  manifest.output_form = "classes";
  manifest.outputs[0].dtype = ms310::DataType::kInt32;
  return manifest;
}

ms310::HostTensor Indices(const std::vector<int32_t>& values) {
  ms310::HostTensor tensor = ms310::ZeroTensor({"classes", {1, 1, 2}, ms310::DataType::kInt32});
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

std::vector<int> Values(const cv::Mat& map) { return std::vector<int>(map.begin<uint8_t>(), map.end<uint8_t>()); }

TEST(ClassMap, TakesTheLargestAndOfEqualsTheFirst) {
  const ms310::Manifest manifest = Logits({1, 3, 1, 3}, 3);
  const auto logits = ms310::FloatTensor("logits", {1, 3, 1, 3}, {1, 0, 2, 1, 3, 2, 0, 4, 2});
  EXPECT_EQ(Values(ClassMap(manifest, logits, cv::Size(3, 1))), (std::vector<int>{0, 2, 0}));
}

// Two samples on four pixels: their centres lie at 0.5 and 2.5, the pixels' at 0, 1, 2, 3, so the planes are
// 8, 6, 2, 0 and 5, 5, 5, 5.
TEST(ClassMap, EnlargesLogitsOnHalfPixelCentres) {
  const ms310::Manifest manifest = Logits({1, 2, 1, 2}, 2);
  const auto logits = ms310::FloatTensor("logits", {1, 2, 1, 2}, {8, 0, 5, 5});
  EXPECT_EQ(Values(ClassMap(manifest, logits, cv::Size(4, 1))), (std::vector<int>{0, 0, 1, 1}));
}

TEST(ClassMap, EnlargesClassIndicesByTheNearest) {
  const cv::Mat map = ClassMap(Classes({1, 1, 2}, 3), Indices({2, 1}), cv::Size(4, 2));
  EXPECT_EQ(Values(map), (std::vector<int>{2, 2, 1, 1, 2, 2, 1, 1}));
}

TEST(ClassMap, RefusesIndicesThatTheModelDoesNotHave) {
  EXPECT_THROW(ClassMap(Classes({1, 1, 2}, 3), Indices({0, 3}), cv::Size(2, 1)), ms310::Error);
  EXPECT_THROW(ClassMap(Classes({1, 1, 2}, 3), Indices({0, -1}), cv::Size(2, 1)), ms310::Error);
}

TEST(CheckOutput, TakesBothForms) {
  CheckOutput(Logits({-1, 19, 4, 8}, 19), true);
  CheckOutput(Classes({1, 16, 32}, 19), true);
}

TEST(CheckOutput, RefusesWhatTheFormDoesNotGive) {
  EXPECT_THROW(CheckOutput(Logits({1, 18, 4, 8}, 19), false), ms310::Error);
  EXPECT_THROW(CheckOutput(Logits({1, 4, 8}, 19), false), ms310::Error);
  EXPECT_THROW(CheckOutput(Classes({1, 19, 4, 8}, 19), false), ms310::Error);
  ms310::Manifest two = Classes({1, 16, 32}, 19);
  two.outputs.push_back(two.outputs[0]);
  EXPECT_THROW(CheckOutput(two, false), ms310::Error);
}

TEST(CheckOutput, RefusesMapsOfMoreClassesThanAPixelTellsApart) {
  CheckOutput(Logits({1, 256, 4, 8}, 256), true);
  CheckOutput(Logits({1, 257, 4, 8}, 257), false);
  EXPECT_THROW(CheckOutput(Logits({1, 257, 4, 8}, 257), true), ms310::Error);
}

TEST(EncodeGreyPng, KeepsEveryValue) {
  cv::Mat grey(4, 64, CV_8UC1);
  for (int value = 0; value < 256; ++value) grey.data[value] = static_cast<uint8_t>(value);
  const cv::Mat read = ms310::DecodePicture({"map.png", ms310::EncodeGreyPng(grey)});
  ASSERT_EQ(read.size(), grey.size());
  for (int value = 0; value < 256; ++value) EXPECT_EQ(read.data[3 * value], value);
}

TEST(EncodeGreyPng, WritesPartsOfLargerPictures) {
  const cv::Mat large = (cv::Mat_<uint8_t>(2, 3) << 1, 2, 3, 4, 5, 6);
  const cv::Mat read = ms310::DecodePicture({"map.png", ms310::EncodeGreyPng(large.colRange(1, 3))});
  ASSERT_EQ(read.size(), cv::Size(2, 2));
  EXPECT_EQ(read.at<cv::Vec3b>(1, 0)[0], 5);
  EXPECT_THROW(ms310::EncodeGreyPng(cv::Mat()), ms310::Error);
}

}  // namespace
}  // namespace ms_segformer
