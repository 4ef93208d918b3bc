#include "dvpp_rules.h"

#include "ms310/error.h"
#include "ms310/picture_source.h"

namespace ms310::ascend {

namespace {

constexpr int kSmallestJpeg = 32, kLargestJpeg = 8192;       // pixels a side [jpegd]
constexpr int kLargestOutput = 4096;                         // pixels a side [vpc]
constexpr int64_t kMostShrinking = 32, kMostEnlarging = 16;  // times [vpc]

std::string Size(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

uint32_t RoundUp(uint32_t value, uint32_t step) { return (value + step - 1) / step * step; }

uint32_t RowPadding(const std::string& soc) {
  // 910A, 910B (not 910B1 to 910B4, a later generation), 910ProA, 910ProB, 910PremiumA: the first 910s.
  const bool first = soc == "Ascend310" || soc == "Ascend910" || soc == "Ascend910A" || soc == "Ascend910B" ||
                     soc.rfind("Ascend910P", 0) == 0;
  return first ? 128 : 64;
}

bool ScalesWithin(int64_t from, int64_t to) {
  return from <= to * kMostShrinking && to <= from * kMostEnlarging;
}

}  // namespace

void CheckDvppInput(const Manifest& manifest) {
  CheckDvppAlignment(manifest);
  const int width = manifest.input.Width(), height = manifest.input.Height();
  if (width > kLargestOutput || height > kLargestOutput) {
    throw UserError("--cpu_dvpp=DVPP: the model takes pictures of " + Size(width, height) +
                    " and DVPP writes at most 4096x4096. Use --cpu_dvpp=CPU.");
  }
  if (manifest.input.resize == Resize::kFit) {
    throw UserError(
        "--cpu_dvpp=DVPP: this model takes pictures with their proportions kept, which DVPP with AIPP "
        "cannot fill up as the network was trained. Use --cpu_dvpp=CPU.");
  }
}

void CheckJpeg(const JpegHeader& header, const PictureLayout& target, const std::string& where) {
  const auto refuse = [&where](const std::string& what) {
    throw UserError(where + ": " + what + ". Use --cpu_dvpp=CPU.");
  };
  if (header.progressive) refuse("a progressive JPEG, which DVPP cannot decode");
  if (header.arithmetic) refuse("a JPEG with arithmetic coding, which DVPP cannot decode");
  if (header.components != 1 && header.components != 3) {
    refuse("a JPEG of " + std::to_string(header.components) +
           " channels; DVPP decodes grey and colour (1 and 3)");
  }
  for (const int side : {header.width, header.height}) {
    if (side < kSmallestJpeg || side > kLargestJpeg) {
      refuse("DVPP decodes sides of 32 to 8192 pixels, and the picture is " +
             Size(header.width, header.height));
    }
  }
  const PictureLayout upright = DecodedLayout(header, "");
  if (!ScalesWithin(upright.width, target.width) || !ScalesWithin(upright.height, target.height)) {
    refuse("DVPP scales by 1/32 to 16, and the picture of " + Size(header.width, header.height) +
           " would have to be " + Size(static_cast<int>(target.width), static_cast<int>(target.height)));
  }
}

PictureLayout DecodedLayout(const JpegHeader& header, const std::string& soc) {
  PictureLayout layout;
  const bool sideways = header.orientation >= 5;
  layout.width = static_cast<uint32_t>(sideways ? header.height : header.width);
  layout.height = static_cast<uint32_t>(sideways ? header.width : header.height);
  layout.width_stride = RoundUp(layout.width, RowPadding(soc));
  layout.height_stride = RoundUp(layout.height, 16);
  return layout;
}

PictureLayout ResizedLayout(int width, int height) {
  const auto w = static_cast<uint32_t>(width), h = static_cast<uint32_t>(height);
  return PictureLayout{w, h, w, h};
}

}  // namespace ms310::ascend
