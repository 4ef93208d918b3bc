// The two decoders, and what both need.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "ms310/error.h"
#include "ms310/picture_source.h"

namespace ms310 {

using Bytes = std::vector<uint8_t>;

bool IsJpeg(const Bytes& bytes);
bool IsPng(const Bytes& bytes);

// As stored: CV_8UC3 RGB. Error(kUserError) for what is truncated or damaged.
cv::Mat DecodeJpeg(const EncodedPicture& picture);
cv::Mat DecodePng(const EncodedPicture& picture);

// EXIF orientation 1-8 of a JPEG or PNG; 1 where it states none. Never throws: a broken EXIF block counts as none.
int Orientation(const Bytes& bytes);

Error NoMemoryFor(const std::string& path);
Error DamagedPicture(const std::string& path, const std::string& reason);

// Error(kUserError) for sizes beyond OpenCV's limits, before anything of that size is allocated.
void CheckPictureSize(const std::string& path, uint64_t width, uint64_t height);

}  // namespace ms310
