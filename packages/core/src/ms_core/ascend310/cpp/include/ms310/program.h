// Everything a program does apart from what is its model's own: flags, manifest, pictures, runtime, results.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ms310/manifest.h"
#include "ms310/picture_source.h"
#include "ms310/result_writer.h"
#include "ms310/tensor.h"

namespace ms310 {

// What a package's program adds. Functions left empty: the model has one input, and its outputs are written as they
// are.
struct ProgramHooks {
  std::string usage;                     // the first lines of --help
  std::string task;                      // which manifests it takes, e.g. "detection"
  std::vector<std::string> forms;        // of `output_form`, e.g. {"raw", "decoded", "nms"}
  Arithmetic arithmetic = Arithmetic::kDouble;

  // Refuse a manifest this program cannot serve, with Error(kUserError); called once, before the model is loaded.
  std::function<void(const Manifest&)> check;

  // The inputs after the picture, in the manifest's order, for one picture; batch 1.
  std::function<std::vector<HostTensor>(const Manifest&, const Placement&)> more_inputs;

  // What is written for one picture, out of the model's outputs (batch axis still there, 1).
  std::function<std::vector<HostTensor>(const Manifest&, const Placement&, std::vector<HostTensor>)> results;

  // Files beside those, made of what `results` gave.
  std::function<std::vector<MoreFile>(const Manifest&, const Placement&, const std::vector<HostTensor>&)> more_files;
};

// The whole program; what main() returns. Catches everything and prints one line to stderr: no exception leaves it.
int RunProgram(int argc, char** argv, const ProgramHooks& hooks);

}  // namespace ms310
