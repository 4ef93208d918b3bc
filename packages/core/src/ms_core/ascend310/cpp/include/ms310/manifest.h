// manifest.json of an export folder (format_version 2): what a program must know of the model beside it.
#pragma once

#include <string>
#include <vector>

#include "ms310/tensor.h"

namespace ms310 {

enum class Layout { kNchw, kNhwc };
enum class Resize {
  kStretch,  // to the size of the input, cv::INTER_LINEAR
  kFit,      // proportions kept, as large as fits, top left, zeros beside it after normalisation; Pillow's bilinear
};

// The first input: pictures.
struct ImageInput {
  TensorSpec spec;  // shape as in `layout`, batch -1: any
  Layout layout = Layout::kNchw;
  bool bgr = false;               // order of the channels
  std::vector<double> mean, std;  // of pixels 0-255, in the order of the channels
  bool normalised_inside = false;
  Resize resize = Resize::kStretch;

  int Height() const;
  int Width() const;
};

struct Postprocess {
  double min_score = 0;
  double nms_threshold = 1;
  int max_per_class = 0;   // 0: no limit
  int max_detections = 0;  // 0: no limit
  bool plus_one = false;
  bool class_agnostic = false;
};

struct Manifest {
  std::string path;         // of the file, for messages
  std::string task;         // "detection", "segmentation" or "two-stage detection"
  std::string package;      // "ms-ssd"
  std::string model;        // "ssd300"
  std::string output_form;  // "raw", "decoded", "nms", "logits" or "classes"
  ImageInput input;
  std::vector<TensorSpec> more_inputs;
  std::vector<TensorSpec> outputs;
  std::vector<std::string> classes;
  Postprocess postprocess;  // detection tasks only
  int logits_stride = 1;    // segmentation only
};

// Error(kUserError), naming file and entry: unreadable, no JSON, another format_version, an entry that is missing, of
// the wrong type or out of its range.
Manifest ReadManifest(const std::string& path);

}  // namespace ms310
