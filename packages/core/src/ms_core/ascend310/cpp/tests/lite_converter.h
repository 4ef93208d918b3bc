// ONNX to a model of MindSpore Lite 2.0.0, by the converter in that wheel's libmindspore_converter.so. Its
// Python module needs CPython 3.7; the library does not.
#pragma once

#include <string>

namespace ms310 {

enum class LiteFormat {
  kMs,      // OUT.ms, whose pictures are NHWC
  kMindIr,  // OUT.mindir, whose pictures stay as in the ONNX model
};

// Writes `out` with the suffix of the format. Error(kRuntimeFailure) where the converter cannot.
void ConvertToLite(const std::string& onnx, const std::string& out, LiteFormat format);

}  // namespace ms310
