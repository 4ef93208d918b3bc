"""`ms-defrcn data`: the core's verbs for labelled pictures, and `fewshot`, which draws the labelled objects once."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.cli import Verb, refuse_overwrite
from ms_core.data.config import DetectionDataConfig
from ms_core.data.verbs import data_verb as common_data_verb
from ms_core.errors import UserError

from ms_defrcn.config import DeFRCNConfig, FewShotConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ms_defrcn.shots import ShotSet


@dataclass(frozen=True)
class FewShotVerbConfig:
    data: DetectionDataConfig = field(default_factory=DetectionDataConfig)
    """Where pictures and labels lie."""
    fewshot: FewShotConfig = field(default_factory=lambda: FewShotConfig(classes="all"))
    """Of which classes, how many, by which seed."""


def data_verb() -> Verb:
    """The verb `data` with its sub-verbs."""
    verb = common_data_verb()
    fewshot = Verb(
        help="draw K labelled objects of every class once and write them down",
        run=run_fewshot,
        add_arguments=_fewshot_arguments,
        config=FewShotVerbConfig,
        example="{command} --data.train ann/train.json --data.images photos --fewshot.shots 5 --out 5shots.json",
    )
    return replace(
        verb,
        help="check, convert, draw and cache datasets, draw few-shot sets",
        verbs={**verb.verbs, "fewshot": fewshot},
    )


def run_fewshot(arguments: Namespace) -> int:
    """Write one COCO JSON, or the files of `cocosplit` for several numbers and seeds; prints what was written."""
    from ms_defrcn.study import seeds_of

    config: FewShotVerbConfig = arguments.config
    numbers = arguments.shots or [config.fewshot.shots]
    seeds = seeds_of(arguments.seeds) if arguments.seeds else [config.fewshot.shots_seed]
    if min(numbers) < 1:
        raise UserError(
            f"{min(numbers)} shots: at least 1 is needed. Pass --fewshot.shots K, or --shots K K K."
        )
    draws = [(shots, seed) for seed in seeds for shots in numbers]
    if arguments.to == "coco" and len(draws) > 1:
        raise UserError(
            f"--to coco: one file holds one draw, {len(draws)} were asked for. Pass --to cocosplit."
        )
    write = write_shots if arguments.to == "coco" else write_cocosplit
    images = None if config.data.images is None else Path(config.data.images)
    for (shots, seed), drawn in zip(draws, _drawn(config, draws), strict=True):
        written = write(drawn, Path(arguments.out), images, shots, seed, arguments.overwrite)
        pictures = len({shot.id for of_class in drawn.shots for shot in of_class})
        print(f"{written}: {shots} shots of {len(drawn.classes)} classes in {pictures} pictures, seed {seed}")
    return 0


def _drawn(config: FewShotVerbConfig, draws: Sequence[tuple[int, int]]) -> Iterator[ShotSet]:
    """The objects for every (shots, seed); data.train is opened once for all of them."""
    from ms_defrcn.classes import stage_classes
    from ms_defrcn.shots import draw_shots, objects_by_class
    from ms_defrcn.stage_data import open_labelled, open_shots

    fewshot = config.fewshot
    if fewshot.split == "none" and fewshot.base_classes is fewshot.novel_classes is None:
        fewshot = replace(fewshot, classes="base")  # with no lists all classes are base
    whole = DeFRCNConfig(data=config.data, fewshot=fewshot)
    if fewshot.shots_from is not None:
        for shots, seed in draws:
            yield open_shots(replace(whole, fewshot=replace(fewshot, shots=shots, shots_seed=seed)))
        return
    dataset = open_labelled(whole, "train")
    names = stage_classes(fewshot, dataset.classes).names
    objects = objects_by_class(dataset)
    for shots, seed in draws:
        yield draw_shots(dataset, names, shots, seed, objects)


def write_shots(
    drawn: ShotSet, out: Path, images: Path | None, shots: int, seed: int, overwrite: bool
) -> Path:
    """Write a COCO JSON with the drawn objects of all classes; `fewshot.shots_from` takes it.

    Args:
        images: folder that image paths in the file start from; None: the file's own.

    Raises:
        UserError: something is there already, or the system refuses to write.
    """
    refuse_overwrite([out], overwrite)
    _write(drawn, out, images, shots, seed)
    return out


def write_cocosplit(
    drawn: ShotSet, out: Path, images: Path | None, shots: int, seed: int, overwrite: bool
) -> Path:
    """Write `out`/seed{seed}/full_box_{shots}shot_{class}_trainval.json, as the published lists of COCO are laid out.

    Raises:
        UserError: as `write_shots`; a class whose name cannot be part of a file's.
    """
    from ms_defrcn.published_shots import COCOSPLIT

    folder = out / f"seed{seed}"
    for name in drawn.classes:
        if "/" in name or "\0" in name:
            raise UserError(f"class '{name}' cannot be part of a file name. Rename it, or pass --to coco.")
    files = [folder / COCOSPLIT.file.format(shots=shots, name=name) for name in drawn.classes]
    refuse_overwrite(files, overwrite)
    for label, file in enumerate(files):
        of_class = replace(drawn, shots=tuple(s if n == label else () for n, s in enumerate(drawn.shots)))
        _write(of_class, file, images, shots, seed)
    return folder


def _write(drawn: ShotSet, out: Path, images: Path | None, shots: int, seed: int) -> None:
    from ms_core.data.convert import write_coco

    dataset = replace(drawn, one_sample_an_object=False).dataset()
    words = f"{shots} labelled objects of every class, drawn by seed {seed} from {dataset.source}"
    write_coco(dataset, out, images or out.parent, overwrite=True, description=words)


def _fewshot_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", required=True, help="JSON file to write, or with --to cocosplit a folder")
    parser.add_argument(
        "--to",
        choices=("coco", "cocosplit"),
        default="coco",
        help="coco: one JSON; cocosplit: a file for each seed, number and class, laid out as the published lists",
    )
    parser.add_argument(
        "--shots", type=int, nargs="+", metavar="K", help="several numbers of objects at once"
    )
    parser.add_argument("--seeds", nargs="+", metavar="SEED", help="several seeds at once: 0-9, or 0 1 5")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
