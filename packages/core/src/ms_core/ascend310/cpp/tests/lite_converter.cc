#include "lite_converter.h"

#include <memory>
#include <vector>

#include "include/api/status.h"
#include "include/api/types.h"
#include "include/registry/converter_context.h"
#include "ms310/error.h"

// The wheel has the class in its library and not in its headers; this is as much of it as is called.
namespace mindspore {

struct ConverterPara;

class Converter {
 public:
  Converter();
  void SetSaveType(ModelType type);
  Status Convert(converter::FmkType framework, const std::vector<char>& model, const std::vector<char>& out,
                 const std::vector<char>& weights);

 private:
  std::shared_ptr<ConverterPara> data_;
};

}  // namespace mindspore

namespace ms310 {

void ConvertToLite(const std::string& onnx, const std::string& out, LiteFormat format) {
  mindspore::Converter converter;
  converter.SetSaveType(format == LiteFormat::kMs ? mindspore::kMindIR_Lite : mindspore::kMindIR);
  const mindspore::Status status = converter.Convert(
      mindspore::converter::kFmkTypeOnnx, {onnx.begin(), onnx.end()}, {out.begin(), out.end()}, {});
  if (!status.IsOk())
    throw RuntimeFailure(onnx + ": the converter of MindSpore Lite: " + OneLine(status.ToString()));
}

}  // namespace ms310
