// What the header of a JPEG file says, read without a decoder: DVPP cannot decode every JPEG.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ms310::ascend {

struct JpegHeader {
  int width = 0;   // as stored, pixels
  int height = 0;  // as stored, pixels
  int components = 0;
  bool progressive = false;
  bool arithmetic = false;  // arithmetic instead of Huffman coding
  int orientation = 1;      // EXIF: 1 upright; 5 to 8 exchange width and height
};

// `where` starts the message. Error(kUserError): no JPEG file, or a damaged header.
JpegHeader ReadJpegHeader(const std::vector<uint8_t>& bytes, const std::string& where);

}  // namespace ms310::ascend
