#include "ms310/runtime.h"

#include "ms310/error.h"

namespace ms310 {

std::vector<std::string> BuiltInRuntimes() {
  return {
#ifdef MS310_WITH_ACL
      "acl",
#endif
#ifdef MS310_WITH_MSLITE
      "mslite",
#endif
#ifdef MS310_WITH_OPENVINO
      "openvino",
#endif
  };
}

std::unique_ptr<Runtime> MakeRuntime(const RuntimeOptions& options) {
#ifdef MS310_WITH_ACL
  if (options.name == "acl") return MakeAclRuntime(options);
#endif
#ifdef MS310_WITH_MSLITE
  if (options.name == "mslite") return MakeMsLiteRuntime(options);
#endif
#ifdef MS310_WITH_OPENVINO
  if (options.name == "openvino") return MakeOpenVinoRuntime(options);
#endif
  throw UserError("--runtime=" + options.name + ": not built into this program.");
}

std::unique_ptr<PictureSource> Runtime::MakeDvppSource(const Manifest&) {
  throw UserError("--cpu_dvpp=DVPP: " + Name() + " has no DVPP. Use --cpu_dvpp=CPU, or --runtime=acl on Ascend.");
}

}  // namespace ms310
