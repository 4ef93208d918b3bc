"""Every recipe in the wheel loads, says where it comes from, and builds its network."""

from importlib.resources import files
from pathlib import Path

import ms_segformer
import numpy as np
import pytest
from ms_core.config import load_config
from ms_core.optim import check as check_optimizer
from ms_core.schedules import check as check_schedule
from ms_core.schedules import learning_rates
from ms_core.train.config import check as check_train
from ms_segformer.config import SegFormerConfig
from ms_segformer.models import MODELS

RECIPES = files("ms_segformer") / "configs"
NAMES = sorted(f.name.removesuffix(".yaml") for f in RECIPES.iterdir() if f.name.endswith(".yaml"))


def loaded(name: str) -> SegFormerConfig:
    return load_config(SegFormerConfig, recipe=name, recipes=RECIPES)


def test_every_network_has_the_papers_recipe_and_the_old_zoos():
    assert {loaded(name).model.name for name in NAMES} == set(MODELS)
    for model in MODELS:
        assert {f"{model}_1024x1024", f"{model}_1024x1024_zoo"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_values_are_allowed_and_it_builds(name: str):
    config = loaded(name)
    check_train(config.train)
    check_schedule(config.schedule)
    check_optimizer(config.optimizer)
    if config.model.name in ("segformer_b0", "segformer_b1"):  # the large ones differ in depth alone
        width = config.model.decoder_width
        network = ms_segformer.build_model(config.model.name, 3, decoder_width=width)
        assert network.decoder_width == (width or 256)


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_with_the_command_and_what_to_expect(name: str):
    head = (RECIPES / f"{name}.yaml").read_text(encoding="utf-8").split("\n\n")[0]
    assert name in head or name.endswith("_demo"), "the command names another recipe"
    for word in ("Command:", "Hardware:", "Expected:"):
        assert word in head, f"{name} does not say its {word}"


def test_the_papers_recipe(shared: Path):
    """Facts: AdamW 6e-5, decay 0.01 but none on norms, head x10, warmup and poly over 160k iterations, batch 8."""
    config = loaded("segformer_b2_1024x1024")
    assert (config.optimizer.name, config.optimizer.weight_decay) == ("adamw", 0.01)
    assert config.optimizer.lr_multipliers == {"decode_head": 10}
    assert not config.optimizer.decay_norms
    assert (config.train.batch_size, config.train.iterations) == (8, 160_000)
    assert (config.input.crop, config.input.scale, config.input.max_class_share) == (
        (1024, 1024),
        (0.5, 2.0),
        0.75,
    )
    assert (config.inference.mode, config.inference.crop, config.inference.stride) == (
        "slide",
        (1024, 1024),
        (768, 768),
    )
    assert (config.loss.name, config.loss.class_weights, config.loss.factor) == ("cross-entropy", "none", 1.0)
    assert (config.loss_scale.scale, config.loss_scale.growth, config.loss_scale.growth_interval) == (
        2**14,
        2,
        1000,
    )
    golden = np.load(shared / "golden" / "segformer" / "golden_lr.npz")
    rates = learning_rates(config.schedule, epochs=1, steps_per_epoch=371, iterations=config.train.iterations)
    np.testing.assert_allclose(rates[golden["nv_steps"]], golden["nv_poly_160k"], rtol=2e-6)


def test_the_old_zoos_recipe():
    config = loaded("segformer_b2_1024x1024_zoo")
    assert (config.model.decoder_width, config.optimizer.name) == (512, "adam-weight-decay")
    assert config.optimizer.decay_norms
    assert config.optimizer.decay_biases
    assert (config.loss.factor, config.loss.class_weights, config.eval.labels) == (
        0.4,
        "cityscapes",
        "resized",
    )
