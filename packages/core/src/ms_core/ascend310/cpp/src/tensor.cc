#include "ms310/tensor.h"

#include <cstring>

#include "ms310/error.h"

namespace ms310 {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 40;

template <typename T>
constexpr DataType kTypeOf = DataType::kFloat32;
template <>
constexpr DataType kTypeOf<int32_t> = DataType::kInt32;
template <>
constexpr DataType kTypeOf<uint8_t> = DataType::kUint8;

void CheckContent(const HostTensor& tensor, DataType type) {
  const size_t bytes = static_cast<size_t>(ElementCount(tensor.spec.shape)) * ElementSize(tensor.spec.dtype);
  if (tensor.spec.dtype != type || tensor.bytes.size() != bytes) {
    throw RuntimeFailure("tensor " + Describe(tensor.spec) + " holds " + std::to_string(tensor.bytes.size()) +
                         " bytes and was read as " + DataTypeName(type) + ".");
  }
}

}  // namespace

size_t ElementSize(DataType type) { return type == DataType::kUint8 ? 1 : 4; }

std::string DataTypeName(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "float32";
    case DataType::kInt32:
      return "int32";
    case DataType::kUint8:
      return "uint8";
  }
  throw RuntimeFailure("no such data type.");
}

DataType DataTypeFromName(const std::string& name, const std::string& where) {
  for (const DataType type : {DataType::kFloat32, DataType::kInt32, DataType::kUint8}) {
    if (DataTypeName(type) == name) return type;
  }
  throw UserError(where + ": \"" + name + "\" is not one of float32, int32, uint8.");
}

int64_t ElementCount(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t length : shape) {
    if (length < 0 || (length > 0 && count > kMostElements / length)) {
      throw UserError("a tensor of an open or absurd shape, length " + std::to_string(length) + ".");
    }
    count *= length;
  }
  return count;
}

std::string Describe(const TensorSpec& spec) {
  std::string text = spec.name + " " + DataTypeName(spec.dtype) + " [";
  for (size_t axis = 0; axis < spec.shape.size(); ++axis) {
    const std::string length = spec.shape[axis] < 0 ? "any" : std::to_string(spec.shape[axis]);
    text += (axis == 0 ? "" : ", ") + length;
  }
  return text + "]";
}

HostTensor ZeroTensor(const TensorSpec& spec) {
  const size_t bytes = static_cast<size_t>(ElementCount(spec.shape)) * ElementSize(spec.dtype);
  return HostTensor{spec, std::vector<uint8_t>(bytes), nullptr};
}

HostTensor FloatTensor(const std::string& name, const std::vector<int64_t>& shape,
                       const std::vector<float>& values) {
  HostTensor tensor = ZeroTensor(TensorSpec{name, shape, DataType::kFloat32});
  if (tensor.bytes.size() != values.size() * sizeof(float)) {
    throw RuntimeFailure("tensor " + Describe(tensor.spec) + " was given " + std::to_string(values.size()) +
                         " values.");
  }
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

// A vector's storage comes from operator new, which aligns it for every fundamental type.
template <typename T>
const T* Values(const HostTensor& tensor) {
  CheckContent(tensor, kTypeOf<T>);
  return reinterpret_cast<const T*>(tensor.bytes.data());
}

template <typename T>
T* MutableValues(HostTensor& tensor) {
  CheckContent(tensor, kTypeOf<T>);
  return reinterpret_cast<T*>(tensor.bytes.data());
}

template const float* Values<float>(const HostTensor&);
template const int32_t* Values<int32_t>(const HostTensor&);
template const uint8_t* Values<uint8_t>(const HostTensor&);
template float* MutableValues<float>(HostTensor&);
template int32_t* MutableValues<int32_t>(HostTensor&);
template uint8_t* MutableValues<uint8_t>(HostTensor&);

}  // namespace ms310
