#include "picture_size.h"

#include "ms310/error.h"

namespace ms_defrcn {
namespace {

using ms310::FloatTensor;
using ms310::HostTensor;
using ms310::Manifest;
using ms310::Placement;
using ms310::TensorSpec;

constexpr char kSizes[] = "sizes", kScale[] = "scale";

// Divided in float64 and rounded once, as Python does.
float Ratio(int inside, int original) { return static_cast<float>(static_cast<double>(inside) / original); }

HostTensor Named(const std::string& name, const Placement& placement) {
  if (name == kSizes) {
    const auto height = static_cast<float>(placement.fitted_height);
    const auto width = static_cast<float>(placement.fitted_width);
    return FloatTensor(name, {1, 2}, {height, width});
  }
  const float across = Ratio(placement.fitted_width, placement.width);
  const float down = Ratio(placement.fitted_height, placement.height);
  return FloatTensor(name, {1, 2}, {across, down});
}

}  // namespace

void CheckInputs(const Manifest& manifest) {
  if (manifest.input.resize != ms310::Resize::kFit) {
    throw ms310::UserError(manifest.path + ": input: resize: \"stretch\"; this program fits pictures into the input. "
                                           "Export the model again.");
  }
  for (const TensorSpec& spec : manifest.more_inputs) {
    const bool known = spec.name == kSizes || spec.name == kScale;
    const bool pair = spec.shape.size() == 2 && (spec.shape[0] == 1 || spec.shape[0] == -1) && spec.shape[1] == 2;
    if (known && pair && spec.dtype == ms310::DataType::kFloat32) continue;
    throw ms310::UserError(manifest.path + ": more_inputs: " + ms310::Describe(spec) +
                           "; this program gives sizes and scale, float32 [1, 2]. Export the model with a batch size "
                           "of 1.");
  }
}

std::vector<HostTensor> PictureSize(const Manifest& manifest, const Placement& placement) {
  std::vector<HostTensor> inputs;
  for (const TensorSpec& spec : manifest.more_inputs) inputs.push_back(Named(spec.name, placement));
  return inputs;
}

}  // namespace ms_defrcn
