#include "device.h"

#include <map>
#include <mutex>
#include <utility>

#include "calls.h"

namespace ms310::ascend {

namespace {

// One T a key for as long as somebody holds it.
template <typename T, typename... Arguments>
std::shared_ptr<T> Share(int32_t key, Arguments... arguments) {
  static std::mutex mutex;
  static std::map<int32_t, std::weak_ptr<T>> in_use;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<T> shared = in_use[key].lock();
  if (shared == nullptr) {
    shared = std::make_shared<T>(arguments...);
    in_use[key] = shared;
  }
  return shared;
}

}  // namespace

Library::Library() {
  const aclError code = aclInit(nullptr);  // null: no configuration file
  if (code == ACL_ERROR_REPEAT_INITIALIZE) {
    return;
  }
  Check(code, "aclInit", "AscendCL");
  ours_ = true;
}

Library::~Library() {
  if (ours_) {
    Released(aclFinalize(), "aclFinalize");
  }
}

std::shared_ptr<Library> Library::Shared() { return Share<Library>(0); }

DeviceUse::DeviceUse(int32_t id) : id_(id) {
  uint32_t count = 0;
  Check(aclrtGetDeviceCount(&count), "aclrtGetDeviceCount", "AscendCL");
  if (id < 0 || static_cast<uint32_t>(id) >= count) {
    throw UserError("--device_id=" + std::to_string(id) + ": this machine has " + std::to_string(count) +
                    " Ascend device(s), counted from 0.");
  }
  Check(aclrtSetDevice(id), "aclrtSetDevice", "Ascend device " + std::to_string(id));
}

DeviceUse::~DeviceUse() { Released(aclrtResetDevice(id_), "aclrtResetDevice"); }

std::shared_ptr<DeviceUse> DeviceUse::Shared(int32_t id) { return Share<DeviceUse>(id, id); }

void ContextDeleter::operator()(void* context) const noexcept {
  Released(aclrtDestroyContext(context), "aclrtDestroyContext");
}

Device::Device(int32_t id)
    : name_("Ascend device " + std::to_string(id)), library_(Library::Shared()), use_(DeviceUse::Shared(id)) {
  aclrtContext context = nullptr;
  Check(aclrtCreateContext(&context, id), "aclrtCreateContext", name_);
  context_.reset(context);
  aclrtRunMode mode = ACL_HOST;
  Check(aclrtGetRunMode(&mode), "aclrtGetRunMode", name_);
  host_is_device_ = mode == ACL_DEVICE;
}

void Device::MakeCurrent() const {
  Check(aclrtSetCurrentContext(context_.get()), "aclrtSetCurrentContext", name_);
}

void Device::TryMakeCurrent() const noexcept {
  Released(aclrtSetCurrentContext(context_.get()), "aclrtSetCurrentContext");
}

void Device::CopyIn(void* device, const void* host, size_t bytes) const {
  const aclrtMemcpyKind kind = host_is_device_ ? ACL_MEMCPY_DEVICE_TO_DEVICE : ACL_MEMCPY_HOST_TO_DEVICE;
  Check(aclrtMemcpy(device, bytes, host, bytes, kind), "aclrtMemcpy", name_);
}

void Device::CopyOut(void* host, const void* device, size_t bytes) const {
  const aclrtMemcpyKind kind = host_is_device_ ? ACL_MEMCPY_DEVICE_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_HOST;
  Check(aclrtMemcpy(host, bytes, device, bytes, kind), "aclrtMemcpy", name_);
}

DeviceMemory::DeviceMemory(std::shared_ptr<const Device> device, size_t bytes, const std::string& subject)
    : device_(std::move(device)), bytes_(bytes) {
  // Huge pages where they are free: the layout AscendCL's own samples use for model buffers.
  Check(aclrtMalloc(&data_, bytes, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc",
        subject + " (" + std::to_string(bytes) + " bytes)");
}

DeviceMemory::~DeviceMemory() {
  device_->TryMakeCurrent();
  Released(aclrtFree(data_), "aclrtFree");
}

}  // namespace ms310::ascend
