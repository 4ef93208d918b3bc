// The one exception type of these programs, and what each kind means to the caller of the program.
#pragma once

#include <stdexcept>
#include <string>

namespace ms310 {

// Exit codes of every program. kDone only where every picture was done.
enum class ExitCode : int {
  kDone = 0,
  kRuntimeFailure = 1,  // device, disk full, a model that cannot be executed
  kUserError = 2,       // wrong use or bad input
  kInterrupted = 130,   // SIGINT or SIGTERM; the index of what is done is written
};

// A message of one line: `what it is about: what is wrong. What to do.`
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// Wrong use or bad input: `throw UserError("--device_id: ...")`.
inline Error UserError(const std::string& message) { return Error(ExitCode::kUserError, message); }

// The device, the system or a library failed: `throw RuntimeFailure("aclInit: error 507033.")`.
inline Error RuntimeFailure(const std::string& message) { return Error(ExitCode::kRuntimeFailure, message); }

// `action` failed with this errno: "PATH: action: No space left on device." kUserError where the user named the
// wrong place (no such folder, no permission), else kRuntimeFailure (disk full, broken disk).
Error SystemError(const std::string& path, const std::string& action, int error_number);

// `text` with line breaks and runs of blanks made one blank, at most `limit` bytes: for messages of libraries.
std::string OneLine(const std::string& text, size_t limit = 500);

}  // namespace ms310
