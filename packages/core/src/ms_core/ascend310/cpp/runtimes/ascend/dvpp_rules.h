// What DVPP, the picture hardware of Ascend, can do, as plain rules: testable without a device.
//
// Sources: CANN's documentation of the AscendCL C API (releases 5.0.4 to 9.0, read in November 2026) and [old].
//
//   [jpegd] "JPEGD: Functions and Restrictions": sides of 32 to 8192 pixels; Huffman coding only, neither
//           arithmetic coding nor progressive JPEG; 4:4:4, 4:2:2, 4:2:0, 4:4:0 and 4:0:0; strides and memory
//           of the decoded picture; pictures are turned upright by their EXIF orientation; odd sides are
//           rounded down to even ones for YUV420SP.
//   [vpc]   "VPC: Functions and Restrictions" and "acldvppVpcResizeAsync": YUV420SP with even sides, rows of a
//           multiple of 16 bytes, a height stride of a multiple of 2; outputs of 10x6 to 4096x4096; scaling by
//           1/32 to 16.
//   [old]   the guides of the old programs: "The DVPP hardware restricts width 16-alignment and height
//           even-alignment".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "jpeg_header.h"
#include "ms310/manifest.h"

namespace ms310::ascend {

// A YUV420SP picture in memory.
struct PictureLayout {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t width_stride = 0;   // bytes from row to row
  uint32_t height_stride = 0;  // rows of the plane of Y

  uint32_t Bytes() const { return width_stride * height_stride * 3 / 2; }
};

// Error(kUserError): the model's input is not one that DVPP can write: width no multiple of 16, odd height
// (the library's CheckDvppAlignment), a side of more than 4096 pixels, or proportions kept.
void CheckDvppInput(const Manifest& manifest);

// Error(kUserError), starting with `where`: DVPP cannot decode this file, or not scale it to this size.
void CheckJpeg(const JpegHeader& header, const PictureLayout& target, const std::string& where);

// How JPEGD lays out the picture, already upright. `soc`: what aclrtGetSocName says. Rows are padded to 128
// bytes on the first Ascend 310 and 910, to 64 bytes on 310P, 310B and the later 910s; columns to 16 rows on
// all [jpegd].
PictureLayout DecodedLayout(const JpegHeader& header, const std::string& soc);

// What VPC writes for a model's input: no padding, since CheckDvppInput has passed.
PictureLayout ResizedLayout(int width, int height);

}  // namespace ms310::ascend
