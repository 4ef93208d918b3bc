// ms-ssdlite-fpn outside Python: pictures in, the outputs of the exported network as files. Decoding (form raw) and suppression
// (forms raw and decoded) are left to `ms-ssdlite-fpn eval RESULT_FOLDER`.
#include "ms310/program.h"

int main(int argc, char** argv) {
  ms310::ProgramHooks hooks;
  hooks.usage =
      "ms_ssdlite_fpn_310 --mindir_path=MODEL --dataset_path=PICTURES [--result_path=FOLDER]\n"
      "Run a model that `ms-ssdlite-fpn export` wrote. Of each picture: boxes and scores (form decoded), boxes, scores and\n"
      "labels (nms), or box deltas and class logits (raw), in NAME_0.bin, NAME_1.bin, ...; index.jsonl lists them.";
  hooks.task = "detection";
  hooks.forms = {"raw", "decoded", "nms"};
  hooks.arithmetic = ms310::Arithmetic::kDouble;
  return ms310::RunProgram(argc, argv, hooks);
}
