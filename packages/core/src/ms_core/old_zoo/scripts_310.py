"""The old scripts and programs for exported models: Ascend 310, conversion by ATC, MindX SDK."""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.old_zoo.script import Script

RESULTS_310 = "result_Files"
"""Folder of the old programs for the results of exported models."""

_INFER = "ms_core.old_zoo.run_310:infer"
_MEASURE = "run an exported model with the C++ program {where}and measure it; numbers in acc.log"
_IN_310, _IN_CPP = _MEASURE.format(where="for Ascend 310 "), _MEASURE.format(where="")
_MODEL = "MINDIR_PATH DATA_PATH"
_KIND = "DEVICE_TYPE [DEVICE_ID]"


def _inference(forms_310: tuple[str, ...], forms_cpp: tuple[str, ...]) -> Mapping[str, Script]:
    return {
        "run_infer_310.sh": Script(
            _IN_310, "", forms_310, device="Ascend", action=_INFER, needs_config=False
        ),
        "run_infer_cpp.sh": Script(_IN_CPP, "", forms_cpp, action=_INFER, needs_config=False),
    }


_CPP = (
    f"{_MODEL} [ANNO_PATH]",
    f"{_MODEL} DVPP [CONFIG] [ANNO_PATH] {_KIND}",
)
INFERENCE = _inference((f"{_MODEL} [DVPP] [CONFIG] [ANNO_PATH] [DEVICE_ID]",), _CPP)
"""Of SSD and SSDLite. The third word of the guides is DVPP or CPU, the annotations, or the number of the device."""
INFERENCE_SEGMENTATION = _inference(
    (f"{_MODEL} [DVPP] [CONFIG] [DATASET_PATH] [DEVICE_ID]",),
    (f"{_MODEL} [DATASET_PATH]", f"{_MODEL} DVPP [CONFIG] [DATASET_PATH] {_KIND}"),
)
"""Of SegFormer, whose guide ends before; the labels are in the folder of the data."""
INFERENCE_DEFRCN = _inference(
    (f"{_MODEL} [CONFIG] [ANNO_PATH] DEVICE_TYPE [IMAGE_WIDTH IMAGE_HEIGHT] [DEVICE_ID]",), _CPP
)
"""Of DeFRCN. Its guide has the configuration in one place and the annotations in another as the third word."""

CONVERSION: Mapping[str, Script] = {
    "convert_om.sh": Script(
        "convert an exported model (.onnx; .air where you have one) to .om with Huawei's ATC",
        "",
        ("[TOOLKIT_PATH] MODEL_PATH OM_PATH [AIPP_PATH]",),
        action="ms_core.old_zoo.tools_310:convert_om",
    )
}
SDK: Mapping[str, Script] = {
    "run_om_infer_perf_test.sh": Script(
        "COCO results and time a picture by a pipeline of the MindX SDK",
        "",
        ("[PIPELINE_PATH DATA_PATH [ANNO_PATH]]",),
        action="ms_core.old_zoo.tools_310:measure_pipeline",
    ),
    "run_map_test.sh": Script(
        "the twelve COCO numbers of a result file, as a text file",
        "",
        ("ANNO_PATH RESULTS_JSON [REPORT_PATH]",),
        action="ms_core.old_zoo.tools_310:report",
    ),
}
"""Of the guide for Ascend, which only SSD had."""

CLIENTS: Mapping[str, str] = {
    "infer_by_sdk.py": "ms_core.ascend310.sdk_infer",
    "om_infer_perf_test.py": "ms_core.ascend310.sdk_perf",
    "generate_map_report.py": "ms_core.ascend310.map_report",
    "restore_coordinates_from_json.py": "ms_core.ascend310.restore_coordinates",
}
"""Python program in the folder of ms-ssd's scripts -> the module whose `main` it calls."""

OTHERS_310: Mapping[str, str] = {
    "ascend310_infer/build.sh": "nothing: `run_infer_310.sh`, `run_infer_cpp.sh` and `infer --runtime cpp` build the "
    "C++ program if that is not done",
    "infer/convert/aipp.cfg": "`EXPORTED/ascend/aipp_bgr.cfg`, written by `export` for the size, mean and standard "
    "deviation of the model",
    "infer/convert/aipp_coco_rgb.cfg": "`EXPORTED/ascend/aipp_rgb.cfg`",
    "infer/convert/aipp_coco_yuv.cfg": "`EXPORTED/ascend/aipp_yuv_stride.cfg`",
    "infer/convert/aipp_yuv.cfg": "`EXPORTED/ascend/aipp_yuv.cfg`, where the size fits DVPP's rules",
    "infer/sdk/conf/*.names": "`EXPORTED/ascend/labels.names`, of the classes that the model was trained on",
    "infer/sdk/conf/*_postprocess.cfg": "`EXPORTED/ascend/postprocess.cfg`",
    "infer/sdk/conf/*.pipeline": "`EXPORTED/ascend/detection_dvpp.pipeline` and `detection_opencv.pipeline`",
    "infer/sdk/infer_by_sdk.py": "the same name in `packages/ssd/scripts`, with the same options",
    "infer/sdk/perf/om_infer_perf_test.py": "the same name in `packages/ssd/scripts`",
    "infer/sdk/perf/generate_map_report.py": "the same name and options in `packages/ssd/scripts`; or "
    "`eval RESULTS.json --data.val ANNOTATIONS.json`",
    "infer/utils/restore_coordinates_from_json.py": "the same name in `packages/ssd/scripts`",
    "infer/utils/resize_utils.py": "nothing: pictures are resized by the C++ program or the pipeline",
    "infer/mxbase/C++ (mxBase sample, run.sh)": "the C++ program with an .om model: `convert_om.sh`, then "
    "`run_infer_310.sh MODEL.om PICTURES`; it uses AscendCL itself, not mxBase",
}
"""Files and programs of the guide for Ascend -> what to use."""

OTHERS_DEFRCN: Mapping[str, str] = {
    "ascend310_infer/build.sh": "nothing: the scripts and `infer --runtime cpp` build the C++ program",
    "preprocess.py": "nothing: the C++ program reads the pictures itself",
    "postprocess.py": "`eval result_Files --data.val ANNOTATIONS.json`, which the scripts call",
}
"""Files of the old DeFRCN code that no script of ours stands for -> what to use."""
