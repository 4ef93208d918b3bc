// Pictures by DVPP: a JPEG is decoded and resized by the device and stays in its memory, YUV420SP (NV12), for
// a model with a static AIPP that reads such pictures.
#pragma once

#include <memory>
#include <string>

#include "acl/acl.h"
#include "acl/ops/acl_dvpp.h"
#include "device.h"
#include "dvpp_rules.h"
#include "ms310/picture_source.h"

namespace ms310::ascend {

// Memory that the picture hardware can reach (acldvppMalloc), freed with its owner.
class DvppMemory {
 public:
  DvppMemory(std::shared_ptr<const Device> device, size_t bytes);
  ~DvppMemory();
  DvppMemory(const DvppMemory&) = delete;
  DvppMemory& operator=(const DvppMemory&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<const Device> device_;
  size_t bytes_;
  void* data_ = nullptr;
};

struct StreamDeleter {
  void operator()(void* stream) const noexcept;
};
struct PictureDeleter {
  void operator()(acldvppPicDesc* description) const noexcept;
};
struct ResizeConfigDeleter {
  void operator()(acldvppResizeConfig* config) const noexcept;
};
struct ChannelDescriptionDeleter {
  void operator()(acldvppChannelDesc* description) const noexcept;
};

using PictureDescription = std::unique_ptr<acldvppPicDesc, PictureDeleter>;

// acldvppCreateChannel ... acldvppDestroyChannel.
class Channel {
 public:
  Channel();
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  acldvppChannelDesc* get() const { return description_.get(); }

 private:
  std::unique_ptr<acldvppChannelDesc, ChannelDescriptionDeleter> description_;
};

class DvppSource : public PictureSource {
 public:
  // `input`: the model's first input, uint8 [1, height * 3 / 2, width, 1].
  DvppSource(std::shared_ptr<const Device> device, const TensorSpec& input, int width, int height);
  ~DvppSource() override;

  PreparedPicture Prepare(const EncodedPicture& picture) override;

 private:
  void CopyJpeg(const std::vector<uint8_t>& bytes);
  PictureDescription Decode(const EncodedPicture& picture, const PictureLayout& layout);
  void WaitForDecoder(const EncodedPicture& picture);
  std::shared_ptr<const DvppMemory> Resize(acldvppPicDesc* decoded);

  std::shared_ptr<const Device> device_;
  TensorSpec input_;
  PictureLayout target_;
  std::string soc_;
  std::unique_ptr<void, StreamDeleter> stream_;
  Channel channel_;
  std::unique_ptr<acldvppResizeConfig, ResizeConfigDeleter> resize_config_;
  std::unique_ptr<DvppMemory> jpeg_, decoded_;  // grow with the pictures
  int failures_in_row_ = 0;                     // of the decoder
};

}  // namespace ms310::ascend
