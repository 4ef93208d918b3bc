#include "dvpp.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "calls.h"
#include "jpeg_header.h"

namespace ms310::ascend {

namespace {

constexpr char kSubject[] = "DVPP";
// Y, then U and V interleaved (NV12): what AIPP calls YUV420SP_U8 without rbuv_swap_switch.
constexpr acldvppPixelFormat kFormat = PIXEL_FORMAT_YUV_SEMIPLANAR_420;
// "acldvppSetResizeConfigInterpolation": 1 is bilinear close to OpenCV's, with which the networks were
// trained; the default 0 is a filter of Huawei's own on Ascend 310.
constexpr uint32_t kBilinear = 1;

// The stream fails with the same codes for a damaged picture and for a broken device. Pictures that pass all checks of
// their header and still fail one after the other mean the device.
constexpr int kMostFailuresInRow = 3;

// The picture, not the device, is at fault: the program notes it and goes on.
void CheckPicture(aclError code, const char* call, const EncodedPicture& picture) {
  if (code != ACL_SUCCESS) {
    throw UserError(picture.path + ": DVPP cannot decode it. " + FailureText(call, code));
  }
}

PictureDescription Describe(void* data, uint32_t bytes, const PictureLayout& layout) {
  PictureDescription description(CheckPointer(acldvppCreatePicDesc(), "acldvppCreatePicDesc", kSubject));
  acldvppPicDesc* picture = description.get();
  Check(acldvppSetPicDescData(picture, data), "acldvppSetPicDescData", kSubject);
  Check(acldvppSetPicDescSize(picture, bytes), "acldvppSetPicDescSize", kSubject);
  Check(acldvppSetPicDescFormat(picture, kFormat), "acldvppSetPicDescFormat", kSubject);
  Check(acldvppSetPicDescWidth(picture, layout.width), "acldvppSetPicDescWidth", kSubject);
  Check(acldvppSetPicDescHeight(picture, layout.height), "acldvppSetPicDescHeight", kSubject);
  Check(acldvppSetPicDescWidthStride(picture, layout.width_stride), "acldvppSetPicDescWidthStride", kSubject);
  Check(acldvppSetPicDescHeightStride(picture, layout.height_stride), "acldvppSetPicDescHeightStride",
        kSubject);
  return description;
}

std::unique_ptr<void, StreamDeleter> MakeStream() {
  aclrtStream stream = nullptr;
  Check(aclrtCreateStream(&stream), "aclrtCreateStream", kSubject);
  return std::unique_ptr<void, StreamDeleter>(stream);
}

// The decoder rounds odd sides down; anything else means that strides and content do not fit each other.
void CheckDecodedSize(const acldvppPicDesc* decoded, const PictureLayout& expected, const std::string& path) {
  const uint32_t width = acldvppGetPicDescWidth(decoded), height = acldvppGetPicDescHeight(decoded);
  if (width / 2 != expected.width / 2 || height / 2 != expected.height / 2) {
    throw UserError(path + ": DVPP decoded " + std::to_string(width) + "x" + std::to_string(height) +
                    " pixels of " + std::to_string(expected.width) + "x" + std::to_string(expected.height) +
                    ". Use --cpu_dvpp=CPU.");
  }
}

}  // namespace

DvppMemory::DvppMemory(std::shared_ptr<const Device> device, size_t bytes)
    : device_(std::move(device)), bytes_(bytes) {
  Check(acldvppMalloc(&data_, bytes), "acldvppMalloc", "DVPP (" + std::to_string(bytes) + " bytes)");
}

DvppMemory::~DvppMemory() {
  device_->TryMakeCurrent();
  Released(acldvppFree(data_), "acldvppFree");
}

void StreamDeleter::operator()(void* stream) const noexcept {
  Released(aclrtDestroyStream(stream), "aclrtDestroyStream");
}

void PictureDeleter::operator()(acldvppPicDesc* description) const noexcept {
  Released(acldvppDestroyPicDesc(description), "acldvppDestroyPicDesc");
}

void ResizeConfigDeleter::operator()(acldvppResizeConfig* config) const noexcept {
  Released(acldvppDestroyResizeConfig(config), "acldvppDestroyResizeConfig");
}

void ChannelDescriptionDeleter::operator()(acldvppChannelDesc* description) const noexcept {
  Released(acldvppDestroyChannelDesc(description), "acldvppDestroyChannelDesc");
}

Channel::Channel()
    : description_(CheckPointer(acldvppCreateChannelDesc(), "acldvppCreateChannelDesc", kSubject)) {
  Check(acldvppCreateChannel(description_.get()), "acldvppCreateChannel", kSubject);
}

Channel::~Channel() { Released(acldvppDestroyChannel(description_.get()), "acldvppDestroyChannel"); }

DvppSource::DvppSource(std::shared_ptr<const Device> device, const TensorSpec& input, int width, int height)
    : device_(std::move(device)),
      input_(input),
      target_(ResizedLayout(width, height)),
      soc_(CheckPointer(aclrtGetSocName(), "aclrtGetSocName", kSubject)),
      stream_(MakeStream()),
      resize_config_(CheckPointer(acldvppCreateResizeConfig(), "acldvppCreateResizeConfig", kSubject)) {
  Check(acldvppSetResizeConfigInterpolation(resize_config_.get(), kBilinear),
        "acldvppSetResizeConfigInterpolation", kSubject);
}

DvppSource::~DvppSource() { device_->TryMakeCurrent(); }

PreparedPicture DvppSource::Prepare(const EncodedPicture& picture) {
  const JpegHeader header = ReadJpegHeader(picture.bytes, picture.path);
  CheckJpeg(header, target_, picture.path);
  device_->MakeCurrent();
  const PictureLayout layout = DecodedLayout(header, soc_);
  CopyJpeg(picture.bytes);
  const PictureDescription decoded = Decode(picture, layout);

  PreparedPicture prepared;
  prepared.tensor.spec = input_;
  prepared.tensor.device = Resize(decoded.get());
  Placement& placement = prepared.placement;
  placement.width = static_cast<int>(layout.width);
  placement.height = static_cast<int>(layout.height);
  placement.input_width = placement.fitted_width = static_cast<int>(target_.width);
  placement.input_height = placement.fitted_height = static_cast<int>(target_.height);
  return prepared;
}

void DvppSource::CopyJpeg(const std::vector<uint8_t>& bytes) {
  if (jpeg_ == nullptr || jpeg_->bytes() < bytes.size()) {
    jpeg_.reset();  // first: two of them may not fit
    jpeg_ = std::make_unique<DvppMemory>(device_, bytes.size());
  }
  device_->CopyIn(jpeg_->data(), bytes.data(), bytes.size());
}

PictureDescription DvppSource::Decode(const EncodedPicture& picture, const PictureLayout& layout) {
  const auto size = static_cast<uint32_t>(picture.bytes.size());
  uint32_t predicted = 0;
  CheckPicture(acldvppJpegPredictDecSize(picture.bytes.data(), size, kFormat, &predicted),
               "acldvppJpegPredictDecSize", picture);
  const uint32_t bytes = std::max(predicted, layout.Bytes());
  if (decoded_ == nullptr || decoded_->bytes() < bytes) {
    decoded_.reset();
    decoded_ = std::make_unique<DvppMemory>(device_, bytes);
  }
  PictureDescription description = Describe(decoded_->data(), bytes, layout);
  // Only queued here: what fails is the device.
  Check(acldvppJpegDecodeAsync(channel_.get(), jpeg_->data(), size, description.get(), stream_.get()),
        "acldvppJpegDecodeAsync", kSubject);
  WaitForDecoder(picture);
  CheckDecodedSize(description.get(), layout, picture.path);
  return description;
}

void DvppSource::WaitForDecoder(const EncodedPicture& picture) {
  const aclError code = aclrtSynchronizeStream(stream_.get());
  failures_in_row_ = code == ACL_SUCCESS ? 0 : failures_in_row_ + 1;
  if (failures_in_row_ < kMostFailuresInRow) return CheckPicture(code, "aclrtSynchronizeStream", picture);
  Check(code, "aclrtSynchronizeStream",
        picture.path + ": the decoder of the device failed " + std::to_string(failures_in_row_) + " times in a row");
}

std::shared_ptr<const DvppMemory> DvppSource::Resize(acldvppPicDesc* decoded) {
  auto memory = std::make_shared<const DvppMemory>(device_, target_.Bytes());
  const PictureDescription resized = Describe(memory->data(), target_.Bytes(), target_);
  Check(acldvppVpcResizeAsync(channel_.get(), decoded, resized.get(), resize_config_.get(), stream_.get()),
        "acldvppVpcResizeAsync", kSubject);
  Check(aclrtSynchronizeStream(stream_.get()), "aclrtSynchronizeStream", kSubject);
  return memory;
}

}  // namespace ms310::ascend
