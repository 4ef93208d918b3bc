#include "ms310/listing.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "ms310/error.h"
#include "ms310/file_name.h"

namespace ms310 {
namespace {

namespace fs = std::filesystem;

const std::set<std::string> kEndings = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"};

// Bytes of a NAME; "_12.bin.tmp" and "-2" still come behind it.
constexpr size_t kLongestName = 180;

// A picture or unreadable folder below the data set's folder.
struct Found {
  std::string relative;
  std::string error;
};

bool HasPictureEnding(const fs::path& path) { return kEndings.count(LowerCase(path.extension().string())) > 0; }

bool IsFolder(const fs::path& path, const fs::path& other) {
  std::error_code ignored;  // one of them does not exist: they differ
  return !other.empty() && fs::equivalent(path, other, ignored);
}

void Search(const fs::path& base, const fs::path& folder, const fs::path& left_out, std::vector<Found>* found) {
  std::error_code code;
  fs::directory_iterator entries(folder, code);
  if (code) {
    const std::string why = SystemError(folder.string(), "the folder cannot be read", code.value()).what();
    found->push_back({folder.lexically_relative(base).string(), why});
    return;
  }
  for (; entries != fs::directory_iterator(); entries.increment(code)) {
    if (code) break;
    const fs::directory_entry& entry = *entries;
    std::error_code ignored;  // of a dangling link: it is listed, and reading it says what is wrong
    if (entry.is_directory(ignored)) {
      if (entry.is_symlink(ignored) || IsFolder(entry.path(), left_out)) continue;
      Search(base, entry.path(), left_out, found);
    } else if (HasPictureEnding(entry.path())) {
      found->push_back({entry.path().lexically_relative(base).string(), ""});
    }
  }
  if (code) throw SystemError(folder.string(), "the folder cannot be read", code.value());
}

std::vector<Found> InFolder(const fs::path& folder, const fs::path& left_out) {
  std::vector<Found> found;
  Search(folder, folder, left_out, &found);
  if (found.size() == 1 && found[0].relative == ".") throw UserError(found[0].error);
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return fs::path(a.relative) < fs::path(b.relative);  // folder by folder, as Python's sorted()
  });
  return found;
}

std::vector<Found> InList(const fs::path& list) {
  std::ifstream file(list);
  if (!file) throw SystemError(list.string(), "the list cannot be read", errno);
  std::vector<Found> found;
  for (std::string line; std::getline(file, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.empty()) found.push_back({line, ""});
  }
  if (file.bad()) throw SystemError(list.string(), "the list cannot be read", errno);
  return found;
}

// 64 bits of FNV-1a: the same on every machine and in every release.
std::string Hash(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3;
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

// Cut before a character of UTF-8, not inside it.
std::string Shortened(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  const std::string ending = "-" + Hash(name);
  size_t end = kLongestName - ending.size();
  for (int back = 0; back < 3 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80; ++back) --end;
  return name.substr(0, end) + ending;
}

// "/" as "__"; what leads out of the data set's folder keeps no dots and no slash before it.
std::string Flat(const fs::path& path) {
  std::string flat;
  for (const fs::path& part : path.lexically_normal()) {
    const std::string word = part.string();
    if (word.empty() || word == "/" || word == "." || word == "..") continue;
    flat += (flat.empty() ? "" : "__") + word;
  }
  return Shortened(flat);
}

std::string WithoutEnding(const std::string& relative) {
  const fs::path path(relative);
  return Flat(path.parent_path() / path.stem());
}

std::map<std::string, int> Counted(const std::vector<std::string>& names) {
  std::map<std::string, int> counts;
  for (const std::string& name : names) ++counts[LowerCase(name)];
  return counts;
}

}  // namespace

std::vector<std::string> ResultNames(const std::vector<std::string>& relative_paths) {
  std::vector<std::string> names;
  for (const std::string& path : relative_paths) names.push_back(WithoutEnding(path));
  const std::map<std::string, int> short_counts = Counted(names);
  for (size_t index = 0; index < names.size(); ++index) {
    if (short_counts.at(LowerCase(names[index])) > 1) names[index] = Flat(fs::path(relative_paths[index]));
  }
  const std::map<std::string, int> counts = Counted(names);
  std::set<std::string> taken;
  for (const auto& [name, times] : counts) {
    if (times == 1) taken.insert(name);
  }
  for (std::string& name : names) {
    if (counts.at(LowerCase(name)) == 1) continue;
    std::string free = name;
    for (int number = 2; !taken.insert(LowerCase(free)).second; ++number) free = name + "-" + std::to_string(number);
    name = free;
  }
  return names;
}

std::vector<ListedPicture> ListPictures(const std::string& dataset_path, const std::string& left_out) {
  const fs::path path(dataset_path);
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw SystemError(dataset_path, "no folder or list of pictures", code ? code.value() : ENOENT);
  }
  const bool is_folder = fs::is_directory(status);
  if (!is_folder && !HasEnding(dataset_path, ".txt")) {
    throw UserError(dataset_path + ": neither a folder nor a .txt list of pictures.");
  }
  const std::vector<Found> found = is_folder ? InFolder(path, left_out) : InList(path);
  if (found.empty()) throw UserError(dataset_path + ": no pictures in this " + (is_folder ? "folder." : "list."));
  const fs::path base = is_folder ? path : path.parent_path();
  std::vector<std::string> relative;
  for (const Found& one : found) relative.push_back(one.relative);
  const std::vector<std::string> names = ResultNames(relative);
  std::vector<ListedPicture> listed;
  for (size_t index = 0; index < found.size(); ++index) {
    listed.push_back({(base / found[index].relative).string(), names[index], found[index].error});
  }
  return listed;
}

}  // namespace ms310
