// Class maps and the like as PNG.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace ms310 {

// The bytes of an 8-bit grey PNG file whose pixels are those of `picture`, CV_8UC1 with at least one pixel. It states no
// colour space, so every reader gives the values back as they are. Error(kRuntimeFailure): libpng fails.
std::vector<uint8_t> EncodeGreyPng(const cv::Mat& picture);

}  // namespace ms310
