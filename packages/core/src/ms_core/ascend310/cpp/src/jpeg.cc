#include <cstdio>  // jpeglib.h needs it before itself

#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstring>

#include "decode.h"

namespace ms310 {
namespace {

// libjpeg reports errors by a function that must not return. It jumps, and no frame between setjmp and there may own
// anything: everything lives in here, outside.
struct Decoder {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_source_mgr source;
  std::jmp_buf on_error;
  char message[JMSG_LENGTH_MAX];
};

void JumpOut(j_common_ptr info) {
  auto* decoder = static_cast<Decoder*>(info->client_data);
  info->err->format_message(info, decoder->message);
  std::longjmp(decoder->on_error, 1);
}

void KeepQuiet(j_common_ptr) {}
void StartOfSource(j_decompress_ptr) {}

// All there is was given at once: nothing more ever comes, so the decoder stops where the data end.
boolean NothingMore(j_decompress_ptr) { return FALSE; }

void Skip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  const size_t skipped = std::min(static_cast<size_t>(count), info->src->bytes_in_buffer);
  info->src->next_input_byte += skipped;
  info->src->bytes_in_buffer -= skipped;
}

void Prepare(Decoder* decoder, const Bytes& bytes) {
  std::memset(decoder, 0, sizeof(*decoder));
  decoder->info.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = JumpOut;
  decoder->errors.output_message = KeepQuiet;
  decoder->source.init_source = StartOfSource;
  decoder->source.fill_input_buffer = NothingMore;
  decoder->source.skip_input_data = Skip;
  decoder->source.resync_to_restart = jpeg_resync_to_restart;
  decoder->source.term_source = StartOfSource;
  decoder->source.next_input_byte = bytes.data();
  decoder->source.bytes_in_buffer = bytes.size();
  decoder->info.client_data = decoder;
}

enum class Step { kDone, kTruncated, kFailed };

Step ReadHeader(Decoder* decoder) {
  if (setjmp(decoder->on_error)) return Step::kFailed;
  jpeg_create_decompress(&decoder->info);
  decoder->info.src = &decoder->source;
  if (jpeg_read_header(&decoder->info, TRUE) == JPEG_SUSPENDED) return Step::kTruncated;
  const bool four = decoder->info.num_components == 4;
  decoder->info.out_color_space = four ? JCS_CMYK : JCS_RGB;  // YCCK becomes CMYK, grey RGB
  return Step::kDone;
}

// Rows of out_color_components bytes a pixel, `stride` bytes apart.
Step ReadRows(Decoder* decoder, uint8_t* first, size_t stride) {
  if (setjmp(decoder->on_error)) return Step::kFailed;
  if (!jpeg_start_decompress(&decoder->info)) return Step::kTruncated;
  while (decoder->info.output_scanline < decoder->info.output_height) {
    JSAMPROW row = first + stride * decoder->info.output_scanline;
    if (jpeg_read_scanlines(&decoder->info, &row, 1) == 0) return Step::kTruncated;
  }
  return Step::kDone;
}

// Adobe writes CMYK inverted: 255 is no ink. Integer arithmetic as in OpenCV, whose result counts.
cv::Mat CmykToRgb(const cv::Mat& cmyk) {
  cv::Mat rgb(cmyk.rows, cmyk.cols, CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y) {
    const uint8_t* from = cmyk.ptr(y);
    uint8_t* to = rgb.ptr(y);
    for (int x = 0; x < cmyk.cols; ++x, from += 4, to += 3) {
      const int black = from[3];
      for (int channel = 0; channel < 3; ++channel) {
        to[channel] = static_cast<uint8_t>(black - ((255 - from[channel]) * black >> 8));
      }
    }
  }
  return rgb;
}

void Require(Step step, const Decoder& decoder, const std::string& path) {
  if (step == Step::kTruncated) throw DamagedPicture(path, "the data end too early");
  if (step == Step::kFailed) throw DamagedPicture(path, OneLine(decoder.message));
}

}  // namespace

bool IsJpeg(const Bytes& bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

cv::Mat DecodeJpeg(const EncodedPicture& picture) {
  const std::unique_ptr<Decoder> decoder = std::make_unique<Decoder>();
  Prepare(decoder.get(), picture.bytes);
  // Runs on every way out; on a decoder that was never created it finds no memory manager and does nothing.
  const std::unique_ptr<jpeg_decompress_struct, void (*)(jpeg_decompress_struct*)> guard(
      &decoder->info, jpeg_destroy_decompress);
  Require(ReadHeader(decoder.get()), *decoder, picture.path);
  CheckPictureSize(picture.path, decoder->info.image_width, decoder->info.image_height);
  const bool four = decoder->info.num_components == 4;
  cv::Mat pixels(static_cast<int>(decoder->info.image_height), static_cast<int>(decoder->info.image_width),
                 four ? CV_8UC4 : CV_8UC3);
  Require(ReadRows(decoder.get(), pixels.data, pixels.step[0]), *decoder, picture.path);
  return four ? CmykToRgb(pixels) : pixels;
}

}  // namespace ms310
