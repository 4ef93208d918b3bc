// What the exported detector is told of a picture besides its pixels.
#pragma once

#include <vector>

#include "ms310/manifest.h"
#include "ms310/picture_source.h"
#include "ms310/tensor.h"

namespace ms_defrcn {

// Refuse a manifest whose pictures are not fitted into the input, or whose further inputs are others than `sizes` and
// `scale`, float32 [1, 2]. Error(kUserError).
void CheckInputs(const ms310::Manifest& manifest);

// The inputs after the picture, as the manifest lists them: `sizes`, height and width of the picture inside the input,
// and `scale`, pixels of the input to a pixel of the picture, across and down. The bits are those of the Python
// package.
std::vector<ms310::HostTensor> PictureSize(const ms310::Manifest& manifest, const ms310::Placement& placement);

}  // namespace ms_defrcn
