#include "class_map.h"

#include <opencv2/imgproc.hpp>
#include <string>

#include "ms310/error.h"

namespace ms_segformer {
namespace {

using ms310::DataType;
using ms310::HostTensor;
using ms310::Manifest;
using ms310::TensorSpec;

// One class at a time: the logits of all of them at the size of the picture would take 160 MB of a street scene.
cv::Mat Largest(const HostTensor& logits, cv::Size size) {
  const std::vector<int64_t>& shape = logits.spec.shape;
  const int count = static_cast<int>(shape[1]), rows = static_cast<int>(shape[2]), columns = static_cast<int>(shape[3]);
  const float* values = ms310::Values<float>(logits);
  cv::Mat best, plane, classes(size, CV_8UC1, cv::Scalar(0));
  for (int label = 0; label < count; ++label, values += static_cast<size_t>(rows) * columns) {
    const cv::Mat small(rows, columns, CV_32FC1, const_cast<float*>(values));  // is only read
    cv::resize(small, label == 0 ? best : plane, size, 0, 0, cv::INTER_LINEAR);
    if (label == 0) continue;
    for (int y = 0; y < size.height; ++y) {
      float* most = best.ptr<float>(y);
      const float* value = plane.ptr<float>(y);
      uint8_t* chosen = classes.ptr(y);
      for (int x = 0; x < size.width; ++x) {
        if (value[x] <= most[x]) continue;
        most[x] = value[x];
        chosen[x] = static_cast<uint8_t>(label);
      }
    }
  }
  return classes;
}

cv::Mat Nearest(const Manifest& manifest, const HostTensor& indices, cv::Size size) {
  const int rows = static_cast<int>(indices.spec.shape[1]), columns = static_cast<int>(indices.spec.shape[2]);
  const int32_t* values = ms310::Values<int32_t>(indices);
  const auto count = static_cast<int32_t>(manifest.classes.size());
  cv::Mat classes(rows, columns, CV_8UC1), resized;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const int32_t label = *values++;
      if (label < 0 || label >= count) {
        throw ms310::RuntimeFailure("the model gave class " + std::to_string(label) + "; " + manifest.path + " names " +
                                    std::to_string(count) + " classes. Export the model again.");
      }
      classes.at<uint8_t>(y, x) = static_cast<uint8_t>(label);
    }
  }
  cv::resize(classes, resized, size, 0, 0, cv::INTER_NEAREST);
  return resized;
}

}  // namespace

void CheckOutput(const Manifest& manifest, bool maps) {
  const bool logits = manifest.output_form == "logits";
  const TensorSpec& output = manifest.outputs[0];
  const bool fits = logits ? output.shape.size() == 4 && output.dtype == DataType::kFloat32 &&
                                 output.shape[1] == static_cast<int64_t>(manifest.classes.size())
                           : output.shape.size() == 3 && output.dtype == DataType::kInt32;
  if (manifest.outputs.size() != 1 || !fits) {
    throw ms310::UserError(manifest.path + ": outputs: " + ms310::Describe(output) + " is not what form " +
                           manifest.output_form + " of " + std::to_string(manifest.classes.size()) +
                           " classes gives. Export the model again.");
  }
  if (maps && manifest.classes.size() > kMostClasses) {
    throw ms310::UserError("--class_map: the model has " + std::to_string(manifest.classes.size()) +
                           " classes, a pixel of a PNG tells " + std::to_string(kMostClasses) +
                           " apart. Leave the flag out.");
  }
}

cv::Mat ClassMap(const Manifest& manifest, const HostTensor& output, cv::Size size) {
  return manifest.output_form == "logits" ? Largest(output, size) : Nearest(manifest, output, size);
}

}  // namespace ms_segformer
