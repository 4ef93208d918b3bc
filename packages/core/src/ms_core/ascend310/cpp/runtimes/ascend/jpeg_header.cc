#include "jpeg_header.h"

#include "decode.h"
#include "ms310/error.h"

namespace ms310::ascend {

namespace {

// A part of a file; reads past its end are errors of the file.
struct Part {
  const uint8_t* data;
  size_t size;
  const std::string& where;

  uint8_t At(size_t offset) const {
    if (offset >= size) {
      throw UserError(where + ": the header of the JPEG is cut off.");
    }
    return data[offset];
  }
  uint32_t Big16(size_t offset) const { return static_cast<uint32_t>(At(offset)) << 8 | At(offset + 1); }
  Part Sub(size_t offset, size_t length) const {
    At(offset + length - 1);
    return {data + offset, length, where};
  }
};

bool IsFrame(uint8_t marker) {  // SOF0 to SOF15 without DHT, JPG and DAC
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

JpegHeader ReadFrame(const Part& segment, uint8_t marker) {
  JpegHeader header;
  header.height = static_cast<int>(segment.Big16(1));
  header.width = static_cast<int>(segment.Big16(3));
  header.components = segment.At(5);
  header.progressive = (marker & 3) == 2;
  header.arithmetic = marker > 0xC8;
  return header;
}

}  // namespace

JpegHeader ReadJpegHeader(const std::vector<uint8_t>& bytes, const std::string& where) {
  const Part file{bytes.data(), bytes.size(), where};
  if (bytes.size() < 3 || bytes[0] != 0xFF || bytes[1] != 0xD8 || bytes[2] != 0xFF) {
    throw UserError(where + ": no JPEG file, and DVPP decodes nothing else. Use --cpu_dvpp=CPU.");
  }
  for (size_t at = 2;;) {
    if (file.At(at) != 0xFF) {
      throw UserError(where + ": the header of the JPEG is damaged.");
    }
    const uint8_t marker = file.At(at + 1);
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    const size_t length = file.Big16(at + 2);
    if (length < 2 || marker == 0xDA || marker == 0xD9) {  // start of scan or end before any frame
      throw UserError(where + ": the header of the JPEG is damaged.");
    }
    const Part segment = file.Sub(at + 4, length - 2);
    if (IsFrame(marker)) {
      JpegHeader header = ReadFrame(segment, marker);
      header.orientation = Orientation(bytes);
      return header;
    }
    at += 2 + length;
  }
}

}  // namespace ms310::ascend
