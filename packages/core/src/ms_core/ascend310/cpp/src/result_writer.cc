#include "ms310/result_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ms310/error.h"

namespace ms310 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kIndex[] = "index.jsonl";
constexpr char kUnfinishedIndex[] = ".index.jsonl.tmp";
constexpr char kTemporary[] = ".tmp";

int Create(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) throw SystemError(path, "cannot be written", errno);
  return file;
}

// errno of the failure, 0 where all was written.
int WriteAll(int file, const void* data, size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = write(file, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    next += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

// Whether there is something before `ending`, too.
bool EndsWith(const std::string& name, const std::string& ending) {
  return name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

// "anything_12.bin".
bool IsResultFile(const std::string& name) {
  const std::string ending = ".bin";
  if (!EndsWith(name, ending)) return false;
  size_t at = name.size() - ending.size();
  const size_t end = at;
  while (at > 0 && std::isdigit(static_cast<unsigned char>(name[at - 1]))) --at;
  return at < end && at > 0 && name[at - 1] == '_';
}

// A map of a picture whose output lies here: a picture that somebody called street_map.png is none.
bool IsMap(const std::string& folder, const std::string& name) {
  const std::string ending = kMapEnding;
  if (!EndsWith(name, ending)) return false;
  return fs::exists(folder + "/" + name.substr(0, name.size() - ending.size()) + "_0.bin");
}

// Results in the folder, and what killed runs left of them.
std::vector<fs::path> FormerResults(const std::string& folder) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (name == kUnfinishedIndex) {
      found.push_back(entry.path());
      continue;
    }
    const std::string ending = kTemporary;
    if (EndsWith(name, ending)) {
      name.resize(name.size() - ending.size());
    }
    if (name == kIndex || IsResultFile(name) || IsMap(folder, name)) found.push_back(entry.path());
  }
  return found;
}

Error CannotClear(const std::string& folder, const fs::filesystem_error& error) {
  return SystemError(folder, "former results cannot be looked at or removed", error.code().value());
}

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";  // names that are no UTF-8: U+FFFD
}

}  // namespace

void WriteFileAtomically(const std::string& path, const void* data, size_t size) {
  const std::string temporary = path + kTemporary;
  const int file = Create(temporary);
  int problem = WriteAll(file, data, size);
  if (close(file) != 0 && problem == 0) problem = errno;
  if (problem == 0 && rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return;
  unlink(temporary.c_str());
  throw SystemError(path, "cannot be written", problem);
}

void MakeFolder(const std::string& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) throw SystemError(path, "the folder cannot be made", code.value());
  if (!fs::is_directory(path)) throw UserError(path + ": no folder.");
}

void CheckResultFolder(const std::string& folder, bool overwrite) {
  MakeFolder(folder);
  if (overwrite) return;
  try {
    const std::vector<fs::path> former = FormerResults(folder);
    if (former.empty()) return;
    throw UserError(folder + ": holds results already (" + former[0].filename().string() +
                    "). Name another --result_path, or give --overwrite.");
  } catch (const fs::filesystem_error& error) {
    throw CannotClear(folder, error);
  }
}

ResultWriter::ResultWriter(const std::string& folder, bool overwrite) : folder_(folder) {
  CheckResultFolder(folder, overwrite);
  try {
    for (const fs::path& path : FormerResults(folder)) fs::remove(path);
  } catch (const fs::filesystem_error& error) {
    throw CannotClear(folder, error);
  }
  index_ = Create(folder + "/" + kUnfinishedIndex);
}

ResultWriter::~ResultWriter() {
  if (index_ < 0) return;
  close(index_);
  unlink((folder_ + "/" + kUnfinishedIndex).c_str());
}

void ResultWriter::Write(const std::string& picture, const std::string& name, const Placement& placement,
                         const std::vector<HostTensor>& outputs, const std::vector<MoreFile>& more) {
  Json entry{{"picture", picture}, {"name", name}, {"width", placement.width}, {"height", placement.height}};
  entry["outputs"] = Json::array();
  for (size_t number = 0; number < outputs.size(); ++number) {
    const TensorSpec& spec = outputs[number].spec;
    if (spec.shape.size() < 2 || spec.shape[0] != 1) {
      throw RuntimeFailure("output " + Describe(spec) + " has no batch axis of length 1.");
    }
    const std::string file = name + "_" + std::to_string(number) + ".bin";
    WriteFileAtomically(folder_ + "/" + file, outputs[number].bytes.data(), outputs[number].bytes.size());
    entry["outputs"].push_back({{"file", file},
                                {"shape", std::vector<int64_t>(spec.shape.begin() + 1, spec.shape.end())},
                                {"dtype", DataTypeName(spec.dtype)}});
  }
  for (const MoreFile& file : more) {
    WriteFileAtomically(folder_ + "/" + name + file.ending, file.bytes.data(), file.bytes.size());
  }
  Append(Line(entry));
}

void ResultWriter::WriteFailure(const std::string& picture, const std::string& error) {
  Append(Line(Json{{"picture", picture}, {"error", error}}));
}

void ResultWriter::Append(const std::string& line) {
  const int problem = WriteAll(index_, line.data(), line.size());
  if (problem != 0) throw SystemError(folder_ + "/" + kIndex, "cannot be written", problem);
}

void ResultWriter::Finish() {
  const std::string path = folder_ + "/" + kIndex;
  int problem = fsync(index_) != 0 ? errno : 0;
  if (close(index_) != 0 && problem == 0) problem = errno;
  index_ = -1;
  const std::string unfinished = folder_ + "/" + kUnfinishedIndex;
  if (problem == 0 && rename(unfinished.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return;
  unlink(unfinished.c_str());
  throw SystemError(path, "cannot be written", problem);
}

}  // namespace ms310
