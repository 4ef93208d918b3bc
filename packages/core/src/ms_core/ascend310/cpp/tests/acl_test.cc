// The runtime `acl` on a fake of AscendCL: what it calls, what it gives back, and that it leaves nothing
// behind.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include "fake_acl.h"
#include "ms310/error.h"
#include "ms310/runtime.h"

namespace ms310 {
namespace {

using fake_acl::Span;

// boxes: the sum of the picture, in every element; labels: height plus 0, 1, 2 ...
fake_acl::Model TwoStageModel() {
  fake_acl::Model model;
  model.inputs = {{"images", {1, 3, 4, 6}, ACL_FLOAT}, {"sizes", {1, 2}, ACL_FLOAT}};
  model.outputs = {{"Concat_7:0:boxes", {1, 2, 4}, ACL_FLOAT, 32}, {"TopK_9:1:labels", {1, 5}, ACL_INT32}};
  model.run = [](const std::vector<Span>& inputs, const std::vector<Span>& outputs) {
    const auto* pixels = reinterpret_cast<const float*>(inputs[0].data);
    const auto* sizes = reinterpret_cast<const float*>(inputs[1].data);
    std::fill_n(reinterpret_cast<float*>(outputs[0].data), 8, std::accumulate(pixels, pixels + 72, 0.0f));
    auto* labels = reinterpret_cast<int32_t*>(outputs[1].data);
    std::iota(labels, labels + 5, static_cast<int32_t>(sizes[0]));
  };
  return model;
}

// A picture in, its bytes out again.
fake_acl::Model AippModel(bool swap) {
  fake_acl::Model model;
  model.inputs = {{"images", {1, 2, 2, 3}, ACL_UINT8}};
  model.outputs = {{"seen", {1, 12}, ACL_UINT8}};
  model.static_aipp = true;
  model.swap = swap;
  model.run = [](const std::vector<Span>& inputs, const std::vector<Span>& outputs) {
    std::copy_n(inputs[0].data, 12, outputs[0].data);
  };
  return model;
}

class AclTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_acl::Reset();
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("acl_") + info->name());
    std::filesystem::create_directories(folder_);
  }

  void TearDown() override {
    EXPECT_EQ(fake_acl::Alive(), (std::map<std::string, int>{}));
    EXPECT_EQ(fake_acl::Misuse(), std::vector<std::string>{});
    std::filesystem::remove_all(folder_);
  }

  std::string Write(const std::string& name, const std::string& content) const {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  RuntimeOptions Options(const fake_acl::Model& model, const std::string& name = "model.om") const {
    RuntimeOptions options;
    options.name = "acl";
    options.model_path = Write(name, "om");
    fake_acl::AddModel(options.model_path, model);
    return options;
  }

  // The message of the Error that making a runtime ends in; `code`: its exit code.
  static std::string Refusal(const RuntimeOptions& options, ExitCode code) {
    try {
      MakeAclRuntime(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
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

std::vector<HostTensor> TwoStageInputs() {
  return {FloatTensor("images", {1, 3, 4, 6}, std::vector<float>(72, 0.5f)),
          FloatTensor("sizes", {1, 2}, {4, 6})};
}

TEST_F(AclTest, RunsAModelAndGivesItsOutputs) {
  const auto runtime = MakeAclRuntime(Options(TwoStageModel()));
  EXPECT_EQ(runtime->Name(), "acl on Ascend device 0");
  ASSERT_EQ(runtime->Inputs().size(), 2u);
  EXPECT_EQ(Describe(runtime->Inputs()[0]), "images float32 [1, 3, 4, 6]");
  EXPECT_EQ(Describe(runtime->Outputs()[0]), "boxes float32 [1, 2, 4]");  // without ATC's node names
  EXPECT_EQ(Describe(runtime->Outputs()[1]), "labels int32 [1, 5]");
  for (int time = 0; time < 3; ++time) {
    const auto outputs = runtime->Run(TwoStageInputs());
    ASSERT_EQ(outputs.size(), 2u);
    EXPECT_EQ(outputs[0].bytes.size(), 32u);  // without the padding of the device's buffer
    EXPECT_FLOAT_EQ(Values<float>(outputs[0])[7], 36.0f);
    EXPECT_EQ(Values<int32_t>(outputs[1])[4], 8);
  }
}

TEST_F(AclTest, CallsInTheOrderThatAscendClWants) {
  MakeAclRuntime(Options(TwoStageModel()))->Run(TwoStageInputs());
  const std::vector<std::string>& calls = fake_acl::Calls();
  const std::vector<std::string> first{
      "aclInit",         "aclrtGetDeviceCount", "aclrtSetDevice",  "aclrtCreateContext",
      "aclrtGetRunMode", "aclmdlLoadFromFile",  "aclmdlCreateDesc"};
  EXPECT_EQ(std::vector<std::string>(calls.begin(), calls.begin() + first.size()), first);
  const std::vector<std::string> last{"aclmdlUnload", "aclrtDestroyContext", "aclrtResetDevice",
                                      "aclFinalize"};
  EXPECT_EQ(std::vector<std::string>(calls.end() - last.size(), calls.end()), last);
}

bool ReleasesSomething(const std::string& call) {
  for (const char* word : {"Destroy", "Free", "Unload", "ResetDevice", "Finalize"}) {
    if (Contains(call, word)) return true;
  }
  return false;
}

// One whole use of the runtime with the n-th call failing; the message of the error it ends in, "" for none.
std::string RunWithFailure(const RuntimeOptions& options, int n) {
  fake_acl::FailAt(n);
  try {
    const auto runtime = MakeAclRuntime(options);
    runtime->Run(TwoStageInputs());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(AclTest, EveryFailureIsToldAndReleasesEverything) {
  const RuntimeOptions options = Options(TwoStageModel());
  EXPECT_EQ(RunWithFailure(options, 0), "");
  const int count = static_cast<int>(fake_acl::Calls().size());
  ASSERT_GT(count, 40);
  for (int n = 1; n <= count; ++n) {
    fake_acl::Reset();
    fake_acl::AddModel(options.model_path, TwoStageModel());
    testing::internal::CaptureStderr();
    const std::string message = RunWithFailure(options, n);
    const std::string told = testing::internal::GetCapturedStderr();
    const std::string call = fake_acl::Calls().at(n - 1);
    SCOPED_TRACE(call + ", call " + std::to_string(n) + ": " + message + told);
    EXPECT_EQ(fake_acl::Alive(), (std::map<std::string, int>{}));
    EXPECT_EQ(fake_acl::Misuse(), std::vector<std::string>{});
    EXPECT_EQ(message.find('\n'), std::string::npos);
    if (message.empty()) {  // a destructor: told, not thrown
      EXPECT_TRUE(ReleasesSomething(call) || call == "aclrtSetCurrentContext");
      EXPECT_TRUE(Contains(told, "planned failure of " + call));
    } else {
      EXPECT_TRUE(Contains(message, options.model_path) || Contains(message, "Ascend"));
      // Calls that return a number or a type cannot say that they failed, only give what makes no sense.
      EXPECT_TRUE(Contains(message, "planned failure of " + call) || Contains(call, "GetNum") ||
                  Contains(call, "DataType") || Contains(call, "SizeByIndex") || ReleasesSomething(call));
    }
  }
}

TEST_F(AclTest, TwoModelsOneAfterTheOther) {
  const RuntimeOptions one = Options(TwoStageModel(), "one.om"), two = Options(TwoStageModel(), "two.om");
  MakeAclRuntime(one)->Run(TwoStageInputs());
  EXPECT_EQ(fake_acl::Alive(), (std::map<std::string, int>{}));
  MakeAclRuntime(two)->Run(TwoStageInputs());
  EXPECT_EQ(fake_acl::Made("library"), 2);
}

TEST_F(AclTest, TwoModelsAtOnceShareTheLibrary) {
  const auto one = MakeAclRuntime(Options(TwoStageModel(), "one.om"));
  const auto two = MakeAclRuntime(Options(AippModel(false), "two.om"));
  EXPECT_EQ(fake_acl::Made("library"), 1);
  EXPECT_EQ(fake_acl::Made("context"), 2);
  EXPECT_FLOAT_EQ(Values<float>(one->Run(TwoStageInputs())[0])[0], 36.0f);
  EXPECT_EQ(two->Run({ZeroTensor(two->Inputs()[0])})[0].bytes, std::vector<uint8_t>(12, 0));
  EXPECT_FLOAT_EQ(Values<float>(one->Run(TwoStageInputs())[0])[0], 36.0f);
}

TEST_F(AclTest, SomebodyElsesInitialisationIsNotFinalised) {
  fake_acl::Machine machine;
  machine.init_code = ACL_ERROR_REPEAT_INITIALIZE;
  fake_acl::Reset(machine);
  MakeAclRuntime(Options(TwoStageModel()))->Run(TwoStageInputs());
  EXPECT_EQ(fake_acl::Made("library"), 0);
  EXPECT_EQ(fake_acl::Calls().back(), "aclrtResetDevice");
}

TEST_F(AclTest, RunsOnTheDevicesOwnProcessorToo) {
  fake_acl::Machine machine;
  machine.mode = ACL_DEVICE;  // copies are then from device to device; the fake notes any other
  fake_acl::Reset(machine);
  const auto outputs = MakeAclRuntime(Options(TwoStageModel()))->Run(TwoStageInputs());
  EXPECT_FLOAT_EQ(Values<float>(outputs[0])[0], 36.0f);
}

TEST_F(AclTest, RunsOnAnotherThreadThanTheOneThatLoaded) {
  const auto runtime = MakeAclRuntime(Options(TwoStageModel()));
  std::thread([&] { EXPECT_EQ(Values<int32_t>(runtime->Run(TwoStageInputs())[1])[0], 4); }).join();
}

TEST_F(AclTest, TheDeviceIdIsCheckedAgainstTheMachine) {
  fake_acl::Machine machine;
  machine.devices = 2;
  fake_acl::Reset(machine);
  RuntimeOptions options = Options(TwoStageModel());
  options.device_id = 1;
  EXPECT_EQ(MakeAclRuntime(options)->Name(), "acl on Ascend device 1");
  for (const int id : {2, -1}) {
    options.device_id = id;
    EXPECT_EQ(Refusal(options, ExitCode::kUserError),
              "--device_id=" + std::to_string(id) + ": this machine has 2 Ascend device(s), counted from 0.");
  }
}

TEST_F(AclTest, OpenSizesAreRefused) {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{-1, 3, 4, 6}, {1, 3, -1, -1}}) {
    fake_acl::Model model = TwoStageModel();
    model.inputs[0].dims = dims;
    const std::string message = Refusal(Options(model), ExitCode::kUserError);
    EXPECT_TRUE(Contains(message, "model.om: input 0")) << message;
    EXPECT_TRUE(Contains(message, "fixed atc --input_shape")) << message;
  }
  for (const char* name : {ACL_DYNAMIC_TENSOR_NAME, ACL_DYNAMIC_AIPP_NAME}) {
    fake_acl::Model model = TwoStageModel();
    model.inputs.push_back({name, {1}, ACL_INT32});
    EXPECT_TRUE(Contains(Refusal(Options(model), ExitCode::kUserError), name));
  }
}

TEST_F(AclTest, DataTypesWithoutATensorTypeAreRefused) {
  fake_acl::Model model = TwoStageModel();
  model.outputs[0].type = ACL_FLOAT16;
  const std::string message = Refusal(Options(model), ExitCode::kUserError);
  EXPECT_TRUE(Contains(message, "model.om: output 0: data type 1")) << message;
  EXPECT_TRUE(Contains(message, "--output_type=FP32")) << message;
}

TEST_F(AclTest, BooleanOutputsAreBytes) {
  fake_acl::Model model = TwoStageModel();
  model.outputs[1] = {"valid", {1, 5}, ACL_BOOL};
  model.run = [](const std::vector<Span>&, const std::vector<Span>& outputs) {
    std::fill_n(outputs[0].data, 32, uint8_t{0});
    std::fill_n(outputs[1].data, 5, uint8_t{1});
  };
  const auto outputs = MakeAclRuntime(Options(model))->Run(TwoStageInputs());
  EXPECT_EQ(outputs[1].bytes, std::vector<uint8_t>(5, 1));
}

TEST_F(AclTest, ADescriptionThatContradictsItselfIsRefused) {
  fake_acl::Model model = TwoStageModel();
  model.inputs[1].padding = 3;
  EXPECT_TRUE(Contains(Refusal(Options(model), ExitCode::kRuntimeFailure),
                       "input sizes float32 [1, 2] is said to have 11 bytes"));
}

TEST_F(AclTest, TheModelFileIsCheckedBeforeTheDeviceIsTouched) {
  RuntimeOptions options;
  options.model_path = Write("model.onnx", "x");
  EXPECT_TRUE(Contains(Refusal(options, ExitCode::kUserError), "takes .om models"));
  options.model_path = Write("empty.om", "");
  EXPECT_TRUE(Contains(Refusal(options, ExitCode::kUserError), "empty.om: the file is empty"));
  options.model_path = folder_ / "missing.om";
  EXPECT_TRUE(Contains(Refusal(options, ExitCode::kUserError), "missing.om"));
  EXPECT_EQ(fake_acl::Calls(), std::vector<std::string>{});
}

TEST_F(AclTest, AFileThatIsNoModelIsToldInTheDevicesWords) {
  RuntimeOptions options;
  options.model_path = Write("broken.om", "text");
  EXPECT_EQ(
      Refusal(options, ExitCode::kRuntimeFailure),
      options.model_path + ": aclmdlLoadFromFile failed (error 145011): E10001: the model file is invalid");
}

TEST_F(AclTest, StaticAippTakesThePictureAsBytes) {
  std::vector<uint8_t> pixels(12), exchanged{2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9};
  std::iota(pixels.begin(), pixels.end(), uint8_t{0});
  for (const bool swap : {false, true}) {  // aipp_rgb.cfg, aipp_bgr.cfg
    const auto runtime = MakeAclRuntime(Options(AippModel(swap)));
    EXPECT_EQ(Describe(runtime->Inputs()[0]), "images uint8 [1, 2, 2, 3]");
    HostTensor picture = ZeroTensor(runtime->Inputs()[0]);
    picture.bytes = pixels;
    EXPECT_EQ(runtime->Run({picture})[0].bytes, swap ? exchanged : pixels);
  }
}

TEST_F(AclTest, InputsThatDoNotFitAreRefused) {
  const auto runtime = MakeAclRuntime(Options(TwoStageModel()));
  std::vector<HostTensor> inputs = TwoStageInputs();
  inputs[1].bytes.pop_back();
  EXPECT_THROW(runtime->Run(inputs), Error);
  inputs.pop_back();
  EXPECT_THROW(runtime->Run(inputs), Error);
  EXPECT_EQ(runtime->Run(TwoStageInputs()).size(), 2u);  // and it goes on working
}

}  // namespace
}  // namespace ms310
