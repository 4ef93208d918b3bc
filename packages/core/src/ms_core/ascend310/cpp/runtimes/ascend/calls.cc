#include "calls.h"

#include <cstdio>
#include <exception>

namespace ms310::ascend {

std::string FailureText(const char* call, aclError code) {
  const char* said = aclGetRecentErrMsg();
  const std::string words = said == nullptr ? "" : OneLine(said);
  const std::string text = std::string(call) + " failed (error " + std::to_string(code) + ")";
  return words.empty() ? text + "." : text + ": " + words;
}

void Check(aclError code, const char* call, const std::string& subject) {
  if (code != ACL_SUCCESS) {
    throw RuntimeFailure(subject + ": " + FailureText(call, code));
  }
}

void Released(aclError code, const char* call) noexcept {
  if (code == ACL_SUCCESS) {
    return;
  }
  try {
    std::fprintf(stderr, "%s\n", FailureText(call, code).c_str());
  } catch (const std::exception&) {  // no memory left for the text: the code alone
    std::fprintf(stderr, "%s failed (error %d).\n", call, code);
  }
}

}  // namespace ms310::ascend
