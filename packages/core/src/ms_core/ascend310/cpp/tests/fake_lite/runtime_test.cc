// The runtime `mslite` on a fake of MindSpore Lite with the signatures of its release 2.10.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "include/api/model.h"
#include "ms310/error.h"
#include "ms310/runtime.h"

namespace mindspore {

Status Model::Build(const std::string& path, ModelType type, const std::shared_ptr<Context>& context) {
  FakeLite& fake = FakeLite::The();
  fake.model_path = path;
  fake.model_type = type;
  fake.context = context;
  if (fake.throws) throw std::runtime_error("thrown\nby the library");
  return fake.build;
}

Status Model::Resize(const std::vector<MSTensor>& inputs, const std::vector<std::vector<int64_t>>& dims) {
  FakeLite& fake = FakeLite::The();
  fake.resized = dims;
  for (size_t index = 0; index < inputs.size(); ++index) {
    size_t bytes = 4;
    for (const int64_t length : dims[index]) bytes *= static_cast<size_t>(length);
    fake.inputs[index] = MSTensor(inputs[index].Name(), inputs[index].DataType(), dims[index], bytes);
  }
  return fake.resize;
}

// Every output gets the bytes of the first input.
Status Model::Predict(const std::vector<MSTensor>& inputs, std::vector<MSTensor>* outputs,
                      const MSKernelCallBack&, const MSKernelCallBack&) {
  FakeLite& fake = FakeLite::The();
  ++fake.predictions;
  for (MSTensor& output : fake.outputs) {
    const size_t bytes = std::min(output.DataSize(), inputs[0].DataSize());
    std::memcpy(output.MutableData(), inputs[0].Data().get(), bytes);
  }
  *outputs = fake.outputs;
  return fake.predict;
}

}  // namespace mindspore

namespace ms310 {
namespace {

using mindspore::FakeLite;
using mindspore::MSTensor;
using LiteType = mindspore::DataType;

class FakeLiteTest : public testing::Test {
 protected:
  void SetUp() override {
    FakeLite& fake = FakeLite::The() = FakeLite();
    fake.inputs = {MSTensor("images", LiteType::kNumberTypeFloat32, {1, 2, 2, 3}, 48)};
    fake.outputs = {MSTensor("boxes", LiteType::kNumberTypeFloat32, {1, 3, 4}, 48)};
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("fake_lite_") + info->name());
    std::filesystem::create_directories(folder_);
    options_.model_path = File("model.mindir");
    options_.device_type = "CPU";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name, const std::string& content = "content") const {
    const std::string path = folder_ / name;
    std::ofstream(path) << content;
    return path;
  }

  std::string Refusal(ExitCode code) const {
    try {
      MakeMsLiteRuntime(options_)->Run({FloatTensor("images", {1, 2, 2, 3}, std::vector<float>(12, 1.0f))});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }

  std::filesystem::path folder_;
  RuntimeOptions options_;
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(FakeLiteTest, RunsOnTheCpu) {
  options_.threads = 3;
  const auto runtime = MakeMsLiteRuntime(options_);
  EXPECT_EQ(runtime->Name(), "mslite on CPU");
  EXPECT_EQ(Describe(runtime->Inputs()[0]), "images float32 [1, 2, 2, 3]");
  std::vector<float> values(12);
  for (size_t index = 0; index < values.size(); ++index) values[index] = static_cast<float>(index);
  const auto outputs = runtime->Run({FloatTensor("images", {1, 2, 2, 3}, values)});
  EXPECT_EQ(Describe(outputs[0].spec), "boxes float32 [1, 3, 4]");
  EXPECT_EQ(Values<float>(outputs[0])[11], 11.0f);
  const FakeLite& fake = FakeLite::The();
  EXPECT_EQ(fake.model_type, mindspore::kMindIR);
  EXPECT_EQ(fake.context->threads, 3);
  ASSERT_EQ(fake.context->MutableDeviceInfo().size(), 1u);
  EXPECT_NE(std::dynamic_pointer_cast<mindspore::CPUDeviceInfo>(fake.context->MutableDeviceInfo()[0]),
            nullptr);
  EXPECT_TRUE(fake.resized.empty());
}

TEST_F(FakeLiteTest, TheKindOfModelFollowsFromItsName) {
  options_.model_path = File("model.ms");
  MakeMsLiteRuntime(options_);
  EXPECT_EQ(FakeLite::The().model_type, mindspore::kMindIR_Lite);
}

TEST_F(FakeLiteTest, AscendGetsItsDevicePrecisionAndAipp) {
  options_.device_type = "Ascend";
  options_.device_id = 5;
  options_.precision_mode = "preferred_fp32";
  options_.aipp_path = File("aipp_rgb.cfg");
  EXPECT_EQ(MakeMsLiteRuntime(options_)->Name(), "mslite on Ascend device 5");
  const auto& devices = FakeLite::The().context->MutableDeviceInfo();
  const auto ascend = std::dynamic_pointer_cast<mindspore::AscendDeviceInfo>(devices.at(0));
  ASSERT_NE(ascend, nullptr);
  EXPECT_EQ(ascend->device_id, 5u);
  EXPECT_EQ(ascend->precision_mode, "preferred_fp32");
  EXPECT_EQ(ascend->aipp_path, options_.aipp_path);
  EXPECT_EQ(FakeLite::The().config_path, "");
}

TEST_F(FakeLiteTest, AConfigurationOfLiteIsLoadedBeforeTheModel) {
  options_.device_type = "Ascend";
  options_.aipp_path = File("lite_aipp.ini");
  MakeMsLiteRuntime(options_);
  EXPECT_EQ(FakeLite::The().config_path, options_.aipp_path);
  FakeLite::The().load_config = mindspore::Status(mindspore::kLiteError, "no section");
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure),
                       "lite_aipp.ini: MindSpore Lite cannot read it: no section"));
}

TEST_F(FakeLiteTest, EndingsAreReadInAnyCase) {
  options_.model_path = File("MODEL.MS");
  options_.device_type = "Ascend";
  options_.aipp_path = File("LITE.INI");
  MakeMsLiteRuntime(options_);
  EXPECT_EQ(FakeLite::The().model_type, mindspore::kMindIR_Lite);
  EXPECT_EQ(FakeLite::The().config_path, options_.aipp_path);
}

TEST_F(FakeLiteTest, AnAippThatExchangesRedAndBlueIsRefused) {
  const std::string kept = "aipp_op {\n  # rbuv_swap_switch : true\n  rbuv_swap_switch : false\n}\n";
  const std::string swapped = "aipp_op { aipp_mode: static\n  rbuv_swap_switch : true # red and blue\n}\n";
  options_.device_type = "Ascend";
  options_.aipp_path = File("aipp_rgb.cfg", kept);
  EXPECT_NO_THROW(MakeMsLiteRuntime(options_));
  options_.aipp_path = File("lite_aipp.ini", "[ascend_context]\ninsert_op_config_file_path=aipp_rgb.cfg\n");
  EXPECT_NO_THROW(MakeMsLiteRuntime(options_));
  FakeLite::The().model_path = "";
  File("aipp_rgb.cfg", swapped);
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "aipp_rgb.cfg has rbuv_swap_switch : true"));
  options_.aipp_path = folder_ / "aipp_rgb.cfg";
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "aipp_rgb.cfg: rbuv_swap_switch : true"));
  EXPECT_EQ(FakeLite::The().model_path, "");  // nothing was loaded
}

TEST_F(FakeLiteTest, OptionsThatDoNotGoTogetherAreRefused) {
  options_.aipp_path = File("aipp_rgb.cfg");
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "--device_type=Ascend"));
  options_.device_type = "Ascend";
  options_.aipp_path = File("aipp.txt");
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "aipp.txt"));
  options_.aipp_path = folder_ / "missing.cfg";
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "missing.cfg"));
  options_.aipp_path = "";
  options_.device_type = "CPU";
  options_.precision_mode = "enforce_fp16";
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "--precision_mode"));
  EXPECT_EQ(FakeLite::The().model_path, "");  // nothing was loaded
}

TEST_F(FakeLiteTest, WhatTheLibrarySaysIsInTheMessage) {
  FakeLite::The().build = mindspore::Status(mindspore::kLiteError, "Common\n error code.");
  EXPECT_EQ(Refusal(ExitCode::kRuntimeFailure),
            options_.model_path +
                ": MindSpore Lite cannot load it for CPU: Common error code. (status -1; its own "
                "lines above say more)");
  FakeLite::The().throws = true;
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "thrown by the library"));
  FakeLite::The().throws = false;
  FakeLite::The().build = mindspore::Status();
  FakeLite::The().predict = mindspore::Status(mindspore::kLiteError, "no kernel");
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "cannot run it: no kernel"));
}

TEST_F(FakeLiteTest, TypesWithoutATensorTypeAreRefusedWhenTheModelIsLoaded) {
  FakeLite::The().outputs[0] = MSTensor("boxes", LiteType::kNumberTypeFloat16, {1, 3, 4}, 24);
  EXPECT_TRUE(Contains(Refusal(ExitCode::kUserError), "boxes is of data type 42"));
  EXPECT_EQ(FakeLite::The().predictions, 0);
}

TEST_F(FakeLiteTest, OpenLengthsAreClosedByTheInputs) {
  FakeLite::The().inputs[0] = MSTensor("images", LiteType::kNumberTypeFloat32, {-1, 2, 2, 3}, 0);
  const auto runtime = MakeMsLiteRuntime(options_);
  EXPECT_EQ(runtime->Inputs()[0].shape[0], -1);
  const HostTensor picture = FloatTensor("images", {1, 2, 2, 3}, std::vector<float>(12, 2.0f));
  EXPECT_EQ(Values<float>(runtime->Run({picture})[0])[0], 2.0f);
  EXPECT_EQ(FakeLite::The().resized, (std::vector<std::vector<int64_t>>{{1, 2, 2, 3}}));
  FakeLite::The().inputs[0] = MSTensor("images", LiteType::kNumberTypeFloat32, {-1, 2, 2, 3}, 0);
  FakeLite::The().resize = mindspore::Status(mindspore::kLiteError, "fixed");
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "cannot take inputs of other sizes: fixed"));
}

TEST_F(FakeLiteTest, WrongAmountsOfDataAreTold) {
  FakeLite::The().inputs[0].out_of_memory = true;
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "no memory for input images"));
  FakeLite::The().inputs[0] = MSTensor("images", LiteType::kNumberTypeFloat32, {1, 2, 2, 3}, 40);
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "input images takes 40 bytes"));
  FakeLite::The().inputs[0] = MSTensor("images", LiteType::kNumberTypeFloat32, {1, 2, 2, 3}, 48);
  FakeLite::The().outputs[0] = MSTensor("boxes", LiteType::kNumberTypeFloat32, {1, 3, 4}, 44);
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "output boxes float32 [1, 3, 4] has 44 bytes"));
  FakeLite::The().inputs.clear();
  EXPECT_TRUE(Contains(Refusal(ExitCode::kRuntimeFailure), "knows no inputs"));
}

}  // namespace
}  // namespace ms310
