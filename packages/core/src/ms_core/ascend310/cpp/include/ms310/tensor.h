// Arrays as they go into and come out of a model: name, shape, type and bytes, all values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ms310 {

enum class DataType { kFloat32, kInt32, kUint8 };

// Bytes of one element.
size_t ElementSize(DataType type);

// "float32", "int32", "uint8": the words of manifest.json and index.jsonl.
std::string DataTypeName(DataType type);

// Inverse of DataTypeName. `where` starts the message of the error: Error(kUserError) for any other word.
DataType DataTypeFromName(const std::string& name, const std::string& where);

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;  // -1: any length (the batch of a model that leaves it open)
  DataType dtype = DataType::kFloat32;
};

// Product of the lengths; 1 for no axis. Error(kUserError) for a negative length or more than 2^40 elements.
int64_t ElementCount(const std::vector<int64_t>& shape);

// "images float32 [1, 3, 300, 300]", for messages.
std::string Describe(const TensorSpec& spec);

// An input or output of a model. `bytes` are little-endian, rows gapless, ElementCount(shape) elements.
struct HostTensor {
  TensorSpec spec;
  std::vector<uint8_t> bytes;
  // Not null: the content lies in memory of the device instead and `bytes` is empty. Only the runtime whose
  // PictureSource made it (see runtime.h) can read it.
  std::shared_ptr<const void> device;
};

// A tensor of zeros.
HostTensor ZeroTensor(const TensorSpec& spec);

// A float32 tensor with these values, ElementCount(shape) of them.
HostTensor FloatTensor(const std::string& name, const std::vector<int64_t>& shape,
                       const std::vector<float>& values);

// The content as elements of T (float, int32_t or uint8_t). Error(kRuntimeFailure) where the tensor holds another
// type or has another length than its shape says.
template <typename T>
const T* Values(const HostTensor& tensor);
template <typename T>
T* MutableValues(HostTensor& tensor);

}  // namespace ms310
