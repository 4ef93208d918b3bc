"""Two devices with B images each do what one device does with 2 * B."""

from pathlib import Path

import numpy as np
import pytest
from ms_core.data.synthetic import make_shapes
from ms_core.device import Runtime
from tiny_detector import LEARNING_RATES, batches_of, train
from two_ranks import run_two_ranks

BATCH = 3
ONE = Runtime("CPU", 0)
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shapes(tmp_path_factory.mktemp("shapes"), train=4 * BATCH, val=1, size=96).train


@pytest.fixture(scope="module")
def ranks(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Arrays, Arrays]]:
    """What both ranks ended with, by mode."""
    folder = tmp_path_factory.mktemp("ranks")
    run_two_ranks("equal_ranks_run.py", folder, str(annotations), str(BATCH))
    return {
        mode: tuple(dict(np.load(folder / f"rank-{r}-{mode}.npz")) for r in (0, 1)) for mode in LEARNING_RATES
    }


@pytest.fixture(scope="module")
def alone(annotations: Path) -> dict[str, Arrays]:
    """What one process ends with: normalisations frozen, or not (nothing is to be synchronised)."""
    return {mode: train(mode, annotations, 2 * BATCH, ONE) for mode in ("frozen", "synchronised")}


def test_both_ranks_together_see_the_batch_of_one(annotations: Path) -> None:
    whole = batches_of(annotations, 2 * BATCH, ONE)
    halves = [batches_of(annotations, BATCH, Runtime("CPU", 0, rank, 2)) for rank in (0, 1)]
    for step in (0, 1, 5):
        for one, *two in zip(whole[step], *(half[step] for half in halves), strict=True):
            np.testing.assert_array_equal(one, np.concatenate(two))


@pytest.mark.parametrize("mode", ["frozen", "synchronised"])
def test_two_ranks_equal_one_process_with_the_doubled_batch(mode: str, ranks: dict, alone: dict) -> None:
    expected = alone[mode]
    assert expected["loss"][-4:].mean() < 0.7 * expected["loss"][:4].mean()
    for found in ranks[mode]:
        np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, atol=1e-5, rtol=1e-5, err_msg=name)


def test_ranks_report_the_same_loss_whatever_their_images(ranks: dict) -> None:
    for first, second in ranks.values():
        np.testing.assert_array_equal(first["loss"], second["loss"])


def test_statistics_of_their_own_make_a_difference(ranks: dict, alone: dict) -> None:
    """Or the comparison above would prove nothing."""
    separate, expected = ranks["separate"][0], alone["synchronised"]
    difference = np.abs(separate["fine.0.features.0.weight"] - expected["fine.0.features.0.weight"]).max()
    assert difference > 1e-3
