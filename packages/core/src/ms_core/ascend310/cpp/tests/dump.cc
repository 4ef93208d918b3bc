// Shows Python what these programs make of pictures:
//   ms310_dump decode OUT PICTURE...                      OUT/0.bin, OUT/1.bin, ...: RGB bytes
//   ms310_dump input MANIFEST double|mmcv OUT PICTURE...  the model's first input
//   ms310_dump resize linear|antialiased WIDTH HEIGHT OUT PICTURE...  RGB bytes of the resized picture
// and prints a line for each: "WIDTH HEIGHT" (of the upright picture; of the picture in the input), or "error: ...".
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "ms310/error.h"
#include "ms310/manifest.h"
#include "ms310/picture.h"
#include "ms310/picture_source.h"
#include "ms310/resize.h"
#include "ms310/result_writer.h"

namespace {

using Words = std::vector<std::string>;
using Work = std::function<std::string(const ms310::EncodedPicture&, const std::string& out)>;

std::string Save(const cv::Mat& pixels, const std::string& out) {
  ms310::WriteFileAtomically(out, pixels.data, pixels.total() * pixels.elemSize());
  return std::to_string(pixels.cols) + " " + std::to_string(pixels.rows);
}

void ForEach(const Words& words, size_t first, const Work& work) {
  const std::string out = words.at(first);
  for (size_t index = first + 1; index < words.size(); ++index) {
    try {
      const std::string path = out + "/" + std::to_string(index - first - 1) + ".bin";
      std::cout << work(ms310::ReadPictureFile(words[index]), path) << "\n";
    } catch (const ms310::Error& error) {
      std::cout << "error: " << error.what() << "\n";
    }
  }
}

void Input(const Words& words) {
  const auto arithmetic = words.at(2) == "mmcv" ? ms310::Arithmetic::kMmcv : ms310::Arithmetic::kDouble;
  const ms310::Manifest manifest = ms310::ReadManifest(words.at(1));
  const auto source = ms310::MakeCpuSource(manifest.input, arithmetic);
  ForEach(words, 3, [&source](const ms310::EncodedPicture& picture, const std::string& out) {
    const ms310::PreparedPicture prepared = source->Prepare(picture);
    ms310::WriteFileAtomically(out, prepared.tensor.bytes.data(), prepared.tensor.bytes.size());
    const ms310::Placement& placement = prepared.placement;
    return std::to_string(placement.width) + " " + std::to_string(placement.height) + " " +
           std::to_string(placement.fitted_width) + " " + std::to_string(placement.fitted_height);
  });
}

void Resize(const Words& words) {
  const bool linear = words.at(1) == "linear";
  const cv::Size size(std::stoi(words.at(2)), std::stoi(words.at(3)));
  ForEach(words, 4, [linear, size](const ms310::EncodedPicture& picture, const std::string& out) {
    const cv::Mat pixels = ms310::DecodePicture(picture);
    return Save(linear ? ms310::ResizeLinear(pixels, size) : ms310::ResizeAntialiased(pixels, size), out);
  });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Words words(argv + 1, argv + argc);
    if (words.at(0) == "decode") {
      ForEach(words, 1, [](const ms310::EncodedPicture& picture, const std::string& out) {
        return Save(ms310::DecodePicture(picture), out);
      });
    } else if (words.at(0) == "input") {
      Input(words);
    } else if (words.at(0) == "resize") {
      Resize(words);
    } else {
      throw ms310::UserError(words.at(0) + ": no such work.");
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
}
