#include "ms310/manifest.h"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "ms310/error.h"

namespace ms310 {
namespace {

using Json = nlohmann::json;

constexpr int kFormatVersion = 2;
constexpr char kRemedy[] = " Export the model again.";

// A place in the file: names itself in messages.
class Entry {
 public:
  Entry(const std::string& place, const Json& json) : place_(place), json_(json) {}

  Entry operator[](const char* key) const {
    if (!json_.is_object()) throw Wrong("is no object");
    const auto found = json_.find(key);
    if (found == json_.end()) throw UserError(place_ + ": no entry \"" + key + "\"." + kRemedy);
    return Entry(place_ + ": " + key, *found);
  }

  Entry operator[](size_t index) const {
    return Entry(place_ + "[" + std::to_string(index) + "]", json_.at(index));
  }

  size_t Length() const {
    if (!json_.is_array()) throw Wrong("is no list");
    return json_.size();
  }

  bool IsNull() const { return json_.is_null(); }

  std::string Text() const {
    if (!json_.is_string()) throw Wrong("is no text");
    return json_.get<std::string>();
  }

  bool Truth() const {
    if (!json_.is_boolean()) throw Wrong("is neither true nor false");
    return json_.get<bool>();
  }

  double Number() const {
    if (!json_.is_number()) throw Wrong("is no number");
    return json_.get<double>();
  }

  int64_t Whole(int64_t least, int64_t most) const {
    if (!json_.is_number_integer()) throw Wrong("is no whole number");
    const double rough = json_.get<double>();
    if (rough < static_cast<double>(least) || rough > static_cast<double>(most)) {
      throw Wrong("is not within " + std::to_string(least) + "-" + std::to_string(most));
    }
    return json_.get<int64_t>();
  }

  // Which of `words` this is, from 0.
  size_t OneOf(const std::vector<std::string>& words) const {
    const std::string text = Text();
    std::string list;
    for (size_t index = 0; index < words.size(); ++index) {
      if (words[index] == text) return index;
      list += (index == 0 ? "" : ", ") + words[index];
    }
    throw Wrong("is not one of " + list);
  }

  Error Wrong(const std::string& what) const {
    const std::string shown = json_.dump(-1, ' ', false, Json::error_handler_t::replace);
    return UserError(place_ + ": " + OneLine(shown, 80) + " " + what + "." + kRemedy);
  }

  const std::string& place() const { return place_; }

 private:
  std::string place_;
  const Json& json_;
};

TensorSpec ReadSpec(const Entry& entry) {
  TensorSpec spec;
  spec.name = entry["name"].Text();
  spec.dtype = DataTypeFromName(entry["dtype"].Text(), entry.place() + ": dtype");
  const Entry shape = entry["shape"];
  for (size_t axis = 0; axis < shape.Length(); ++axis) {
    spec.shape.push_back(shape[axis].IsNull() ? -1 : shape[axis].Whole(1, 1 << 24));
  }
  return spec;
}

std::vector<TensorSpec> ReadSpecs(const Entry& entry) {
  std::vector<TensorSpec> specs;
  for (size_t index = 0; index < entry.Length(); ++index) specs.push_back(ReadSpec(entry[index]));
  return specs;
}

// Three numbers, one a channel.
std::vector<double> ReadChannels(const Entry& entry, double least) {
  std::vector<double> values;
  for (size_t index = 0; index < entry.Length(); ++index) {
    values.push_back(entry[index].Number());
    if (!std::isfinite(values.back()) || values.back() < least) throw entry.Wrong("has a value out of range");
  }
  if (values.size() != 3) throw entry.Wrong("are not three numbers");
  return values;
}

ImageInput ReadInput(const Entry& entry) {
  ImageInput input;
  input.spec = ReadSpec(entry);
  input.layout = entry["layout"].OneOf({"NCHW", "NHWC"}) == 0 ? Layout::kNchw : Layout::kNhwc;
  input.bgr = entry["channels"].OneOf({"RGB", "BGR"}) == 1;
  input.mean = ReadChannels(entry["mean"], std::numeric_limits<double>::lowest());
  input.std = ReadChannels(entry["std"], 1e-12);
  input.normalised_inside = entry["normalised_inside"].Truth();
  input.resize = entry["resize"].OneOf({"stretch", "fit"}) == 0 ? Resize::kStretch : Resize::kFit;
  const std::vector<int64_t>& shape = input.spec.shape;
  const size_t channels = input.layout == Layout::kNchw ? 1 : 3;
  if (shape.size() != 4 || shape[channels] != 3 || input.Height() < 1 || input.Width() < 1) {
    throw entry["shape"].Wrong("is no shape of pictures in this layout");
  }
  if ((input.spec.dtype == DataType::kUint8) != input.normalised_inside ||
      input.spec.dtype == DataType::kInt32) {
    throw entry["dtype"].Wrong("does not go with \"normalised_inside\"; uint8 where true, float32 where false");
  }
  return input;
}

int ReadLimit(const Entry& entry) {
  return entry.IsNull() ? 0 : static_cast<int>(entry.Whole(1, std::numeric_limits<int>::max()));
}

Postprocess ReadPostprocess(const Entry& entry) {
  Postprocess postprocess;
  postprocess.min_score = entry["min_score"].Number();
  postprocess.nms_threshold = entry["nms_threshold"].Number();
  postprocess.max_per_class = ReadLimit(entry["max_per_class"]);
  postprocess.max_detections = ReadLimit(entry["max_detections"]);
  postprocess.plus_one = entry["plus_one"].Truth();
  postprocess.class_agnostic = entry["class_agnostic"].Truth();
  return postprocess;
}

Json ReadJson(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw SystemError(path, "cannot be read", errno);
  try {
    return Json::parse(file);
  } catch (const Json::exception& error) {
    throw UserError(path + ": no valid JSON (" + OneLine(error.what(), 120) + ")." + kRemedy);
  }
}

}  // namespace

int ImageInput::Height() const { return static_cast<int>(spec.shape[layout == Layout::kNchw ? 2 : 1]); }
int ImageInput::Width() const { return static_cast<int>(spec.shape[layout == Layout::kNchw ? 3 : 2]); }

Manifest ReadManifest(const std::string& path) {
  const Json json = ReadJson(path);
  const Entry root(path, json);
  const Entry version = root["format_version"];
  if (version.Whole(0, 1 << 20) != kFormatVersion) throw version.Wrong("is not 2, the version this program reads");
  Manifest manifest;
  manifest.path = path;
  manifest.task = root["task"].Text();
  root["task"].OneOf({"detection", "segmentation", "two-stage detection"});
  manifest.package = root["package"].Text();
  manifest.model = root["model"].Text();
  manifest.output_form = root["output_form"].Text();
  root["output_form"].OneOf({"raw", "decoded", "nms", "logits", "classes"});
  manifest.input = ReadInput(root["input"]);
  if (json.contains("more_inputs")) manifest.more_inputs = ReadSpecs(root["more_inputs"]);
  manifest.outputs = ReadSpecs(root["outputs"]);
  if (manifest.outputs.empty()) throw root["outputs"].Wrong("is empty");
  const Entry classes = root["classes"];
  for (size_t index = 0; index < classes.Length(); ++index) manifest.classes.push_back(classes[index].Text());
  if (manifest.task == "segmentation") {
    manifest.logits_stride = static_cast<int>(root["logits_stride"].Whole(1, 1 << 10));
  } else {
    manifest.postprocess = ReadPostprocess(root["postprocess"]);
  }
  return manifest;
}

}  // namespace ms310
