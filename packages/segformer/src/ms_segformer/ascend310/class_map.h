// From what a segmentation network gave to the class of every pixel of the picture.
#pragma once

#include <opencv2/core.hpp>

#include "ms310/manifest.h"
#include "ms310/tensor.h"

namespace ms_segformer {

constexpr size_t kMostClasses = 256;  // what a pixel of 8 bits can say

// Refuse a manifest whose one output is neither logits float32 [B, K, h, w] (form logits) nor class indices
// int32 [B, H, W] (form classes); with `maps` also one of more than kMostClasses classes. Error(kUserError).
void CheckOutput(const ms310::Manifest& manifest, bool maps);

// CV_8UC1 of `size`, the same that `ms-segformer eval` and `infer` make of this output: of the logits, enlarged
// bilinearly on half-pixel centres, the largest, of equals the first; of class indices the nearest.
//
// `output`: as CheckOutput wants it, B = 1. Error(kRuntimeFailure): a class index that the model does not have.
cv::Mat ClassMap(const ms310::Manifest& manifest, const ms310::HostTensor& output, cv::Size size);

}  // namespace ms_segformer
