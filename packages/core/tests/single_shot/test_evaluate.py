"""From detections to COCO results, and which images count."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ms_core.data.open import open_dataset
from ms_core.data.synthetic import make_shapes
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco_results import coco_results
from ms_core.single_shot.config import EvalConfig, PostprocessConfig
from ms_core.single_shot.evaluate import evaluate, evaluation_samples
from ms_core.single_shot.views import PictureDetector


def test_results_are_what_coco_tools_read():
    boxes = np.array([[10, 20, 30, 60.126], [0, 0, 1.5, 2]], np.float32)
    found = Detections(boxes, np.array([0.75, 1e-6], np.float32), np.array([1, 0], np.int32))
    entries = json.loads(f"[{coco_results(7, found, category_ids=(3, 90))}]")
    assert entries == [
        {"image_id": 7, "category_id": 90, "bbox": [10.0, 20.0, 20.0, 40.13], "score": 0.75},
        {"image_id": 7, "category_id": 3, "bbox": [0.0, 0.0, 1.5, 2.0], "score": 0.0},
    ]


def test_the_zoo_subset_leaves_out_crowds_and_empty_images(tmp_path):
    dataset = open_dataset(make_shapes(tmp_path, train=3, val=1, seed=1).train)
    crowd, normal, empty = dataset.samples
    crowd = replace(crowd, crowd=np.ones(len(crowd.labels), bool))
    empty = replace(
        empty, boxes=np.zeros((0, 4), np.float32), **{n: getattr(empty, n)[:0] for n in ("labels", "crowd")}
    )
    changed = replace(dataset, samples=(crowd, normal, empty))
    assert evaluation_samples(changed, "zoo") == [normal]
    assert len(evaluation_samples(changed, "all")) == 3


def blind(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The forward pass of a network that finds nothing."""
    return np.zeros((len(images), 5, 4), np.float32), np.zeros((len(images), 5, 4), np.float32)


@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_a_network_that_finds_nothing_scores_zero_on_every_image(tmp_path, engine):
    """Old defects: IndexError in the middle of training; images of the last, smaller batch were left out."""
    detector = PictureDetector(blind, (32, 32), PostprocessConfig(), batch_size=2)
    dataset = open_dataset(make_shapes(tmp_path, train=3, val=1, seed=1).train)
    seen = []
    metrics = evaluate(
        detector, dataset, EvalConfig(engine=engine), keep=lambda sample, found: seen.append(sample.id)
    ).scalars()
    assert seen == [sample.id for sample in dataset.samples]
    assert (metrics["AP"], metrics["AR100"]) == (0, 0)


def test_scoring_a_result_file_leaves_the_cache_alone(tmp_path):
    """The cache was made for the network's classes, which a result file does not name."""
    from ms_core.config import load_config
    from ms_core.data.convert import convert_dataset
    from ms_core.single_shot.config import SingleShotConfig
    from ms_core.single_shot.evaluation_run import score_result_file

    dataset = open_dataset(make_shapes(tmp_path / "shapes", train=2, val=1, seed=1).train)
    voc = convert_dataset(dataset, tmp_path / "voc", to="voc").path
    (tmp_path / "results.json").write_text("[]")
    options = ["--data.val", str(voc), "--data.cache", str(tmp_path / "cache")]
    config = load_config(SingleShotConfig, overrides=options)
    metrics = score_result_file(tmp_path / "results.json", config, "val", tmp_path / "out")
    assert metrics.images == 2
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_a_result_file_gets_its_known_scores(shared, tmp_path, capsys, engine):
    """The numbers pycocotools itself publishes for this fixture; see shared/data/README.md."""
    from ms_core.config import load_config
    from ms_core.single_shot.config import SingleShotConfig
    from ms_core.single_shot.evaluation_run import score_result_file

    folder = shared / "data" / "eval_coco"
    options = ["--data.val", str(folder / "instances_val2014_100.json"), "--eval.engine", engine]
    config = load_config(SingleShotConfig, overrides=options)
    results = folder / "instances_val2014_fakebbox100_results.json"
    metrics = score_result_file(results, config, "val", tmp_path / "out")
    known = [0.5046, 0.6970, 0.5730, 0.5856, 0.5194, 0.5014, 0.3868, 0.5937, 0.5954, 0.6398, 0.5664, 0.5643]
    np.testing.assert_allclose(metrics.stats, known, atol=5e-5)
    assert "mAP: 0.505" in capsys.readouterr().out
