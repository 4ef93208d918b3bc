#include "ms310/program.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <iostream>
#include <opencv2/core.hpp>
#include <set>

#include "ms310/error.h"
#include "ms310/listing.h"
#include "ms310/options.h"
#include "ms310/picture.h"
#include "ms310/result_writer.h"
#include "ms310/runtime.h"
#include "ms310/timing.h"

namespace ms310 {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t g_stop = 0;

void AskToStop(int) { g_stop = 1; }

void InstallSignals() {
  g_stop = 0;
  struct sigaction action {};
  action.sa_handler = AskToStop;
  action.sa_flags = SA_RESETHAND;  // the second signal ends the program at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond its limit is an error of write(), with a message
}

void CheckManifest(const Manifest& manifest, const ProgramHooks& hooks, const Options& options) {
  if (manifest.task != hooks.task ||
      std::find(hooks.forms.begin(), hooks.forms.end(), manifest.output_form) == hooks.forms.end()) {
    throw UserError(manifest.path + ": a model for " + manifest.task + " with " + manifest.output_form +
                    " outputs; this program runs models for " + hooks.task + ". Use the program of " +
                    manifest.package + ".");
  }
  const auto check_side = [&manifest](const char* flag, int given, int side) {
    if (given == 0 || given == side) return;
    throw UserError(std::string("--") + flag + "=" + std::to_string(given) + ": the model was exported for " +
                    std::to_string(side) + " (" + manifest.path + "). Leave the flag out, or export again.");
  };
  check_side("image_height", options.image_height, manifest.input.Height());
  check_side("image_width", options.image_width, manifest.input.Width());
  if (options.runtime.dvpp) CheckDvppAlignment(manifest);
  if (hooks.check) hooks.check(manifest);
}

// Maps are PNG files: among pictures one of them could take the place of a picture.
void CheckMapFolder(const Options& options, const std::vector<ListedPicture>& pictures) {
  if (!options.class_map) return;
  std::set<std::filesystem::path> folders{options.dataset_path};  // of a list: no folder, and equivalent to none
  for (const ListedPicture& picture : pictures) folders.insert(std::filesystem::path(picture.path).parent_path());
  for (const std::filesystem::path& folder : folders) {
    std::error_code ignored;  // one of them does not exist: they differ
    if (!std::filesystem::equivalent(folder.empty() ? "." : folder, options.result_path, ignored)) continue;
    throw UserError("--result_path=" + options.result_path + ": pictures lie in this folder, and --class_map could "
                    "overwrite one by a NAME" + kMapEnding + ". Name another folder.");
  }
}

bool Agree(const TensorSpec& actual, const TensorSpec& stated) {
  if (actual.dtype != stated.dtype || actual.shape.size() != stated.shape.size()) return false;
  for (size_t axis = 0; axis < actual.shape.size(); ++axis) {
    const int64_t length = actual.shape[axis], expected = stated.shape[axis];
    if (length != expected && length != -1 && expected != -1) return false;
  }
  return true;
}

void RequireAgreement(const Manifest& manifest, const std::string& what, const std::vector<TensorSpec>& actual,
                      const std::vector<TensorSpec>& stated) {
  if (actual.size() != stated.size()) {
    throw UserError(manifest.path + ": the model has " + std::to_string(actual.size()) + " " + what +
                    "s, the manifest names " + std::to_string(stated.size()) +
                    ". Name the manifest that was written with this model.");
  }
  for (size_t index = 0; index < actual.size(); ++index) {
    if (Agree(actual[index], stated[index])) continue;
    throw UserError(manifest.path + ": the model's " + what + " is " + Describe(actual[index]) +
                    ", the manifest says " + Describe(stated[index]) +
                    ". Name the manifest that was written with this model.");
  }
}

// A loaded model and how pictures get into it.
class Job {
 public:
  Job(const Options& options, const Manifest& manifest, const ProgramHooks& hooks)
      : options_(options), manifest_(manifest), hooks_(hooks), runtime_(MakeRuntime(options.runtime)) {
    std::vector<TensorSpec> inputs = runtime_->Inputs();
    if (inputs.empty()) throw UserError(options.runtime.model_path + ": a model without inputs.");
    source_ = options.runtime.dvpp
                  ? runtime_->MakeDvppSource(manifest)
                  : MakeCpuSource(AdaptInput(manifest, inputs[0]), hooks.arithmetic);
    inputs.erase(inputs.begin());
    RequireAgreement(manifest, "further input", inputs, manifest.more_inputs);
    RequireAgreement(manifest, "output", runtime_->Outputs(), manifest.outputs);
    std::cout << "running " << options.runtime.model_path << " by " << runtime_->Name() << std::endl;
  }

  PreparedPicture Prepare(const ListedPicture& listed) const {
    if (!listed.error.empty()) throw UserError(listed.error);
    return source_->Prepare(ReadPictureFile(listed.path));
  }

  // What is written beside the outputs of a picture.
  std::vector<MoreFile> MoreFiles(const Placement& placement, const std::vector<HostTensor>& results) const {
    return hooks_.more_files ? hooks_.more_files(manifest_, placement, results) : std::vector<MoreFile>();
  }

  // The tensors to write for one picture.
  std::vector<HostTensor> Run(PreparedPicture prepared) {
    const Placement placement = prepared.placement;
    std::vector<HostTensor> inputs;
    inputs.push_back(std::move(prepared.tensor));
    if (hooks_.more_inputs) {
      for (HostTensor& more : hooks_.more_inputs(manifest_, placement)) inputs.push_back(std::move(more));
    }
    if (milliseconds_.empty()) {
      for (int run = 0; run < options_.warmup; ++run) runtime_->Run(inputs);
    }
    const Clock::time_point start = Clock::now();
    std::vector<HostTensor> outputs = runtime_->Run(inputs);
    milliseconds_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    std::vector<TensorSpec> specs;
    for (const HostTensor& output : outputs) specs.push_back(output.spec);
    RequireAgreement(manifest_, "output", specs, manifest_.outputs);
    return hooks_.results ? hooks_.results(manifest_, placement, std::move(outputs)) : outputs;
  }

  const std::vector<double>& milliseconds() const { return milliseconds_; }

 private:
  const Options& options_;
  const Manifest& manifest_;
  const ProgramHooks& hooks_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<PictureSource> source_;
  std::vector<double> milliseconds_;
};

// How many pictures could not be read. One picture is prepared while the model works on the one before; DVPP shares
// the device with the model, so there one thing is done after the other.
size_t RunPictures(const std::vector<ListedPicture>& pictures, bool ahead, Job* job, ResultWriter* writer) {
  const auto prepare = [&](size_t index) {
    const std::launch when = ahead ? std::launch::async : std::launch::deferred;
    return std::async(when, [job, &pictures, index] { return job->Prepare(pictures[index]); });
  };
  size_t failures = 0;
  std::future<PreparedPicture> next = prepare(0);
  for (size_t index = 0; index < pictures.size() && g_stop == 0; ++index) {
    std::future<PreparedPicture> current = std::move(next);
    if (ahead) current.wait();  // two at once would need the memory of three
    if (index + 1 < pictures.size()) next = prepare(index + 1);
    const ListedPicture& picture = pictures[index];
    PreparedPicture prepared;
    try {
      prepared = current.get();
    } catch (const Error& error) {
      if (error.code() != ExitCode::kUserError) throw;
      std::cerr << error.what() << std::endl;
      writer->WriteFailure(picture.path, error.what());
      ++failures;
      continue;
    }
    const Placement placement = prepared.placement;
    const std::vector<HostTensor> results = job->Run(std::move(prepared));
    writer->Write(picture.path, picture.name, placement, results, job->MoreFiles(placement, results));
  }
  return failures;
}

ExitCode Execute(const Options& options, const ProgramHooks& hooks) {
  const Manifest manifest = ReadManifest(options.manifest_path);
  CheckManifest(manifest, hooks, options);
  const std::vector<ListedPicture> pictures = ListPictures(options.dataset_path, options.result_path);
  CheckMapFolder(options, pictures);
  CheckResultFolder(options.result_path, options.overwrite);
  MakeFolder(options.time_path);
  Job job(options, manifest, hooks);
  ResultWriter writer(options.result_path, options.overwrite);  // removes former results: the model is loaded by now
  const size_t failures = RunPictures(pictures, !options.runtime.dvpp, &job, &writer);
  writer.Finish();
  const std::string report = TimingReport(job.milliseconds());
  WriteFileAtomically(options.time_path + "/test_perform_static.txt", report.data(), report.size());
  std::cout << report << job.milliseconds().size() << " of " << pictures.size() << " pictures done: "
            << options.result_path << std::endl;
  if (g_stop != 0) {
    std::cerr << "interrupted: the index lists what was done." << std::endl;
    return ExitCode::kInterrupted;
  }
  if (failures > 0) {
    std::cerr << failures << " of " << pictures.size() << " pictures could not be read." << std::endl;
    return ExitCode::kUserError;
  }
  return ExitCode::kDone;
}

int Fail(ExitCode code, const std::string& message) {
  std::cerr << "error: " << message << std::endl;
  return static_cast<int>(code);
}

}  // namespace

int RunProgram(int argc, char** argv, const ProgramHooks& hooks) {
  try {
    InstallSignals();
    cv::setNumThreads(0);  // the model gets the cores
    Options options;
    if (!ParseOptions(argc, argv, hooks.usage, &options)) return static_cast<int>(ExitCode::kDone);
    return static_cast<int>(Execute(options, hooks));
  } catch (const Error& error) {
    return Fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return Fail(ExitCode::kRuntimeFailure, "out of memory.");
  } catch (const std::exception& error) {
    return Fail(ExitCode::kRuntimeFailure, OneLine(error.what()));
  }
}

}  // namespace ms310
