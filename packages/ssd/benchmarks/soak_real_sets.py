"""Train every network of ms-ssd and ms-ssdlite-fpn for one epoch on each real set; the loss has to fall.

    nox -s soak -- packages/ssd/benchmarks/soak_real_sets.py   # hours on two cores
    python packages/ssd/benchmarks/soak_real_sets.py --models ssd300 --sets bccd

The sets lie in $MS_SHARED/data (or ../shared/data beside the repository). Each pair is checked with `data check`
first and trained through the command line; results are added to --out as JSON, and pairs already in there are
skipped, so an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHARED = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data"


@dataclass(frozen=True)
class RealSet:
    """Where a set lies and what its user has to say about it."""

    train: str
    options: tuple[str, ...] = ()


SETS = {
    "coco_small": RealSet(
        "coco_small/annotations/instances_train2017.json", ("--data.images", "coco_small/train2017")
    ),
    "voc100": RealSet("voc100/VOC2012mini"),
    "bccd": RealSet("bccd/BCCD/ImageSets/Main/train.txt", ("--data.invalid-boxes", "drop")),
    "microcontroller": RealSet("microcontroller/train"),
}
"""`bccd` has two degenerate boxes, one of them among the training photos."""

MODELS = {
    "ssd300": ("ms_ssd", 8),
    "ssd_mobilenet_v1": ("ms_ssd", 8),
    "ssdlite_mobilenetv2_fpn": ("ms_ssdlite_fpn", 8),
    "ssd_vgg16": ("ms_ssd", 8),
    "ssd_mobilenet_v1_fpn": ("ms_ssd", 2),
    "ssd_resnet50_fpn": ("ms_ssd", 2),
}
"""Model -> module of its command, images a step."""


def data_options(real: RealSet) -> list[str]:
    words = [str(SHARED / word) if "/" in word else word for word in real.options]
    return ["--data.train", str(SHARED / real.train), *words]


def command(module: str, *words: str) -> str:
    """Run one command line; returns what it printed, raises CalledProcessError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        print(done.stdout[-3000:])
    done.check_returncode()
    return done.stdout


def one_epoch(model: str, name: str, folder: Path) -> dict[str, float | int | str]:
    """Mean loss of the first and the last quarter of an epoch from nothing, AdamW, constant rate."""
    module, batch = MODELS[model]
    run = folder / f"{model}-{name}"
    started = time.monotonic()
    command(
        module,
        *("train", "--config", f"{model}_finetune", "--out", str(run), "--overwrite"),
        *("--train.epochs", "1", "--train.batch-size", str(batch), "--train.log-every", "1"),
        *(
            "--optimizer.name",
            "adamw",
            "--optimizer.weight-decay",
            "0.05",
            "--optimizer.decay-biases",
            "false",
        ),
        *("--schedule.name", "constant", "--schedule.lr", "5e-4", "--schedule.warmup-epochs", "0"),
        *data_options(SETS[name]),
    )
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = np.array([record["loss"] for record in records if record["kind"] == "train"])
    quarter = max(1, len(losses) // 4)
    return {
        "model": model,
        "set": name,
        "steps": len(losses),
        "batch": batch,
        "first": round(float(losses[:quarter].mean()), 3),
        "last": round(float(losses[-quarter:].mean()), 3),
        "minutes": round((time.monotonic() - started) / 60, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--out", type=Path, default=Path("real-sets.json"))
    arguments = parser.parse_args()
    rows = json.loads(arguments.out.read_text()) if arguments.out.exists() else []
    done = {(row["model"], row["set"]) for row in rows}
    for name in arguments.sets:
        print(command("ms_ssd", "data", "check", *data_options(SETS[name])).strip().splitlines()[-1])
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            for name in arguments.sets:
                if (model, name) not in done:
                    rows.append(one_epoch(model, name, Path(folder)))
                    print(rows[-1], flush=True)
                    arguments.out.write_text(json.dumps(rows, indent=1))
    flat = [row for row in rows if row["last"] >= row["first"]]
    if flat:
        sys.exit(f"the loss did not fall: {flat}")


if __name__ == "__main__":
    main()
