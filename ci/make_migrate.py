"""Write docs/migrate.md from the tables by which the old interface is translated: `python ci/make_migrate.py`.

A test compares the page with what this program prints, so it cannot tell anything but what the code does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ms_core.old_zoo.commands import ENTRIES, translate_command
from ms_core.old_zoo.keys import GROUPS, KEYS, OldKey
from ms_core.old_zoo.modelarts import PARAMETERS
from ms_core.old_zoo.networks import OldPackage, networks_of
from ms_core.old_zoo.places import PLACES
from ms_core.old_zoo.scripts import CONTAINER_SCRIPTS, INTERFACES, OTHERS, VARIABLES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "migrate.md"
_HEAD = """\
# Moving from the old model zoo

<!-- Written by ci/make_migrate.py from the tables in ms_core.old_zoo. Edit those, never this page. -->

This page is for users of the MindSpore model zoo's SSD (`official/cv/SSD`) and SSDLite
(`research/cv/ssd_mobilenetV2_FPNlite`), of the YAML files as of the earlier `config_xxx.py` with `using_model`.

1. **Configurations** go where our recipes go: `ms-ssd train --config old/config/ssd300.yaml --out runs/mine`, or
   `--config old/src/config.py`. The file is recognised by its content, translated, and what became of each key is
   printed. Options after it win, as everywhere. A Python file is read, never executed.
2. **Scripts** of the same names are in `packages/ssd/scripts` and `packages/ssdlite_fpn/scripts`, and installed in the
   folders `ms_ssd/scripts` and `ms_ssdlite_fpn/scripts` of Python's packages. They print how they read their arguments
   and which command that is. `python -m ms_core.old_zoo run ms-ssd run_eval.sh coco old.ckpt 0` is the same without
   the file.
3. **Checkpoints** load as they are, with or without the `network.` in their names, wherever we take weights:
   `ms-ssd eval old.ckpt --config old.yaml`. `ms-ssd convert` writes them as ours, and ours under the old names.

Nobody has to translate by hand; the tables say what happens.
"""
_DIFFERENT = """\
## Different on purpose

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
"""
_EXAMPLES: tuple[tuple[OldPackage, str], ...] = (
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


def page() -> str:
    """The whole page."""
    parts = (_HEAD, _programs(), _scripts(), _keys(), _networks(), _places(), _modelarts(), _DIFFERENT)
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _programs() -> str:
    entries = [(f"`{name}`", entry.about) for name, entry in ENTRIES.items()]
    entries.append(
        ("`mindspore_hub_conf.py`", "`create_network(name, ...)` is in a file of this name in each package")
    )
    lines = ["| old program | what it does |", "|---|---|", *_rows(entries)]
    examples = ["```", *(line for package, old in _EXAMPLES for line in _example(package, old)), "```"]
    text = (
        "Every key below was also a flag, `--key value` or `--key=value`, and still is for the scripts. Without a "
        "configuration the recipe of the first network counts."
    )
    return "\n".join(["## Programs", "", *lines, "", text, "", *examples])


def _example(package: OldPackage, old: str) -> Iterator[str]:
    """An old command line and ours. `old.yaml` stands for any old configuration, and so for the recipe it names."""
    entry, *argv = old.split()
    stated = [word for word in argv if word not in ("--config_path", "old.yaml")]
    words = translate_command(entry, stated, package)
    if "old.yaml" in argv:
        words[words.index("--config") + 1] = "old.yaml"
    yield f"python {old}"
    yield f"    {shlex.join(words)}"


def _scripts() -> str:
    lines = ["## Scripts", ""]
    for package, interface in INTERFACES.items():
        lines += [
            f"### {package}",
            "",
            "| script | arguments, one form a line | does | log |",
            "|---|---|---|---|",
        ]
        for name, script in interface.scripts.items():
            forms = "<br>".join(f"`{form}`" for form in script.forms)
            log = f"`{script.log}`" if script.log else ""
            lines.append(f"| `{name}` | {_cell(forms)} | {script.purpose} | {log} |")
        lines.append("")
    containers = [(f"`{name}`", f"`{form}`") for name, form in CONTAINER_SCRIPTS.items()]
    lines += ["### Containers", "", "| script | arguments |", "|---|---|", *_rows(containers), ""]
    lines += ["### Other programs of the guides", "", "| old | now |", "|---|---|"]
    lines += [*_rows((f"`{name}`", now) for name, now in OTHERS.items()), ""]
    lines += ["### Environment variables", "", "| variable of the scripts | meaning |", "|---|---|"]
    lines += [*_rows((f"`{name}`", meaning) for name, meaning in VARIABLES.items()), ""]
    lines.append(
        "Flags may follow the arguments, and settings of ours: `--lr 0.01`, `--train.workers 2`. `FOREGROUND=1` waits "
        "and keeps the exit code. `python -m ms_core.old_zoo list` prints the forms."
    )
    return "\n".join(lines)


def _keys() -> str:
    lines = ["## Keys and flags", "", f"{len(KEYS)} keys. Ours are options, too: `--train.epochs 40`."]
    for title, keys in GROUPS.items():
        lines += ["", f"### {title}", "", "| old | ours | how |", "|---|---|---|"]
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


def _networks() -> str:
    rows = [
        (f"`{network.name}`", network.package, " x ".join(map(str, network.structure["img_shape"])))
        for network in networks_of(None)
    ]
    text = (
        "A configuration whose structure (`steps`, `feature_size`, ...) is not that of its network is refused: old "
        "checkpoints would not fit."
    )
    return "\n".join(
        ["## Networks", "", "| network | command | input |", "|---|---|---|", *_rows(rows), "", text]
    )


def _places() -> str:
    rows = [(place.what, place.old, place.new, place.note) for place in PLACES]
    head = ["| what | old place and name | new | |", "|---|---|---|---|"]
    runs = " and ".join(f"`LOG/{interface.run}` ({package})" for package, interface in INTERFACES.items())
    text = (
        "New places start from the run folder, `--out` (without it `runs/` and the configuration's name). The scripts' "
        f"run folders are beside their logs, as in {runs}; their evaluations are in the folder of the "
        "log, such as `eval0`."
    )
    return "\n".join(["## Files", "", text, "", *head, *_rows(rows)])


def _modelarts() -> str:
    rows = [
        (f"`{item.name}`", f"`{item.default}`" if item.default != "" else "", item.meaning)
        for item in PARAMETERS
    ]
    head = ["| parameter | default | meaning |", "|---|---|---|"]
    return "\n".join(["## ModelArts", "", "Parameters of `modelarts/start.py`:", "", *head, *_rows(rows)])


def _rows(rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(map(_cell, row))} |" for row in rows]


def _cell(text: str) -> str:
    """Text that does not end a cell of a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
