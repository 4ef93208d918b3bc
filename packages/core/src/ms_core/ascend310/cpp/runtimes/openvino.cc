// OpenVINO on the CPU: proves the programs without an Ascend device, and serves where there is none.
#include <cstring>
#include <openvino/openvino.hpp>

#include "ms310/error.h"
#include "ms310/runtime.h"

namespace ms310 {
namespace {

DataType TypeOf(const ov::element::Type& type, const std::string& name) {
  if (type == ov::element::f32) return DataType::kFloat32;
  if (type == ov::element::i32) return DataType::kInt32;
  if (type == ov::element::u8) return DataType::kUint8;
  throw UserError("the model: " + name + " is of type " + type.get_type_name() +
                  "; float32, int32 and uint8 are supported.");
}

template <typename Port>
TensorSpec SpecOf(const Port& port) {
  TensorSpec spec;
  spec.name = port.get_names().empty() ? port.get_node()->get_friendly_name() : port.get_any_name();
  for (const ov::Dimension& length : port.get_partial_shape()) {
    spec.shape.push_back(length.is_static() ? length.get_length() : -1);
  }
  spec.dtype = TypeOf(port.get_element_type(), spec.name);
  return spec;
}

class OpenVinoRuntime : public Runtime {
 public:
  explicit OpenVinoRuntime(const RuntimeOptions& options) {
    std::shared_ptr<ov::Model> model;
    try {
      model = core_.read_model(options.model_path);
    } catch (const std::exception& error) {
      throw UserError(options.model_path + ": OpenVINO cannot read it (" + OneLine(error.what(), 300) + ").");
    }
    ov::AnyMap settings{ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
                        ov::hint::inference_precision(ov::element::f32)};
    if (options.threads > 0) settings.insert(ov::inference_num_threads(options.threads));
    try {
      compiled_ = core_.compile_model(model, "CPU", settings);
      request_ = compiled_.create_infer_request();
    } catch (const std::exception& error) {
      throw RuntimeFailure(options.model_path + ": OpenVINO cannot compile it (" + OneLine(error.what(), 300) + ").");
    }
    for (const auto& port : compiled_.inputs()) inputs_.push_back(SpecOf(port));
    for (const auto& port : compiled_.outputs()) outputs_.push_back(SpecOf(port));
  }

  std::vector<TensorSpec> Inputs() const override { return inputs_; }
  std::vector<TensorSpec> Outputs() const override { return outputs_; }
  std::string Name() const override {
    return "openvino " + std::string(ov::get_openvino_version().buildNumber) + " on CPU";
  }

  std::vector<HostTensor> Run(const std::vector<HostTensor>& inputs) override {
    try {
      for (size_t index = 0; index < inputs.size(); ++index) SetInput(index, inputs[index]);
      request_.infer();
      std::vector<HostTensor> outputs;
      for (size_t index = 0; index < outputs_.size(); ++index) outputs.push_back(Output(index));
      return outputs;
    } catch (const ov::Exception& error) {
      throw RuntimeFailure("OpenVINO: " + OneLine(error.what(), 300));
    }
  }

 private:
  void SetInput(size_t index, const HostTensor& input) {
    const ov::Shape shape(input.spec.shape.begin(), input.spec.shape.end());
    ov::Tensor tensor(compiled_.input(index).get_element_type(), shape);
    if (tensor.get_byte_size() != input.bytes.size()) {
      throw RuntimeFailure("OpenVINO: input " + Describe(inputs_[index]) + " was given " +
                           std::to_string(input.bytes.size()) + " bytes.");
    }
    std::memcpy(tensor.data(), input.bytes.data(), input.bytes.size());
    request_.set_input_tensor(index, tensor);
  }

  HostTensor Output(size_t index) {
    const ov::Tensor tensor = request_.get_output_tensor(index);
    TensorSpec spec = outputs_[index];
    spec.shape.assign(tensor.get_shape().begin(), tensor.get_shape().end());
    const auto* first = static_cast<const uint8_t*>(tensor.data());
    return HostTensor{spec, std::vector<uint8_t>(first, first + tensor.get_byte_size()), nullptr};
  }

  ov::Core core_;
  ov::CompiledModel compiled_;
  ov::InferRequest request_;
  std::vector<TensorSpec> inputs_, outputs_;
};

}  // namespace

std::unique_ptr<Runtime> MakeOpenVinoRuntime(const RuntimeOptions& options) {
  return std::make_unique<OpenVinoRuntime>(options);
}

}  // namespace ms310
