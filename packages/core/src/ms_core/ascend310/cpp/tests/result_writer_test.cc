#include "ms310/result_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "ms310/error.h"
#include "temporary_folder.h"

namespace ms310 {
namespace {

const Placement kPlacement{640, 480, 300, 300, 300, 300};

// Files can grow to so many bytes, as on a full disk.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    former_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &former_);
    rlimit limit = former_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &former_);
    std::signal(SIGXFSZ, former_handler_);
  }

 private:
  rlimit former_{};
  void (*former_handler_)(int) = nullptr;
};

size_t FileCount(const std::string& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.exists() ? 1 : 0;
  return count;
}

TEST(ResultWriter, WritesFilesAndTheIndex) {
  const TemporaryFolder folder;
  ResultWriter writer(folder / "results", false);
  const HostTensor boxes = FloatTensor("boxes", {1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  writer.Write("photos/ä.jpg", "ä", kPlacement, {boxes, ZeroTensor({"labels", {1, 3}, DataType::kInt32})});
  writer.WriteFailure("photos/b.jpg", "photos/b.jpg: \"broken\".");
  EXPECT_FALSE(std::filesystem::exists(folder / "results/index.jsonl"));
  writer.Finish();

  EXPECT_EQ(ReadFile(folder / "results/ä_0.bin").size(), 32U);
  EXPECT_EQ(ReadFile(folder / "results/ä_1.bin"), std::string(12, '\0'));
  EXPECT_EQ(FileCount(folder / "results"), 3U);
  std::ifstream index(folder / "results/index.jsonl");
  std::string line;
  std::getline(index, line);
  EXPECT_EQ(nlohmann::json::parse(line), nlohmann::json::parse(R"({"picture": "photos/ä.jpg", "name": "ä",
    "width": 640, "height": 480, "outputs": [{"file": "ä_0.bin", "shape": [2, 4], "dtype": "float32"},
    {"file": "ä_1.bin", "shape": [3], "dtype": "int32"}]})"));
  std::getline(index, line);
  EXPECT_EQ(nlohmann::json::parse(line)["error"], "photos/b.jpg: \"broken\".");
}

TEST(ResultWriter, RefusesFormerResultsUnlessTold) {
  const TemporaryFolder folder;
  folder.Write("old_0.bin", "x");
  folder.Write("weights.bin", "mine");
  EXPECT_NE(MessageOf([&] { ResultWriter(folder.path(), false); }).find("--overwrite"), std::string::npos);
  ResultWriter writer(folder.path(), true);
  writer.Finish();
  EXPECT_FALSE(std::filesystem::exists(folder / "old_0.bin"));
  EXPECT_EQ(ReadFile(folder / "weights.bin"), "mine");
}

TEST(CheckResultFolder, RemovesNothing) {
  const TemporaryFolder folder;
  folder.Write("results/old_0.bin", "x");
  EXPECT_NE(MessageOf([&] { CheckResultFolder(folder / "results", false); }).find("--overwrite"), std::string::npos);
  EXPECT_NO_THROW(CheckResultFolder(folder / "results", true));
  EXPECT_EQ(ReadFile(folder / "results/old_0.bin"), "x");
}

TEST(ResultWriter, LeavesNoPartOfAFileOnAFullDisk) {
  const TemporaryFolder folder;
  ResultWriter writer(folder.path(), false);
  const FileLimit limit(1000);
  try {
    writer.Write("a.jpg", "a", kPlacement, {ZeroTensor({"boxes", {1, 500, 4}, DataType::kFloat32})});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kRuntimeFailure);
    EXPECT_NE(std::string(error.what()).find("a_0.bin: cannot be written: File too large."), std::string::npos);
  }
  EXPECT_EQ(FileCount(folder.path()), 1U);  // the unfinished index
}

TEST(ResultWriter, WithoutFinishLeavesNoIndex) {
  const TemporaryFolder folder;
  { ResultWriter writer(folder.path(), false); }
  EXPECT_EQ(FileCount(folder.path()), 0U);
}

TEST(ResultWriter, NamesAFolderThatCannotBeMade) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("file", "x");
  EXPECT_NE(MessageOf([&] { ResultWriter(file + "/results", false); }).find("Not a directory"), std::string::npos);
  EXPECT_THROW(ResultWriter(file, false), Error);
}

TEST(ResultWriter, RefusesOutputsWithoutBatchAxis) {
  const TemporaryFolder folder;
  ResultWriter writer(folder.path(), false);
  EXPECT_THROW(writer.Write("a", "a", kPlacement, {ZeroTensor({"boxes", {2, 4}, DataType::kFloat32})}), Error);
}

}  // namespace
}  // namespace ms310
