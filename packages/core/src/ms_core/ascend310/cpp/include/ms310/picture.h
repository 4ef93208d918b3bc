// Reading one picture, JPEG or PNG, as upright 8-bit RGB: bit for bit as ms_core.data.images.read_image.
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "ms310/picture_source.h"

namespace ms310 {

// Error(kUserError): missing, unreadable, empty, no regular file, neither JPEG nor PNG by its first bytes (then no more of
// it is read), or of more than 2^30 bytes.
EncodedPicture ReadPictureFile(const std::string& path);

// CV_8UC3 RGB, EXIF orientation applied. Grey and palette pictures become RGB, CMYK and YCCK too, 16 bits become 8,
// an alpha channel is dropped. What the file is called does not matter. Error(kUserError): neither JPEG nor PNG,
// truncated, undecodable, or of more than 2^30 pixels. A PNG that lacks no more than the checksum behind its last row is
// refused too, which Python accepts.
cv::Mat DecodePicture(const EncodedPicture& picture);

}  // namespace ms310
