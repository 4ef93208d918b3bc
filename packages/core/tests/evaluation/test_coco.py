"""COCO scores: known ones, and those of the two engines against each other."""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation import engines
from ms_core.evaluation.coco import CocoEvaluator, CocoMetrics

ENGINES = ("hotcoco", "pycocotools")
IDS = (3, 7, 40)
KNOWN = (0.5046, 0.6970, 0.5730, 0.5856, 0.5194, 0.5014, 0.3868, 0.5937, 0.5954, 0.6398, 0.5664, 0.5643)


def evaluated(example: Any, **options: Any) -> CocoMetrics:
    evaluator = CocoEvaluator(example.truth, **options)
    for image_id, detections in example.detections.items():
        evaluator.update(image_id, detections, IDS)
    return evaluator.compute()


def json_results(found: Detections, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Entries of a COCO result list, without the image."""
    return [
        {
            "category_id": ids[label],
            "bbox": [x0, y0, float(np.float32(x1) - np.float32(x0)), float(np.float32(y1) - np.float32(y0))],
            "score": score,
        }
        for (x0, y0, x1, y1), score, label in zip(
            found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]


def assert_equal(first: CocoMetrics, second: CocoMetrics) -> None:
    np.testing.assert_array_equal(first.stats, second.stats)
    np.testing.assert_array_equal(first.precision, second.precision)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert first.classes == second.classes
    assert first.lines() == second.lines()


@pytest.mark.parametrize("engine", ENGINES)
def test_known_scores(engine: str, shared: Path) -> None:
    folder = shared / "data" / "eval_coco"
    evaluator = CocoEvaluator(folder / "instances_val2014_100.json", engine=engine)
    evaluator.update_json(folder / "instances_val2014_fakebbox100_results.json")
    metrics = evaluator.compute()
    assert tuple(metrics.stats.round(4)) == KNOWN
    assert metrics.images == 100
    assert metrics.lines()[1] == (
        " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.697"
    )


def test_engines_agree_on_other_files(shared: Path) -> None:
    folder = shared / "data" / "eval_coco" / "review_metrics_test_coco_eval"
    results = json.loads((folder / "dets" / "sampled_bbox_results.json").read_text())["annotations"]
    truth = folder / "gts" / "sampled_gts_bbox_area.json"
    metrics = []
    for engine in ENGINES:
        evaluator = CocoEvaluator(truth, engine=engine, voc_ap50=True)
        evaluator.update_json(results)
        metrics.append(evaluator.compute())
    assert_equal(*metrics)
    assert metrics[0].ap > 0.4


def test_engines_agree_on_voc_detections(shared: Path) -> None:
    """Those detections number images and categories in their own way: names join them to the truth."""
    folder = shared / "data" / "voc100"
    truth = json.loads((folder / "instances_voc100.json").read_text())
    found = json.loads((folder / "detections" / "coco_format" / "coco_dets.json").read_text())
    images = {image["file_name"]: image["id"] for image in truth["images"]}
    image_of = {
        image["id"]: images[image["file_name"]] for image in found["images"] if image["file_name"] in images
    }
    categories = {category["name"]: category["id"] for category in truth["categories"]}
    category_of = {category["id"]: categories[category["name"]] for category in found["categories"]}
    results = [
        entry | {"image_id": image_of[entry["image_id"]], "category_id": category_of[entry["category_id"]]}
        for entry in found["annotations"]
        if entry["image_id"] in image_of
    ]
    assert len(results) > 400
    metrics = []
    for engine in ENGINES:
        evaluator = CocoEvaluator(truth, engine=engine, voc_ap50=True)
        evaluator.update_json(results)
        metrics.append(evaluator.compute())
    assert_equal(*metrics)
    assert metrics[0].ap50 > 0.5


def test_pycocotools_itself_gives_the_same(example: Any, capsys: pytest.CaptureFixture) -> None:
    """Against the tool used as its manual says, on the annotations with ids from 1."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    numbered = example.truth | {
        "annotations": [a | {"id": a["id"] + 1} for a in example.truth["annotations"]]
    }
    results = [
        {"image_id": id_, "category_id": IDS[label], "bbox": [*box[:2], *(box[2:] - box[:2])], "score": score}
        for id_, found in example.detections.items()
        for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True)
    ]
    truth = COCO()
    truth.dataset = numbered
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    capsys.readouterr()
    evaluation.summarize()
    printed = capsys.readouterr().out
    metrics = evaluated(example)
    np.testing.assert_array_equal(metrics.stats, evaluation.stats)
    assert metrics.lines() == printed.splitlines()


def test_engines_agree_and_are_quiet(example: Any, capfd: pytest.CaptureFixture) -> None:
    first, second = (evaluated(example, engine=engine, voc_ap50=True) for engine in ENGINES)
    assert_equal(first, second)
    assert 0.1 < first.ap50 < 1
    assert first.classes[-1].ap == -1
    assert first.classes[-1].objects == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("most", [0, 5, 40])
def test_an_engine_that_is_given_few_detections_at_once_counts_the_same(
    example: Any, engine: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluated(example, engine=engine)
    monkeypatch.setattr(engines, "_MOST", most)
    assert_equal(evaluated(example, engine=engine), whole)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("as_json", [False, True])
def test_ids_that_float64_cannot_tell_apart(example: Any, engine: str, as_json: bool) -> None:
    def large(id_: int) -> int:
        return 2**60 + id_

    truth = {
        "images": [{"id": large(image["id"])} for image in example.truth["images"]],
        "categories": [entry | {"id": large(entry["id"])} for entry in example.truth["categories"]],
        "annotations": [
            a | {"image_id": large(a["image_id"]), "category_id": large(a["category_id"])}
            for a in example.truth["annotations"]
        ],
    }
    evaluator = CocoEvaluator(truth, engine=engine, voc_ap50=True)  # type: ignore[arg-type]
    ids = [large(id_) for id_ in IDS]
    if as_json:
        evaluator.update_json(
            [
                entry | {"image_id": large(id_)}
                for id_, found in example.detections.items()
                for entry in json_results(found, ids)
            ]
        )
    else:
        for id_, found in example.detections.items():
            evaluator.update(large(id_), found, ids)
    metrics, expected = evaluator.compute(), evaluated(example, engine=engine, voc_ap50=True)
    np.testing.assert_array_equal(metrics.stats, expected.stats)
    assert metrics.voc_ap50 == expected.voc_ap50
    assert [score.category_id for score in metrics.classes] == [large(id_) for id_ in (*IDS, 90)]
    assert [(s.ap, s.objects) for s in metrics.classes] == [(s.ap, s.objects) for s in expected.classes]


@pytest.mark.parametrize("engine", ENGINES)
def test_no_detection_gives_zero(example: Any, engine: str) -> None:
    evaluator = CocoEvaluator(example.truth, engine=engine, voc_ap50=True)
    for image_id in example.detections:
        evaluator.update(image_id, Detections.empty(), IDS)
    metrics = evaluator.compute()
    assert (metrics.ap, metrics.ap50, metrics.voc_ap50) == (0, 0, 0)
    assert set(metrics.stats) <= {0.0, -1.0}


@pytest.mark.parametrize("engine", ENGINES)
def test_no_object_at_all_gives_the_undefined_mark(engine: str) -> None:
    truth = {"images": [{"id": 1}], "categories": [{"id": 1, "name": "a"}], "annotations": []}
    evaluator = CocoEvaluator(truth, engine=engine, voc_ap50=True)
    evaluator.update(1, Detections(np.array([[0, 0, 5, 5]]), np.array([0.5]), np.array([0])), [1])
    metrics = evaluator.compute()
    assert set(metrics.stats) == {-1.0}
    assert metrics.to_json()["AP"] is None


def test_only_images_given_count(example: Any) -> None:
    half = sorted(example.detections)[::2]
    seen = CocoEvaluator(example.truth)
    limited = CocoEvaluator(example.truth, image_ids=half)
    for image_id, detections in example.detections.items():
        limited.update(image_id, detections, IDS)
        if image_id in half:
            seen.update(image_id, detections, IDS)
    assert_equal(seen.compute(), limited.compute())
    assert seen.compute().images == len(half)
    assert not np.array_equal(seen.compute().stats, evaluated(example).stats)


def test_merge_of_ranks_is_one_evaluation(example: Any) -> None:
    ids = sorted(example.detections)
    ranks = [CocoEvaluator(example.truth) for _ in range(2)]
    shares = ids[::2], [*ids[1::2], ids[0]]  # the second share is padded with an image of the first
    for rank, share in zip(ranks, shares, strict=True):
        for image_id in share:
            rank.update(image_id, example.detections[image_id], IDS)
    first, second = (pickle.loads(pickle.dumps(rank)) for rank in ranks)
    first.merge(second)
    assert_equal(first.compute(), evaluated(example))


def test_json_results_equal_streamed_ones(example: Any, tmp_path: Path) -> None:
    results = [
        entry | {"image_id": id_}
        for id_, found in example.detections.items()
        for entry in json_results(found, IDS)
    ]
    path = tmp_path / "Ergebnis ü.json"
    path.write_text(json.dumps(results))
    evaluator = CocoEvaluator(example.truth)
    evaluator.update_json(path)
    assert_equal(evaluator.compute(), evaluated(example))


def test_values_for_logs_and_files(example: Any) -> None:
    metrics = evaluated(example, voc_ap50=True)
    scalars = metrics.scalars()
    assert list(scalars)[:3] == ["AP", "AP50", "AP75"]
    assert scalars["AP"] == metrics.ap
    assert scalars["VOC_AP50"] == metrics.voc_ap50
    content = json.loads(json.dumps(metrics.to_json(), allow_nan=False))
    assert [entry["category_id"] for entry in content["per_class"]] == [3, 7, 40, 90]
    assert content["per_class"][3]["AP"] is None
    assert np.mean([entry["AP"] for entry in content["per_class"][:3]]) == pytest.approx(metrics.ap)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"category_id": 3, "bbox": [1, 2, 3, 4], "score": 1}, 'entry 1: "image_id" is missing'),
        ({"image_id": 5, "bbox": [1, 2, 3, 4], "score": 1}, 'entry 1: "category_id" is missing'),
        ({"image_id": 5, "category_id": 3, "score": 1}, 'entry 1: "bbox" is missing'),
        ({"image_id": 5, "category_id": 3, "bbox": [1, 2, 3], "score": 1}, r"entry 1: bbox is \[1, 2, 3\]"),
        ({"image_id": 5, "category_id": 3, "bbox": "1234", "score": 1}, "entry 1: bbox is 1234"),
        ({"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, float("nan")], "score": 1}, "entry 1: bbox"),
        (
            {"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4], "score": "high"},
            "entry 1: score is 'high'",
        ),
        (
            {"image_id": 6, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 1},
            "entry 1: image_id 6 is not in",
        ),
        (
            {"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1},
            "entry 1: category_id 1 is not",
        ),
        ({"image_id": 5, "category_id": [3], "bbox": [1, 2, 3, 4], "score": 1}, r"category_id \[3\] is not"),
        ("text", "entry 1: not an object but str"),
    ],
)
def test_faulty_result_entry_is_named(example: Any, entry: Any, words: str) -> None:
    good = {"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}
    with pytest.raises(UserError, match=words):
        CocoEvaluator(example.truth).update_json([good, entry])


def test_faulty_result_file_is_named(example: Any, tmp_path: Path) -> None:
    evaluator = CocoEvaluator(example.truth)
    path = tmp_path / "results.json"
    with pytest.raises(UserError, match=r"results\.json: no such file"):
        evaluator.update_json(path)
    path.write_text('[{"image_id": 5,')
    with pytest.raises(UserError, match=r"results\.json: line 1 column 17: .* not valid JSON"):
        evaluator.update_json(path)
    path.write_text('{"annotations": []}')
    with pytest.raises(UserError, match=r"results\.json: not a list"):
        evaluator.update_json(path)
    path.write_text('[{"image_id": 4}]')
    with pytest.raises(UserError, match=r"results\.json: entry 0"):
        evaluator.update_json(str(path))
    path.write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"results\.json: "):
        evaluator.update_json(path)
    path.write_text("[]", encoding="utf-8-sig")
    evaluator.update_json(path)
    with pytest.raises(UserError, match=r"results\.json: image id 5 comes twice"):
        evaluator.update_json(path)


def test_ground_truth_with_null_and_a_byte_order_mark(example: Any, tmp_path: Path) -> None:
    """Null is no value, as when a data set is opened: the box's area, no crowd."""
    for annotation in example.truth["annotations"]:
        annotation.update(area=annotation["bbox"][2] * annotation["bbox"][3], iscrowd=0)
    expected = evaluated(example)
    for number, annotation in enumerate(example.truth["annotations"]):
        annotation.update(area=(None, "?", 0, -1)[number % 4], iscrowd=None)
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(example.truth), encoding="utf-8-sig")
    assert_equal(evaluated(example), expected)
    example.truth = path
    assert_equal(evaluated(example), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("categories"), "no list 'categories' in it"),
        (lambda t: t["annotations"][2].pop("bbox"), 'annotations entry 2: "bbox" is missing'),
        (lambda t: t["annotations"][2].update(bbox=[1, 2]), r"annotations entry 2: bbox is \[1, 2\]"),
        (lambda t: t["annotations"][2].update(image_id=4), "annotations entry 2: image id 4"),
        (lambda t: t["annotations"][2].update(category_id=4), "annotations entry 2: category id 4"),
        (lambda t: t["images"][1].pop("id"), 'images entry 1: "id" is missing'),
        (lambda t: t["images"][1].update(id="x"), "images entry 1: id is 'x', not a whole number"),
        (lambda t: t["images"][1].update(id=True), "images entry 1: id is True, not a whole number"),
        (lambda t: t["images"][1].update(id=5), "image 5: this image id occurs 2 times"),
        (lambda t: t["annotations"][2].update(image_id=[5]), r"annotations entry 2: image_id is \[5\]"),
        (lambda t: t["annotations"][2].update(category_id=3.0), "annotations entry 2: category_id is 3.0"),
        (lambda t: t["categories"][1].pop("name"), "category 2 lacks an integer id or a name"),
        (lambda t: t["categories"][1].update(id=3), "two categories have the same id, 3"),
        (lambda t: t["images"].clear(), "the list 'images' is empty"),
    ],
)
def test_faulty_ground_truth_is_named(example: Any, change: Any, words: str, tmp_path: Path) -> None:
    change(example.truth)
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(example.truth))
    with pytest.raises(UserError, match=words) as raised:
        CocoEvaluator(path)
    assert str(path) in str(raised.value)


def test_wrong_use_is_said(example: Any) -> None:
    evaluator = CocoEvaluator(example.truth)
    with pytest.raises(UserError, match="no image was evaluated"):
        evaluator.compute()
    with pytest.raises(UserError, match="image id 6 is not in ground truth"):
        evaluator.update(6, Detections.empty(), IDS)
    with pytest.raises(UserError, match="category id 8 is not in"):
        evaluator.update(5, Detections(np.zeros((1, 4)), np.ones(1), np.zeros(1)), [8])
    evaluator.update(5, Detections.empty(), IDS)
    with pytest.raises(UserError, match="comes twice"):
        evaluator.update(5, Detections.empty(), IDS)
    with pytest.raises(UserError, match="engine 'fast': not known"):
        CocoEvaluator(example.truth, engine="fast")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="image_ids: image id 1 "):
        CocoEvaluator(example.truth, image_ids=[1])


def test_auto_falls_back_when_hotcoco_is_absent(example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "hotcoco" else find(name))
    fallback = CocoEvaluator(example.truth)
    assert fallback._engine == "pycocotools"
    with pytest.raises(UserError, match="evaluation engine hotcoco: not installed"):
        CocoEvaluator(example.truth, engine="hotcoco")
