// ms310_lite_convert MODEL.onnx OUT ms|mindir: what converter_lite does, out of the 2.0.0 wheel; for tests.
#include <exception>
#include <iostream>

#include "lite_converter.h"

int main(int argc, char** argv) {
  const std::string format = argc == 4 ? argv[3] : "";
  if (format != "ms" && format != "mindir") {
    std::cerr << "usage: ms310_lite_convert MODEL.onnx OUT ms|mindir" << std::endl;
    return 2;
  }
  try {
    ms310::ConvertToLite(argv[1], argv[2],
                         format == "ms" ? ms310::LiteFormat::kMs : ms310::LiteFormat::kMindIr);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
  return 0;
}
