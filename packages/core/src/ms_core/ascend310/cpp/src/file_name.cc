#include "ms310/file_name.h"

#include <algorithm>
#include <filesystem>

namespace ms310 {

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return text;
}

bool HasEnding(const std::string& path, const std::string& ending) {
  return LowerCase(std::filesystem::path(path).extension().string()) == ending;
}

}  // namespace ms310
