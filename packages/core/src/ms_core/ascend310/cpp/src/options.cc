#include "ms310/options.h"

#include <gflags/gflags.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <limits>
#include <vector>

#include "ms310/error.h"

DEFINE_string(mindir_path, "", "The model file: .onnx for openvino, .mindir or .ms for mslite, .om for acl");
DEFINE_string(model_path, "", "The same as --mindir_path");
DEFINE_string(manifest, "", "manifest.json of the export; default: beside the model");
DEFINE_string(dataset_path, "", "Folder of pictures, or a .txt file with one picture a line");
DEFINE_string(result_path, "./result_Files", "Folder for the outputs and index.jsonl");
DEFINE_string(time_path, "./time_Result", "Folder for test_perform_static.txt");
DEFINE_string(runtime, "", "openvino, mslite or acl; default: the one built in");
DEFINE_int32(device_id, 0, "Number of the device, from 0");
DEFINE_string(device_type, "", "CPU or Ascend; default: CPU, with acl Ascend");
DEFINE_string(precision_mode, "",
              "mslite on Ascend: enforce_fp32, preferred_fp32, enforce_fp16, enforce_origin or preferred_optimal");
DEFINE_string(aipp_path, "", "mslite on Ascend: an AIPP configuration, as `export` writes them");
DEFINE_string(cpu_dvpp, "CPU", "Who decodes and resizes pictures: CPU, or DVPP (acl, a model with AIPP)");
DEFINE_int32(image_height, 0, "Height of the model's input, must agree with the manifest; 0: as it says");
DEFINE_int32(image_width, 0, "Width of the model's input, must agree with the manifest; 0: as it says");
DEFINE_bool(overwrite, false, "Replace results that are in --result_path already");
DEFINE_int32(warmup, 1, "Runs of the model before the first that is timed");
DEFINE_int32(threads, 0, "Threads of the CPU for the model; 0: as the runtime chooses");

namespace ms310 {
namespace {

using gflags::CommandLineFlagInfo;

const char* const kPrecisionModes[] = {"enforce_fp32", "preferred_fp32", "enforce_fp16", "enforce_origin",
                                       "preferred_optimal"};

// Flags of this library and of the program; gflags' own (--flagfile, --fromenv, ...) lie in its sources.
std::vector<CommandLineFlagInfo> OwnFlags() {
  std::vector<CommandLineFlagInfo> all, own;
  gflags::GetAllFlags(&all);
  for (const CommandLineFlagInfo& flag : all) {
    const std::string& file = flag.filename;
    if (file.find("gflags") == std::string::npos) own.push_back(flag);
  }
  return own;
}

size_t EditDistance(const std::string& left, const std::string& right) {
  std::vector<size_t> row(right.size() + 1);
  for (size_t column = 0; column < row.size(); ++column) row[column] = column;
  for (size_t line = 1; line <= left.size(); ++line) {
    size_t diagonal = row[0];
    row[0] = line;
    for (size_t column = 1; column < row.size(); ++column) {
      const size_t replaced = diagonal + (left[line - 1] == right[column - 1] ? 0 : 1);
      diagonal = row[column];
      row[column] = std::min({row[column] + 1, row[column - 1] + 1, replaced});
    }
  }
  return row.back();
}

Error UnknownFlag(const std::string& name) {
  std::string nearest;
  size_t least = std::numeric_limits<size_t>::max();
  for (const CommandLineFlagInfo& flag : OwnFlags()) {
    const size_t distance = EditDistance(name, flag.name);
    if (distance < least) {
      least = distance;
      nearest = flag.name;
    }
  }
  return UserError("--" + name + ": no such flag; the nearest is --" + nearest + ". --help shows all.");
}

// The flag of this name; one without a name where there is none.
CommandLineFlagInfo FindFlag(const std::string& name) {
  for (const CommandLineFlagInfo& flag : OwnFlags()) {
    if (flag.name == name) return flag;
  }
  return CommandLineFlagInfo();
}

void SetFlag(const CommandLineFlagInfo& flag, const std::string& value) {
  if (gflags::SetCommandLineOption(flag.name.c_str(), value.c_str()).empty()) {
    throw UserError("--" + flag.name + "=" + value + ": a value of type " + flag.type + " is needed.");
  }
}

// Handle argv[*index], and the value behind it where that is an argument of its own.
void ParseFlag(int argc, char** argv, int* index) {
  const std::string argument = argv[*index];
  if (argument.size() < 2 || argument[0] != '-') {
    throw UserError("\"" + argument + "\": an argument that is no flag. Pictures are named by --dataset_path.");
  }
  const size_t start = argument[1] == '-' ? 2 : 1;
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(start, equals == std::string::npos ? equals : equals - start);
  const CommandLineFlagInfo flag = FindFlag(name);
  if (equals != std::string::npos) {
    if (flag.name.empty()) throw UnknownFlag(name);
    SetFlag(flag, argument.substr(equals + 1));
  } else if (flag.type == "bool") {
    SetFlag(flag, "true");
  } else if (!flag.name.empty()) {
    if (*index + 1 >= argc) throw UserError("--" + name + ": a value is needed.");
    SetFlag(flag, argv[++*index]);
  } else {
    const CommandLineFlagInfo negated = name.rfind("no", 0) == 0 ? FindFlag(name.substr(2)) : flag;
    if (negated.type != "bool") throw UnknownFlag(name);
    SetFlag(negated, "false");
  }
}

void PrintHelp(const std::string& usage) {
  std::cout << usage << "\n\n";
  for (const CommandLineFlagInfo& flag : OwnFlags()) {
    std::cout << "  --" << flag.name << " (" << flag.type;
    if (!flag.default_value.empty()) std::cout << ", " << flag.default_value;
    std::cout << ")\n      " << flag.description << "\n";
  }
  std::cout << "\nRuntimes built in:";
  for (const std::string& name : BuiltInRuntimes()) std::cout << " " << name;
  std::cout << "\nExit codes: 0 all pictures done; 2 wrong use, or pictures that cannot be read; 1 device or disk "
               "failed; 130 interrupted.\n";
}

bool AsksForHelp(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const std::string& argument) {
    return argument == "--help" || argument == "-help" || argument == "-h";
  });
}

std::string ModelPath() {
  if (!FLAGS_mindir_path.empty() && !FLAGS_model_path.empty() && FLAGS_mindir_path != FLAGS_model_path) {
    throw UserError("--mindir_path and --model_path name two models. Give one of them.");
  }
  const std::string& path = FLAGS_model_path.empty() ? FLAGS_mindir_path : FLAGS_model_path;
  if (path.empty()) throw UserError("--mindir_path: the model file is needed. --help shows all flags.");
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw SystemError(path, "the model cannot be read", errno);
  if (!S_ISREG(status.st_mode)) throw UserError(path + ": no file. Name the model file itself.");
  return path;
}

std::string BesideModel(const std::string& model_path) {
  const size_t slash = model_path.rfind('/');
  return (slash == std::string::npos ? "" : model_path.substr(0, slash + 1)) + "manifest.json";
}

std::string RuntimeName() {
  const std::vector<std::string> built = BuiltInRuntimes();
  std::string list;
  for (const std::string& name : built) list += (list.empty() ? "" : ", ") + name;
  if (FLAGS_runtime.empty()) {
    if (built.size() == 1) return built[0];
    throw UserError("--runtime: one of " + list + " is needed.");
  }
  if (std::find(built.begin(), built.end(), FLAGS_runtime) == built.end()) {
    throw UserError("--runtime=" + FLAGS_runtime + ": not built into this program, which has " + list + ".");
  }
  return FLAGS_runtime;
}

std::string DeviceType(const std::string& runtime) {
  const std::string fitting = runtime == "acl" ? "Ascend" : "CPU";
  if (FLAGS_device_type.empty()) return fitting;
  // Old scripts give Ascend310.
  const std::string type = FLAGS_device_type.rfind("Ascend", 0) == 0 ? "Ascend" : FLAGS_device_type;
  if (type != "CPU" && type != "Ascend") {
    throw UserError("--device_type=" + FLAGS_device_type + ": CPU or Ascend is needed.");
  }
  if (runtime != "mslite" && type != fitting) {
    throw UserError("--device_type=" + FLAGS_device_type + ": runtime " + runtime + " runs on " + fitting + " only.");
  }
  return type;
}

// Flags that only one runtime on Ascend reads are refused elsewhere: ignoring them would hide a mistake.
void CheckAscendFlags(const RuntimeOptions& options) {
  const bool lite_on_ascend = options.name == "mslite" && options.device_type == "Ascend";
  if (!options.aipp_path.empty() && !lite_on_ascend) {
    throw UserError("--aipp_path: only mslite on Ascend takes it; for acl, AIPP is built into the .om by ATC.");
  }
  if (options.precision_mode.empty()) return;
  if (!lite_on_ascend) throw UserError("--precision_mode: only mslite on Ascend takes it.");
  if (std::find(std::begin(kPrecisionModes), std::end(kPrecisionModes), options.precision_mode) ==
      std::end(kPrecisionModes)) {
    throw UserError("--precision_mode=" + options.precision_mode +
                    ": one of enforce_fp32, preferred_fp32, enforce_fp16, enforce_origin, preferred_optimal is needed.");
  }
}

// A switch that only some programs define.
bool IsOn(const char* name) {
  std::string value;
  return gflags::GetCommandLineOption(name, &value) && value == "true";
}

int AtLeast(const char* name, int value, int least) {
  if (value < least) {
    throw UserError("--" + std::string(name) + "=" + std::to_string(value) + ": at least " + std::to_string(least) +
                    " is needed.");
  }
  return value;
}

RuntimeOptions ReadRuntimeOptions() {
  RuntimeOptions options;
  options.model_path = ModelPath();
  options.name = RuntimeName();
  options.device_type = DeviceType(options.name);
  options.device_id = AtLeast("device_id", FLAGS_device_id, 0);
  options.precision_mode = FLAGS_precision_mode;
  options.aipp_path = FLAGS_aipp_path;
  options.threads = AtLeast("threads", FLAGS_threads, 0);
  CheckAscendFlags(options);
  if (FLAGS_cpu_dvpp != "CPU" && FLAGS_cpu_dvpp != "DVPP") {
    throw UserError("--cpu_dvpp=" + FLAGS_cpu_dvpp + ": CPU or DVPP is needed.");
  }
  options.dvpp = FLAGS_cpu_dvpp == "DVPP";
  if (options.dvpp && options.name != "acl") {
    throw UserError("--cpu_dvpp=DVPP: runtime " + options.name +
                    " has no DVPP. Use --cpu_dvpp=CPU, or --runtime=acl on Ascend.");
  }
  return options;
}

}  // namespace

bool ParseOptions(int argc, char** argv, const std::string& usage, Options* options) {
  if (AsksForHelp(argc, argv)) {
    PrintHelp(usage);
    return false;
  }
  for (int index = 1; index < argc; ++index) ParseFlag(argc, argv, &index);
  if (FLAGS_dataset_path.empty()) throw UserError("--dataset_path: a folder or list of pictures is needed.");
  if (FLAGS_result_path.empty()) throw UserError("--result_path: a folder is needed.");
  if (FLAGS_time_path.empty()) throw UserError("--time_path: a folder is needed.");
  options->runtime = ReadRuntimeOptions();
  options->manifest_path = FLAGS_manifest.empty() ? BesideModel(options->runtime.model_path) : FLAGS_manifest;
  options->dataset_path = FLAGS_dataset_path;
  options->result_path = FLAGS_result_path;
  options->time_path = FLAGS_time_path;
  options->image_height = AtLeast("image_height", FLAGS_image_height, 0);
  options->image_width = AtLeast("image_width", FLAGS_image_width, 0);
  options->overwrite = FLAGS_overwrite;
  options->class_map = IsOn("class_map");
  options->warmup = AtLeast("warmup", FLAGS_warmup, 0);
  return true;
}

}  // namespace ms310
