// The part of MindSpore Lite 2.10's C++ API that runtimes/mslite.cc calls, with its signatures, and nothing
// behind it but a scripted model: the host logic is tested where the library is not to be had. All of it in
// this one file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mindspore {

enum class DataType : int {
  kTypeUnknown = 0,
  kNumberTypeBool = 30,
  kNumberTypeInt32 = 34,
  kNumberTypeInt64 = 35,
  kNumberTypeUInt8 = 37,
  kNumberTypeFloat16 = 42,
  kNumberTypeFloat32 = 43,
};

enum ModelType : uint32_t { kMindIR = 0, kMindIR_Lite = 4 };

enum StatusCode : uint32_t { kSuccess = 0, kLiteError = 0xFFFFFFFFu };

class Status {
 public:
  Status(enum StatusCode code = kSuccess, std::string text = "")
      : code_(code), text_(std::move(text)) {}  // NOLINT
  enum StatusCode StatusCode() const { return code_; }
  std::string ToString() const { return text_; }
  bool IsOk() const { return code_ == kSuccess; }

 private:
  enum StatusCode code_;
  std::string text_;
};

class MSTensor {
 public:
  MSTensor(std::string name, enum DataType type, std::vector<int64_t> shape, size_t bytes)
      : name_(std::move(name)),
        type_(type),
        shape_(std::move(shape)),
        data_(std::make_shared<std::vector<uint8_t>>(bytes)) {}
  std::string Name() const { return name_; }
  enum DataType DataType() const { return type_; }
  const std::vector<int64_t>& Shape() const { return shape_; }
  std::shared_ptr<const void> Data() const { return {data_, data_->data()}; }
  void* MutableData() { return out_of_memory ? nullptr : data_->data(); }
  size_t DataSize() const { return data_->size(); }

  bool out_of_memory = false;  // of the fake

 private:
  std::string name_;
  enum DataType type_;
  std::vector<int64_t> shape_;
  std::shared_ptr<std::vector<uint8_t>> data_;
};

class DeviceInfoContext {
 public:
  virtual ~DeviceInfoContext() = default;
};

class CPUDeviceInfo : public DeviceInfoContext {};

class AscendDeviceInfo : public DeviceInfoContext {
 public:
  void SetDeviceID(uint32_t id) { device_id = id; }
  void SetPrecisionMode(const std::string& mode) { precision_mode = mode; }
  void SetInsertOpConfigPath(const std::string& path) { aipp_path = path; }

  uint32_t device_id = UINT32_MAX;  // of the fake
  std::string precision_mode, aipp_path;
};

class Context {
 public:
  void SetThreadNum(int32_t number) { threads = number; }
  std::vector<std::shared_ptr<DeviceInfoContext>>& MutableDeviceInfo() { return devices_; }

  int32_t threads = 0;  // of the fake

 private:
  std::vector<std::shared_ptr<DeviceInfoContext>> devices_;
};

using MSKernelCallBack = std::function<bool()>;

// What the fake does, and what it was asked for; set and read by the tests.
struct FakeLite {
  std::vector<MSTensor> inputs, outputs;
  std::vector<std::vector<int64_t>> resized;
  std::string model_path, config_path;
  ModelType model_type = kMindIR;
  std::shared_ptr<Context> context;
  Status load_config, build, resize, predict;
  bool throws = false;
  int predictions = 0;

  static FakeLite& The() {
    static FakeLite fake;
    return fake;
  }
};

class Model {
 public:
  Status LoadConfig(const std::string& path) {
    FakeLite::The().config_path = path;
    return FakeLite::The().load_config;
  }
  Status Build(const std::string& path, ModelType type, const std::shared_ptr<Context>& context = nullptr);
  Status Resize(const std::vector<MSTensor>& inputs, const std::vector<std::vector<int64_t>>& dims);
  Status Predict(const std::vector<MSTensor>& inputs, std::vector<MSTensor>* outputs,
                 const MSKernelCallBack& before = nullptr, const MSKernelCallBack& after = nullptr);
  std::vector<MSTensor> GetInputs() { return FakeLite::The().inputs; }
  std::vector<MSTensor> GetOutputs() { return FakeLite::The().outputs; }
};

}  // namespace mindspore
