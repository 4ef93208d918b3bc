// The EXIF orientation, found as Pillow finds it: its reading of odd files counts, since training used it.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "decode.h"

namespace ms310 {
namespace {

constexpr size_t kHeaderBytes = 1 << 16;  // a file that does not mention EXIF in these has none
constexpr uint16_t kOrientationTag = 0x0112;

std::string_view View(const Bytes& bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// A TIFF structure: numbers in its own byte order, nothing outside its ends.
class Tiff {
 public:
  explicit Tiff(std::string_view data) : data_(data) {
    const std::string_view head = data.substr(0, 4);
    big_ = head.substr(0, 2) == "MM";
    const bool order = big_ || head.substr(0, 2) == "II";
    const std::string_view mark = head.substr(std::min<size_t>(2, head.size()));
    valid_ = order && (mark == std::string_view("\0*", 2) || mark == std::string_view("*\0", 2));
  }

  bool valid() const { return valid_ && data_.size() >= 8; }
  size_t size() const { return data_.size(); }

  // `count` bytes at `offset` as a number; nothing where the data end before.
  std::optional<uint32_t> Number(size_t offset, size_t count) const {
    if (offset > data_.size() || count > data_.size() - offset) return std::nullopt;
    uint32_t number = 0;
    for (size_t index = 0; index < count; ++index) {
      const size_t place = big_ ? index : count - 1 - index;
      number = number << 8 | static_cast<uint8_t>(data_[offset + place]);
    }
    return number;
  }

 private:
  std::string_view data_;
  bool big_ = false;
  bool valid_ = false;
};

// Bytes of one value of a TIFF type; 0 for a type that is skipped.
size_t TypeSize(uint32_t type) {
  constexpr size_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

// The first value of an entry of a whole-number type; 0, which is no orientation, for any other (bytes count as text).
uint32_t EntryValue(const Tiff& tiff, uint32_t type, size_t offset) {
  const size_t size = TypeSize(type);
  constexpr uint32_t kShort = 3, kLong = 4, kSignedByte = 6, kSignedShort = 8, kSignedLong = 9, kDirectory = 13;
  constexpr uint32_t kWhole[] = {kShort, kLong, kSignedByte, kSignedShort, kSignedLong, kDirectory};
  if (std::find(std::begin(kWhole), std::end(kWhole), type) == std::end(kWhole)) return 0;
  return tiff.Number(offset, size).value_or(0);
}

// The orientation entry of the first directory; nothing where it has none before the data end.
std::optional<uint32_t> OrientationEntry(const Tiff& tiff) {
  const size_t directory = tiff.Number(4, 4).value_or(0);
  const uint32_t count = tiff.Number(directory, 2).value_or(0);
  uint64_t total = 0;
  for (uint32_t index = 0; index < count; ++index) {
    const size_t entry = directory + 2 + size_t{12} * index;
    const auto tag = tiff.Number(entry, 2), type = tiff.Number(entry + 2, 2), values = tiff.Number(entry + 4, 4);
    const auto offset = tiff.Number(entry + 8, 4);
    if (!offset) return std::nullopt;
    const uint64_t bytes = uint64_t{TypeSize(*type)} * *values;
    if (bytes == 0) continue;
    size_t place = entry + 8;
    if (bytes > 4) {
      total += bytes;
      if (total > tiff.size()) continue;
      if (*offset + bytes > tiff.size()) return std::nullopt;
      place = *offset;
    }
    if (*tag == kOrientationTag) return EntryValue(tiff, *type, place);
  }
  return std::nullopt;
}

struct Metadata {
  std::string exif;  // the TIFF structure
  std::string xmp;
};

bool StartsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// The segments before the picture data.
Metadata JpegMetadata(std::string_view file) {
  constexpr std::string_view kExif("Exif\0\0", 6), kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  Metadata found;
  size_t position = 2;
  while (position + 4 <= file.size()) {
    const auto marker = static_cast<uint8_t>(file[position + 1]);
    if (static_cast<uint8_t>(file[position]) != 0xFF || marker == 0xFF) {  // filler between segments
      ++position;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;
    if (marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {  // without a length
      position += 2;
      continue;
    }
    const size_t length = static_cast<uint8_t>(file[position + 2]) << 8 | static_cast<uint8_t>(file[position + 3]);
    if (length < 2) break;
    const std::string_view segment = file.substr(position + 4, length - 2);
    if (marker == 0xE1 && StartsWith(segment, kExif)) found.exif += segment.substr(kExif.size());
    if (marker == 0xE1 && StartsWith(segment, kXmp)) found.xmp = segment.substr(kXmp.size());
    position += 2 + length;
  }
  return found;
}

// The chunks before the picture data; of text chunks the uncompressed XMP.
Metadata PngMetadata(std::string_view file) {
  constexpr std::string_view kXmp("XML:com.adobe.xmp\0\0\0", 20);
  Metadata found;
  size_t position = 8;
  while (position + 12 <= file.size()) {
    uint32_t length = 0;
    for (size_t index = 0; index < 4; ++index) length = length << 8 | static_cast<uint8_t>(file[position + index]);
    const std::string_view kind = file.substr(position + 4, 4);
    if (kind == "IDAT" || kind == "IEND" || length > file.size() - position - 12) break;
    const std::string_view chunk = file.substr(position + 8, length);
    if (kind == "eXIf") found.exif = chunk;
    if (kind == "iTXt" && StartsWith(chunk, kXmp)) found.xmp = chunk.substr(kXmp.size());
    position += size_t{12} + length;
  }
  return found;
}

// `tiff:Orientation="6"` or `<tiff:Orientation>6`.
uint32_t XmpOrientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at + 1)) {
    std::string_view rest = xmp.substr(at + kName.size());
    const size_t skipped = StartsWith(rest, "=\"") ? 2 : StartsWith(rest, ">") ? 1 : 0;
    rest.remove_prefix(skipped);
    if (skipped > 0 && !rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return 0;
}

// The TIFF structure without the word that some programs write twice before it.
std::string_view Unlabelled(std::string_view exif) {
  constexpr std::string_view kLabel("Exif\0\0", 6);
  return StartsWith(exif, kLabel) ? exif.substr(kLabel.size()) : exif;
}

}  // namespace

int Orientation(const Bytes& bytes) {
  const std::string_view file = View(bytes);
  const std::string_view head = file.substr(0, kHeaderBytes);
  if (head.find(std::string_view("Exif\0", 5)) == head.npos && head.find("eXIf") == head.npos) return 1;
  const Metadata metadata = IsPng(bytes) ? PngMetadata(file) : JpegMetadata(file);
  const std::string_view exif = Unlabelled(metadata.exif);
  std::optional<uint32_t> value;
  if (!exif.empty()) {
    const Tiff tiff(exif);
    if (!tiff.valid()) return 1;
    value = OrientationEntry(tiff);
  }
  const uint32_t orientation = value ? *value : XmpOrientation(metadata.xmp);
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
}

}  // namespace ms310
