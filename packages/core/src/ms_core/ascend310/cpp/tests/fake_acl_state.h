// What the parts of the fake share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fake_acl.h"

namespace fake_acl {

constexpr aclError kPlannedFailure = 507899;  // an inner error of the real library

struct Thing {
  std::string kind;
  std::shared_ptr<void> owner;  // of what is behind the pointer; null: something of the state itself
};

struct State {
  Machine machine;
  std::map<std::string, Model> models;     // by path
  std::map<uint32_t, std::string> loaded;  // model id -> path
  std::map<int32_t, char> devices;         // only their addresses count
  std::map<const void*, Thing> alive;
  std::map<std::string, int> made;
  std::map<const void*, size_t> memory;  // of the device
  std::map<const void*, std::vector<std::function<void()>>> tasks;
  std::vector<std::string> calls, misuse;
  std::string message;
  int channels = 0;  // open ones
  int fail_at = -1;
};

State& The();
extern thread_local void* current_context;

void Note(const std::string& misuse);
bool Fails(const char* call);  // counts the call
void Born(const void* thing, const std::string& kind, std::shared_ptr<void> owner = nullptr);
bool IsAlive(const void* thing, const std::string& kind);
void Use(const void* thing, const std::string& kind, const char* call);
aclError Release(const void* thing, const std::string& kind, const char* call);
void NeedContext(const char* call);
void NeedMemory(const void* start, size_t bytes, const char* call);
aclError Allocate(void** pointer, size_t bytes, const char* kind, const char* call);
aclError Free(void* pointer, const char* kind, const char* call);

// Something new behind one of AscendCL's opaque pointers.
template <typename T = char>
T* New(const char* kind) {
  auto thing = std::make_shared<T>();
  Born(thing.get(), kind, thing);
  return thing.get();
}

}  // namespace fake_acl
