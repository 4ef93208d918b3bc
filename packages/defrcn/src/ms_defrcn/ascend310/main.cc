// ms-defrcn outside Python: pictures in, what the exported detector finds as files. Suppression (form decoded) and
// metrics are left to `ms-defrcn eval RESULT_FOLDER`.
#include "ms310/program.h"
#include "picture_size.h"

int main(int argc, char** argv) {
  ms310::ProgramHooks hooks;
  hooks.usage =
      "ms_defrcn_310 --mindir_path=MODEL --dataset_path=PICTURES [--result_path=FOLDER]\n"
      "Run a model that `ms-defrcn export` wrote. Of each picture: boxes in its pixels (x0 y0 x1 y1), scores and\n"
      "labels (-1: empty) of the best detections (form nms), or boxes of every region and class in pixels of the\n"
      "model's input, scores, and which regions count (decoded), in NAME_0.bin, NAME_1.bin, NAME_2.bin;\n"
      "index.jsonl lists them.";
  hooks.task = "two-stage detection";
  hooks.forms = {"decoded", "nms"};
  hooks.arithmetic = ms310::Arithmetic::kMmcv;
  hooks.check = ms_defrcn::CheckInputs;
  hooks.more_inputs = ms_defrcn::PictureSize;
  return ms310::RunProgram(argc, argv, hooks);
}
