"""`data check`, `data convert`, `data draw` and `data cache`, the same in every command."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console
from rich.progress import track

from ms_core.cli import Verb, refuse_overwrite
from ms_core.data.config import DetectionDataConfig
from ms_core.errors import UserError

if TYPE_CHECKING:
    from ms_core.data.sample import DetectionDataset


@dataclass(frozen=True)
class DataVerbConfig:
    data: DetectionDataConfig = field(default_factory=DetectionDataConfig)


def data_verb() -> Verb:
    """The verb `data` with its sub-verbs."""
    return Verb(
        help="check, convert, draw and cache datasets",
        verbs={
            "check": Verb(
                help="look for faulty entries, damaged pictures, and pictures in two splits",
                run=run_check,
                add_arguments=partial(
                    add_check_options, quick="do not decode the pictures: damaged ones are not found"
                ),
                config=DataVerbConfig,
                example="{command} --data.train photos/train.txt --data.val photos/val.txt",
            ),
            "convert": Verb(
                help="write the annotations as COCO, VOC or TXT",
                run=run_convert,
                add_arguments=_convert_arguments,
                config=DataVerbConfig,
                example="{command} --data.train photos --to txt --out photos/train.txt",
            ),
            "draw": Verb(
                help="write pictures with their boxes drawn in",
                run=run_draw,
                add_arguments=add_draw_options,
                config=DataVerbConfig,
                example="{command} --data.train photos --out drawn --count 20 --random",
            ),
            "cache": Verb(
                help="write pictures and boxes into MindRecord files, from which training reads",
                run=run_cache,
                config=DataVerbConfig,
                example="{command} --data.train ann/train.json --data.val ann/val.json --data.images photos "
                "--data.cache cache",
            ),
        },
    )


def run_check(arguments: Namespace) -> int:
    """Print what is wrong; 2 where something is."""
    from ms_core.data.check import check_datasets
    from ms_core.data.check_report import print_report

    report = check_datasets(
        arguments.config.data,
        devices=arguments.devices,
        batch_size=arguments.batch_size,
        decode=not arguments.quick,
        progress=True,
    )
    print_report(report, Console(), arguments.limit)
    return report.exit_code


def run_convert(arguments: Namespace) -> int:
    """Write one split in another format."""
    from ms_core.data.convert import convert_dataset

    config: DetectionDataConfig = arguments.config.data
    dataset = _open_only_split(config)
    converted = convert_dataset(
        dataset,
        Path(arguments.out),
        to=arguments.to,
        images=config.images,
        invalid_boxes=config.invalid_boxes,
        overwrite=arguments.overwrite,
    )
    for note in converted.notes:
        print(f"note: {note}")
    counts = f"{converted.images} images, {converted.boxes} boxes, {len(dataset.classes)} classes"
    print(f"{converted.path}: {counts}")
    return 0


def run_draw(arguments: Namespace) -> int:
    """Write annotated pictures of one split."""
    from ms_core.data.draw import choose_samples, draw_samples, drawing_paths

    dataset = _open_only_split(arguments.config.data)
    out = Path(arguments.out)
    samples = choose_samples(dataset, arguments.count, arguments.seed if arguments.random else None)
    paths = drawing_paths(dataset, samples, out)
    refuse_overwrite(paths, arguments.overwrite)
    out.mkdir(parents=True, exist_ok=True)
    drawn = draw_samples(dataset, samples, paths)
    for _ in track(drawn, "drawing", len(paths), console=Console(stderr=True), transient=True):
        pass
    print(f"{out}: {len(paths)} of {len(dataset)} images drawn")
    return 0


def run_cache(arguments: Namespace) -> int:
    """Build the caches of the splits that are named, or say that they are good as they are."""
    from ms_core.data.open import Split
    from ms_core.data.record_cache import open_cached_split, split_folder

    config: DetectionDataConfig = arguments.config.data
    named: list[Split] = [split for split in get_args(Split) if getattr(config, split) is not None]
    if config.cache is None or not named:
        raise UserError("data cache needs --data.cache FOLDER and --data.train, --data.val or --data.test.")
    classes: tuple[str, ...] | None = None
    for split in named:
        dataset = open_cached_split(config, split, classes)
        if split == "train":
            classes = dataset.classes  # by which training numbers the labels of the others too
        counts = f"{len(dataset)} images, {dataset.box_count} boxes, {len(dataset.classes)} classes"
        print(f"{split}: {counts} in {split_folder(config.cache, split)}")
    return 0


def _open_only_split(config: DetectionDataConfig) -> DetectionDataset:
    """The one split that was named; its notes are printed."""
    from ms_core.data.open import Split, open_split

    named = [split for split in get_args(Split) if getattr(config, split) is not None]
    if len(named) != 1:
        given = f"{len(named)} were given" if named else "none was given"
        raise UserError(f"one of --data.train, --data.val and --data.test is needed; {given}.")
    dataset = open_split(config, named[0])
    for note in dataset.notes:
        print(f"note: {note}")
    return dataset


def add_check_options(parser: ArgumentParser, quick: str) -> None:
    """The training to come, and how much is looked at; `quick` says what --quick leaves out."""
    parser.add_argument("--devices", type=int, default=1, help="devices of the training to come")
    parser.add_argument(
        "--batch-size", type=int, default=1, help="images a step and a device of the training to come"
    )
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--limit", type=int, default=50, help="faults to print of each severity, 0 for all")


def _convert_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--to", required=True, choices=("coco", "voc", "txt"), help="format to write")
    parser.add_argument("--out", required=True, help="JSON or TXT file, or VOC folder, to write")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def add_draw_options(parser: ArgumentParser) -> None:
    """Which pictures are drawn, and where to."""
    parser.add_argument("--out", required=True, help="folder for the pictures")
    parser.add_argument("--count", type=int, default=20, help="pictures to draw, 0 for all")
    parser.add_argument(
        "--random", action="store_true", help="draw random pictures instead of the first ones"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of --random")
    parser.add_argument("--overwrite", action="store_true", help="replace pictures that are there")
