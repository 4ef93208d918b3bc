// Small ONNX models made in the test itself, byte by byte: what the protocol buffers of onnx.proto look like.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace ms310::tiny_onnx {

enum ElementType : int { kFloat = 1, kUint8 = 2, kInt32 = 6, kInt64 = 7, kBool = 9 };

inline std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

inline std::string Number(int field, int64_t value) {
  return Varint(static_cast<uint64_t>(field) << 3) + Varint(static_cast<uint64_t>(value));
}

inline std::string Text(int field, const std::string& content) {
  return Varint(static_cast<uint64_t>(field) << 3 | 2) + Varint(content.size()) + content;
}

// An input or output of the graph; a length of -1 is left open.
inline std::string Value(const std::string& name, ElementType type, const std::vector<int64_t>& shape) {
  std::string dims;
  for (const int64_t length : shape) dims += Text(1, length < 0 ? Text(2, "any") : Number(1, length));
  return Text(1, name) + Text(2, Text(1, Number(1, type) + Text(2, dims)));
}

template <typename T>
std::string Constant(const std::string& name, ElementType type, const std::vector<int64_t>& shape,
                     const std::vector<T>& values) {
  std::string tensor;
  for (const int64_t length : shape) tensor += Number(1, length);
  std::string raw(values.size() * sizeof(T), '\0');
  std::memcpy(raw.data(), values.data(), raw.size());
  return tensor + Number(2, type) + Text(8, name) + Text(9, raw);
}

inline std::string IntAttribute(const std::string& name, int64_t value) {
  return Text(1, name) + Number(3, value) + Number(20, 2);
}

inline std::string IntsAttribute(const std::string& name, const std::vector<int64_t>& values) {
  std::string attribute = Text(1, name);
  for (const int64_t value : values) attribute += Number(8, value);
  return attribute + Number(20, 7);
}

inline std::string Node(const std::string& operation, const std::vector<std::string>& inputs,
                        const std::string& output, const std::vector<std::string>& attributes = {}) {
  std::string node;
  for (const std::string& input : inputs) node += Text(1, input);
  node += Text(2, output) + Text(3, "make_" + output) + Text(4, operation);
  for (const std::string& attribute : attributes) node += Text(5, attribute);
  return node;
}

struct Graph {
  std::vector<std::string> nodes, constants, inputs, outputs;
};

inline std::string Model(const Graph& graph) {
  std::string content;
  for (const std::string& node : graph.nodes) content += Text(1, node);
  content += Text(2, "tiny");
  for (const std::string& constant : graph.constants) content += Text(5, constant);
  for (const std::string& input : graph.inputs) content += Text(11, input);
  for (const std::string& output : graph.outputs) content += Text(12, output);
  return Number(1, 7) + Text(7, content) + Text(8, Text(1, "") + Number(2, 13));  // IR 7, opset 13
}

}  // namespace ms310::tiny_onnx
