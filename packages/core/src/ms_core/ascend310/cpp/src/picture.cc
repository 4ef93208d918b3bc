#include "ms310/picture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "decode.h"

namespace ms310 {
namespace {

// OpenCV's limits; a picture beyond them is refused before it takes memory.
constexpr uint64_t kMostPixels = uint64_t{1} << 30;
constexpr uint64_t kLongestSide = uint64_t{1} << 20;
constexpr off_t kMostBytes = off_t{1} << 30;
constexpr size_t kFirstBytes = 8;  // these tell JPEG and PNG

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

// Whatever the errno: it is this one picture that cannot be read.
Error Unreadable(const std::string& path, int error_number) {
  return UserError(SystemError(path, "cannot be read", error_number).what());
}

// Append bytes of the file to `bytes` until it has `size`, or the file ends: it may become shorter meanwhile.
void ReadUpTo(size_t size, int file, const std::string& path, Bytes* bytes) {
  size_t done = bytes->size();
  bytes->resize(size);
  while (done < size) {
    const ssize_t count = read(file, bytes->data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Unreadable(path, errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes->resize(done);
}

void RequireJpegOrPng(const EncodedPicture& picture) {
  if (IsJpeg(picture.bytes) || IsPng(picture.bytes)) return;
  throw UserError(picture.path + ": neither JPEG nor PNG by its content, and nothing else is read here. Convert it.");
}

void CheckFileSize(const std::string& path, off_t size) {
  if (size <= kMostBytes) return;
  throw UserError(path + ": the image file has " + std::to_string(size) +
                  " bytes; at most 2^30 are read. Make it smaller, or remove it.");
}

// A turn, then a mirror, as cv::rotate and cv::flip name them; -1: none, -2: no mirror (flip codes are -1, 0, 1).
struct Turn {
  int rotation;
  int flip;
};
constexpr int kNoTurn = -1, kNoFlip = -2;
constexpr Turn kTurns[9] = {{kNoTurn, kNoFlip},
                            {kNoTurn, kNoFlip},
                            {kNoTurn, 1},
                            {cv::ROTATE_180, kNoFlip},
                            {kNoTurn, 0},
                            {cv::ROTATE_90_CLOCKWISE, 1},
                            {cv::ROTATE_90_CLOCKWISE, kNoFlip},
                            {cv::ROTATE_90_COUNTERCLOCKWISE, 1},
                            {cv::ROTATE_90_COUNTERCLOCKWISE, kNoFlip}};

cv::Mat Upright(cv::Mat pixels, int orientation) {
  const Turn turn = kTurns[orientation];
  if (turn.rotation != kNoTurn) {
    cv::Mat turned;
    cv::rotate(pixels, turned, turn.rotation);
    pixels = turned;
  }
  if (turn.flip != kNoFlip) {
    cv::Mat mirrored;
    cv::flip(pixels, mirrored, turn.flip);
    pixels = mirrored;
  }
  return pixels;
}

}  // namespace

EncodedPicture ReadPictureFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe must not block
  struct stat status {};
  if (file.number() < 0 || fstat(file.number(), &status) != 0) throw Unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) throw UserError(path + ": no regular file.");
  if (status.st_size == 0) throw UserError(path + ": the image file is empty (0 bytes).");
  EncodedPicture picture{path, {}};
  ReadUpTo(kFirstBytes, file.number(), path, &picture.bytes);
  RequireJpegOrPng(picture);
  CheckFileSize(path, status.st_size);
  try {
    ReadUpTo(std::max(kFirstBytes, static_cast<size_t>(status.st_size)), file.number(), path, &picture.bytes);
  } catch (const std::bad_alloc&) {
    throw NoMemoryFor(path);
  }
  return picture;
}

cv::Mat DecodePicture(const EncodedPicture& picture) {
  RequireJpegOrPng(picture);
  try {
    cv::Mat pixels = IsPng(picture.bytes) ? DecodePng(picture) : DecodeJpeg(picture);
    return Upright(std::move(pixels), Orientation(picture.bytes));
  } catch (const cv::Exception& error) {  // out of memory for this picture
    throw UserError(picture.path + ": cannot be decoded (" + OneLine(error.what(), 120) + ").");
  }
}

Error NoMemoryFor(const std::string& path) {
  return UserError(path + ": out of memory for this picture. Make it smaller, or remove it.");
}

Error DamagedPicture(const std::string& path, const std::string& reason) {
  return UserError(path + ": the image file is truncated or damaged (" + reason +
                   "). Copy it again, or remove it.");
}

void CheckPictureSize(const std::string& path, uint64_t width, uint64_t height) {
  if (width == 0 || height == 0) throw DamagedPicture(path, "it has no pixels");
  if (width > kLongestSide || height > kLongestSide || width * height > kMostPixels) {
    throw UserError(path + ": the picture claims " + std::to_string(width) + "x" + std::to_string(height) +
                    " pixels; at most 2^30 in all and 2^20 a side are read. Make it smaller, or remove it.");
  }
}

}  // namespace ms310
