// A stand-in for libascendcl.so and libacl_dvpp.so: the calls that runtimes/acl.cc makes, on a device that is
// host memory. It runs scripted models, counts what is alive, notes wrong use and can fail at any one call.
// Compiled against CANN's real headers, so that every signature is the real one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "acl/acl.h"

namespace fake_acl {

struct Tensor {
  std::string name;
  std::vector<int64_t> dims;
  aclDataType type = ACL_FLOAT;
  size_t padding = 0;  // bytes beyond the elements
};

struct Span {
  uint8_t* data;
  size_t bytes;
};

struct Model {
  std::vector<Tensor> inputs, outputs;
  std::function<void(const std::vector<Span>& inputs, const std::vector<Span>& outputs)> run;
  bool static_aipp = false;  // of input 0
  bool swap = false;         // its rbuv_swap_switch
};

// What the machine is; set before the runtime is made.
struct Machine {
  uint32_t devices = 1;
  std::string soc = "Ascend310P3";
  aclrtRunMode mode = ACL_HOST;
  aclError init_code = ACL_SUCCESS;  // what aclInit returns
  bool turns_pictures = true;        // the JPEG decoder heeds EXIF orientation
};

// Everything forgotten, one machine with one device, no models, no failure planned.
void Reset(const Machine& machine = {});

void AddModel(const std::string& path, Model model);

// The n-th call from now (1 is the next) fails; 0: none. A call that releases something releases it all the
// same.
void FailAt(int n);

// Names of the calls so far. aclGetRecentErrMsg is not among them and never fails.
const std::vector<std::string>& Calls();

// What was made and not yet released, by kind, without zeros: empty after a clean run.
std::map<std::string, int> Alive();

// How many of a kind were ever made.
int Made(const std::string& kind);

// Wrong uses, in words: use after release, copies past an end, no current context, bad strides. Empty in a
// clean run.
const std::vector<std::string>& Misuse();

// The grey value that the fake's JPEG decoder gives to a pixel; its resize takes the nearest pixel.
uint8_t DecodedGrey(uint32_t row, uint32_t column);

}  // namespace fake_acl
