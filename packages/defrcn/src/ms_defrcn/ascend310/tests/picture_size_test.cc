#include "picture_size.h"

#include <gtest/gtest.h>

#include "ms310/error.h"

namespace ms_defrcn {
namespace {

ms310::Manifest TwoStage(std::vector<ms310::TensorSpec> more_inputs) {
  ms310::Manifest manifest;
  manifest.path = "manifest.json";
  manifest.input.resize = ms310::Resize::kFit;
  manifest.more_inputs = std::move(more_inputs);
  return manifest;
}

const ms310::TensorSpec kSizes{"sizes", {1, 2}, ms310::DataType::kFloat32};
const ms310::TensorSpec kScale{"scale", {1, 2}, ms310::DataType::kFloat32};

// A picture of 500 x 375 in an input of 128 x 96.
const ms310::Placement kPlacement{500, 375, 128, 96, 127, 95};

TEST(PictureSize, IsHeightAndWidthThenScaleAcrossAndDown) {
  const auto inputs = PictureSize(TwoStage({kSizes, kScale}), kPlacement);
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[0].spec.name, "sizes");
  EXPECT_EQ(ms310::Values<float>(inputs[0])[0], 95.0F);
  EXPECT_EQ(ms310::Values<float>(inputs[0])[1], 127.0F);
  EXPECT_EQ(ms310::Values<float>(inputs[1])[0], 127.0F / 500.0F);
  EXPECT_EQ(ms310::Values<float>(inputs[1])[1], 95.0F / 375.0F);
}

TEST(PictureSize, FollowsTheOrderOfTheManifest) {
  const auto inputs = PictureSize(TwoStage({kScale, kSizes}), kPlacement);
  EXPECT_EQ(inputs[0].spec.name, "scale");
  EXPECT_EQ(inputs[1].spec.name, "sizes");
  EXPECT_EQ(PictureSize(TwoStage({kSizes}), kPlacement).size(), 1U);
}

TEST(CheckInputs, TakesWhatExportWrites) {
  CheckInputs(TwoStage({kSizes}));
  CheckInputs(TwoStage({kSizes, kScale}));
}

TEST(CheckInputs, RefusesOtherInputs) {
  EXPECT_THROW(CheckInputs(TwoStage({{"metas", {1, 4}, ms310::DataType::kFloat32}})), ms310::Error);
  EXPECT_THROW(CheckInputs(TwoStage({{"sizes", {2, 2}, ms310::DataType::kFloat32}})), ms310::Error);
  EXPECT_THROW(CheckInputs(TwoStage({{"sizes", {1, 2}, ms310::DataType::kInt32}})), ms310::Error);
}

TEST(CheckInputs, RefusesStretchedPictures) {
  ms310::Manifest manifest = TwoStage({kSizes});
  manifest.input.resize = ms310::Resize::kStretch;
  EXPECT_THROW(CheckInputs(manifest), ms310::Error);
}

}  // namespace
}  // namespace ms_defrcn
