"""Where the old programs left their files and under which names, and where ours are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One kind of file."""

    what: str
    old: str
    new: str
    """From the run folder (`--out`), where nothing else is said."""
    note: str = ""


PLACES = (
    Place(
        "checkpoint of an epoch",
        "OUTPUT_PATH/ckpt_RANK/ssd-EPOCH_STEP.ckpt; research code ckpt/ or ckpt/device_RANK/",
        "checkpoints/epoch-EPOCH.ckpt",
        "every train.save_every epochs, train.keep_max of them; rank 0 writes, the ranks have the same weights",
    ),
    Place(
        "newest checkpoint",
        "the highest EPOCH_STEP",
        "checkpoints/last.ckpt",
        "with everything that --resume needs",
    ),
    Place(
        "best checkpoint",
        "OUTPUT_PATH/ckpt_RANK/best_map.ckpt; research code CKPT_DIRECTORY/BEST_CKPT_NAME, by loss",
        "checkpoints/best.ckpt",
        "by AP on data.val",
    ),
    Place("graph", "OUTPUT_PATH/ckpt_RANK/ssd-graph.meta", "none", "nothing read it"),
    Place(
        "configuration of a run",
        "printed at the start",
        "config.yaml",
        "train --config RUN/config.yaml does the same again",
    ),
    Place(
        "log of a training",
        "LOG*/log.txt, train/log.txt, train_parallel/log.txt",
        "log.txt",
        "scripts write the old places too",
    ),
    Place(
        "losses and learning rate",
        "log.txt; research code summary/",
        "metrics.jsonl, figures/",
        "train.tensorboard for TensorBoard files",
    ),
    Place(
        "log of an evaluation", "eval*/log.txt", "eval-val/metrics.json", "scripts write the old places too"
    ),
    Place(
        "detections",
        "predictions.json in the working folder",
        "eval-val/predictions.json",
        "the same format; eval has --out for another folder",
    ),
    Place("VOC annotations as COCO", "VOC_ROOT/VOC_JSON", "none", "the XML files are read"),
    Place(
        "MindRecord files",
        "DATA_PATH/MINDRECORD_DIR/ssd.mindrecord0..7, ssd_eval.mindrecord0..7",
        "DATA_CACHE/train, DATA_CACHE/val",
        "old files are left alone and not read: they do not say what they were made from",
    ),
    Place(
        "exported model",
        "FILE_NAME.mindir, .air, .onnx in the working folder",
        "OUT/NETWORK.mindir, .onnx, .air",
        "with manifest.json; OUT is --out of export",
    ),
    Place("raw outputs", "result_Files/ID_0.bin, ID_1.bin", "the same", "eval result_Files measures them"),
)
"""In the order of docs/migrate.md."""
