"""What a study does before it trains, with the package's own data, surgery and checkpoints."""

from importlib.resources import files
from pathlib import Path

import pytest
from ms_core.checkpoint import read_weights
from ms_core.checkpoint.write import write_checkpoint
from ms_core.config import load_config, to_yaml
from ms_core.errors import UserError
from ms_defrcn.config import DeFRCNConfig
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
    words = ["--data.train", str(data.fewshot)]
    config = load_config(DeFRCNConfig, recipe=recipe, recipes=RECIPES, overrides=words)
    return finetune_config(config, start, mode, shots, 1)


@pytest.mark.parametrize(("mode", "rows"), [("fsod", None), ("gfsod", 6)])
def test_the_start_is_the_base_network_after_surgery(
    base: Path, data: DemoData, tmp_path: Path, mode, rows: int | None
) -> None:
    config = settings(base, data, mode, 3, tmp_path / "start.ckpt")
    actions = RealActions()
    actions.check(config)
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
        RealActions().check(config)
