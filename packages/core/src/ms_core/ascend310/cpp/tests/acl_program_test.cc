// The whole program with --runtime=acl on the fake: a folder of pictures in, results and exit codes out.
#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "fake_acl.h"
#include "ms310/program.h"
#include "plain_jpeg.h"

namespace ms310 {
namespace {

using nlohmann::json;

constexpr int kWidth = 48, kHeight = 32, kPlane = kWidth * kHeight;

// The first kPlane values of the input, as what they are.
fake_acl::Model FirstPlane(const std::vector<int64_t>& input, aclDataType type) {
  fake_acl::Model model;
  model.inputs = {{"images", input, type}};
  model.outputs = {{"seen", {1, kHeight, kWidth}, type}};
  model.static_aipp = type == ACL_UINT8;
  model.run = [](const std::vector<fake_acl::Span>& inputs, const std::vector<fake_acl::Span>& outputs) {
    std::copy_n(inputs[0].data, outputs[0].bytes, outputs[0].data);
  };
  return model;
}

class AclProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    fake_acl::Reset();
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("acl_program_") + info->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "pictures");
  }
  void TearDown() override {
    EXPECT_EQ(fake_acl::Alive(), (std::map<std::string, int>{}));
    EXPECT_EQ(fake_acl::Misuse(), std::vector<std::string>{});
    std::filesystem::remove_all(folder_);
  }

  void Write(const std::string& name, const std::vector<uint8_t>& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  // A model and the manifest of the network it was converted from, which takes float32 NCHW.
  void Export(const fake_acl::Model& model, int width, const std::string& output_type) const {
    const json manifest{
        {"format_version", 2},
        {"task", "segmentation"},
        {"package", "ms-segformer"},
        {"model", "tiny"},
        {"input",
         {{"name", "images"},
          {"shape", {1, 3, kHeight, width}},
          {"dtype", "float32"},
          {"layout", "NCHW"},
          {"channels", "RGB"},
          {"mean", {80.0, 90.0, 100.0}},
          {"std", {2.0, 2.0, 2.0}},
          {"normalised_inside", false},
          {"resize", "stretch"}}},
        {"output_form", "classes"},
        {"outputs", {{{"name", "seen"}, {"shape", {1, kHeight, width}}, {"dtype", output_type}}}},
        {"classes", {"a"}},
        {"logits_stride", 1}};
    std::ofstream(folder_ / "manifest.json") << manifest;
    std::ofstream(folder_ / "model.om") << "om";
    fake_acl::AddModel(folder_ / "model.om", model);
  }

  int Run(const std::string& cpu_dvpp) const {
    std::vector<std::string> words{"program",
                                   "--runtime=acl",
                                   "--model_path=" + (folder_ / "model.om").string(),
                                   "--dataset_path=" + (folder_ / "pictures").string(),
                                   "--result_path=" + (folder_ / "result").string(),
                                   "--time_path=" + (folder_ / "time").string(),
                                   "--cpu_dvpp=" + cpu_dvpp};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ProgramHooks hooks;
    hooks.task = "segmentation";
    hooks.forms = {"classes"};
    return RunProgram(static_cast<int>(words.size()), argv.data(), hooks);
  }

  std::vector<json> Index() const {
    std::ifstream file(folder_ / "result" / "index.jsonl");
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
    return lines;
  }

  template <typename T>
  std::vector<T> Result(const std::string& name) const {
    std::ifstream file(folder_ / "result" / name, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<T> values(bytes.size() / sizeof(T));
    std::copy_n(bytes.data(), values.size() * sizeof(T), reinterpret_cast<char*>(values.data()));
    return values;
  }

  const gflags::FlagSaver flags_;  // gives all flags back their values
  std::filesystem::path folder_;
};

TEST_F(AclProgramTest, PicturesReadByTheCpuAreNormalised) {
  Export(FirstPlane({1, 3, kHeight, kWidth}, ACL_FLOAT), kWidth, "float32");
  Write("pictures/a.jpg", Jpeg(100, 70));  // every pixel 90
  EXPECT_EQ(Run("CPU"), 0);
  EXPECT_EQ(Result<float>("a_0.bin"), std::vector<float>(kPlane, 5.0f));  // (90 - 80) / 2, red
}

TEST_F(AclProgramTest, WithAippThePictureGoesInAsBytes) {
  Export(FirstPlane({1, kHeight, kWidth, 3}, ACL_UINT8), kWidth, "uint8");
  Write("pictures/a.jpg", Jpeg(100, 70));
  EXPECT_EQ(Run("CPU"), 0);
  EXPECT_EQ(Result<uint8_t>("a_0.bin"), std::vector<uint8_t>(kPlane, 90));
}

TEST_F(AclProgramTest, DvppDoesWhatItCanAndTheRestIsTold) {
  Export(FirstPlane({1, kHeight * 3 / 2, kWidth, 1}, ACL_UINT8), kWidth, "uint8");
  Write("pictures/a.jpg", Jpeg(100, 70));
  Write("pictures/b.jpg", Jpeg(100, 70, {true}));  // progressive
  Write("pictures/c.jpg", Jpeg(96, 64));
  EXPECT_EQ(Run("DVPP"), 2);
  const std::vector<json> index = Index();
  ASSERT_EQ(index.size(), 3u);
  EXPECT_EQ(index[0]["width"], 100);
  EXPECT_EQ(index[0]["height"], 70);
  EXPECT_NE(index[1]["error"].get<std::string>().find("progressive"), std::string::npos);
  EXPECT_FALSE(index[2].contains("error"));
  const std::vector<uint8_t> seen = Result<uint8_t>("c_0.bin");
  ASSERT_EQ(seen.size(), size_t{kPlane});
  EXPECT_EQ(seen[kWidth + 1], fake_acl::DecodedGrey(2, 2));
}

TEST_F(AclProgramTest, A300PixelModelIsRefusedBeforeTheDeviceIsTouched) {
  Export(FirstPlane({1, 3, kHeight, 300}, ACL_FLOAT), 300, "float32");
  Write("pictures/a.jpg", Jpeg(100, 70));
  EXPECT_EQ(Run("DVPP"), 2);
  EXPECT_EQ(fake_acl::Calls(), std::vector<std::string>{});
}

TEST_F(AclProgramTest, AnotherModelThanTheManifestsIsRefused) {
  Export(FirstPlane({1, 3, kHeight, 64}, ACL_FLOAT), kWidth, "float32");
  Write("pictures/a.jpg", Jpeg(100, 70));
  EXPECT_EQ(Run("CPU"), 2);
}

TEST_F(AclProgramTest, ADeviceThatFailsEndsTheProgram) {
  Export(FirstPlane({1, 3, kHeight, kWidth}, ACL_FLOAT), kWidth, "float32");
  Write("pictures/a.jpg", Jpeg(100, 70));
  ASSERT_EQ(Run("CPU"), 0);
  const std::vector<std::string> calls = fake_acl::Calls();
  const auto execute = std::find(calls.begin(), calls.end(), "aclmdlExecute") - calls.begin() + 1;
  fake_acl::Reset();
  Export(FirstPlane({1, 3, kHeight, kWidth}, ACL_FLOAT), kWidth, "float32");
  std::filesystem::remove_all(folder_ / "result");
  fake_acl::FailAt(static_cast<int>(execute));
  EXPECT_EQ(Run("CPU"), 1);
}

TEST_F(AclProgramTest, FormerResultsStayWhereTheModelDoesNotLoad) {
  Export(FirstPlane({1, 3, kHeight, kWidth}, ACL_FLOAT), kWidth, "float32");
  Write("pictures/a.jpg", Jpeg(100, 70));
  ASSERT_EQ(Run("CPU"), 0);
  gflags::SetCommandLineOption("overwrite", "true");
  fake_acl::Reset();
  Export(FirstPlane({1, 3, kHeight, kWidth}, ACL_FLOAT), kWidth, "float32");
  fake_acl::FailAt(1);  // the device
  EXPECT_EQ(Run("CPU"), 1);
  fake_acl::Reset();
  Export(FirstPlane({1, 3, kHeight, 64}, ACL_FLOAT), kWidth, "float32");  // not the manifest's
  EXPECT_EQ(Run("CPU"), 2);
  EXPECT_EQ(Index().size(), 1u);
  EXPECT_EQ(Result<float>("a_0.bin"), std::vector<float>(kPlane, 5.0f));
}

}  // namespace
}  // namespace ms310
