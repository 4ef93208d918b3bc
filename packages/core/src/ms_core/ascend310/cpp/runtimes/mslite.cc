// MindSpore Lite: .ms and .mindir models written by its converter, on the CPU or on Ascend. On Ascend never
// run by us.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "lite/lite_api.h"
#include "ms310/error.h"
#include "ms310/file_name.h"
#include "ms310/runtime.h"

namespace ms310 {
namespace {

namespace lite = mindspore;

// Its own words, which are often no more than "Common error code.": what went wrong it prints on stderr.
std::string Words(const lite::Status& status) {
  return OneLine(status.ToString(), 300) + " (status " +
         std::to_string(static_cast<int>(status.StatusCode())) + "; its own lines above say more)";
}

// Every call that can fail, whether it says so by a Status or by an exception.
template <typename Call>
void Checked(const std::string& subject, const std::string& action, const Call& call) {
  std::string problem;
  try {
    const lite::Status status = call();
    if (status.IsOk()) return;
    problem = Words(status);
  } catch (const std::exception& error) {
    problem = OneLine(error.what(), 300);
  }
  throw RuntimeFailure(subject + ": MindSpore Lite cannot " + action + ": " + problem);
}

DataType TypeOf(const lite::MSTensor& tensor, const std::string& path) {
  switch (tensor.DataType()) {
    case lite::DataType::kNumberTypeFloat32:
      return DataType::kFloat32;
    case lite::DataType::kNumberTypeInt32:
      return DataType::kInt32;
    case lite::DataType::kNumberTypeUInt8:
    case lite::DataType::kNumberTypeBool:  // a byte, 0 or 1
      return DataType::kUint8;
    default:
      throw UserError(
          path + ": " + tensor.Name() + " is of data type " +
          std::to_string(static_cast<int>(tensor.DataType())) +
          " of mindspore::DataType; float32 (43), int32 (34) and uint8 (37) are read. Convert it again.");
  }
}

std::vector<TensorSpec> SpecsOf(const std::vector<lite::MSTensor>& tensors, const std::string& path) {
  std::vector<TensorSpec> specs;
  for (const lite::MSTensor& tensor : tensors) {
    specs.push_back({tensor.Name(), tensor.Shape(), TypeOf(tensor, path)});
  }
  return specs;
}

lite::ModelType ModelTypeOf(const std::string& path) {
  if (HasEnding(path, ".ms")) return lite::kMindIR_Lite;
  if (HasEnding(path, ".mindir")) return lite::kMindIR;
  throw UserError(path +
                  ": --runtime=mslite takes .ms and .mindir models. Convert with MindSpore Lite's "
                  "converter_lite.");
}

void CheckFile(const std::string& path) {
  std::error_code problem;
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) throw SystemError(path, "cannot be read", problem.value());
  if (size == 0) throw UserError(path + ": the file is empty.");
}

std::shared_ptr<lite::DeviceInfoContext> AscendDevice(const RuntimeOptions& options) {
  auto device = std::make_shared<lite::AscendDeviceInfo>();
  device->SetDeviceID(static_cast<uint32_t>(options.device_id));
  if (!options.precision_mode.empty()) device->SetPrecisionMode(options.precision_mode);
  if (HasEnding(options.aipp_path, ".cfg")) device->SetInsertOpConfigPath(options.aipp_path);
  return device;
}

std::shared_ptr<lite::Context> ContextFor(const RuntimeOptions& options) {
  auto context = std::make_shared<lite::Context>();
  if (options.threads > 0) context->SetThreadNum(options.threads);
  if (options.device_type == "Ascend") {
    context->MutableDeviceInfo().push_back(AscendDevice(options));
  } else {
    context->MutableDeviceInfo().push_back(std::make_shared<lite::CPUDeviceInfo>());  // float32
  }
  return context;
}

// What stands behind `key` and `sign` on each line that has them, comments left out. Empty where there is no such file.
std::vector<std::string> ValuesOf(const std::string& key, char sign, const std::string& path) {
  std::vector<std::string> values;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    size_t at = line.find(key);
    if (at != std::string::npos) at = line.find_first_not_of(" \t", at + key.size());
    if (at == std::string::npos || line[at] != sign) continue;
    at = line.find_first_not_of(" \t", at + 1);
    if (at != std::string::npos) values.push_back(line.substr(at));
  }
  return values;
}

// The AIPP file that a configuration of MindSpore Lite names: as it says, or beside the configuration.
std::string AippNamedBy(const std::string& ini) {
  const std::vector<std::string> named = ValuesOf("insert_op_config_file_path", '=', ini);
  if (named.empty()) return "";
  if (std::filesystem::exists(named[0])) return named[0];
  return (std::filesystem::path(ini).parent_path() / named[0]).string();
}

bool ExchangesRedAndBlue(const std::string& cfg) {
  for (const std::string& value : ValuesOf("rbuv_swap_switch", ':', cfg)) {
    const std::string word = LowerCase(value.substr(0, value.find_first_of(" \t,;}")));
    if (word == "true" || word == "t" || word == "1") return true;
  }
  return false;
}

// Pictures come in the order that the network wants. MindSpore Lite does not tell whether AIPP exchanges red and blue, so
// the file is looked at.
void CheckChannelOrder(const std::string& aipp_path) {
  const std::string file = HasEnding(aipp_path, ".ini") ? AippNamedBy(aipp_path) : aipp_path;
  if (!ExchangesRedAndBlue(file)) return;
  throw UserError("--aipp_path=" + aipp_path + ": " + (file == aipp_path ? "" : file + " has ") +
                  "rbuv_swap_switch : true, so red and blue would be exchanged, and this program gives them in the "
                  "network's order. Name the AIPP file of that order (aipp_rgb.cfg or aipp_bgr.cfg).");
}

void CheckOptions(const RuntimeOptions& options) {
  const bool ascend = options.device_type == "Ascend";
  if (!options.aipp_path.empty()) {
    if (!ascend) throw UserError("--aipp_path: AIPP is a part of Ascend. Give --device_type=Ascend as well.");
    if (!HasEnding(options.aipp_path, ".cfg") && !HasEnding(options.aipp_path, ".ini")) {
      throw UserError("--aipp_path=" + options.aipp_path +
                      ": an AIPP file (.cfg) or a configuration of MindSpore Lite "
                      "that names one (.ini).");
    }
    CheckFile(options.aipp_path);
    CheckChannelOrder(options.aipp_path);
  }
  if (!options.precision_mode.empty() && !ascend) {
    throw UserError(
        "--precision_mode: the CPU has float32 alone. Give --device_type=Ascend as well, or leave it out.");
  }
}

class MsLiteRuntime : public Runtime {
 public:
  explicit MsLiteRuntime(const RuntimeOptions& options) : path_(options.model_path) {
    name_ = options.device_type == "Ascend" ? "mslite on Ascend device " + std::to_string(options.device_id)
                                            : "mslite on CPU";
    if (HasEnding(options.aipp_path, ".ini")) {
      Checked(options.aipp_path, "read it", [&] { return model_.LoadConfig(options.aipp_path); });
    }
    const lite::ModelType type = ModelTypeOf(path_);
    Checked(path_, "load it for " + name_.substr(name_.find("on ") + 3),
            [&] { return model_.Build(path_, type, ContextFor(options)); });
    inputs_ = model_.GetInputs();
    if (inputs_.empty()) throw RuntimeFailure(path_ + ": MindSpore Lite knows no inputs of it.");
    // Types are looked at now, before any picture.
    SpecsOf(inputs_, path_);
    SpecsOf(model_.GetOutputs(), path_);
  }

  std::vector<TensorSpec> Inputs() const override { return SpecsOf(inputs_, path_); }
  std::vector<TensorSpec> Outputs() const override { return SpecsOf(model_.GetOutputs(), path_); }
  std::string Name() const override { return name_; }

  std::vector<HostTensor> Run(const std::vector<HostTensor>& inputs) override {
    if (inputs.size() != inputs_.size()) {
      throw RuntimeFailure(path_ + ": " + std::to_string(inputs.size()) +
                           " inputs were given, the model takes " + std::to_string(inputs_.size()) + ".");
    }
    CloseLengths(inputs);
    for (size_t index = 0; index < inputs.size(); ++index) Fill(&inputs_[index], inputs[index]);
    std::vector<lite::MSTensor> outputs;
    Checked(path_, "run it", [&] { return model_.Predict(inputs_, &outputs); });
    std::vector<HostTensor> results;
    for (const lite::MSTensor& output : outputs) results.push_back(Copied(output));
    return results;
  }

 private:
  // Shapes that the model leaves open become those that are given.
  void CloseLengths(const std::vector<HostTensor>& inputs) {
    std::vector<std::vector<int64_t>> shapes;
    bool differ = false;
    for (size_t index = 0; index < inputs.size(); ++index) {
      shapes.push_back(inputs[index].spec.shape);
      differ = differ || shapes.back() != inputs_[index].Shape();
    }
    if (!differ) return;
    Checked(path_, "take inputs of other sizes", [&] { return model_.Resize(inputs_, shapes); });
    inputs_ = model_.GetInputs();
  }

  void Fill(lite::MSTensor* tensor, const HostTensor& input) const {
    if (tensor->DataSize() != input.bytes.size()) {
      throw RuntimeFailure(path_ + ": input " + tensor->Name() + " takes " +
                           std::to_string(tensor->DataSize()) + " bytes and was given " +
                           std::to_string(input.bytes.size()) + " as " + Describe(input.spec) + ".");
    }
    void* room = tensor->MutableData();
    if (room == nullptr)
      throw RuntimeFailure(path_ + ": MindSpore Lite has no memory for input " + tensor->Name() + ".");
    std::memcpy(room, input.bytes.data(), input.bytes.size());
  }

  HostTensor Copied(const lite::MSTensor& output) const {
    HostTensor tensor = ZeroTensor({output.Name(), output.Shape(), TypeOf(output, path_)});
    const std::shared_ptr<const void> data = output.Data();
    if (data == nullptr || output.DataSize() != tensor.bytes.size()) {
      throw RuntimeFailure(path_ + ": output " + Describe(tensor.spec) + " has " +
                           std::to_string(output.DataSize()) + " bytes.");
    }
    std::memcpy(tensor.bytes.data(), data.get(), tensor.bytes.size());
    return tensor;
  }

  std::string path_, name_;
  mutable lite::Model model_;  // its getters are not const
  std::vector<lite::MSTensor> inputs_;
};

}  // namespace

std::unique_ptr<Runtime> MakeMsLiteRuntime(const RuntimeOptions& options) {
  ModelTypeOf(options.model_path);
  CheckFile(options.model_path);
  CheckOptions(options);
  return std::make_unique<MsLiteRuntime>(options);
}

}  // namespace ms310
