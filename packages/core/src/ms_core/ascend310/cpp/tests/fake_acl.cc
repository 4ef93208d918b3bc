#include "fake_acl.h"

#include <cstring>

#include "fake_acl_state.h"

namespace fake_acl {

State& The() {
  static State state;
  return state;
}

void Reset(const Machine& machine) {
  The() = State{};
  The().machine = machine;
}

void AddModel(const std::string& path, Model model) { The().models[path] = std::move(model); }

void FailAt(int n) { The().fail_at = n == 0 ? -1 : static_cast<int>(The().calls.size()) + n; }

const std::vector<std::string>& Calls() { return The().calls; }

std::map<std::string, int> Alive() {
  std::map<std::string, int> counts;
  for (const auto& thing : The().alive) {
    ++counts[thing.second.kind];
  }
  if (The().channels != 0) {
    counts["channel"] = The().channels;
  }
  return counts;
}

int Made(const std::string& kind) { return The().made[kind]; }

const std::vector<std::string>& Misuse() { return The().misuse; }

void Note(const std::string& misuse) { The().misuse.push_back(misuse); }

bool Fails(const char* call) {
  State& state = The();
  state.calls.emplace_back(call);
  if (static_cast<int>(state.calls.size()) != state.fail_at) {
    return false;
  }
  state.message = std::string("EE9999: Inner Error!\n\tplanned failure of ") + call + "\n";
  return true;
}

void Born(const void* thing, const std::string& kind, std::shared_ptr<void> owner) {
  The().alive[thing] = {kind, std::move(owner)};
  ++The().made[kind];
}

bool IsAlive(const void* thing, const std::string& kind) {
  const auto found = The().alive.find(thing);
  return found != The().alive.end() && found->second.kind == kind;
}

void Use(const void* thing, const std::string& kind, const char* call) {
  if (!IsAlive(thing, kind)) {
    Note(std::string(call) + ": no such " + kind);
  }
}

aclError Release(const void* thing, const std::string& kind, const char* call) {
  const bool fails = Fails(call);
  Use(thing, kind, call);
  The().alive.erase(thing);
  return fails ? kPlannedFailure : ACL_SUCCESS;
}

void NeedContext(const char* call) {
  if (current_context == nullptr || !IsAlive(current_context, "context")) {
    Note(std::string(call) + ": no current context");
  }
}

void NeedMemory(const void* start, size_t bytes, const char* call) {
  for (const auto& [block, size] : The().memory) {
    const auto* first = static_cast<const uint8_t*>(block);
    const auto* wanted = static_cast<const uint8_t*>(start);
    if (wanted >= first && wanted + bytes <= first + size) {
      return;
    }
  }
  Note(std::string(call) + ": not memory of the device");
}

aclError Allocate(void** pointer, size_t bytes, const char* kind, const char* call) {
  if (Fails(call)) {
    return kPlannedFailure;
  }
  NeedContext(call);
  if (bytes == 0) {
    Note(std::string(call) + ": no bytes");
  }
  // Filled: nothing may rely on what fresh memory holds.
  const auto memory = std::make_shared<std::vector<uint8_t>>(bytes, 0xA5);
  *pointer = memory->data();
  The().memory[*pointer] = bytes;
  Born(*pointer, kind, memory);
  return ACL_SUCCESS;
}

aclError Free(void* pointer, const char* kind, const char* call) {
  The().memory.erase(pointer);
  return Release(pointer, kind, call);
}

thread_local void* current_context = nullptr;

}  // namespace fake_acl

using namespace fake_acl;

extern "C" {

const char* aclGetRecentErrMsg() {
  static std::string shown;
  shown = std::move(The().message);
  The().message.clear();
  return shown.empty() ? nullptr : shown.c_str();
}

aclError aclInit(const char*) {
  if (Fails("aclInit")) return kPlannedFailure;
  if (The().machine.init_code != ACL_SUCCESS) return The().machine.init_code;
  if (IsAlive(&The().machine, "library")) Note("aclInit: twice");
  Born(&The().machine, "library");
  return ACL_SUCCESS;
}

aclError aclFinalize() {
  if (The().alive.size() != 1) Note("aclFinalize: something is still alive");
  return Release(&The().machine, "library", "aclFinalize");
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  if (Fails("aclrtGetDeviceCount")) return kPlannedFailure;
  *count = The().machine.devices;
  return ACL_SUCCESS;
}

aclError aclrtSetDevice(int32_t id) {
  if (Fails("aclrtSetDevice")) return kPlannedFailure;
  Born(&The().devices[id], "device");
  return ACL_SUCCESS;
}

aclError aclrtResetDevice(int32_t id) { return Release(&The().devices[id], "device", "aclrtResetDevice"); }

const char* aclrtGetSocName() { return Fails("aclrtGetSocName") ? nullptr : The().machine.soc.c_str(); }

aclError aclrtCreateContext(aclrtContext* context, int32_t id) {
  if (Fails("aclrtCreateContext")) return kPlannedFailure;
  Use(&The().devices[id], "device", "aclrtCreateContext");
  *context = New("context");
  current_context = *context;
  return ACL_SUCCESS;
}

aclError aclrtDestroyContext(aclrtContext context) {
  if (current_context == context) current_context = nullptr;
  return Release(context, "context", "aclrtDestroyContext");
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  if (Fails("aclrtSetCurrentContext")) return kPlannedFailure;
  Use(context, "context", "aclrtSetCurrentContext");
  current_context = context;
  return ACL_SUCCESS;
}

aclError aclrtGetRunMode(aclrtRunMode* mode) {
  if (Fails("aclrtGetRunMode")) return kPlannedFailure;
  *mode = The().machine.mode;
  return ACL_SUCCESS;
}

aclError aclrtMalloc(void** pointer, size_t bytes, aclrtMemMallocPolicy) {
  return Allocate(pointer, bytes, "memory", "aclrtMalloc");
}

aclError aclrtFree(void* pointer) { return Free(pointer, "memory", "aclrtFree"); }

aclError aclrtMemcpy(void* to, size_t room, const void* from, size_t bytes, aclrtMemcpyKind kind) {
  if (Fails("aclrtMemcpy")) return kPlannedFailure;
  NeedContext("aclrtMemcpy");
  if (bytes > room) Note("aclrtMemcpy: more bytes than room");
  const bool on_device = The().machine.mode == ACL_DEVICE;
  if (on_device != (kind == ACL_MEMCPY_DEVICE_TO_DEVICE))
    Note("aclrtMemcpy: wrong direction for the run mode");
  if (kind == ACL_MEMCPY_HOST_TO_DEVICE) NeedMemory(to, bytes, "aclrtMemcpy");
  if (kind == ACL_MEMCPY_DEVICE_TO_HOST) NeedMemory(from, bytes, "aclrtMemcpy");
  std::memcpy(to, from, bytes);
  return ACL_SUCCESS;
}

aclError aclrtCreateStream(aclrtStream* stream) {
  if (Fails("aclrtCreateStream")) return kPlannedFailure;
  NeedContext("aclrtCreateStream");
  *stream = New("stream");
  return ACL_SUCCESS;
}

aclError aclrtDestroyStream(aclrtStream stream) {
  if (!The().tasks[stream].empty()) Note("aclrtDestroyStream: tasks wait");
  The().tasks.erase(stream);
  return Release(stream, "stream", "aclrtDestroyStream");
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
  const bool fails = Fails("aclrtSynchronizeStream");
  Use(stream, "stream", "aclrtSynchronizeStream");
  const std::vector<std::function<void()>> tasks = std::move(The().tasks[stream]);
  The().tasks[stream].clear();
  if (fails) return kPlannedFailure;
  for (const auto& task : tasks) task();
  return ACL_SUCCESS;
}

}  // extern "C"
