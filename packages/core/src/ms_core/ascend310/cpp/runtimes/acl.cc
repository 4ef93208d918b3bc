// AscendCL on an Ascend device: .om models made by ATC. Compiled and tested against a fake of the library;
// never run on an Ascend device by us.
#include <filesystem>

#include "ascend/device.h"
#include "ascend/dvpp.h"
#include "ascend/model.h"
#include "ms310/error.h"
#include "ms310/file_name.h"
#include "ms310/runtime.h"

namespace ms310 {
namespace {

void CheckModelFile(const std::string& path) {
  if (!HasEnding(path, ".om")) {
    throw UserError(path +
                    ": --runtime=acl takes .om models. Convert an ONNX model with atc (convert_om.sh).");
  }
  std::error_code problem;
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) throw SystemError(path, "cannot be read", problem.value());
  if (size == 0) throw UserError(path + ": the file is empty. Convert the model again.");
}

// What a model with a static AIPP for YUV420SP pictures of this size takes.
std::vector<int64_t> YuvShape(const Manifest& manifest) {
  return {1, manifest.input.Height() * 3 / 2, manifest.input.Width(), 1};
}

// Red and blue of every pixel exchanged; `pixels` [.., 3].
std::vector<uint8_t> Swapped(std::vector<uint8_t> pixels) {
  for (size_t at = 0; at + 2 < pixels.size(); at += 3) std::swap(pixels[at], pixels[at + 2]);
  return pixels;
}

class AclRuntime : public Runtime {
 public:
  explicit AclRuntime(const RuntimeOptions& options)
      : device_(std::make_shared<ascend::Device>(options.device_id)),
        path_(options.model_path),
        model_(device_, options.model_path),
        swaps_(model_.SwapsChannels(0)) {
    for (const TensorSpec& spec : model_.inputs()) {
      const size_t bytes = static_cast<size_t>(ElementCount(spec.shape)) * ElementSize(spec.dtype);
      input_memory_.push_back(std::make_unique<ascend::DeviceMemory>(
          device_, bytes, options.model_path + ": input " + spec.name));
    }
  }

  ~AclRuntime() override { device_->TryMakeCurrent(); }

  std::vector<TensorSpec> Inputs() const override { return model_.inputs(); }
  std::vector<TensorSpec> Outputs() const override { return model_.outputs(); }
  std::string Name() const override { return "acl on " + device_->Name(); }

  std::vector<HostTensor> Run(const std::vector<HostTensor>& inputs) override {
    if (inputs.size() != input_memory_.size()) {
      throw RuntimeFailure(path_ + ": " + std::to_string(inputs.size()) +
                           " inputs were given, the model takes " + std::to_string(input_memory_.size()) +
                           ".");
    }
    device_->MakeCurrent();
    std::vector<const void*> addresses;
    for (size_t index = 0; index < inputs.size(); ++index) addresses.push_back(Place(index, inputs[index]));
    return model_.Execute(addresses);
  }

  std::unique_ptr<PictureSource> MakeDvppSource(const Manifest& manifest) override {
    ascend::CheckDvppInput(manifest);
    const TensorSpec& input = model_.inputs().front();
    if (input.dtype != DataType::kUint8 || input.shape != YuvShape(manifest) || swaps_) {
      throw UserError("--cpu_dvpp=DVPP: " + path_ + " takes " + Describe(input) +
                      ", not YUV420SP pictures as DVPP writes them. Convert it with "
                      "atc --insert_op_conf=ascend/aipp_yuv.cfg, or use --cpu_dvpp=CPU.");
    }
    device_->MakeCurrent();
    return std::make_unique<ascend::DvppSource>(device_, input, manifest.input.Width(),
                                                manifest.input.Height());
  }

 private:
  // Where the input lies on the device: there already, or copied.
  const void* Place(size_t index, const HostTensor& input) const {
    const TensorSpec& spec = model_.inputs()[index];
    if (input.device != nullptr) {
      return static_cast<const ascend::DvppMemory*>(input.device.get())->data();
    }
    const ascend::DeviceMemory& memory = *input_memory_[index];
    if (input.bytes.size() != memory.bytes()) {
      throw RuntimeFailure(path_ + ": input " + Describe(spec) + " takes " + std::to_string(memory.bytes()) +
                           " bytes and was given " + std::to_string(input.bytes.size()) + ".");
    }
    // AIPP exchanges red and blue back (aipp_bgr.cfg): pictures come in the order that the network wants.
    const bool swapped = index == 0 && swaps_ && spec.shape.back() == 3;
    device_->CopyIn(memory.data(), swapped ? Swapped(input.bytes).data() : input.bytes.data(),
                    memory.bytes());
    return memory.data();
  }

  std::shared_ptr<const ascend::Device> device_;
  std::string path_;
  ascend::Model model_;
  bool swaps_;  // static AIPP exchanges the channels of the picture
  std::vector<std::unique_ptr<ascend::DeviceMemory>> input_memory_;
};

}  // namespace

std::unique_ptr<Runtime> MakeAclRuntime(const RuntimeOptions& options) {
  CheckModelFile(options.model_path);
  return std::make_unique<AclRuntime>(options);
}

}  // namespace ms310
