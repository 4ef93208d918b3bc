// What executes a model. One implementation a file in runtimes/; which of them are built in is a CMake option.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ms310/manifest.h"
#include "ms310/picture_source.h"
#include "ms310/tensor.h"

namespace ms310 {

struct RuntimeOptions {
  std::string name;            // "openvino", "mslite" or "acl"
  std::string model_path;      // .onnx, .mindir or .ms, .om
  int device_id = 0;           // 0 or more
  std::string device_type;     // "CPU" or "Ascend"; acl: always Ascend
  std::string precision_mode;  // mslite on Ascend: "" leaves the library's own
  std::string aipp_path;       // mslite on Ascend: "" or an AIPP configuration (.cfg)
  bool dvpp = false;           // pictures are decoded by the device (acl)
  int threads = 0;             // of the CPU, 0: the library's own choice
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  // In the model's order. A model may keep no names, or others than the manifest: pair by position.
  virtual std::vector<TensorSpec> Inputs() const = 0;
  virtual std::vector<TensorSpec> Outputs() const = 0;

  // Execute once, synchronously. `inputs` in the order of Inputs(), of their types and shapes (Inputs()' open
  // lengths filled in); RunProgram has checked that against the manifest before the first call. Outputs have no
  // open length. Error(kRuntimeFailure) where the library fails.
  virtual std::vector<HostTensor> Run(const std::vector<HostTensor>& inputs) = 0;

  // For messages: "openvino 2026.4 on CPU".
  virtual std::string Name() const = 0;

  // Where the device itself decodes and resizes pictures (RuntimeOptions::dvpp). The runtime outlives what it
  // returns. Error(kUserError) where it cannot: the default, with the flag named.
  virtual std::unique_ptr<PictureSource> MakeDvppSource(const Manifest& manifest);
};

// Load a model. Error(kUserError): a runtime that is not built in, no such file, a file this runtime cannot read;
// Error(kRuntimeFailure): the device or library fails.
std::unique_ptr<Runtime> MakeRuntime(const RuntimeOptions& options);

// Names of the runtimes that are built in, alphabetically.
std::vector<std::string> BuiltInRuntimes();

// Defined in runtimes/NAME.cc, called by MakeRuntime where that file is built in.
std::unique_ptr<Runtime> MakeOpenVinoRuntime(const RuntimeOptions& options);
std::unique_ptr<Runtime> MakeMsLiteRuntime(const RuntimeOptions& options);
std::unique_ptr<Runtime> MakeAclRuntime(const RuntimeOptions& options);

}  // namespace ms310
