// One Ascend device, from aclInit to aclFinalize, and memory on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "acl/acl.h"

namespace ms310::ascend {

// aclInit in the constructor, aclFinalize in the destructor. AscendCL is initialised once a process: use
// Shared().
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // The library as it is in use now, or a fresh one; finalised when the last holder lets go.
  static std::shared_ptr<Library> Shared();

 private:
  bool ours_ = false;  // false: something else in this process initialised AscendCL and will finalise it
};

// aclrtSetDevice ... aclrtResetDevice, which would take the device from everybody in the process: use
// Shared().
class DeviceUse {
 public:
  // Error(kUserError) where the machine has no such device.
  explicit DeviceUse(int32_t id);
  ~DeviceUse();
  DeviceUse(const DeviceUse&) = delete;
  DeviceUse& operator=(const DeviceUse&) = delete;

  static std::shared_ptr<DeviceUse> Shared(int32_t id);

 private:
  int32_t id_;
};

struct ContextDeleter {
  void operator()(void* context) const noexcept;
};

// A device in use with a context of its own. AscendCL ties work and memory to the calling thread's current
// context: call MakeCurrent() first on every thread.
class Device {
 public:
  explicit Device(int32_t id);

  void MakeCurrent() const;
  void TryMakeCurrent() const noexcept;  // for destructors: a failure is only told

  // Synchronous copies; `bytes` fits both sides.
  void CopyIn(void* device, const void* host, size_t bytes) const;
  void CopyOut(void* host, const void* device, size_t bytes) const;

  const std::string& Name() const { return name_; }  // "Ascend device 0", for messages

 private:
  std::string name_;
  std::shared_ptr<Library> library_;
  std::shared_ptr<DeviceUse> use_;
  std::unique_ptr<void, ContextDeleter> context_;
  bool host_is_device_ = false;  // the program runs on the device's own CPU (Atlas 200 in RC mode)
};

// Memory of the device (aclrtMalloc), freed with its owner.
class DeviceMemory {
 public:
  DeviceMemory(std::shared_ptr<const Device> device, size_t bytes, const std::string& subject);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<const Device> device_;
  size_t bytes_;
  void* data_ = nullptr;
};

}  // namespace ms310::ascend
