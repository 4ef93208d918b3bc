#include <png.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "decode.h"

namespace ms310 {
namespace {

constexpr uint8_t kSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr uint64_t kMostExpansion = 1040;  // deflate makes of one byte at most 1032

// libpng reports errors by a function that must not return. It jumps, and no frame between setjmp and there may own
// anything: everything lives in here, outside.
struct Decoder {
  const uint8_t* next = nullptr;
  size_t left = 0;
  std::string message;
  png_structp png = nullptr;
  png_infop info = nullptr;
  uint64_t stored_bits = 0;  // of a pixel in the file

  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

void JumpOut(png_structp png, png_const_charp message) {
  static_cast<Decoder*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

void KeepQuiet(png_structp, png_const_charp) {}

void Read(png_structp png, png_bytep to, size_t count) {
  auto* decoder = static_cast<Decoder*>(png_get_io_ptr(png));
  if (count > decoder->left) png_error(png, "the data end too early");
  std::memcpy(to, decoder->next, count);
  decoder->next += count;
  decoder->left -= count;
}

bool ReadHeader(Decoder* decoder) {
  if (setjmp(png_jmpbuf(decoder->png))) return false;
  png_set_read_fn(decoder->png, decoder, Read);
  png_read_info(decoder->png, decoder->info);
  // Now: png_read_update_info() replaces them by those of the rows it will give, 8 bits a channel.
  decoder->stored_bits = png_get_bit_depth(decoder->png, decoder->info);
  decoder->stored_bits *= png_get_channels(decoder->png, decoder->info);
  png_set_strip_16(decoder->png);
  png_set_palette_to_rgb(decoder->png);
  png_set_expand_gray_1_2_4_to_8(decoder->png);
  png_set_gray_to_rgb(decoder->png);
  png_set_strip_alpha(decoder->png);
  png_set_interlace_handling(decoder->png);
  png_read_update_info(decoder->png, decoder->info);
  return true;
}

bool ReadRows(Decoder* decoder, png_bytep* rows) {
  if (setjmp(png_jmpbuf(decoder->png))) return false;
  png_read_image(decoder->png, rows);
  return true;
}

// A header may claim any size: nothing is allocated for rows that so few bytes cannot hold.
void CheckClaim(const EncodedPicture& picture, const Decoder& decoder) {
  const uint64_t width = png_get_image_width(decoder.png, decoder.info);
  const uint64_t height = png_get_image_height(decoder.png, decoder.info);
  CheckPictureSize(picture.path, width, height);
  const uint64_t bits = width * height * decoder.stored_bits;
  if (bits / 8 > kMostExpansion * picture.bytes.size()) {
    throw DamagedPicture(picture.path, "it claims " + std::to_string(width) + "x" + std::to_string(height) +
                                           " pixels, too many for its " + std::to_string(picture.bytes.size()) +
                                           " bytes");
  }
}

}  // namespace

bool IsPng(const Bytes& bytes) {
  return bytes.size() >= sizeof(kSignature) && std::equal(std::begin(kSignature), std::end(kSignature), bytes.begin());
}

cv::Mat DecodePng(const EncodedPicture& picture) {
  Decoder decoder;
  decoder.next = picture.bytes.data();
  decoder.left = picture.bytes.size();
  decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, JumpOut, KeepQuiet);
  if (decoder.png != nullptr) decoder.info = png_create_info_struct(decoder.png);
  if (decoder.info == nullptr) throw NoMemoryFor(picture.path);
  if (!ReadHeader(&decoder)) throw DamagedPicture(picture.path, OneLine(decoder.message));
  CheckClaim(picture, decoder);
  const int height = static_cast<int>(png_get_image_height(decoder.png, decoder.info));
  cv::Mat pixels(height, static_cast<int>(png_get_image_width(decoder.png, decoder.info)), CV_8UC3);
  if (png_get_rowbytes(decoder.png, decoder.info) != static_cast<size_t>(pixels.cols) * 3) {
    throw DamagedPicture(picture.path, "an unknown kind of PNG");
  }
  std::vector<png_bytep> rows(height);
  for (int y = 0; y < height; ++y) rows[y] = pixels.ptr(y);
  if (!ReadRows(&decoder, rows.data())) throw DamagedPicture(picture.path, OneLine(decoder.message));
  return pixels;
}

}  // namespace ms310
