"""What the scripts beside `run_infer_310.sh` do: `convert_om.sh`, `run_om_infer_perf_test.sh`, `run_map_test.sh`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from ms_core.ascend310.convert_om import Conversion, atc_options, convert, soc_version
from ms_core.ascend310.flag_program import DONE, FlagProgram
from ms_core.old_zoo.calls import Call

_DRY_RUN = "MS_OLD_ZOO_DRY_RUN"


def convert_om(call: Call, environment: Mapping[str, str]) -> int:
    """Convert a model; flags after the words are options for ATC.

    Raises:
        UserError: ATC or the toolkit is not there.
    """
    values = call.values
    conversion = Conversion(
        model=Path(values["MODEL_PATH"]),
        output=values["OM_PATH"],
        aipp=Path(values["AIPP_PATH"]) if "AIPP_PATH" in values else None,
        toolkit=Path(values["TOOLKIT_PATH"]) if "TOOLKIT_PATH" in values else None,
        more=call.flags,
    )
    if environment.get(_DRY_RUN) == "1":
        print(shlex.join(["atc", *atc_options(conversion, soc_version(environment))]))
        return DONE
    return convert(conversion, environment)


def measure_pipeline(call: Call, environment: Mapping[str, str]) -> int:
    """`om_infer_perf_test.py` on the words, and the flags after them."""
    from ms_core.ascend310.sdk_perf import main

    flags = {"PIPELINE_PATH": "pipeline_path", "DATA_PATH": "img_path", "ANNO_PATH": "annotations_json"}
    words = [f"--{flag}={call.values[role]}" for role, flag in flags.items() if role in call.values]
    return _client(["om_infer_perf_test.py", *words, *call.flags], environment, main)


def report(call: Call, environment: Mapping[str, str]) -> int:
    """`generate_map_report.py` on the words."""
    from ms_core.ascend310.map_report import main

    flags = {
        "ANNO_PATH": "annotations_json",
        "RESULTS_JSON": "det_result_json",
        "REPORT_PATH": "output_path_name",
    }
    words = [f"--{flag}={call.values[role]}" for role, flag in flags.items() if role in call.values]
    return _client(["generate_map_report.py", *words, *call.flags], environment, main)


def _client(words: list[str], environment: Mapping[str, str], main: FlagProgram) -> int:
    print(shlex.join(words))
    return DONE if environment.get(_DRY_RUN) == "1" else main(words[1:])
