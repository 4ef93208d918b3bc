"""Write docs/migrate.md from the tables by which the old interface is translated: `python ci/make_migrate.py`.

A test compares the page with what this program prints, so it cannot tell anything but what the code does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ms_core.old_zoo.commands import entries_of, translate_command
from ms_core.old_zoo.families import DEFRCN, SEGFORMER, SSD, Family
from ms_core.old_zoo.key_table import OldKey
from ms_core.old_zoo.modelarts import PARAMETERS
from ms_core.old_zoo.modelarts_defrcn import PATHS as MODELARTS_PATHS
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.places import DEFRCN_PLACES, PLACES, SEGFORMER_PLACES, Place
from ms_core.old_zoo.scripts import CONTAINER_SCRIPTS, INTERFACES, OTHERS, VARIABLES
from ms_core.old_zoo.scripts_310 import OTHERS_DEFRCN

PAGE = Path(__file__).resolve().parent.parent / "docs" / "migrate.md"
_HEAD = """\
# Moving from the old model zoo

<!-- Written by ci/make_migrate.py from the tables in ms_core.old_zoo. Edit those, never this page. -->

This page is for users of four models of the MindSpore model zoo:
[SSD and SSDLite](#ssd-and-ssdlite) (`official/cv/SSD`, `research/cv/ssd_mobilenetV2_FPNlite`),
[SegFormer](#segformer) and [DeFRCN](#defrcn). What they share:

1. **Configurations** go where our recipes go: `ms-ssd train --config old/config/ssd300.yaml --out runs/mine`,
   `ms-segformer train --config old/config/segformer.b0.512x1024.city.yaml`,
   `ms-defrcn train --config old/configs/coco/defrcn_det_r101_base.yaml`. The file is recognised by its content,
   translated, and what became of each key is printed. Options after it win, as everywhere.
   `python -m ms_core.old_zoo keys ms-defrcn` prints the keys, too.
2. **Scripts** of the same names are in `packages/ssd/scripts`, `packages/ssdlite_fpn/scripts`,
   `packages/segformer/scripts` and `packages/defrcn/scripts`, and installed in the folders `ms_ssd/scripts`,
   `ms_ssdlite_fpn/scripts`, `ms_segformer/scripts` and `ms_defrcn/scripts` of Python's packages. They print how they
   read their arguments and which command that is.
   `python -m ms_core.old_zoo run ms-ssd run_eval.sh coco old.ckpt 0` is the same without the file.
3. **Checkpoints** load as they are wherever we take weights: `ms-ssd eval old.ckpt --config old.yaml`. `convert` writes
   them as ours, and ours under the old names (`--to zoo`).

Nobody has to translate by hand; the tables say what happens.
"""
_SSD_HEAD = """\
## SSD and SSDLite

The YAML files as well as the earlier `config_xxx.py` with `using_model` are read: `--config old/src/config.py`. A
Python file is read, never executed. Checkpoints load with or without the `network.` in their names.
"""
_SEGFORMER_HEAD = """\
## SegFormer

An old YAML file means the old recipe: AdamWeightDecay (no bias correction) at a constant rate, weight decay on
everything, 0.4 x class-weighted cross entropy, pictures and labels at `base_size` in evaluation. It builds on the
recipe `segformer_bN_..._zoo` of its backbone and crop, from b1 on with decoders of 512 channels. What it leaves unsaid
is taken from a `segformer.base.yaml` beside it, then from that recipe. The paper's recipe, `segformer_b0_1024x1024` and
so on, is better; this one is for comparing with old numbers.

The guide and the code disagreed on three defaults. Where a YAML file says nothing, the code's counts here:

| key | guide | YAML or code, and here |
|---|---|---|
| `lr` | 1e-4 | 6e-5 |
| `dataset_num_parallel_workers` | 4 | 8 |
| `export_format` | AIR | MINDIR |
"""
_DEFRCN_HEAD = """\
## DeFRCN

An old YAML file means the old settings: pictures fitted into `img_width` x `img_height`, fewer proposals, in the base
stage a score threshold of 0.3. It builds on the recipe of its stage, `defrcn_r101_coco_base`, `_fsod` or `_gfsod`,
which alone are the paper's settings and better. What was wrong in the old code (see below) is not repeated.

A fine-tuning was a `train.py` with `is_finetune`, after `model_surgery.py`; now it is one verb:
`ms-defrcn finetune runs/base --config old/configs/coco/defrcn_fsod_r101_novel_10shot.yaml --mode fsod --shots 10`.
No file is generated, edited or deleted: shots and seed are words, and `ms-defrcn study` goes through all of them.
"""
_SSD_DIFFERENT = """\
### Different on purpose

- The TXT list is read as it was documented, `xmin,ymin,xmax,ymax,class`; the old code read y first.
- `pre_trained_epoch_size` goes on to `epoch_size`; the old training ran `epoch_size` epochs more, numbered from 1.
  `ms-ssd train --resume RUN` goes on with everything, the optimiser's state included.
- Evaluation while training measures all images with the network that is exported; the old one left out the last batch,
  and for ssd300 the sigmoid.
- `data_path` counts for every relative path alike, in training, evaluation and postprocessing.
- Changed data or classes are noticed: the MindRecord cache is built again.
- A first class other than background, a number of classes that does not fit, a missing folder and an unknown key are
  errors in one line.
- A batch without any matched box does not divide by zero, and an evaluation without any detection is 0, not a crash.
- `filter_weight` works for every network, and `freeze_layer` too.
- `run_infer_310.sh` takes what `export` writes, with its manifest: an old MINDIR says neither its classes nor its
  input. DVPP, which the old program ignored, reads pictures for `.om` models; where it cannot, it is refused.
"""
_SEGFORMER_DIFFERENT = """\
### Different on purpose

- Padding is 0 after normalising and counts nowhere; the old code filled it with 255 (`dataset_ignore_image`).
- What the old code called mAcc is pixel accuracy, `aAcc`; `mAcc` is the mean over the classes.
- A class that no picture has does not make mIoU nan, and a batch without a valid pixel does not make the loss nan.
- A weights file of which nothing fits is an error; the old converter wrote an empty checkpoint.
- Pictures of `predict` have the size of the original; the old ones had the network's.
- Labels are compared at full size unless `eval.labels` is `resized`, which the `_zoo` recipes and old files say.
- Label files with ids (`labelIds`) are read, too: converting is no longer needed.
"""
_DEFRCN_DIFFERENT = """\
### Different on purpose

- 16 pictures an update on any number of devices (`train.accumulate`); the old code divided `base_lr` by 8 on one device
  and left `milestones` where they were.
- The warmup grows linearly to its end, for biases as well; the old one lost its factor after some hundred steps.
- Anchors, RoIAlign and box coding are those of the paper's code, so the region proposal network of an old checkpoint
  does not fit; `convert` says what does.
- `run_*_finetune_*.sh` does one fine-tuning and asks nothing. Paths of weights, device numbers and shots are no longer
  edited into scripts.
- The scripts keep former results instead of removing them; `OVERWRITE=1` replaces them.
- Calibration uses the objects that the network was trained on, in the pictures at their own size.
- Evaluation ends, and its exit code tells how.
- The rank table is the one of `RANK_TABLE_FILE` or the third argument, not `../rank_table.json`.
- VOC, and data of your own, by recipes: `defrcn_r101_voc1_base` and so on, `defrcn_base`, `defrcn_fewshot`.
"""
_SSD_EXAMPLES: tuple[tuple[OldPackage, str], ...] = (
    (
        "ms-ssd",
        "train.py --config_path old.yaml --device_target CPU --lr 0.01 --epoch_size 40 --output_path out",
    ),
    ("ms-ssd", "train.py --model_name ssd_vgg16 --pre_trained ssd-500_458.ckpt --filter_weight True"),
    ("ms-ssd", "train.py --dataset coco --coco_root coco --mindrecord_dir cache --only_create_dataset True"),
    ("ms-ssd", "eval.py --dataset voc --voc_root voc --checkpoint_file_path ssd-500_458.ckpt"),
    ("ms-ssd", "export.py --checkpoint_file_path ssd-500_458.ckpt --file_name exported --file_format MINDIR"),
    ("ms-ssd", "postprocess.py --result_path result_Files --img_path coco/val2017 --drop True"),
    ("ms-ssd", "eval_onnx.py --file_name ssd.onnx"),
    ("ms-ssd", "infer_ssd_mobilenet_v1_fpn_onnx.py --file_name ssd.onnx"),
    ("ms-ssdlite-fpn", "train.py --run_platform GPU --distribute True --freeze_layer backbone"),
    ("ms-ssdlite-fpn", "eval.py --checkpoint_path ssd-500_458.ckpt"),
    ("ms-ssdlite-fpn", "export.py --ckpt_file ssd-500_458.ckpt --file_format AIR"),
)
_SEGFORMER_EXAMPLES: tuple[tuple[OldPackage, str], ...] = tuple(
    ("ms-segformer", line)
    for line in (
        "tools/convert_dataset.py cityscapes --nproc 8",
        "tools/convert_model.py --pt_model_path=mit_b0.pth --ms_model_path=ms_pretrained_b0.ckpt",
        "train.py --config_path=old.yaml --pretrained_ckpt_path=ms_pretrained_b0.ckpt --data_path=cityscapes "
        "--run_eval=False",
        "eval.py --config_path=old.yaml --eval_ckpt_path=segformer_mit_b0_10.ckpt --data_path=cityscapes",
        "infer.py --config_path=old.yaml --infer_ckpt_path=segformer_mit_b0_10.ckpt --data_path=photos "
        "--infer_copy_original_img=False",
        "export.py --config_path old.yaml --export_ckpt_path segformer_mit_b0_10.ckpt --export_format AIR",
    )
)
_DEFRCN_EXAMPLES: tuple[tuple[OldPackage, str], ...] = tuple(
    ("ms-defrcn", line)
    for line in (
        "pkl2ckpt.py",
        "pth2ckpt.py",
        "train.py --config_path=old.yaml --device_target=GPU --backbone_pretrained_path=backbone.ckpt "
        "--run_distribute=False",
        "model_surgery.py --dataset coco --method remove --src-path defrcn-18_6154.ckpt --save-dir out",
        "train.py --dataset_train [coco14_trainval_novel_10shot_seed0] --is_finetune True "
        "--model_pretrained_path=defrcn-18_6154.ckpt --save_checkpoint_path=runs/ten",
        "eval.py --config_path=old.yaml --pcb_enable False --eval_checkpoint_path=defrcn-18_6154.ckpt",
        "export.py --config_path old.yaml --export_ckpt_file defrcn-18_6154.ckpt --export_file_format MINDIR",
    )
)
_DEFRCN_PLACES = (
    "New places start from the run folder; old ones from the folder `scripts`, where the scripts are run."
)
_SSD_PLACES = (
    "New places start from the run folder, `--out` (without it `runs/` and the configuration's name). The scripts' run "
    "folders are beside their logs, as in `LOG/ckpt_0` (ms-ssd) and `LOG/ckpt` (ms-ssdlite-fpn); their evaluations are "
    "in the folder of the log, such as `eval0`."
)
_SEGFORMER_PLACES = (
    "New places start from the run folder, `--out`: for the scripts and old flags `checkpoint_path`, by default "
    "`./checkpoint/`. Logs of scripts lie in the working folder, of ranks after the first as `train_RANK.log`."
)


def page() -> str:
    """The whole page."""
    ssd: list[OldPackage] = ["ms-ssd", "ms-ssdlite-fpn"]
    hub = ("`mindspore_hub_conf.py`", "`create_network(name, ...)` is in a file of this name in each package")
    parts = (
        *(
            _HEAD,
            _SSD_HEAD,
            _programs(SSD, "ms-ssd", hub, _SSD_EXAMPLES, "old.yaml"),
            _scripts(ssd),
            _containers(),
            _others(OTHERS),
        ),
        *(_keys(SSD), _ssd_networks(), _places(PLACES, _SSD_PLACES), _modelarts(), _SSD_DIFFERENT),
        _SEGFORMER_HEAD,
        _programs(SEGFORMER, "ms-segformer", hub, _SEGFORMER_EXAMPLES, "old.yaml"),
        *(_scripts(["ms-segformer"]), _keys(SEGFORMER), _segformer_networks()),
        *(_places(SEGFORMER_PLACES, _SEGFORMER_PLACES), _SEGFORMER_DIFFERENT),
        _DEFRCN_HEAD,
        _programs(DEFRCN, "ms-defrcn", hub, _DEFRCN_EXAMPLES, "old.yaml"),
        *(_scripts(["ms-defrcn"]), _others(OTHERS_DEFRCN), _keys(DEFRCN), _defrcn_networks()),
        *(_places(DEFRCN_PLACES, _DEFRCN_PLACES), _defrcn_modelarts(), _DEFRCN_DIFFERENT, _variables()),
    )
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _programs(
    family: Family,
    package: OldPackage,
    more: tuple[str, str],
    examples: Iterable[tuple[OldPackage, str]],
    file: str,
) -> str:
    entries = [(f"`{name}`", entry.about) for name, entry in entries_of(package).items()]
    lines = ["| old program | what it does |", "|---|---|", *_rows([*entries, more])]
    shown = ["```", *(line for name, old in examples for line in _example(name, old, file)), "```"]
    text = (
        "Every key below was also a flag, `--key value` or `--key=value`, and still is for the scripts. Without a "
        f"configuration the recipe of the first network counts. `{file}` stands for an old configuration."
    )
    return "\n".join(["### Programs", "", *lines, "", text, "", *shown])


def _example(package: OldPackage, old: str, file: str) -> Iterator[str]:
    """An old command line and ours. `file` stands for any old configuration, and so for the recipe it names."""
    entry, *argv = old.split()
    stated = [word for word in argv if word not in ("--config_path", file, f"--config_path={file}")]
    words = translate_command(entry, stated, package)
    if len(stated) < len(argv):
        place = words.index("--config") + 1
        recipe, words[place] = words[place], file
        words = [
            Path(file).stem if word == recipe else word for word in words
        ]  # export is named after the file
    yield f"python {old}"
    yield f"    {shlex.join(words)}"


def _scripts(packages: Sequence[OldPackage]) -> str:
    lines = ["### Scripts"]
    for package in packages:
        lines += ["", f"#### {package}", ""] if len(packages) > 1 else [""]
        lines += ["| script | arguments, one form a line | does | log |", "|---|---|---|---|"]
        for name, script in INTERFACES[package].scripts.items():
            forms = "<br>".join(f"`{form}`" for form in script.forms)
            log = f"`{script.log}`" if script.log else ""
            lines.append(f"| `{name}` | {_cell(forms)} | {script.purpose} | {log} |")
    return "\n".join(lines)


def _containers() -> str:
    rows = [(f"`{name}`", f"`{form}`") for name, form in CONTAINER_SCRIPTS.items()]
    return "\n".join(["#### Containers", "", "| script | arguments |", "|---|---|", *_rows(rows)])


def _others(others: Mapping[str, str]) -> str:
    lines = ["#### Other programs and files of the guides", "", "| old | now |", "|---|---|"]
    return "\n".join([*lines, *_rows((f"`{name}`", now) for name, now in others.items())])


def _variables() -> str:
    lines = ["## Environment variables of the scripts", "", "| variable | meaning |", "|---|---|"]
    lines += [*_rows((f"`{name}`", meaning) for name, meaning in VARIABLES.items()), ""]
    lines.append(
        "Flags may follow the arguments, and settings of ours: `--lr 0.01`, `--train.workers 2`. `FOREGROUND=1` waits "
        "and keeps the exit code. `python -m ms_core.old_zoo list` prints the forms."
    )
    return "\n".join(lines)


def _keys(family: Family) -> str:
    lines = [
        "### Keys and flags",
        "",
        f"{len(family.keys)} keys. Ours are options, too: `--train.epochs 40`.",
    ]
    for title, keys in family.groups.items():
        lines += ["", f"#### {title}", "", "| old | ours | how |", "|---|---|---|"]
        lines += _rows((f"`{key.name}`", _ours(key), key.note) for key in keys)
    return "\n".join(lines)


def _ours(key: OldKey) -> str:
    if key.same_as:
        return f"as `{key.same_as}`"
    if key.becomes == "structure":
        return "must be the network's value"
    if key.becomes == "dead":
        return "nothing"
    return ", ".join(f"`{ours}`" for ours in key.ours)


def _ssd_networks() -> str:
    rows = [
        (f"`{network.name}`", network.package, " x ".join(map(str, network.structure["img_shape"])))
        for network in SSD.networks.values()
    ]
    text = (
        "A configuration whose structure (`steps`, `feature_size`, ...) is not that of its network is refused: old "
        "checkpoints would not fit."
    )
    head = ["### Networks", "", "| network | command | input |", "|---|---|---|"]
    return "\n".join([*head, *_rows(rows), "", text])


def _segformer_networks() -> str:
    rows = [(f"`{old}`", f"`{name}`", _zoo_recipes(name)) for old, name in SEGFORMER.names.items()]
    return "\n".join(["### Networks", "", "| backbone | network | recipe |", "|---|---|---|", *_rows(rows)])


def _defrcn_networks() -> str:
    rows = [(f"`{old}`", f"`{name}`") for old, name in DEFRCN.names.items()]
    return "\n".join(["### Networks", "", "| backbone | network |", "|---|---|", *_rows(rows)])


def _defrcn_modelarts() -> str:
    paths = ", ".join(f"`{name}`" for name in MODELARTS_PATHS)
    text = (
        "`modelarts/start.py` takes `data_url` and `train_url`, which the service sets, and any flag of `train.py`. "
        f"{paths} are looked for in the folder of `data_url`, which has `coco` and `cocosplit` in it."
    )
    return "\n".join(["### ModelArts", "", text])


def _zoo_recipes(network: str) -> str:
    sizes = ("512x1024", "1024x1024") if network == "segformer_b0" else ("1024x1024",)
    return ", ".join(f"`{network}_{size}_zoo`" for size in sizes)


def _places(places: Iterable[Place], text: str) -> str:
    rows = [(place.what, place.old, place.new, place.note) for place in places]
    head = ["| what | old place and name | new | |", "|---|---|---|---|"]
    return "\n".join(["### Files", "", text, "", *head, *_rows(rows)])


def _modelarts() -> str:
    rows = [
        (f"`{item.name}`", f"`{item.default}`" if item.default != "" else "", item.meaning)
        for item in PARAMETERS
    ]
    head = ["| parameter | default | meaning |", "|---|---|---|"]
    return "\n".join(["### ModelArts", "", "Parameters of `modelarts/start.py`:", "", *head, *_rows(rows)])


def _rows(rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(map(_cell, row))} |" for row in rows]


def _cell(text: str) -> str:
    """Text that does not end a cell of a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
