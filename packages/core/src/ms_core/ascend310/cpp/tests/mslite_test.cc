// The runtime `mslite` with MindSpore Lite 2.0.0 itself, on the CPU: models converted here, run and compared.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "lite_converter.h"
#include "ms310/error.h"
#include "ms310/runtime.h"
#include "tiny_onnx.h"

namespace ms310 {
namespace {

namespace onnx = tiny_onnx;

constexpr int kHeight = 4, kWidth = 6, kPlane = kHeight * kWidth;

// mixed [B, 1, 4, 6] = red + 10 green + 100 blue; labels [B, 4, 6] = the largest channel; twice = 2 * sizes.
onnx::Graph TwoInputs(int64_t batch) {
  onnx::Graph graph;
  graph.inputs = {onnx::Value("images", onnx::kFloat, {batch, 3, kHeight, kWidth}),
                  onnx::Value("sizes", onnx::kFloat, {1, 2})};
  graph.outputs = {onnx::Value("mixed", onnx::kFloat, {batch, 1, kHeight, kWidth}),
                   onnx::Value("labels", onnx::kInt32, {batch, kHeight, kWidth}),
                   onnx::Value("twice", onnx::kFloat, {1, 2})};
  graph.constants = {onnx::Constant<float>("weights", onnx::kFloat, {1, 3, 1, 1}, {1, 10, 100}),
                     onnx::Constant<float>("two", onnx::kFloat, {1}, {2})};
  // The converter reads no convolution without these.
  const std::vector<std::string> steps{onnx::IntsAttribute("kernel_shape", {1, 1}),
                                       onnx::IntsAttribute("strides", {1, 1}),
                                       onnx::IntsAttribute("dilations", {1, 1})};
  graph.nodes = {onnx::Node("Conv", {"images", "weights"}, "mixed", steps),
                 onnx::Node("ArgMax", {"images"}, "largest",
                            {onnx::IntAttribute("axis", 1), onnx::IntAttribute("keepdims", 0)}),
                 onnx::Node("Cast", {"largest"}, "labels", {onnx::IntAttribute("to", onnx::kInt32)}),
                 onnx::Node("Mul", {"sizes", "two"}, "twice")};
  return graph;
}

// seen [1, 4, 6, 3] float32: the bytes of the picture.
onnx::Graph Bytes() {
  onnx::Graph graph;
  graph.inputs = {onnx::Value("images", onnx::kUint8, {1, kHeight, kWidth, 3})};
  graph.outputs = {onnx::Value("seen", onnx::kFloat, {1, kHeight, kWidth, 3})};
  graph.nodes = {onnx::Node("Cast", {"images"}, "seen", {onnx::IntAttribute("to", onnx::kFloat)})};
  return graph;
}

class MsLiteTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("mslite_") + info->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  RuntimeOptions Converted(const onnx::Graph& graph, LiteFormat format) const {
    const std::string from = folder_ / "model.onnx";
    std::ofstream(from, std::ios::binary) << onnx::Model(graph);
    ConvertToLite(from, folder_ / "model", format);
    return Options(folder_ / (format == LiteFormat::kMs ? "model.ms" : "model.mindir"));
  }

  static RuntimeOptions Options(const std::string& path) {
    RuntimeOptions options;
    options.name = "mslite";
    options.model_path = path;
    options.device_type = "CPU";
    options.threads = 1;
    return options;
  }

  static std::string Refusal(const RuntimeOptions& options, ExitCode code) {
    try {
      MakeMsLiteRuntime(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }

  std::filesystem::path folder_;
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// 0, 1, 2 ... 71 by place in the picture, whichever way the model takes it.
HostTensor Picture(bool pixels) {
  std::vector<float> values(3 * kPlane);
  for (int channel = 0; channel < 3; ++channel) {
    for (int place = 0; place < kPlane; ++place) {
      values[pixels ? place * 3 + channel : channel * kPlane + place] =
          static_cast<float>(channel * kPlane + place);
    }
  }
  const std::vector<int64_t> shape =
      pixels ? std::vector<int64_t>{1, kHeight, kWidth, 3} : std::vector<int64_t>{1, 3, kHeight, kWidth};
  return FloatTensor("images", shape, values);
}

void ExpectResults(const std::vector<HostTensor>& outputs) {
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(Describe(outputs[0].spec), "mixed float32 [1, 1, 4, 6]");
  EXPECT_EQ(Describe(outputs[1].spec), "labels int32 [1, 4, 6]");
  for (int place = 0; place < kPlane; ++place) {
    const float expected =
        static_cast<float>(place) + 10.0f * (kPlane + place) + 100.0f * (2 * kPlane + place);
    ASSERT_NEAR(Values<float>(outputs[0])[place], expected, 1e-3) << place;
    ASSERT_EQ(Values<int32_t>(outputs[1])[place], 2);
  }
  EXPECT_EQ(Values<float>(outputs[2])[1], 12.0f);
}

TEST_F(MsLiteTest, RunsAMindIrModelInItsOwnLayout) {
  const auto runtime = MakeMsLiteRuntime(Converted(TwoInputs(1), LiteFormat::kMindIr));
  EXPECT_EQ(runtime->Name(), "mslite on CPU");
  ASSERT_EQ(runtime->Inputs().size(), 2u);
  EXPECT_EQ(Describe(runtime->Inputs()[0]), "images float32 [1, 3, 4, 6]");
  EXPECT_EQ(Describe(runtime->Inputs()[1]), "sizes float32 [1, 2]");
  EXPECT_EQ(Describe(runtime->Outputs()[1]), "labels int32 [1, 4, 6]");
  for (int time = 0; time < 3; ++time) {
    ExpectResults(runtime->Run({Picture(false), FloatTensor("sizes", {1, 2}, {4, 6})}));
  }
}

TEST_F(MsLiteTest, AnMsModelTakesPixelAfterPixel) {
  const auto runtime = MakeMsLiteRuntime(Converted(TwoInputs(1), LiteFormat::kMs));
  EXPECT_EQ(Describe(runtime->Inputs()[0]), "images float32 [1, 4, 6, 3]");  // AdaptInput gives pictures so
  ExpectResults(runtime->Run({Picture(true), FloatTensor("sizes", {1, 2}, {4, 6})}));
}

TEST_F(MsLiteTest, BytesGoInAsTheyAre) {
  for (const LiteFormat format : {LiteFormat::kMs, LiteFormat::kMindIr}) {
    const auto runtime = MakeMsLiteRuntime(Converted(Bytes(), format));
    EXPECT_EQ(Describe(runtime->Inputs()[0]), "images uint8 [1, 4, 6, 3]");
    HostTensor picture = ZeroTensor(runtime->Inputs()[0]);
    std::iota(picture.bytes.begin(), picture.bytes.end(), uint8_t{100});
    const auto outputs = runtime->Run({picture});
    for (int place = 0; place < 3 * kPlane; ++place) {
      ASSERT_EQ(Values<float>(outputs[0])[place], static_cast<float>(picture.bytes[place]));
    }
  }
}

TEST_F(MsLiteTest, AnOpenBatchIsClosedByTheInputs) {
  const auto runtime = MakeMsLiteRuntime(Converted(TwoInputs(-1), LiteFormat::kMindIr));
  EXPECT_EQ(Describe(runtime->Inputs()[0]), "images float32 [any, 3, 4, 6]");
  ExpectResults(runtime->Run({Picture(false), FloatTensor("sizes", {1, 2}, {4, 6})}));
}

TEST_F(MsLiteTest, FilesThatAreNoModelsAreRefused) {
  EXPECT_TRUE(
      Contains(Refusal(Options(folder_ / "model.onnx"), ExitCode::kUserError), "takes .ms and .mindir"));
  EXPECT_TRUE(Contains(Refusal(Options(folder_ / "missing.ms"), ExitCode::kUserError), "missing.ms"));
  for (const char* name : {"broken.ms", "broken.mindir"}) {
    const std::string path = folder_ / name;
    std::ofstream(path) << "no model";
    EXPECT_TRUE(Contains(Refusal(Options(path), ExitCode::kRuntimeFailure),
                         path + ": MindSpore Lite cannot load it"));
    std::ofstream(path, std::ios::trunc).close();
    EXPECT_TRUE(Contains(Refusal(Options(path), ExitCode::kUserError), "the file is empty"));
  }
}

TEST_F(MsLiteTest, WithoutAnAscendDeviceTheRefusalNamesIt) {
  RuntimeOptions options = Converted(TwoInputs(1), LiteFormat::kMindIr);
  options.device_type = "Ascend";
  options.precision_mode = "preferred_fp32";
  EXPECT_TRUE(Contains(Refusal(options, ExitCode::kRuntimeFailure), "cannot load it for Ascend device 0"));
}

TEST_F(MsLiteTest, InputsThatDoNotFitAreRefused) {
  const auto runtime = MakeMsLiteRuntime(Converted(TwoInputs(1), LiteFormat::kMindIr));
  EXPECT_THROW(runtime->Run({Picture(false)}), Error);
  HostTensor short_one = FloatTensor("sizes", {1, 2}, {4, 6});
  short_one.bytes.pop_back();
  EXPECT_THROW(runtime->Run({Picture(false), short_one}), Error);
  ExpectResults(runtime->Run({Picture(false), FloatTensor("sizes", {1, 2}, {4, 6})}));
}

}  // namespace
}  // namespace ms310
