#include "ms310/manifest.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ms310/error.h"
#include "ms310/picture_source.h"
#include "temporary_folder.h"

namespace ms310 {
namespace {

using nlohmann::json;

json Content() {
  return json::parse(R"({"format_version": 2, "task": "detection", "package": "ms-ssd", "model": "ssd300", "files": [],
    "input": {"name": "images", "shape": [null, 3, 300, 320], "dtype": "float32", "layout": "NCHW", "channels": "BGR",
              "mean": [1.5, 2, 3], "std": [4, 5, 6], "normalised_inside": false, "resize": "fit"},
    "more_inputs": [{"name": "sizes", "shape": [1, 2], "dtype": "float32"}], "output_form": "nms",
    "outputs": [{"name": "boxes", "shape": [null, 9, 4], "dtype": "float32"}], "classes": ["a", "b"],
    "postprocess": {"min_score": 0.1, "nms_threshold": 0.6, "max_per_class": null, "max_detections": 9,
                    "plus_one": true, "class_agnostic": false}})");
}

Manifest Read(const json& content) {
  const TemporaryFolder folder;
  return ReadManifest(folder.Write("manifest.json", content.dump()));
}

TEST(Manifest, IsRead) {
  const Manifest manifest = Read(Content());
  EXPECT_EQ(manifest.input.Height(), 300);
  EXPECT_EQ(manifest.input.Width(), 320);
  EXPECT_TRUE(manifest.input.bgr);
  EXPECT_EQ(manifest.input.resize, Resize::kFit);
  EXPECT_EQ(manifest.input.spec.shape[0], -1);
  EXPECT_EQ(manifest.more_inputs[0].name, "sizes");
  EXPECT_EQ(manifest.postprocess.max_per_class, 0);
  EXPECT_EQ(manifest.postprocess.max_detections, 9);
  EXPECT_TRUE(manifest.postprocess.plus_one);
}

struct Fault {
  const char* patch;    // a JSON merge patch
  const char* message;  // part of the error
};

class ManifestFaults : public testing::TestWithParam<Fault> {};

TEST_P(ManifestFaults, AreNamedInOneLine) {
  json content = Content();
  content.merge_patch(json::parse(GetParam().patch));
  const std::string message = MessageOf([&] { Read(content); });
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
  EXPECT_NE(message.find("manifest.json: "), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, ManifestFaults,
    testing::Values(Fault{R"({"format_version": 1})", "format_version: 1 is not 2"},
                    Fault{R"({"format_version": null})", "no entry \"format_version\""},
                    Fault{R"({"task": "dance"})", "task: \"dance\" is not one of detection"},
                    Fault{R"({"input": null})", "no entry \"input\""}, Fault{R"({"input": [1]})", "input: [1] is no object"},
                    Fault{R"({"input": {"mean": [1, 2]}})", "mean: [1,2] are not three numbers"},
                    Fault{R"({"input": {"std": [1, 0, 1]}})", "std: [1,0,1] has a value out of range"},
                    Fault{R"({"input": {"layout": "NHWC"}})", "shape: [null,3,300,320] is no shape of pictures"},
                    Fault{R"({"input": {"shape": [1, 3, 300]}})", "shape: [1,3,300]"},
                    Fault{R"({"input": {"shape": [1, 3, 300, 1e30]}})", "is no whole number"},
                    Fault{R"({"input": {"shape": [1, 3, 300, -4]}})", "shape[3]: -4 is not within"},
                    Fault{R"({"input": {"dtype": "float16"}})", "dtype: \"float16\" is not one of"},
                    Fault{R"({"input": {"dtype": "uint8"}})", "does not go with \"normalised_inside\""},
                    Fault{R"({"outputs": []})", "outputs: [] is empty"},
                    Fault{R"({"classes": [1]})", "classes[0]: 1 is no text"},
                    Fault{R"({"postprocess": {"max_detections": 0}})", "max_detections: 0 is not within"}));

TEST(Manifest, SaysWhatIsNoJson) {
  const TemporaryFolder folder;
  for (const char* content : {"", "{", "\xff\xfe", "[1]", "{\"format_version\": 2"}) {
    EXPECT_NE(MessageOf([&] { ReadManifest(folder.Write("manifest.json", content)); }), "") << content;
  }
  EXPECT_NE(MessageOf([&] { ReadManifest(folder / "none.json"); }).find("No such file"), std::string::npos);
}

TEST(AdaptInput, TakesWhatTheModelReallyIs) {
  const Manifest manifest = Read(Content());
  const ImageInput channels_last = AdaptInput(manifest, {"x", {1, 300, 320, 3}, DataType::kFloat32});
  EXPECT_EQ(channels_last.layout, Layout::kNhwc);
  EXPECT_FALSE(channels_last.normalised_inside);
  const ImageInput with_aipp = AdaptInput(manifest, {"x", {1, 300, 320, 3}, DataType::kUint8});
  EXPECT_TRUE(with_aipp.normalised_inside);
  EXPECT_EQ(AdaptInput(manifest, {"x", {-1, 3, 300, 320}, DataType::kFloat32}).spec.shape[0], 1);
}

TEST(AdaptInput, RefusesAnotherModel) {
  const Manifest manifest = Read(Content());
  const auto refused = [&](const std::vector<int64_t>& shape, DataType type) {
    return MessageOf([&] { AdaptInput(manifest, {"x", shape, type}); });
  };
  EXPECT_NE(refused({1, 3, 320, 300}, DataType::kFloat32), "");
  EXPECT_NE(refused({1, 3, 300, 320}, DataType::kInt32), "");
  EXPECT_NE(refused({3, 300, 320}, DataType::kFloat32), "");
  EXPECT_NE(refused({4, 3, 300, 320}, DataType::kFloat32).find("batch size of 1"), std::string::npos);
}

TEST(CheckDvppAlignment, NamesFlagAndSize) {
  Manifest manifest = Read(Content());
  EXPECT_EQ(MessageOf([&] { CheckDvppAlignment(manifest); }), "");  // 320x300
  manifest.input.spec.shape[3] = 300;
  EXPECT_NE(MessageOf([&] { CheckDvppAlignment(manifest); }).find("--cpu_dvpp=DVPP: the model's input is 300x300"),
            std::string::npos);
  manifest.input.spec.shape = {1, 3, 301, 320};
  EXPECT_THROW(CheckDvppAlignment(manifest), Error);
}

}  // namespace
}  // namespace ms310
