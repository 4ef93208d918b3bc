// JPEG files of one colour, of every kind that matters to a decoder.
#pragma once

#include <cstdint>
#include <cstdio>  // jpeglib.h needs it before itself
#include <cstdlib>
#include <memory>
#include <vector>

#include <jpeglib.h>

namespace ms310 {

struct JpegKind {
  bool progressive = false;
  bool arithmetic = false;
  J_COLOR_SPACE colours = JCS_RGB;
  int channels = 3;
  int orientation = 0;  // 0: no EXIF
};

// An APP1 segment that states the orientation, little-endian TIFF with one entry.
inline std::vector<uint8_t> Exif(int orientation) {
  return {'E', 'x',  'i',  'f', 0,
          0,   'I',  'I',  42,  0,
          8,   0,    0,    0,   1,
          0,   0x12, 0x01, 3,   0,
          1,   0,    0,    0,   static_cast<uint8_t>(orientation),
          0,   0,    0,    0,   0,
          0,   0};
}

inline std::vector<uint8_t> Jpeg(int width, int height, const JpegKind& kind = {}) {
  jpeg_compress_struct compress{};
  jpeg_error_mgr errors{};
  compress.err = jpeg_std_error(&errors);
  jpeg_create_compress(&compress);
  unsigned char* written = nullptr;
  unsigned long bytes = 0;
  jpeg_mem_dest(&compress, &written, &bytes);
  compress.image_width = static_cast<JDIMENSION>(width);
  compress.image_height = static_cast<JDIMENSION>(height);
  compress.input_components = kind.channels;
  compress.in_color_space = kind.colours;
  jpeg_set_defaults(&compress);
  compress.arith_code = kind.arithmetic ? TRUE : FALSE;
  if (kind.progressive) jpeg_simple_progression(&compress);
  jpeg_start_compress(&compress, TRUE);
  if (kind.orientation != 0) {
    const std::vector<uint8_t> exif = Exif(kind.orientation);
    jpeg_write_marker(&compress, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  }
  std::vector<uint8_t> row(static_cast<size_t>(width) * kind.channels, 90);
  for (int line = 0; line < height; ++line) {
    JSAMPROW rows[] = {row.data()};
    jpeg_write_scanlines(&compress, rows, 1);
  }
  jpeg_finish_compress(&compress);
  jpeg_destroy_compress(&compress);
  const std::unique_ptr<unsigned char, decltype(&std::free)> owner(written, &std::free);
  return {written, written + bytes};
}

}  // namespace ms310
