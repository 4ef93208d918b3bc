"""The old shell scripts, as data: what each accepted, which old program it started, where it left its files.

`docs/migrate.md` is written from these tables.
"""

from __future__ import annotations

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo.script import Interface, Script
from ms_core.old_zoo.scripts_310 import CONVERSION, INFERENCE, INFERENCE_SEGMENTATION, OTHERS_310, SDK
from ms_core.old_zoo.scripts_defrcn import DEFRCN

_PRE_TRAINED = "[PRE_TRAINED [PRE_TRAINED_EPOCH_SIZE]]"
_MANY = "DEVICE_NUM EPOCH_SIZE LR DATASET"
_ONE = "DEVICE_ID EPOCH_SIZE LR DATASET"

_DISTRIBUTE = (
    f"{_MANY} [RANK_TABLE_FILE] {_PRE_TRAINED}",
    f"{_MANY} [RANK_TABLE_FILE] CONFIG {_PRE_TRAINED}",
    f"CONFIG {_MANY} [RANK_TABLE_FILE] {_PRE_TRAINED}",
)
_DISTRIBUTE_GPU = (
    f"{_MANY} {_PRE_TRAINED}",
    f"{_MANY} CONFIG {_PRE_TRAINED}",
    f"CONFIG {_MANY} {_PRE_TRAINED}",
    "CONFIG DATASET DEVICE_NUM EPOCH_SIZE LR",
)
_ONE_DEVICE = (
    f"CONFIG {_ONE} {_PRE_TRAINED}",
    f"{_ONE} CONFIG {_PRE_TRAINED}",
    f"{_ONE} {_PRE_TRAINED}",
)
_STANDALONE = ("[PRE_TRAINED]", *_ONE_DEVICE)
_EVAL = (
    "DATASET CHECKPOINT_PATH [DEVICE_ID [CONFIG]]",
    "CONFIG DATASET CHECKPOINT_PATH [DEVICE_ID]",
)
_ONNX = ("DATA_PATH COCO_ROOT ONNX_PATH [INSTANCES_SET [DEVICE_TYPE [CONFIG]]]",)

_EVALUATE = "measure a checkpoint: the 12 COCO numbers"
_TRAIN_MANY = "train on several devices"
_TRAIN_ONE = "train on one device"
_FLAGS = {
    "CONFIG": "config_path",
    "DEVICE_NUM": "device_num",
    "DEVICE_ID": "device_id",
    "EPOCH_SIZE": "epoch_size",
    "LR": "lr",
    "DATASET": "dataset",
    "PRE_TRAINED": "pre_trained",
    "PRE_TRAINED_EPOCH_SIZE": "pre_trained_epoch_size",
    "FORMAT": "file_format",
    "INSTANCES_SET": "instances_set",
    "COCO_ROOT": "coco_root",
    "DATA_PATH": "data_path",
    "ONNX_PATH": "file_name",
    "CHECKPOINT_PATH": "checkpoint_file_path",
    "DEVICE_TYPE": "device_target",
}

_SHARED = {
    "run_distribute_train.sh": Script(
        _TRAIN_MANY, "train.py", _DISTRIBUTE, "LOG{RANK}", device="Ascend", devices="many"
    ),
    "run_eval.sh": Script(_EVALUATE, "eval.py", _EVAL, "eval{DEVICE_ID}", device="Ascend"),
    "run_eval_gpu.sh": Script(_EVALUATE, "eval.py", _EVAL, "eval{DEVICE_ID}", device="GPU"),
    **INFERENCE,
    **CONVERSION,
}

_OPTIONAL = "[DATASET_PATH [PRETRAINED_CKPT_PATH [RUN_EVAL]]]"
_SEGFORMER_MANY = f"DEVICE_NUM [RANK_TABLE_FILE] CONFIG {_OPTIONAL}"
_SEGFORMER = Interface(
    model="segformer_b0_512x1024_zoo",
    run="",
    flags={
        "CONFIG": "config_path",
        "DEVICE_NUM": "device_num",
        "DEVICE_ID": "device_id",
        "DEVICE_TYPE": "device_target",
        "DATASET_PATH": "data_path",
        "PRETRAINED_CKPT_PATH": "pretrained_ckpt_path",
        "RUN_EVAL": "run_eval",
        "CKPT_PATH": "eval_ckpt_path",
        "OUTPUT_PATH": "infer_output_path",
    },
    distributed_flag="run_distribute",
    scripts={
        "run_standalone_train.sh": Script(
            f"{_TRAIN_ONE}; its guide has a form of the other script here, which is understood",
            "train.py",
            (f"DEVICE_ID CONFIG {_OPTIONAL}", f"DEVICE_NUM RANK_TABLE_FILE CONFIG {_OPTIONAL}"),
            ".",
            "train.log",
            device="Ascend",
        ),
        "run_distribute_train.sh": Script(
            _TRAIN_MANY, "train.py", (_SEGFORMER_MANY,), ".", "train.log", device="Ascend", devices="many"
        ),
        "run_eval.sh": Script(
            "measure a checkpoint: IoU of every class, mIoU",
            "eval.py",
            ("DEVICE_ID CONFIG CKPT_PATH [DATASET_PATH]",),
            ".",
            "eval.log",
            device="Ascend",
        ),
        "run_infer.sh": Script(
            "pictures of what a checkpoint sees",
            "infer.py",
            ("DEVICE_ID CONFIG CKPT_PATH DATASET_PATH [OUTPUT_PATH]",),
            ".",
            "infer.log",
            device="Ascend",
            flags={"CKPT_PATH": "infer_ckpt_path"},
        ),
        **INFERENCE_SEGMENTATION,
        **CONVERSION,
    },
    data_flags="--data_path",
)

INTERFACES: dict[str, Interface] = {
    "ms-ssd": Interface(
        model="ssd300",
        run="ckpt_0",
        flags=_FLAGS,
        distributed_flag="run_distribute",
        scripts={
            **_SHARED,
            "run_distribute_train_gpu.sh": Script(
                _TRAIN_MANY, "train.py", _DISTRIBUTE_GPU, "LOG", device="GPU", devices="many"
            ),
            "run_standalone_train.sh": Script(_TRAIN_ONE, "train.py", _STANDALONE, "LOG", device="Ascend"),
            "run_eval_ascend.sh": Script(_EVALUATE, "eval.py", _EVAL, "eval{DEVICE_ID}", device="Ascend"),
            "run_export.sh": Script(
                "write a trained network for use outside Python",
                "export.py",
                ("CONFIG FORMAT [CHECKPOINT_PATH]", "CONFIG CHECKPOINT_PATH FORMAT"),
            ),
            **SDK,
            "run_eval_onnx.sh": Script("measure an ONNX model", "eval_onnx.py", _ONNX),
            "infer_ssd_mobilenet_v1_fpn_onnx.sh": Script(
                "measure an ONNX model of ssd_mobilenet_v1_fpn",
                "infer_ssd_mobilenet_v1_fpn_onnx.py",
                _ONNX,
                model="ssd_mobilenet_v1_fpn",
            ),
            "run_download_dataset.sh": Script(
                "say which data set is needed and check that it is complete",
                "",
                ("DATASET [CONFIG]",),
                action="ms_core.old_zoo.dataset_layout:check_dataset",
            ),
        },
    ),
    "ms-ssdlite-fpn": Interface(
        model="ssdlite_mobilenetv2_fpn",
        run="ckpt",
        flags={**_FLAGS, "CHECKPOINT_PATH": "checkpoint_path", "DEVICE_TYPE": "run_platform"},
        distributed_flag="distribute",
        scripts={
            **_SHARED,
            "run_distribute_train_gpu.sh": Script(
                _TRAIN_MANY, "train.py", _DISTRIBUTE_GPU, "train_parallel", device="GPU", devices="many"
            ),
            "run_1p_train.sh": Script(_TRAIN_ONE, "train.py", _ONE_DEVICE, "LOG", device="Ascend"),
            "run_standalone_train_gpu.sh": Script(_TRAIN_ONE, "train.py", _ONE_DEVICE, "train", device="GPU"),
        },
    ),
    "ms-segformer": _SEGFORMER,
    "ms-defrcn": DEFRCN,
}
"""The old code bases, by our command that took their place."""

CONTAINER_SCRIPTS = {
    "docker_start.sh": "IMAGE DATA_DIR MODEL_DIR [PRETRAINED_DIR]",
    "docker_start_infer.sh": "IMAGE DATA_DIR",
}
"""Scripts of ms-ssd that start a container; plain shell, for a host has Docker but perhaps none of our packages."""

VARIABLES = {
    "FOREGROUND": "1: wait for the end, show the output and keep the exit code",
    "OVERWRITE": "1: replace the results of a former training or prediction in the same folder",
    "MS_OLD_ZOO_DRY_RUN": "1: only print our command",
    "CONFIG_PATH": "configuration, where no CONFIG is given",
    "MODEL_NAME": "network, where no CONFIG is given; without it src/config.py here or in .., else the old default",
    "DEVICE_TARGET": "Ascend, GPU or CPU, instead of the device of the configuration or the script",
    "DEVICE_ID": "number of the device, where no DEVICE_ID is given",
    "RANK_TABLE_FILE": "rank table, where none is given; without any the processes find each other by themselves",
    "MASTER_PORT": "port by which they do, instead of a free one",
    "SOC_VERSION": "chip that convert_om.sh converts for, such as Ascend310P3; without it what npu-smi sees, else "
    "Ascend310",
    "PYTHON": "Python that has the package, instead of `python`",
}
"""Environment variables that the scripts read."""

OTHERS = {
    "utils/trans_xml_annotations_to_txt.py": "`data convert`, or nothing: VOC folders are read as they are",
    **OTHERS_310,
}
"""Programs and files of the guides that no script of ours stands for -> what to use."""


def find_script(package: str, name: str) -> tuple[Interface, Script]:
    """
    Raises:
        UserError: no such package, or no such script of the package.
    """
    if package not in INTERFACES:
        raise UserError(f"{package}: has no old scripts.{did_you_mean(package, INTERFACES)}")
    interface = INTERFACES[package]
    if name not in interface.scripts:
        names = ", ".join(interface.scripts)
        raise UserError(
            f"{name}: {package} has no such script.{did_you_mean(name, interface.scripts)} Scripts: {names}."
        )
    return interface, interface.scripts[name]
