"""`generate_map_report.py`: the twelve COCO numbers of a COCO result file, as a text file."""

from __future__ import annotations

from pathlib import Path

from ms_core.ascend310.flag_program import DONE, FlagProgram, Flags, required
from ms_core.atomic import atomic_write
from ms_core.errors import UserError

NAME = "generate_map_report.py"
REPORT = "npu_map.txt"


def write_report(annotations: Path, results: Path, report: Path) -> list[str]:
    """Score `results` on every image of `annotations`; write and return the lines.

    Raises:
        UserError: faulty annotations or results, or the report cannot be written.
    """
    from ms_core.evaluation.coco import CocoEvaluator

    for path in (annotations, results):
        if not path.is_file():
            raise UserError(f"{path}: no such file.")
    evaluator = CocoEvaluator(annotations)
    evaluator.update_json(results)
    metrics = evaluator.compute()
    lines = [*metrics.lines(), f"mAP: {metrics.ap:.3f}"]
    report.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(report) as file:
        file.write("\n".join(lines) + "\n")
    return lines


def _report(flags: Flags) -> int:
    annotations = required(NAME, flags, "annotations_json", "COCO annotations")
    results = required(NAME, flags, "det_result_json", "a COCO result file, such as om_det_result.json")
    report = Path(flags.get("output_path_name", REPORT))
    print("\n".join(write_report(Path(annotations), Path(results), report)))
    print(f"report in {report}")
    return DONE


main = FlagProgram(
    NAME,
    "the twelve COCO numbers of a result file",
    {
        "annotations_json": "COCO annotations",
        "det_result_json": "COCO result file",
        "output_path_name": f"file for the report, by default {REPORT}",
    },
    _report,
)
