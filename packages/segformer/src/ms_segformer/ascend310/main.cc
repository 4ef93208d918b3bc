// ms-segformer outside Python: pictures in, logits or class maps of the exported network as files. Metrics are left to
// `ms-segformer eval RESULT_FOLDER`.
#include <gflags/gflags.h>

#include "class_map.h"
#include "ms310/encode_png.h"
#include "ms310/program.h"

DEFINE_bool(class_map, false, "Also write NAME_map.png, grey: the class of every pixel, in the size of the picture");

int main(int argc, char** argv) {
  ms310::ProgramHooks hooks;
  hooks.usage =
      "ms_segformer_310 --mindir_path=MODEL --dataset_path=PICTURES [--result_path=FOLDER] [--class_map]\n"
      "Run a model that `ms-segformer export` wrote. Of each picture: logits float32 [K, h, w] (form logits), or\n"
      "class indices int32 [H, W] at the size of the model's input (classes), in NAME_0.bin; index.jsonl lists them.";
  hooks.task = "segmentation";
  hooks.forms = {"logits", "classes"};
  hooks.arithmetic = ms310::Arithmetic::kMmcv;
  hooks.check = [](const ms310::Manifest& manifest) { ms_segformer::CheckOutput(manifest, FLAGS_class_map); };
  hooks.more_files = [](const ms310::Manifest& manifest, const ms310::Placement& placement,
                        const std::vector<ms310::HostTensor>& outputs) {
    std::vector<ms310::MoreFile> files;
    if (!FLAGS_class_map) return files;
    const cv::Size size(placement.width, placement.height);
    files.push_back(
        {ms310::kMapEnding, ms310::EncodeGreyPng(ms_segformer::ClassMap(manifest, outputs.at(0), size))});
    return files;
  };
  return ms310::RunProgram(argc, argv, hooks);
}
