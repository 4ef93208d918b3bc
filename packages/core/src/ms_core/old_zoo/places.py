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


_RESULTS_310 = (
    Place(
        "raw outputs",
        "result_Files/ID_0.bin, ID_1.bin",
        "result_Files/NAME_0.bin, ..., index.jsonl",
        "NAME is the picture's path in its folder, / as __; eval result_Files measures them",
    ),
    Place(
        "time of the model on Ascend 310",
        "time_Result/test_perform_static.txt",
        "the same",
        "mean and number of calls as before, then p50 and p95",
    ),
    Place(
        "metrics of an exported model",
        "acc.log",
        "the same",
        "in the foreground: the exit code tells how it went",
    ),
)
"""Of the scripts run_infer_310.sh and run_infer_cpp.sh."""

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
        "with manifest.json, and files for Huawei's tools in OUT/ascend; OUT is --out of export",
    ),
    *_RESULTS_310,
)
"""Of SSD and SSDLite, in the order of docs/migrate.md."""

SEGFORMER_PLACES = (
    Place(
        "checkpoint of an epoch",
        "CHECKPOINT_PATH/segformer_BACKBONE_EPOCH.ckpt",
        "checkpoints/epoch-EPOCH.ckpt",
        "every train.save_every epochs, train.keep_max of them; the run folder is CHECKPOINT_PATH",
    ),
    Place("newest checkpoint", "the highest EPOCH", "checkpoints/last.ckpt", "with all that --resume needs"),
    Place(
        "best checkpoint",
        "CHECKPOINT_PATH/segformer_BACKBONE_best.ckpt",
        "checkpoints/best.ckpt",
        "by mIoU, also where a class is absent",
    ),
    Place(
        "configuration of a run", "none", "config.yaml", "train --config RUN/config.yaml does the same again"
    ),
    Place("log of a training", "train.log", "log.txt", "scripts write train.log too"),
    Place("losses and learning rate", "train.log", "metrics.jsonl, figures/", "train.tensorboard as well"),
    Place(
        "log of an evaluation",
        "eval.log",
        "eval-val/metrics.json",
        "scripts write eval.log too; of another checkpoint of a run than its best eval-val-NAME/, of one outside a run "
        "folder eval-NAME-val/",
    ),
    Place(
        "pictures of infer.py",
        "infer_result/NAME.png, NAME_gray.png, NAME_color.png, NAME_overlap.png",
        "the same names in --out",
        "at the size of the picture, the old ones at that of the network; scripts write infer.log too",
    ),
    Place(
        "label pictures",
        "gtFine/SPLIT/CITY/NAME_gtFine_labelTrainIds.png",
        "the same",
        "old ones are read; without them labelIds are mapped while reading",
    ),
    Place(
        "exported model",
        "YAML_NAME.air, YAML_NAME.mindir in the working folder",
        "OUT/NETWORK.mindir, .onnx, .air",
        "with manifest.json; OUT is --out of export, YAML_NAME where the old program is called",
    ),
)
"""Of SegFormer, in the order of docs/migrate.md."""

DEFRCN_PLACES = (
    Place(
        "results of the base training",
        "checkpoints/coco/EXP_NAME/defrcn_det_r101_base",
        "the same folder",
        "the old scripts ignored EXP_NAME here and there, and removed what was in it; ours refuse to",
    ),
    Place(
        "results of a fine-tuning",
        "checkpoints/coco/EXP_NAME/defrcn_fsod_r101_novel/fsrw-like/Kshot_seedS/repeatR, "
        "defrcn_gfsod_r101_novel/tfa-like/Kshot_seedS",
        "the same folders, with repeat0 alone",
        "fsod also had tfa-like; another seed is another folder",
    ),
    Place(
        "checkpoint of an epoch",
        "ckpt_RANK/defrcn-EPOCH_STEP.ckpt",
        "checkpoints/epoch-EPOCH.ckpt",
        "every train.save_every epochs, train.keep_max of them; rank 0 writes",
    ),
    Place(
        "newest checkpoint", "the highest EPOCH_STEP", "checkpoints/last.ckpt", "with all that --resume needs"
    ),
    Place("best checkpoint", "none", "checkpoints/best.ckpt", "by AP on data.val"),
    Place(
        "weights after surgery",
        "defrcn_det_r101_base/model_reset_remove.ckpt, model_reset_surgery.ckpt",
        "OUT of surgery",
        "finetune does it by itself",
    ),
    Place(
        "configuration of a run",
        "the YAML file",
        "config.yaml",
        "train --config RUN/config.yaml does the same again",
    ),
    Place(
        "losses and learning rate",
        "loss_RANK.log beside the log: SECONDS s | epoch: E step: S total_loss: L lr: R",
        "metrics.jsonl, figures/",
        "all four losses",
    ),
    Place(
        "log of a training",
        "train/log, train_parallelRANK/log",
        "log.txt",
        "scripts write the old places too",
    ),
    Place("log of a fine-tuning", "finetune/log, finetune_parallelRANK/log", "log.txt", "the same"),
    Place(
        "log of an evaluation",
        "eval/log",
        "eval-val/metrics.json",
        "scripts write eval/log too, with the table of every category",
    ),
    Place(
        "detections",
        "results.pkl and the COCO results beside it",
        "eval-val/predictions.json",
        "COCO's format",
    ),
    Place(
        "MindRecord files",
        "TRAIN_MINDRECORD_DIR/DATASET/mindrecord0..7",
        "the folder as data.cache",
        "old files are left alone and not read",
    ),
    Place(
        "exported model",
        "EXPORT_FILE_NAME.mindir, .air in the working folder",
        "OUT/NETWORK.mindir, .onnx, .air",
        "with manifest.json; OUT is --out of export",
    ),
    *_RESULTS_310,
)
"""Of DeFRCN, in the order of docs/migrate.md; old places are from the folder `scripts`."""
