#include "model.h"

#include <utility>

#include "calls.h"

namespace ms310::ascend {

namespace {

// ATC converts open sizes into extra inputs of these names.
bool IsControlInput(const std::string& name) {
  return name == ACL_DYNAMIC_TENSOR_NAME || name == ACL_DYNAMIC_AIPP_NAME;
}

DataType TypeOf(aclDataType type, const std::string& subject) {
  switch (type) {
    case ACL_FLOAT:
      return DataType::kFloat32;
    case ACL_INT32:
      return DataType::kInt32;
    case ACL_UINT8:
    case ACL_BOOL:  // a byte, 0 or 1
      return DataType::kUint8;
    default:
      throw UserError(
          subject + ": data type " + std::to_string(type) +
          " of aclDataType; float32 (0), int32 (3) and uint8 (4) are read. Convert the model again, for "
          "float16 with atc --output_type=FP32.");
  }
}

std::vector<int64_t> ShapeOf(const aclmdlIODims& dims, const std::string& subject) {
  std::vector<int64_t> shape(dims.dims, dims.dims + dims.dimCount);
  for (const int64_t length : shape) {
    if (length < 0) {
      throw UserError(subject +
                      ": the model was converted with open sizes (dynamic batch, picture size or shape). "
                      "Convert it again with a fixed atc --input_shape.");
    }
  }
  return shape;
}

// ATC writes the names of outputs as node:index:name.
std::string LastPart(const std::string& name) { return name.substr(name.rfind(':') + 1); }

TensorSpec InputSpec(aclmdlDesc* description, size_t index, const std::string& path) {
  const std::string place = path + ": input " + std::to_string(index);
  TensorSpec spec;
  spec.name = CheckPointer(aclmdlGetInputNameByIndex(description, index), "aclmdlGetInputNameByIndex", place);
  if (IsControlInput(spec.name)) {
    throw UserError(path + ": the model was converted with dynamic sizes or a dynamic AIPP (input " +
                    spec.name + "). Convert it again with a fixed atc --input_shape and a static AIPP.");
  }
  aclmdlIODims dims{};
  // Version 2 counts what AIPP reads: its lengths multiply to the bytes of the input.
  Check(aclmdlGetInputDimsV2(description, index, &dims), "aclmdlGetInputDimsV2", place);
  spec.shape = ShapeOf(dims, place);
  spec.dtype = TypeOf(aclmdlGetInputDataType(description, index), place);
  const size_t bytes = aclmdlGetInputSizeByIndex(description, index);
  if (bytes != static_cast<size_t>(ElementCount(spec.shape)) * ElementSize(spec.dtype)) {
    throw RuntimeFailure(path + ": input " + Describe(spec) + " is said to have " + std::to_string(bytes) +
                         " bytes.");
  }
  return spec;
}

TensorSpec OutputSpec(aclmdlDesc* description, size_t index, const std::string& path) {
  const std::string place = path + ": output " + std::to_string(index);
  TensorSpec spec;
  spec.name = LastPart(
      CheckPointer(aclmdlGetOutputNameByIndex(description, index), "aclmdlGetOutputNameByIndex", place));
  aclmdlIODims dims{};
  Check(aclmdlGetOutputDims(description, index, &dims), "aclmdlGetOutputDims", place);
  spec.shape = ShapeOf(dims, place);
  spec.dtype = TypeOf(aclmdlGetOutputDataType(description, index), place);
  return spec;
}

size_t ByteCount(const TensorSpec& spec) {
  return static_cast<size_t>(ElementCount(spec.shape)) * ElementSize(spec.dtype);
}

}  // namespace

void DescriptionDeleter::operator()(aclmdlDesc* description) const noexcept {
  Released(aclmdlDestroyDesc(description), "aclmdlDestroyDesc");
}

void DatasetDeleter::operator()(aclmdlDataset* dataset) const noexcept {
  Released(aclmdlDestroyDataset(dataset), "aclmdlDestroyDataset");
}

void DataBufferDeleter::operator()(aclDataBuffer* buffer) const noexcept {
  Released(aclDestroyDataBuffer(buffer), "aclDestroyDataBuffer");
}

Dataset::Dataset(std::string subject)
    : subject_(std::move(subject)),
      dataset_(CheckPointer(aclmdlCreateDataset(), "aclmdlCreateDataset", subject_)) {}

void Dataset::Add(void* data, size_t bytes) {
  std::unique_ptr<aclDataBuffer, DataBufferDeleter> buffer(
      CheckPointer(aclCreateDataBuffer(data, bytes), "aclCreateDataBuffer", subject_));
  Check(aclmdlAddDatasetBuffer(dataset_.get(), buffer.get()), "aclmdlAddDatasetBuffer", subject_);
  buffers_.push_back(std::move(buffer));
}

LoadedModel::LoadedModel(const std::string& path) {
  Check(aclmdlLoadFromFile(path.c_str(), &id_), "aclmdlLoadFromFile", path);
}

LoadedModel::~LoadedModel() { Released(aclmdlUnload(id_), "aclmdlUnload"); }

Model::Model(std::shared_ptr<const Device> device, const std::string& path)
    : device_(std::move(device)),
      path_(path),
      loaded_(path),
      description_(CheckPointer(aclmdlCreateDesc(), "aclmdlCreateDesc", path)),
      output_set_(path) {
  aclmdlDesc* description = description_.get();
  Check(aclmdlGetDesc(description, loaded_.id()), "aclmdlGetDesc", path);
  const size_t input_count = aclmdlGetNumInputs(description);
  const size_t output_count = aclmdlGetNumOutputs(description);
  if (input_count == 0 || output_count == 0) {
    throw RuntimeFailure(path + ": AscendCL describes " + std::to_string(input_count) + " inputs and " +
                         std::to_string(output_count) + " outputs.");
  }
  for (size_t index = 0; index < input_count; ++index) {
    inputs_.push_back(InputSpec(description, index, path));
  }
  for (size_t index = 0; index < output_count; ++index) {
    AddOutput(index);
  }
}

void Model::AddOutput(size_t index) {
  TensorSpec spec = OutputSpec(description_.get(), index, path_);
  // May be more than the elements need: AscendCL aligns buffers.
  const size_t bytes = aclmdlGetOutputSizeByIndex(description_.get(), index);
  if (bytes < ByteCount(spec)) {
    throw RuntimeFailure(path_ + ": output " + Describe(spec) + " is said to have " + std::to_string(bytes) +
                         " bytes.");
  }
  output_memory_.push_back(std::make_unique<DeviceMemory>(device_, bytes, path_ + ": output " + spec.name));
  output_set_.Add(output_memory_.back()->data(), bytes);
  outputs_.push_back(std::move(spec));
}

bool Model::SwapsChannels(size_t input) const {
  const std::string place = path_ + ": input " + std::to_string(input);
  aclmdlInputAippType type = ACL_DATA_WITHOUT_AIPP;
  size_t attached = 0;
  Check(aclmdlGetAippType(loaded_.id(), input, &type, &attached), "aclmdlGetAippType", place);
  if (type != ACL_DATA_WITH_STATIC_AIPP) {
    return false;
  }
  const auto info = std::make_unique<aclAippInfo>();  // 280 KB: not on the stack
  Check(aclmdlGetFirstAippInfo(loaded_.id(), input, info.get()), "aclmdlGetFirstAippInfo", place);
  return info->rbuvSwapSwitch != 0;
}

std::vector<HostTensor> Model::Execute(const std::vector<const void*>& inputs) {
  Dataset input_set(path_);
  for (size_t index = 0; index < inputs_.size(); ++index) {
    // AscendCL takes inputs as `void*` and does not write to them.
    input_set.Add(const_cast<void*>(inputs.at(index)), ByteCount(inputs_[index]));
  }
  Check(aclmdlExecute(loaded_.id(), input_set.get(), output_set_.get()), "aclmdlExecute", path_);
  std::vector<HostTensor> outputs;
  for (size_t index = 0; index < outputs_.size(); ++index) {
    HostTensor tensor = ZeroTensor(outputs_[index]);
    device_->CopyOut(tensor.bytes.data(), output_memory_[index]->data(), tensor.bytes.size());
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

}  // namespace ms310::ascend
