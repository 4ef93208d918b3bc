"""`data check`, `data convert cityscapes` and `data draw` of segmentation commands."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console
from rich.progress import track

from ms_core.cli import Verb, refuse_overwrite
from ms_core.data.verbs import add_check_options, add_draw_options
from ms_core.errors import UserError
from ms_core.segmentation.config import SegmentationDataConfig

if TYPE_CHECKING:
    from ms_core.segmentation.sample import SegmentationDataset


@dataclass(frozen=True)
class SegmentationDataVerbConfig:
    data: SegmentationDataConfig = field(default_factory=SegmentationDataConfig)
    """Where pictures and masks lie."""


def segmentation_data_verb() -> Verb:
    """The verb `data` with its sub-verbs."""
    return Verb(
        help="check, convert and draw datasets",
        verbs={
            "check": Verb(
                help="look for masks with wrong values or sizes, damaged files, and pictures in two splits",
                run=run_check,
                add_arguments=partial(
                    add_check_options, quick="look at headers only: wrong values and damage are not found"
                ),
                config=SegmentationDataVerbConfig,
                example="{command} --data.root camvid --data.classes classes.txt --data.ignore 11",
            ),
            "convert": Verb(
                help="write masks in the form that training reads", verbs={"cityscapes": _convert_verb()}
            ),
            "draw": Verb(
                help="write pictures with the colours of their classes over them",
                run=run_draw,
                add_arguments=_draw_arguments,
                config=SegmentationDataVerbConfig,
                example="{command} --data.root cityscapes --split val --out drawn --count 20 --random",
            ),
        },
    )


def run_check(arguments: Namespace) -> int:
    """Print what is wrong; 2 where something is."""
    from ms_core.segmentation.check import check_segmentation
    from ms_core.segmentation.check_report import print_segmentation_report

    report = check_segmentation(
        arguments.config.data,
        devices=arguments.devices,
        batch_size=arguments.batch_size,
        decode=not arguments.quick,
        progress=True,
    )
    print_segmentation_report(report, Console(), arguments.limit)
    return report.exit_code


def run_convert(arguments: Namespace) -> int:
    """Draw label images from polygons."""
    from ms_core.segmentation.polygons import convert_polygons

    root = arguments.config.data.root
    if root is None:
        raise UserError("data convert cityscapes needs --data.root FOLDER, the one that holds gtFine.")
    done = convert_polygons(
        root, labels=arguments.to, processes=arguments.nproc, overwrite=arguments.overwrite, progress=True
    )
    kept = f", {done.skipped} were there (--overwrite draws them anew)" if done.skipped else ""
    print(f"{root}: {done.written} *_{arguments.to}.png written{kept}")
    return 0


def run_draw(arguments: Namespace) -> int:
    """Write pictures of one split with their masks."""
    from ms_core.data.draw import refuse_photos
    from ms_core.segmentation.draw_samples import choose_indices, draw_samples, drawing_paths

    dataset, split = _open_only_split(arguments.config.data, arguments.split)
    if not dataset.has_masks:
        raise UserError(f"{dataset.source}: no masks to draw. Name them with --data.{split}-masks.")
    out = Path(arguments.out)
    indices = choose_indices(len(dataset), arguments.count, arguments.seed if arguments.random else None)
    paths = drawing_paths(dataset, indices, out)
    files = [path for sample in dataset.samples for path in (sample.image, sample.mask) if path is not None]
    refuse_photos(paths, files, f"a file of the dataset ({dataset.source})")
    refuse_overwrite(paths, arguments.overwrite)
    out.mkdir(parents=True, exist_ok=True)
    drawn = draw_samples(dataset, indices, paths, alpha=arguments.alpha)
    for _ in track(drawn, "drawing", len(paths), console=Console(stderr=True), transient=True):
        pass
    print(f"{out}: {len(paths)} of {len(dataset)} pictures drawn")
    return 0


def _open_only_split(config: SegmentationDataConfig, wanted: str | None) -> tuple[SegmentationDataset, str]:
    """The split that was asked for, or the only one there is; its notes are printed."""
    from ms_core.segmentation.open import Split, has_split, open_split

    there: list[Split] = [split for split in get_args(Split) if wanted in (None, split)]
    if wanted is None:
        there = [split for split in there if has_split(config, split)]
    if len(there) != 1:
        given = f"there are {', '.join(there)}" if there else "there is none"
        raise UserError(
            f"which split to draw? {given}. Pass --split NAME, and --data.root or --data.NAME FOLDER."
        )
    dataset = open_split(config, there[0])
    for note in dataset.notes:
        print(f"note: {note}")
    return dataset, there[0]


def _convert_verb() -> Verb:
    return Verb(
        help="draw label images from the polygons of Cityscapes, beside them",
        run=run_convert,
        add_arguments=_convert_arguments,
        config=SegmentationDataVerbConfig,
        example="{command} --data.root cityscapes --nproc 8",
    )


def _convert_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        choices=("labelTrainIds", "labelIds"),
        default="labelTrainIds",
        help="values to write: training ids (255 where nothing counts), or label ids",
    )
    parser.add_argument("--nproc", type=int, default=0, help="processes, 0 for one a core")
    parser.add_argument("--overwrite", action="store_true", help="draw also what is there")


def _draw_arguments(parser: ArgumentParser) -> None:
    add_draw_options(parser)
    parser.add_argument(
        "--split", choices=("train", "val", "test"), help="split to draw, where there are several"
    )
    parser.add_argument("--alpha", type=float, default=0.5, help="share of the classes' colours, 0 to 1")
