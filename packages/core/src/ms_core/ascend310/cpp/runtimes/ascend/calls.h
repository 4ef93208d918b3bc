// Checked calls to AscendCL: every failure becomes one ms310::Error of one line, with the device's own words.
#pragma once

#include <string>

#include "acl/acl.h"
#include "ms310/error.h"

namespace ms310::ascend {

// "CALL failed (error CODE): what aclGetRecentErrMsg says", on one line. Fetching the message also clears it
// in AscendCL, so this is called once a failure.
std::string FailureText(const char* call, aclError code);

// Throws RuntimeFailure("SUBJECT: CALL failed ...") unless `code` is ACL_SUCCESS.
void Check(aclError code, const char* call, const std::string& subject);

// The same for the calls that return a pointer, where null means failure.
template <typename T>
T* CheckPointer(T* pointer, const char* call, const std::string& subject) {
  if (pointer == nullptr) {
    Check(ACL_ERROR_FAILURE, call, subject);
  }
  return pointer;
}

// For destructors: a release that failed is told on stderr; there is nothing else to do about it.
void Released(aclError code, const char* call) noexcept;

}  // namespace ms310::ascend
