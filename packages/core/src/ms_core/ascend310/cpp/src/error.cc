#include "ms310/error.h"

#include <cerrno>
#include <cstring>

namespace ms310 {
namespace {

bool IsWrongPlace(int error_number) {
  switch (error_number) {
    case ENOENT:
    case EACCES:
    case EPERM:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case EROFS:
    case ELOOP:
    case ENAMETOOLONG:
      return true;
    default:
      return false;
  }
}

}  // namespace

Error SystemError(const std::string& path, const std::string& action, int error_number) {
  const ExitCode code = IsWrongPlace(error_number) ? ExitCode::kUserError : ExitCode::kRuntimeFailure;
  return Error(code, path + ": " + action + ": " + std::strerror(error_number) + ".");
}

std::string OneLine(const std::string& text, size_t limit) {
  std::string line;
  for (const char character : text) {
    const bool blank = character == ' ' || character == '\n' || character == '\r' || character == '\t';
    if (!blank) {
      line += character;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() > limit) line = line.substr(0, limit) + "...";
  return line;
}

}  // namespace ms310
