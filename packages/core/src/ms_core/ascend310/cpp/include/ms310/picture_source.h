// Where the model's first input comes from: a picture file, decoded and resized by the CPU or by the device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ms310/manifest.h"
#include "ms310/tensor.h"

namespace ms310 {

// A picture file as read from disk.
struct EncodedPicture {
  std::string path;  // as listed, for messages
  std::vector<uint8_t> bytes;
};

// How a picture lies in the model's input.
struct Placement {
  int width = 0;  // of the upright original, pixels
  int height = 0;
  int input_width = 0;  // of the model's input, pixels
  int input_height = 0;
  int fitted_width = 0;  // of the picture inside the input (top left), pixels; stretch: that of the input
  int fitted_height = 0;
};

struct PreparedPicture {
  HostTensor tensor;  // the model's first input, batch 1
  Placement placement;
};

// Prepare() is called by one thread at a time, not always the one that runs the model.
class PictureSource {
 public:
  virtual ~PictureSource() = default;

  // Error(kUserError): this picture cannot be read (the program notes it and goes on); Error(kRuntimeFailure):
  // the device fails (the program ends).
  virtual PreparedPicture Prepare(const EncodedPicture& picture) = 0;
};

// How pixels are normalised; both are (pixel - mean) / std and differ in the last bit.
enum class Arithmetic {
  kDouble,  // float32((pixel - mean) / std), in float64 until the end: the SSD family
  kMmcv,    // float32(pixel) - float32(mean), times 1 / float32(std) in float64: DeFRCN and SegFormer, by mmcv
};

// The input as the model that is loaded really takes it: `actual` is the runtime's first input. A converted model may
// take NHWC instead of NCHW (MindSpore Lite's .ms), and one with AIPP in it uint8 pixels, which it then normalises.
// Error(kUserError) where the two cannot belong together.
ImageInput AdaptInput(const Manifest& manifest, const TensorSpec& actual);

// DVPP writes pictures with a width of a multiple of 16 and an even height. Error(kUserError), naming the flag;
// RunProgram calls it before anything is loaded.
void CheckDvppAlignment(const Manifest& manifest);

// Decoding by libjpeg and libpng, resizing and normalising on the CPU: bit for bit what the Python package does.
std::unique_ptr<PictureSource> MakeCpuSource(const ImageInput& input, Arithmetic arithmetic);

}  // namespace ms310
