// The command line. The names are those of the old programs, plus what these need.
#pragma once

#include <string>

#include "ms310/runtime.h"

namespace ms310 {

struct Options {
  RuntimeOptions runtime;
  std::string manifest_path;
  std::string dataset_path;  // a folder of pictures or a .txt list of them
  std::string result_path;   // the folder result_Files itself
  std::string time_path;
  int image_height = 0;    // 0: as the manifest says
  int image_width = 0;
  bool overwrite = false;
  bool class_map = false;  // --class_map of a program that has it: NAME_map.png beside the outputs
  int warmup = 1;  // runs before the first timed one
};

// Parse the command line into Options. A flag that a program defines itself (DEFINE_bool in its main.cc) is parsed
// too. Options given as --name=value, --name value, --switch or --noswitch; one or two hyphens.
// Error(kUserError): unknown flag (the nearest is named), a value that does not fit, an argument that is no flag, a
// missing path. Returns false where --help was given and printed.
bool ParseOptions(int argc, char** argv, const std::string& usage, Options* options);

}  // namespace ms310
