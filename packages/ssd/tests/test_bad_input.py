"""Bad input through the command line: exit code 2, one line that names file and entry, nothing lost."""

import json
from collections.abc import Callable
from pathlib import Path

import ms_ssd
import numpy as np
import pytest
from ms_core.checkpoint.write import write_checkpoint
from ms_core.data.synthetic import ShapesSet, make_shapes
from ms_ssd.cli import main

ZOO = ["--model.name", "ssd300"]
FAST = ["--config", "ssd300_demo", "--train.batch-size", "2", "--train.epochs", "1"]


@pytest.fixture
def shapes(tmp_path: Path) -> ShapesSet:
    return make_shapes(tmp_path / "shapes", train=4, val=2, seed=2)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Run a command that must be refused; returns its line."""

    def run(words: list[str]) -> str:
        capsys.readouterr()
        assert main(words) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("ms-ssd: error: ")
        return line

    return run


def train(path: Path | str, out: Path, *more: str) -> list[str]:
    return ["train", *FAST, "--data.train", str(path), "--out", str(out), *more]


def edit(annotations: Path, change: Callable[[dict], None]) -> None:
    content = json.loads(annotations.read_text())
    change(content)
    annotations.write_text(json.dumps(content))


def test_missing_folder(tmp_path, refused):
    assert str(tmp_path / "nowhere") in refused(train(tmp_path / "nowhere", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_single_image_has_no_variance_on_a_map_of_one_cell(shapes, tmp_path, refused):
    """MindSpore's unbiased variance of one number divides by zero, so every step would overflow."""
    line = refused(train(shapes.train, tmp_path / "run", "--train.batch-size", "1"))
    assert "--train.batch-size 2 or more, or --train.freeze-norm true" in line
    assert not (tmp_path / "run").exists()


def test_no_data_at_all(tmp_path, refused):
    assert "--data.train" in refused(["train", *FAST, "--out", str(tmp_path / "run")])


def test_empty_annotation_file(tmp_path, refused):
    (tmp_path / "empty.json").touch()
    assert "empty.json" in refused(train(tmp_path / "empty.json", tmp_path / "run"))


def test_wrong_json(shapes, tmp_path, refused):
    shapes.train.write_text(shapes.train.read_text()[:-20])
    line = refused(train(shapes.train, tmp_path / "run"))
    assert "train.json" in line
    assert "line" in line


def test_truncated_jpeg(shapes, tmp_path, refused):
    pictures = sorted(shapes.images.rglob("*train*.jpg")) or sorted(shapes.images.rglob("*.jpg"))
    for picture in pictures:
        picture.write_bytes(picture.read_bytes()[:2000])
    line = refused(train(shapes.train, tmp_path / "run"))
    assert any(str(picture) in line for picture in pictures)


@pytest.mark.parametrize(
    ("box", "word"),
    [([10, 10, 0, 5], "width 0"), ([300, 300, 500, 500], "outside"), ([-400, 5, 20, 20], "outside")],
)
def test_faulty_box(shapes, tmp_path, refused, box, word):
    edit(shapes.train, lambda content: content["annotations"][2].update(bbox=box))
    line = refused(train(shapes.train, tmp_path / "run"))
    assert word in line
    assert "image" in line
    assert "--data.invalid-boxes drop" in line


def test_class_that_the_training_set_does_not_have(shapes, tmp_path, refused):
    edit(shapes.val, lambda content: content["categories"][0].update(name="hexagon"))
    line = refused(train(shapes.train, tmp_path / "run", "--data.val", str(shapes.val)))
    assert "hexagon" in line


def test_label_0_of_a_txt_list(shapes, tmp_path, refused):
    picture = next(shapes.images.rglob("*.jpg"))
    (tmp_path / "list.txt").write_text(f"{picture} 10,10,50,50,0\n")
    (tmp_path / "classes.txt").write_text("square\n")
    line = refused(train(tmp_path / "list.txt", tmp_path / "run"))
    assert "list.txt" in line
    assert "background" in line


def test_wrong_yaml_key(tmp_path, refused):
    (tmp_path / "mine.yaml").write_text("base: ssd300\ntrain:\n  epoch: 3\n")
    line = refused(["train", "--config", str(tmp_path / "mine.yaml")])
    assert "train.epoch" in line
    assert "epochs" in line  # the nearest name


def test_wrong_value_type(refused):
    assert "--train.epochs" in refused(["train", "--config", "ssd300", "--train.epochs", "many"])


def test_more_images_in_a_batch_than_there_are(shapes, tmp_path, refused):
    line = refused(train(shapes.train, tmp_path / "run", "--train.batch-size", "64"))
    assert "4 training images are fewer" in line


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the old zoo for 81 classes, which say nothing of themselves."""
    network = ms_ssd.build_model("ssd300", num_classes=81)
    path = tmp_path_factory.mktemp("zoo") / "ssd-500_458.ckpt"
    arrays = {f"network.{name}": parameter.asnumpy() for name, parameter in network.parameters_dict().items()}
    write_checkpoint(path, arrays, {})
    return path


def test_checkpoint_for_another_class_count(shapes, checkpoint, tmp_path, refused):
    (tmp_path / "classes.txt").write_text("circle\nsquare\ntriangle\n")
    names = ["--data.classes", str(tmp_path / "classes.txt")]
    line = refused(["eval", str(checkpoint), "--data.val", str(shapes.val), *names, *ZOO])
    assert "81 classes" in line
    assert "4" in line


def test_checkpoint_that_does_not_name_its_classes(shapes, checkpoint, refused):
    assert "--data.classes" in refused(["eval", str(checkpoint), "--data.val", str(shapes.val), *ZOO])


def test_truncated_checkpoint(checkpoint, tmp_path, refused):
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(checkpoint.read_bytes()[:100_000])
    assert "cut.ckpt" in refused(["predict", str(cut), str(cut), "--out", str(tmp_path / "drawn")])


def test_file_that_is_no_checkpoint(tmp_path, refused):
    (tmp_path / "x.ckpt").write_bytes(b"no checkpoint at all")
    assert "x.ckpt" in refused(["export", str(tmp_path / "x.ckpt"), "--out", str(tmp_path / "out")])


def test_weights_of_another_network(shapes, tmp_path, refused):
    np.savez(tmp_path / "other.npz", **{"layer.weight": np.zeros((3, 3), np.float32)})
    line = refused(train(shapes.train, tmp_path / "run", "--weights", str(tmp_path / "other.npz")))
    assert "other.npz" in line


def test_convert_with_the_wrong_class_count(checkpoint, tmp_path, refused):
    words = ["convert", str(checkpoint), str(tmp_path / "new.ckpt"), "--model", "ssd300", "--classes", "21"]
    assert "81" in refused(words)
    assert not (tmp_path / "new.ckpt").exists()


def test_convert_of_an_old_checkpoint(checkpoint, tmp_path):
    """The way out of the two refusals above: the result says of itself what it is."""
    new = tmp_path / "new.ckpt"
    assert main(["convert", str(checkpoint), str(new), "--model", "ssd300", "--classes", "81"]) == 0
    assert ms_ssd.load_weights(ms_ssd.build_model("ssd300", num_classes=81), new).missing == []


def test_picture_that_is_none(checkpoint, tmp_path, refused):
    (tmp_path / "notes.jpg").write_text("no picture")
    (tmp_path / "classes.txt").write_text("\n".join(f"class{i}" for i in range(80)))
    words = ["predict", str(checkpoint), str(tmp_path / "notes.jpg"), "--out", str(tmp_path / "drawn")]
    assert "notes.jpg" in refused([*words, "--data.classes", str(tmp_path / "classes.txt"), *ZOO])
    assert json.loads((tmp_path / "drawn" / "predictions.json").read_text()) == []  # so --overwrite works


def test_checkpoint_that_does_not_name_its_network(shapes, checkpoint, refused):
    (shapes.val.parent / "names.txt").write_text("circle\n")
    classes = ["--data.classes", str(shapes.val.parent / "names.txt")]
    assert "--model.name" in refused(["eval", str(checkpoint), "--data.val", str(shapes.val), *classes])


def test_predict_does_not_draw_over_photos(checkpoint, tmp_path, refused):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"the only copy")
    words = ["predict", str(checkpoint), str(photo), "--out", str(tmp_path), *ZOO]
    assert "photo.jpg" in refused(words)
    assert "photo.jpg" in refused([*words, "--overwrite"])
    (tmp_path / "predictions.json").write_text("[]")  # an earlier prediction into the same folder
    assert "never drawn over" in refused([*words, "--overwrite"])
    assert photo.read_bytes() == b"the only copy"


@pytest.mark.parametrize(
    "mistake",
    [
        ["--weights", "nothing.ckpt"],
        ["--train.best-metric", "mAP"],
        ["--optimizer.freeze", "backbon3"],
        ["--schedule.lr", "-1"],
        ["--precision.mode", "bf16", "--device", "cpu"],
        ["--eval.batch-size", "0"],
        ["--train.batch-size", "0"],
    ],
)
def test_a_mistake_does_not_cost_the_former_run(shapes, tmp_path, refused, mistake):
    """--overwrite removes the old results only when everything has been checked."""
    old = tmp_path / "run" / "checkpoints" / "last.ckpt"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"hours of work")
    refused(train(shapes.train, tmp_path / "run", "--overwrite", *mistake))
    assert old.read_bytes() == b"hours of work"


def test_weights_inside_the_run_that_overwrite_removes(shapes, tmp_path, refused):
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    words = train(shapes.train, tmp_path / "run", "--overwrite", "--weights", str(best))
    assert "--overwrite removes" in refused(words)


def test_resume_of_nothing(tmp_path, refused):
    assert "no such folder" in refused(["train", "--resume", str(tmp_path / "typo")])


def test_no_threads_at_all(shapes, checkpoint, tmp_path, refused):
    photo = next(shapes.val.parent.rglob("*.jpg"))
    workers = ["--train.workers", "0", *ZOO]
    for words in (
        ["eval", str(checkpoint), "--data.val", str(shapes.val), *workers],
        ["predict", str(checkpoint), str(photo), "--out", str(tmp_path / "drawn"), *workers],
        ["benchmark", *FAST, *workers],
    ):
        assert "train.workers: 0 is below 1." in refused(words)
    assert not (tmp_path / "drawn").exists()
