// The fake's models: aclmdl* and data buffers.
#include <algorithm>
#include <cstdlib>

#include "fake_acl_state.h"

struct aclDataBuffer {
  void* data = nullptr;
  size_t bytes = 0;
};
struct aclmdlDataset {
  std::vector<aclDataBuffer*> buffers;
};
struct aclmdlDesc {
  const fake_acl::Model* model = nullptr;
};

namespace {

using namespace fake_acl;

constexpr aclError kUnreadableModel = 145011;

size_t ElementBytes(aclDataType type) {
  switch (type) {
    case ACL_UINT8:
    case ACL_BOOL:
      return 1;
    case ACL_FLOAT16:
      return 2;
    case ACL_INT64:
      return 8;
    default:
      return 4;
  }
}

size_t Bytes(const Tensor& tensor) {
  int64_t count = 1;
  for (const int64_t length : tensor.dims) count *= std::abs(length);
  return static_cast<size_t>(count) * ElementBytes(tensor.type) + tensor.padding;
}

// Null and a noted wrong use where there is no such tensor.
const Tensor* At(const std::vector<Tensor>& tensors, size_t index, const char* call) {
  if (index < tensors.size()) return &tensors[index];
  Note(std::string(call) + ": no such index");
  return nullptr;
}

aclError Dims(const std::vector<Tensor>& tensors, size_t index, aclmdlIODims* dims, const char* call) {
  if (Fails(call)) return kPlannedFailure;
  const Tensor* tensor = At(tensors, index, call);
  if (tensor == nullptr) return ACL_ERROR_INVALID_PARAM;
  dims->dimCount = tensor->dims.size();
  std::copy(tensor->dims.begin(), tensor->dims.end(), dims->dims);
  return ACL_SUCCESS;
}

size_t Size(const std::vector<Tensor>& tensors, size_t index, const char* call) {
  if (Fails(call)) return 0;
  const Tensor* tensor = At(tensors, index, call);
  return tensor == nullptr ? 0 : Bytes(*tensor);
}

aclDataType Type(const std::vector<Tensor>& tensors, size_t index, const char* call) {
  if (Fails(call)) return ACL_DT_UNDEFINED;
  const Tensor* tensor = At(tensors, index, call);
  return tensor == nullptr ? ACL_DT_UNDEFINED : tensor->type;
}

const char* Name(const std::vector<Tensor>& tensors, size_t index, const char* call) {
  if (Fails(call)) return nullptr;
  const Tensor* tensor = At(tensors, index, call);
  return tensor == nullptr ? nullptr : tensor->name.c_str();
}

// The memory that a data set names, checked against what the model takes or gives.
std::vector<Span> Spans(const aclmdlDataset* dataset, const std::vector<Tensor>& tensors) {
  Use(dataset, "dataset", "aclmdlExecute");
  std::vector<Span> spans;
  if (dataset->buffers.size() != tensors.size()) {
    Note("aclmdlExecute: wrong number of buffers");
    return spans;
  }
  for (size_t index = 0; index < tensors.size(); ++index) {
    const aclDataBuffer* buffer = dataset->buffers[index];
    Use(buffer, "data buffer", "aclmdlExecute");
    NeedMemory(buffer->data, buffer->bytes, "aclmdlExecute");
    if (buffer->bytes != Bytes(tensors[index])) Note("aclmdlExecute: wrong size of buffer");
    spans.push_back({static_cast<uint8_t*>(buffer->data), buffer->bytes});
  }
  return spans;
}

}  // namespace

extern "C" {

aclDataBuffer* aclCreateDataBuffer(void* data, size_t bytes) {
  if (Fails("aclCreateDataBuffer")) return nullptr;
  auto* buffer = New<aclDataBuffer>("data buffer");
  *buffer = {data, bytes};
  return buffer;
}

aclError aclDestroyDataBuffer(const aclDataBuffer* buffer) {
  return Release(buffer, "data buffer", "aclDestroyDataBuffer");
}

aclmdlDataset* aclmdlCreateDataset() {
  return Fails("aclmdlCreateDataset") ? nullptr : New<aclmdlDataset>("dataset");
}

aclError aclmdlDestroyDataset(const aclmdlDataset* dataset) {
  return Release(dataset, "dataset", "aclmdlDestroyDataset");
}

aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* buffer) {
  if (Fails("aclmdlAddDatasetBuffer")) return kPlannedFailure;
  Use(dataset, "dataset", "aclmdlAddDatasetBuffer");
  Use(buffer, "data buffer", "aclmdlAddDatasetBuffer");
  dataset->buffers.push_back(buffer);
  return ACL_SUCCESS;
}

aclError aclmdlLoadFromFile(const char* path, uint32_t* id) {
  if (Fails("aclmdlLoadFromFile")) return kPlannedFailure;
  NeedContext("aclmdlLoadFromFile");
  const auto found = The().models.find(path);
  if (found == The().models.end()) {
    The().message = "E10001: the model file is invalid";
    return kUnreadableModel;
  }
  *id = static_cast<uint32_t>(Made("model")) + 1;
  Born(&(The().loaded[*id] = path), "model");
  return ACL_SUCCESS;
}

aclError aclmdlUnload(uint32_t id) {
  const aclError code = Release(&The().loaded[id], "model", "aclmdlUnload");
  The().loaded.erase(id);
  return code;
}

aclmdlDesc* aclmdlCreateDesc() {
  return Fails("aclmdlCreateDesc") ? nullptr : New<aclmdlDesc>("description");
}

aclError aclmdlDestroyDesc(aclmdlDesc* description) {
  return Release(description, "description", "aclmdlDestroyDesc");
}

aclError aclmdlGetDesc(aclmdlDesc* description, uint32_t id) {
  if (Fails("aclmdlGetDesc")) return kPlannedFailure;
  Use(description, "description", "aclmdlGetDesc");
  description->model = &The().models.at(The().loaded.at(id));
  return ACL_SUCCESS;
}

size_t aclmdlGetNumInputs(aclmdlDesc* d) { return Fails("aclmdlGetNumInputs") ? 0 : d->model->inputs.size(); }
size_t aclmdlGetNumOutputs(aclmdlDesc* d) {
  return Fails("aclmdlGetNumOutputs") ? 0 : d->model->outputs.size();
}

const char* aclmdlGetInputNameByIndex(const aclmdlDesc* d, size_t index) {
  return Name(d->model->inputs, index, "aclmdlGetInputNameByIndex");
}
const char* aclmdlGetOutputNameByIndex(const aclmdlDesc* d, size_t index) {
  return Name(d->model->outputs, index, "aclmdlGetOutputNameByIndex");
}
aclError aclmdlGetInputDimsV2(const aclmdlDesc* d, size_t index, aclmdlIODims* dims) {
  return Dims(d->model->inputs, index, dims, "aclmdlGetInputDimsV2");
}
aclError aclmdlGetOutputDims(const aclmdlDesc* d, size_t index, aclmdlIODims* dims) {
  return Dims(d->model->outputs, index, dims, "aclmdlGetOutputDims");
}
aclDataType aclmdlGetInputDataType(const aclmdlDesc* d, size_t index) {
  return Type(d->model->inputs, index, "aclmdlGetInputDataType");
}
aclDataType aclmdlGetOutputDataType(const aclmdlDesc* d, size_t index) {
  return Type(d->model->outputs, index, "aclmdlGetOutputDataType");
}
size_t aclmdlGetInputSizeByIndex(aclmdlDesc* d, size_t index) {
  return Size(d->model->inputs, index, "aclmdlGetInputSizeByIndex");
}
size_t aclmdlGetOutputSizeByIndex(aclmdlDesc* d, size_t index) {
  return Size(d->model->outputs, index, "aclmdlGetOutputSizeByIndex");
}

aclError aclmdlGetAippType(uint32_t id, size_t index, aclmdlInputAippType* type, size_t* attached) {
  if (Fails("aclmdlGetAippType")) return kPlannedFailure;
  const bool aipp = index == 0 && The().models.at(The().loaded.at(id)).static_aipp;
  *type = aipp ? ACL_DATA_WITH_STATIC_AIPP : ACL_DATA_WITHOUT_AIPP;
  *attached = SIZE_MAX;
  return ACL_SUCCESS;
}

aclError aclmdlGetFirstAippInfo(uint32_t id, size_t index, aclAippInfo* info) {
  if (Fails("aclmdlGetFirstAippInfo")) return kPlannedFailure;
  const Model& model = The().models.at(The().loaded.at(id));
  if (index != 0 || !model.static_aipp) return ACL_ERROR_NOT_STATIC_AIPP;
  info->rbuvSwapSwitch = model.swap ? 1 : 0;
  return ACL_SUCCESS;
}

aclError aclmdlExecute(uint32_t id, const aclmdlDataset* input, aclmdlDataset* output) {
  if (Fails("aclmdlExecute")) return kPlannedFailure;
  NeedContext("aclmdlExecute");
  const Model& model = The().models.at(The().loaded.at(id));
  const std::vector<Span> inputs = Spans(input, model.inputs), outputs = Spans(output, model.outputs);
  if (inputs.size() == model.inputs.size() && outputs.size() == model.outputs.size())
    model.run(inputs, outputs);
  return ACL_SUCCESS;
}

}  // extern "C"
