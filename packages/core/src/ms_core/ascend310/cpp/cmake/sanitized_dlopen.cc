// Only in builds with MS310_SANITIZE. OpenVINO's oneTBB opens its libtbbbind with RTLD_DEEPBIND, at which the address
// sanitizer ends the program; nothing here needs that flag, so it is taken away.
#include <dlfcn.h>

extern "C" void* dlopen(const char* file, int flags) {
  using Open = void* (*)(const char*, int);
  static const auto open = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "dlopen"));
  return open(file, flags & ~RTLD_DEEPBIND);
}
