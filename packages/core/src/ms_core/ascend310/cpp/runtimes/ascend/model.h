// An .om model on a device: what it takes and gives, and its execution.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "device.h"
#include "ms310/tensor.h"

namespace ms310::ascend {

struct DescriptionDeleter {
  void operator()(aclmdlDesc* description) const noexcept;
};
struct DatasetDeleter {
  void operator()(aclmdlDataset* dataset) const noexcept;
};
struct DataBufferDeleter {
  void operator()(aclDataBuffer* buffer) const noexcept;
};

// A list of device memory as aclmdlExecute takes it. It does not own the memory.
class Dataset {
 public:
  explicit Dataset(std::string subject);
  void Add(void* data, size_t bytes);
  aclmdlDataset* get() const { return dataset_.get(); }

 private:
  std::string subject_;
  std::unique_ptr<aclmdlDataset, DatasetDeleter> dataset_;
  std::vector<std::unique_ptr<aclDataBuffer, DataBufferDeleter>> buffers_;
};

// aclmdlLoadFromFile ... aclmdlUnload.
class LoadedModel {
 public:
  explicit LoadedModel(const std::string& path);
  ~LoadedModel();
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;
  uint32_t id() const { return id_; }

 private:
  uint32_t id_ = 0;
};

class Model {
 public:
  // Loads and reads the description. Error(kUserError): the model has inputs of open size (dynamic batch,
  // picture size or AIPP) or a data type that tensors do not have.
  Model(std::shared_ptr<const Device> device, const std::string& path);

  // Inputs converted with a static AIPP are uint8, as AIPP reads them: [1, H, W, 3] for RGB888_U8 and
  // [1, H * 3 / 2, W, 1] for YUV420SP_U8.
  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }

  // Whether a static AIPP exchanges the first and third channel of this input (U and V where it is YUV).
  bool SwapsChannels(size_t input) const;

  // Synchronous. `inputs`: device memory, one an input, of its size.
  std::vector<HostTensor> Execute(const std::vector<const void*>& inputs);

 private:
  void AddOutput(size_t index);

  std::shared_ptr<const Device> device_;
  std::string path_;
  LoadedModel loaded_;
  std::unique_ptr<aclmdlDesc, DescriptionDeleter> description_;
  std::vector<TensorSpec> inputs_, outputs_;
  std::vector<std::unique_ptr<DeviceMemory>> output_memory_;
  Dataset output_set_;
};

}  // namespace ms310::ascend
