"""What a study does before it trains, with the package's own data, surgery and checkpoints."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from labelled_sets import write_coco, write_voc
from ms_core.checkpoint import read_weights
from ms_core.checkpoint.write import write_checkpoint
from ms_core.config import load_config, to_yaml
from ms_core.data.config import DetectionDataConfig
from ms_core.errors import UserError
from ms_defrcn import stage_data
from ms_defrcn.config import DeFRCNConfig, FewShotConfig, PcbConfig
from ms_defrcn.demo_data import BASE_SHAPES, NOVEL_SHAPES, DemoData, make_demo_data
from ms_defrcn.finetune import finetune_config, finetune_recipe
from ms_defrcn.models import build_model
from ms_defrcn.study_actions import RealActions
from ms_defrcn.weights import model_metadata

RECIPES = files("ms_defrcn") / "configs"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DemoData:
    return make_demo_data(tmp_path_factory.mktemp("data"), base=2, fewshot=30, val=2, size=48)


@pytest.fixture(scope="module")
def base(data: DemoData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as base training on the demo's pictures leaves it, untrained."""
    run = tmp_path_factory.mktemp("base")
    words = ["--data.train", str(data.base), "--fewshot.novel-classes", f"[{','.join(NOVEL_SHAPES)}]"]
    config = load_config(DeFRCNConfig, recipe="defrcn_r18_demo", recipes=RECIPES, overrides=words)
    network = build_model("defrcn_r18", len(BASE_SHAPES), anchor_sizes=config.model.anchor_sizes)
    arrays = {p.name: p.asnumpy() for p in network.get_parameters()}
    (run / "checkpoints").mkdir()
    (run / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    write_checkpoint(run / "checkpoints" / "best.ckpt", arrays, model_metadata(network, BASE_SHAPES))
    return run


def settings(base: Path, data: DemoData, mode, shots: int, start: Path) -> DeFRCNConfig:
    recipe = finetune_recipe(base, mode)
    words = ["--data.train", str(data.fewshot), "--data.val", str(data.val), "--pcb.features", "detector"]
    config = load_config(DeFRCNConfig, recipe=recipe, recipes=RECIPES, overrides=words)
    return finetune_config(config, start, mode, shots, 1)


@pytest.mark.parametrize(("mode", "rows"), [("fsod", None), ("gfsod", 6)])
def test_the_start_is_the_base_network_after_surgery(
    base: Path, data: DemoData, tmp_path: Path, mode, rows: int | None
) -> None:
    config = settings(base, data, mode, 3, tmp_path / "start.ckpt")
    actions = RealActions()
    actions.check([config], "val")
    actions.surgery(base, config, tmp_path / "start.ckpt")
    before = read_weights(base / "checkpoints" / "best.ckpt").arrays
    after = read_weights(tmp_path / "start.ckpt").arrays
    head = "roi_heads.box_predictor.cls_score.weight"
    assert (head in after) == (rows is not None)
    if rows is not None:
        assert len(after[head]) == rows
        assert (after[head][:3] == before[head][:3]).all()
        assert (after[head][-1] == before[head][-1]).all()
    name = "roi_heads.res5.0.conv1.weight"
    assert (after[name] == before[name]).all()


def test_too_many_shots_are_refused_by_the_name_of_the_class(
    base: Path, data: DemoData, tmp_path: Path
) -> None:
    config = settings(base, data, "fsod", 1000, tmp_path / "start.ckpt")
    with pytest.raises(
        UserError, match=r"class '(star|cross)' has \d+ labelled objects, fewer than the 1000"
    ):
        RealActions().check([replace(config, seed=2), config], "val")


@pytest.fixture
def photos(tmp_path: Path) -> DeFRCNConfig:
    """Two novel classes, of which one picture shows two objects each."""
    names = ("ant", "bee", "cow")
    file = write_coco(
        tmp_path / "ann.json", {"a.jpg": ("ant", "ant", "bee", "bee"), "b.jpg": ("cow",)}, names
    )
    return DeFRCNConfig(
        data=DetectionDataConfig(train=str(file), val=str(file)),
        fewshot=FewShotConfig(
            base_classes=("cow",),
            novel_classes=("ant", "bee"),
            classes="novel",
            shots=1,
            shots_from=str(file),
        ),
    )


def cells(config: DeFRCNConfig, *shots_and_seeds: tuple[int, int]) -> list[DeFRCNConfig]:
    return [
        replace(config, fewshot=replace(config.fewshot, shots=shots, shots_seed=seed))
        for shots, seed in shots_and_seeds
    ]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which splits were opened."""
    splits: list[str] = []
    really = stage_data.open_cached_split

    def noted(data, split, classes=None):
        splits.append(split)
        return really(data, split, classes)

    monkeypatch.setattr(stage_data, "open_cached_split", noted)
    return splits


@pytest.mark.parametrize("content", [None, b"<html>not found</html>"])
def test_the_calibration_network_is_looked_for(photos: DeFRCNConfig, tmp_path: Path, content) -> None:
    path = tmp_path / "resnet101.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"resnet101\.pth: "):
        RealActions().check([replace(photos, pcb=PcbConfig(enabled=True, weights=path))], "val")
    with pytest.raises(UserError, match=r"pcb\.weights: calibration of scores is on but"):
        RealActions().check([replace(photos, pcb=PcbConfig(enabled=True))], "val")


def test_a_calibration_network_that_can_be_read_is_accepted(photos: DeFRCNConfig, tmp_path: Path) -> None:
    np.savez(tmp_path / "resnet101.npz", weight=np.zeros(3, np.float32))
    pcb = PcbConfig(enabled=True, weights=tmp_path / "resnet101.npz")
    RealActions().check([replace(photos, pcb=pcb)], "val")


@pytest.mark.parametrize("pcb", [PcbConfig(enabled=False), PcbConfig(enabled=True, features="detector")])
def test_without_it_none_is_needed(photos: DeFRCNConfig, pcb: PcbConfig) -> None:
    RealActions().check([replace(photos, pcb=pcb)], "val")


def test_the_data_to_measure_on_is_opened(photos: DeFRCNConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.test"):
        RealActions().check([photos], "test")
    absent = replace(photos, data=replace(photos.data, val=str(tmp_path / "absent.json")))
    with pytest.raises(UserError, match=r"absent\.json"):
        RealActions().check([absent], "val")


def test_one_set_of_a_few_pictures_is_drawn_from_once(photos: DeFRCNConfig, monkeypatch) -> None:
    """The largest number decides, whatever comes first."""
    drawn: list[int] = []
    really = stage_data.draw_shots

    def noted(dataset, names, shots, seed):
        drawn.append(shots)
        return really(dataset, names, shots, seed)

    monkeypatch.setattr(stage_data, "draw_shots", noted)
    RealActions().check(cells(photos, (1, 0), (2, 0), (1, 1), (2, 1)), "val")
    assert drawn == [2]
    with pytest.raises(UserError, match=r"class 'ant' has 2 .*fewer than the 3"):
        RealActions().check(cells(photos, (3, 0), (1, 0)), "val")


def test_the_pictures_of_published_voc_lists_are_opened_once(
    photos: DeFRCNConfig, tmp_path: Path, opened: list[str]
) -> None:
    """Every list is read all the same."""
    train = write_voc(
        tmp_path / "VOC2007", {"000001.jpg": ("ant", "bee", "cow"), "000002.jpg": ("ant", "bee")}
    )
    lists = tmp_path / "vocsplit"
    for seed in (0, 1):
        (lists / f"seed{seed}").mkdir(parents=True)
        for name in ("ant", "bee"):
            (lists / f"seed{seed}" / f"box_1shot_{name}_train.txt").write_text(
                "VOC2007/JPEGImages/000002.jpg\n"
            )
    config = replace(
        photos,
        data=DetectionDataConfig(train=str(train), val=str(train), classes=("ant", "bee", "cow")),
        fewshot=replace(photos.fewshot, shots_from=str(lists)),
    )
    RealActions().check(cells(config, (1, 0), (1, 1)), "val")
    assert opened == ["val", "train"]
    with pytest.raises(UserError, match=r"seed2: no lists of seed 2"):
        RealActions().check(cells(config, (1, 0), (1, 2)), "val")


def test_published_coco_lists_hold_all_that_is_needed(
    photos: DeFRCNConfig, tmp_path: Path, opened: list[str]
) -> None:
    lists = tmp_path / "cocosplit"
    for seed in (0, 1):
        for name in ("ant", "bee"):
            file = lists / f"seed{seed}" / f"full_box_1shot_{name}_trainval.json"
            write_coco(file, {"a.jpg": (name,)}, ("ant", "bee", "cow"))
    config = replace(photos, fewshot=replace(photos.fewshot, shots_from=str(lists)))
    (lists / "seed1" / "full_box_1shot_bee_trainval.json").unlink()
    RealActions().check(cells(config, (1, 0)), "val")
    assert opened == ["val"]
    with pytest.raises(UserError, match=r"full_box_1shot_bee_trainval\.json: no such list"):
        RealActions().check(cells(config, (1, 0), (1, 1)), "val")
