#include "ms310/encode_png.h"

#include <png.h>

#include "ms310/error.h"

namespace ms310 {

std::vector<uint8_t> EncodeGreyPng(const cv::Mat& picture) {
  if (picture.empty() || picture.type() != CV_8UC1) throw RuntimeFailure("PNG: not a picture of one 8-bit channel.");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.cols);
  image.height = static_cast<png_uint_32>(picture.rows);
  image.format = PNG_FORMAT_GRAY;
  image.flags = PNG_IMAGE_FLAG_COLORSPACE_NOT_sRGB;
  std::vector<uint8_t> bytes(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = bytes.size();
  const auto stride = static_cast<png_int_32>(picture.step[0]);
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, picture.data, stride, nullptr)) {
    throw RuntimeFailure("libpng: " + OneLine(image.message) + ".");
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace ms310
