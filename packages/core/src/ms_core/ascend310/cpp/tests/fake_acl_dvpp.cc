// The fake's picture hardware: JPEG decode and resize as tasks of a stream, done when it is synchronised,
// with the strides and sizes checked that the real one wants.
#include <algorithm>

#include "acl/ops/acl_dvpp.h"
#include "ascend/jpeg_header.h"
#include "fake_acl_state.h"
#include "ms310/error.h"

struct acldvppPicDesc {
  void* data = nullptr;
  uint32_t bytes = 0;
  acldvppPixelFormat format = PIXEL_FORMAT_UNKNOWN;
  uint32_t width = 0, height = 0, width_stride = 0, height_stride = 0;
};
struct acldvppResizeConfig {
  uint32_t interpolation = 0;
};
struct acldvppChannelDesc {
  char open = 0;  // its address is the channel
};

namespace fake_acl {

uint8_t DecodedGrey(uint32_t row, uint32_t column) { return static_cast<uint8_t>(row * 7 + column * 3 + 1); }

namespace {

void CheckPicture(const acldvppPicDesc& picture, uint32_t row_step, uint32_t column_step, const char* call) {
  NeedMemory(picture.data, picture.bytes, call);
  const auto wrong = [call](const char* what) { Note(std::string(call) + ": " + what); };
  if (picture.format != PIXEL_FORMAT_YUV_SEMIPLANAR_420) wrong("format");
  if (picture.width_stride % row_step != 0 || picture.width_stride < picture.width) wrong("width stride");
  if (picture.height_stride % column_step != 0 || picture.height_stride < picture.height)
    wrong("height stride");
  if (picture.bytes < picture.width_stride * picture.height_stride * 3 / 2) wrong("too little memory");
}

// Grey as DecodedGrey says, colours neutral; what pads the rows is 0xEE.
void Decode(const acldvppPicDesc& picture) {
  auto* pixels = static_cast<uint8_t*>(picture.data);
  const size_t luma = size_t{picture.width_stride} * picture.height_stride;
  std::fill(pixels, pixels + luma, uint8_t{0xEE});
  std::fill(pixels + luma, pixels + luma + luma / 2, uint8_t{128});
  for (uint32_t row = 0; row < picture.height; ++row) {
    for (uint32_t column = 0; column < picture.width; ++column) {
      pixels[size_t{row} * picture.width_stride + column] = DecodedGrey(row, column);
    }
  }
}

void Resize(const acldvppPicDesc& from, const acldvppPicDesc& to) {
  const auto* source = static_cast<const uint8_t*>(from.data);
  auto* target = static_cast<uint8_t*>(to.data);
  for (uint32_t row = 0; row < to.height; ++row) {
    for (uint32_t column = 0; column < to.width; ++column) {
      const size_t source_row = size_t{row} * from.height / to.height,
                   source_column = size_t{column} * from.width / to.width;
      target[size_t{row} * to.width_stride + column] = source[source_row * from.width_stride + source_column];
    }
  }
  const size_t luma = size_t{to.width_stride} * to.height_stride;
  std::fill(target + luma, target + luma + luma / 2, uint8_t{128});
}

uint32_t Even(uint32_t value) { return value / 2 * 2; }

template <typename T>
aclError Set(acldvppPicDesc* picture, T acldvppPicDesc::* field, T value, const char* call) {
  if (Fails(call)) return kPlannedFailure;
  Use(picture, "picture description", call);
  picture->*field = value;
  return ACL_SUCCESS;
}

}  // namespace
}  // namespace fake_acl

using namespace fake_acl;

extern "C" {

aclError acldvppMalloc(void** pointer, size_t bytes) {
  return Allocate(pointer, bytes, "picture memory", "acldvppMalloc");
}
aclError acldvppFree(void* pointer) { return Free(pointer, "picture memory", "acldvppFree"); }

acldvppChannelDesc* acldvppCreateChannelDesc() {
  return Fails("acldvppCreateChannelDesc") ? nullptr : New<acldvppChannelDesc>("channel description");
}
aclError acldvppDestroyChannelDesc(acldvppChannelDesc* description) {
  if (description->open != 0) Note("acldvppDestroyChannelDesc: the channel is open");
  return Release(description, "channel description", "acldvppDestroyChannelDesc");
}
aclError acldvppCreateChannel(acldvppChannelDesc* description) {
  if (Fails("acldvppCreateChannel")) return kPlannedFailure;
  NeedContext("acldvppCreateChannel");
  Use(description, "channel description", "acldvppCreateChannel");
  description->open = 1;
  ++The().channels;
  return ACL_SUCCESS;
}
aclError acldvppDestroyChannel(acldvppChannelDesc* description) {
  const bool fails = Fails("acldvppDestroyChannel");
  NeedContext("acldvppDestroyChannel");
  description->open = 0;
  --The().channels;
  return fails ? kPlannedFailure : ACL_SUCCESS;
}

acldvppResizeConfig* acldvppCreateResizeConfig() {
  return Fails("acldvppCreateResizeConfig") ? nullptr : New<acldvppResizeConfig>("resize configuration");
}
aclError acldvppDestroyResizeConfig(acldvppResizeConfig* config) {
  return Release(config, "resize configuration", "acldvppDestroyResizeConfig");
}
aclError acldvppSetResizeConfigInterpolation(acldvppResizeConfig* config, uint32_t interpolation) {
  if (Fails("acldvppSetResizeConfigInterpolation")) return kPlannedFailure;
  config->interpolation = interpolation;
  return ACL_SUCCESS;
}

acldvppPicDesc* acldvppCreatePicDesc() {
  return Fails("acldvppCreatePicDesc") ? nullptr : New<acldvppPicDesc>("picture description");
}
aclError acldvppDestroyPicDesc(acldvppPicDesc* picture) {
  return Release(picture, "picture description", "acldvppDestroyPicDesc");
}
aclError acldvppSetPicDescData(acldvppPicDesc* picture, void* data) {
  return Set(picture, &acldvppPicDesc::data, data, "acldvppSetPicDescData");
}
aclError acldvppSetPicDescSize(acldvppPicDesc* picture, uint32_t bytes) {
  return Set(picture, &acldvppPicDesc::bytes, bytes, "acldvppSetPicDescSize");
}
aclError acldvppSetPicDescFormat(acldvppPicDesc* picture, acldvppPixelFormat format) {
  return Set(picture, &acldvppPicDesc::format, format, "acldvppSetPicDescFormat");
}
aclError acldvppSetPicDescWidth(acldvppPicDesc* picture, uint32_t width) {
  return Set(picture, &acldvppPicDesc::width, width, "acldvppSetPicDescWidth");
}
aclError acldvppSetPicDescHeight(acldvppPicDesc* picture, uint32_t height) {
  return Set(picture, &acldvppPicDesc::height, height, "acldvppSetPicDescHeight");
}
aclError acldvppSetPicDescWidthStride(acldvppPicDesc* picture, uint32_t stride) {
  return Set(picture, &acldvppPicDesc::width_stride, stride, "acldvppSetPicDescWidthStride");
}
aclError acldvppSetPicDescHeightStride(acldvppPicDesc* picture, uint32_t stride) {
  return Set(picture, &acldvppPicDesc::height_stride, stride, "acldvppSetPicDescHeightStride");
}
uint32_t acldvppGetPicDescWidth(const acldvppPicDesc* picture) {
  return Fails("acldvppGetPicDescWidth") ? 0 : picture->width;
}
uint32_t acldvppGetPicDescHeight(const acldvppPicDesc* picture) {
  return Fails("acldvppGetPicDescHeight") ? 0 : picture->height;
}

aclError acldvppJpegPredictDecSize(const void* data, uint32_t bytes, acldvppPixelFormat, uint32_t* size) {
  if (Fails("acldvppJpegPredictDecSize")) return kPlannedFailure;
  const auto* first = static_cast<const uint8_t*>(data);
  const auto header = ms310::ascend::ReadJpegHeader({first, first + bytes}, "fake");
  *size = static_cast<uint32_t>(header.width * header.height) * 3 / 2;
  return ACL_SUCCESS;
}

aclError acldvppJpegDecodeAsync(acldvppChannelDesc* channel, const void* data, uint32_t bytes,
                                acldvppPicDesc* picture, aclrtStream stream) {
  if (Fails("acldvppJpegDecodeAsync")) return kPlannedFailure;
  NeedContext("acldvppJpegDecodeAsync");
  if (channel->open == 0) Note("acldvppJpegDecodeAsync: the channel is not open");
  NeedMemory(data, bytes, "acldvppJpegDecodeAsync");
  CheckPicture(*picture, The().machine.soc == "Ascend310" ? 128 : 64, 16, "acldvppJpegDecodeAsync");
  The().tasks[stream].push_back([=] {
    const auto* first = static_cast<const uint8_t*>(data);
    const auto header = ms310::ascend::ReadJpegHeader({first, first + bytes}, "fake");
    const bool sideways = header.orientation >= 5 && The().machine.turns_pictures;
    picture->width = Even(static_cast<uint32_t>(sideways ? header.height : header.width));
    picture->height = Even(static_cast<uint32_t>(sideways ? header.width : header.height));
    Decode(*picture);
  });
  return ACL_SUCCESS;
}

aclError acldvppVpcResizeAsync(acldvppChannelDesc* channel, acldvppPicDesc* from, acldvppPicDesc* to,
                               acldvppResizeConfig* config, aclrtStream stream) {
  if (Fails("acldvppVpcResizeAsync")) return kPlannedFailure;
  NeedContext("acldvppVpcResizeAsync");
  if (channel->open == 0) Note("acldvppVpcResizeAsync: the channel is not open");
  if (config->interpolation != 1) Note("acldvppVpcResizeAsync: not bilinear");
  CheckPicture(*from, 16, 2, "acldvppVpcResizeAsync");
  CheckPicture(*to, 16, 2, "acldvppVpcResizeAsync");
  if (from->width % 2 != 0 || from->height % 2 != 0) Note("acldvppVpcResizeAsync: odd sides");
  The().tasks[stream].push_back([=] { Resize(*from, *to); });
  return ACL_SUCCESS;
}

}  // extern "C"
