"""Lets the tests of this folder import `made_run`, and makes one run for all of them."""

import json
import sys
from pathlib import Path

import pytest
from ms_core.data.open import open_dataset
from ms_core.data.sample import DetectionDataset
from ms_core.data.synthetic import make_shapes
from ms_core.run_folder import RunFolder

sys.path.insert(0, str(Path(__file__).parent))

from made_run import CLASSES, evaluate_badly, make_run


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> DetectionDataset:
    """Six pictures of shapes, whose classes have awkward names."""
    shapes = make_shapes(tmp_path_factory.mktemp("shapes"), train=6, val=1, seed=3)
    names = dict(zip(("circle", "square", "triangle"), CLASSES, strict=True))
    annotations = json.loads(shapes.train.read_text())
    for category in annotations["categories"]:
        category["name"] = names[category["name"]]
    shapes.train.write_text(json.dumps(annotations))
    return open_dataset(shapes.train, images=shapes.images)


@pytest.fixture(scope="session")
def run(dataset: DetectionDataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished, evaluated run."""
    finished = make_run(tmp_path_factory.mktemp("runs") / "a & <b> 猫", dataset)
    evaluate_badly(finished.path / "eval-val", dataset)
    return finished
