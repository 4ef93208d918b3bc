#include "ms310/options.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include "ms310/error.h"
#include "temporary_folder.h"

DEFINE_bool(flag_of_a_program, true, "For these tests");
DEFINE_bool(class_map, false, "As a program for segmentation defines it");

namespace ms310 {
namespace {

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() : model_(folder_.Write("export/model.onnx", "x")) {}

  Options Parse(std::vector<std::string> words) {
    std::vector<char*> argv;
    words.insert(words.begin(), "program");
    for (std::string& word : words) argv.push_back(word.data());
    Options options;
    EXPECT_TRUE(ParseOptions(static_cast<int>(argv.size()), argv.data(), "usage", &options));
    return options;
  }

  // The message for these flags beside a model and pictures.
  std::string Refusal(std::vector<std::string> words) {
    const gflags::FlagSaver saver;  // gives all flags back their values
    words.insert(words.begin(), {"--mindir_path=" + model_, "--dataset_path=pictures", "--runtime=" + runtime_});
    return MessageOf([&] { Parse(words); });
  }

  const TemporaryFolder folder_;
  const std::string model_;
  const std::string runtime_ = BuiltInRuntimes().at(BuiltInRuntimes().size() - 1);
  const gflags::FlagSaver saver_;
};

TEST_F(OptionsTest, KnowsWhetherMapsAreWritten) {
  const std::vector<std::string> words{"--mindir_path=" + model_, "--dataset_path=pictures", "--runtime=" + runtime_};
  EXPECT_FALSE(Parse(words).class_map);
  EXPECT_TRUE(Parse({words[0], words[1], words[2], "--class_map"}).class_map);
}

TEST_F(OptionsTest, TakesTheOldNames) {
  const Options options = Parse({"--mindir_path=" + model_, "-dataset_path", "pictures", "--runtime", runtime_,
                                 "--device_id=2", "--image_height=300", "--overwrite", "--noflag_of_a_program"});
  EXPECT_EQ(options.runtime.model_path, model_);
  EXPECT_EQ(options.manifest_path, folder_ / "export/manifest.json");
  EXPECT_EQ(options.dataset_path, "pictures");
  EXPECT_EQ(options.result_path, "./result_Files");
  EXPECT_EQ(options.runtime.device_id, 2);
  EXPECT_EQ(options.image_height, 300);
  EXPECT_TRUE(options.overwrite);
  EXPECT_FALSE(options.runtime.dvpp);
  EXPECT_FALSE(FLAGS_flag_of_a_program);
}

TEST_F(OptionsTest, RefusesWhatDoesNotFit) {
  EXPECT_NE(Refusal({"--device_ib=1"}).find("--device_ib: no such flag; the nearest is --device_id"), std::string::npos);
  EXPECT_NE(Refusal({"--device_id=one"}).find("--device_id=one: a value of type int32"), std::string::npos);
  EXPECT_NE(Refusal({"--device_id=-1"}).find("at least 0"), std::string::npos);
  EXPECT_NE(Refusal({"--device_id"}).find("--device_id: a value is needed"), std::string::npos);
  EXPECT_NE(Refusal({"--nodevice_id"}).find("no such flag"), std::string::npos);
  EXPECT_NE(Refusal({"a.jpg"}).find("no flag"), std::string::npos);
  EXPECT_NE(Refusal({"--runtime=tensorrt"}).find("not built into this program"), std::string::npos);
  EXPECT_NE(Refusal({"--cpu_dvpp=GPU"}).find("CPU or DVPP is needed"), std::string::npos);
  EXPECT_NE(Refusal({"--model_path=other.onnx"}).find("two models"), std::string::npos);
  EXPECT_NE(Refusal({"--dataset_path="}).find("--dataset_path: a folder or list"), std::string::npos);
  EXPECT_NE(Refusal({"--flagfile=x"}).find("no such flag"), std::string::npos);
}

TEST_F(OptionsTest, RefusesAscendFlagsElsewhere) {
  EXPECT_NE(Refusal({"--aipp_path=aipp.cfg"}).find("--aipp_path: only mslite on Ascend"), std::string::npos);
  EXPECT_NE(Refusal({"--precision_mode=enforce_fp32"}).find("only mslite on Ascend"), std::string::npos);
  EXPECT_NE(Refusal({"--device_type=TPU"}).find("CPU or Ascend is needed"), std::string::npos);
}

TEST_F(OptionsTest, NamesAMissingModel) {
  EXPECT_NE(MessageOf([&] { Parse({"--dataset_path=x"}); }).find("--mindir_path: the model file is needed"),
            std::string::npos);
  EXPECT_NE(MessageOf([&] { Parse({"--model_path=none.onnx", "--dataset_path=x"}); }).find("No such file"),
            std::string::npos);
}

}  // namespace
}  // namespace ms310
