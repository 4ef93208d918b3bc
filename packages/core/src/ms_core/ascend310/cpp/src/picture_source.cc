#include "ms310/picture_source.h"

#include <array>
#include <new>

#include "decode.h"
#include "ms310/error.h"
#include "ms310/picture.h"
#include "ms310/resize.h"

namespace ms310 {
namespace {

using Levels = std::array<float, 256>;

// What each of the 256 values of a channel becomes: only they can occur, so pictures are normalised by looking up.
Levels NormalisedLevels(double mean, double std, Arithmetic arithmetic) {
  Levels levels;
  for (int value = 0; value < 256; ++value) {
    if (arithmetic == Arithmetic::kDouble) {
      levels[value] = static_cast<float>((value - mean) / std);
    } else {
      const float centred = static_cast<float>(value) - static_cast<float>(mean);
      const double deviation = static_cast<float>(std);  // rounded before it is inverted
      levels[value] = static_cast<float>(centred * (1 / deviation));
    }
  }
  return levels;
}

class CpuSource : public PictureSource {
 public:
  CpuSource(const ImageInput& input, Arithmetic arithmetic) : input_(input) {
    input_.spec.shape[0] = 1;
    for (int channel = 0; channel < 3; ++channel) {
      levels_[channel] = NormalisedLevels(input.mean[channel], input.std[channel], arithmetic);
    }
  }

  PreparedPicture Prepare(const EncodedPicture& encoded) override {
    try {
      return Prepared(encoded);
    } catch (const std::bad_alloc&) {
      throw NoMemoryFor(encoded.path);
    } catch (const cv::Exception& error) {
      throw UserError(encoded.path + ": cannot be brought to the model's size (" + OneLine(error.what(), 120) + ").");
    }
  }

 private:
  PreparedPicture Prepared(const EncodedPicture& encoded) const {
    const cv::Mat picture = DecodePicture(encoded);
    const cv::Size bounds(input_.Width(), input_.Height());
    const bool fit = input_.resize == Resize::kFit;
    const cv::Size size = fit ? FittedInto(picture.size(), bounds) : bounds;
    const cv::Mat resized = fit ? ResizeAntialiased(picture, size) : ResizeLinear(picture, size);
    PreparedPicture prepared;
    prepared.placement = {picture.cols, picture.rows, bounds.width, bounds.height, size.width, size.height};
    prepared.tensor = ZeroTensor(input_.spec);
    if (input_.normalised_inside) {
      Fill(resized, MutableValues<uint8_t>(prepared.tensor), [](int, uint8_t value) { return value; });
    } else {
      Fill(resized, MutableValues<float>(prepared.tensor),
           [this](int channel, uint8_t value) { return levels_[channel][value]; });
    }
    return prepared;
  }

  // Put the picture top left into `to`, each value changed by `change(channel, value)`, channel as the model counts.
  template <typename T, typename Change>
  void Fill(const cv::Mat& picture, T* to, const Change& change) const {
    const size_t width = input_.Width(), plane = width * input_.Height();
    const bool planes = input_.layout == Layout::kNchw;
    for (int y = 0; y < picture.rows; ++y) {
      for (int channel = 0; channel < 3; ++channel) {
        const uint8_t* from = picture.ptr(y) + (input_.bgr ? 2 - channel : channel);
        T* row = planes ? to + channel * plane + y * width : to + y * width * 3 + channel;
        const size_t step = planes ? 1 : 3;
        for (int x = 0; x < picture.cols; ++x) row[x * step] = change(channel, from[3 * x]);
      }
    }
  }

  ImageInput input_;
  std::array<Levels, 3> levels_;
};

bool Fits(const TensorSpec& actual, const std::vector<int64_t>& expected) {
  if (actual.shape.size() != expected.size()) return false;
  for (size_t axis = 0; axis < expected.size(); ++axis) {
    if (actual.shape[axis] != expected[axis] && actual.shape[axis] != -1) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<PictureSource> MakeCpuSource(const ImageInput& input, Arithmetic arithmetic) {
  return std::make_unique<CpuSource>(input, arithmetic);
}

ImageInput AdaptInput(const Manifest& manifest, const TensorSpec& actual) {
  ImageInput input = manifest.input;
  const int64_t height = input.Height(), width = input.Width();
  const std::string named = manifest.path + ": the model's first input is " + Describe(actual);
  if (!actual.shape.empty() && actual.shape[0] > 1) {
    throw UserError(named + ", so it takes several pictures at once; these programs give it one. Export it with a "
                    "batch size of 1.");
  }
  const std::vector<int64_t> planes{1, 3, height, width}, pixels{1, height, width, 3};
  const bool as_planes = Fits(actual, planes), as_pixels = Fits(actual, pixels);
  const bool as_said = input.layout == Layout::kNchw ? as_planes : as_pixels;
  const bool wants_pixels = actual.dtype == DataType::kUint8;
  if ((!as_planes && !as_pixels) || actual.dtype == DataType::kInt32 || (input.normalised_inside && !wants_pixels)) {
    throw UserError(named + ", the manifest says " + Describe(input.spec) +
                    ". Name the manifest that was written with this model.");
  }
  if (!as_said) input.layout = as_planes ? Layout::kNchw : Layout::kNhwc;
  input.normalised_inside = wants_pixels;
  input.spec.dtype = actual.dtype;
  input.spec.shape = input.layout == Layout::kNchw ? planes : pixels;
  return input;
}

void CheckDvppAlignment(const Manifest& manifest) {
  const int width = manifest.input.Width(), height = manifest.input.Height();
  if (width % 16 == 0 && height % 2 == 0) return;
  throw UserError("--cpu_dvpp=DVPP: the model's input is " + std::to_string(width) + "x" + std::to_string(height) +
                  " (width x height); DVPP needs a width of a multiple of 16 and an even height. Use --cpu_dvpp=CPU.");
}

}  // namespace ms310
