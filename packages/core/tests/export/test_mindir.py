"""Export to MINDIR and the check of what was exported."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.errors import UserError
from ms_core.export.mindir import export_mindir
from ms_core.export.reload import load_mindir, run_mindir
from ms_core.export.verify import verify_mindir
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import ConvNormReLU6

SHAPE = (2, 3, 8, 8)
IMAGES = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)


class TinyDetector(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = ConvNormReLU6(3, 8, 3, stride=2)
        self.multi_box = PerLevelHead((8,), (3,), 5)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.multi_box((self.backbone(images),))
        return boxes, ops.sigmoid(logits)


@pytest.fixture(params=["graph", "pynative"])
def network(request: pytest.FixtureRequest) -> Iterator[TinyDetector]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE if request.param == "graph" else ms.PYNATIVE_MODE)
    detector = TinyDetector()
    for _ in range(3):  # moving statistics that differ from the batch's
        detector.set_train(True)(Tensor(5 + 2 * IMAGES))
    yield detector
    ms.set_context(mode=before)


def test_the_reloaded_file_agrees(network: TinyDetector, tmp_path: Path) -> None:
    path = export_mindir(network, SHAPE, tmp_path / "a folder" / "modèle.mindir")
    assert verify_mindir(path, network, IMAGES) <= 1e-6
    assert [file.name for file in path.parent.iterdir()] == ["modèle.mindir"]


def test_a_new_process_agrees(network: TinyDetector, tmp_path: Path) -> None:
    path = export_mindir(network, SHAPE, tmp_path / "model.mindir")
    assert verify_mindir(path, network, IMAGES, new_process=True) <= 1e-6


def test_exporting_in_the_middle_of_training_changes_nothing(network: TinyDetector, tmp_path: Path) -> None:
    network.backbone.features[1].set_train(False)  # frozen
    before = {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}
    path = export_mindir(network, SHAPE, tmp_path / "model.mindir")
    verify_mindir(path, network, IMAGES)
    for name, array in before.items():
        np.testing.assert_array_equal(network.parameters_dict()[name].asnumpy(), array, err_msg=name)
    assert network.training
    assert not network.backbone.features[1].training
    network(Tensor(IMAGES))
    moving_mean = "multi_box.multi_loc_layers.0.1.moving_mean"
    assert not np.array_equal(network.parameters_dict()[moving_mean].asnumpy(), before[moving_mean])


def test_the_file_holds_the_weights_of_its_time(network: TinyDetector, tmp_path: Path) -> None:
    path = export_mindir(network, SHAPE, tmp_path / "model.mindir")
    weight = network.backbone.features[0].weight
    weight.set_data(Tensor(weight.asnumpy() + 0.1))
    with pytest.raises(RuntimeError, match=r"differs from the network by .* \(allowed 0.0001\)"):
        verify_mindir(path, network, IMAGES)
    export_mindir(network, SHAPE, path)  # replaces the file
    assert verify_mindir(path, network, IMAGES) <= 1e-6


def test_not_a_number_is_a_difference(tmp_path: Path) -> None:
    network = nn.SequentialCell([nn.Conv2d(3, 2, 1)])
    path = export_mindir(network, SHAPE, tmp_path / "model.mindir")
    with pytest.raises(RuntimeError, match="nan"):
        verify_mindir(path, network, np.full(SHAPE, np.nan, np.float32))


def test_an_export_that_fails_leaves_the_old_file(
    network: TinyDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.mindir"
    path.write_bytes(b"old")

    def disk_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", disk_full)
    with pytest.raises(UserError, match=r"model\.mindir: cannot write: No space left on device"):
        export_mindir(network, SHAPE, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_that_mindspore_cannot_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.SequentialCell([nn.Conv2d(3, 2, 1)])
    folder = tmp_path / "Größe 1"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(UserError, match="Set TMPDIR"):
        export_mindir(network, SHAPE, folder / "model.mindir")
    monkeypatch.chdir(folder)  # seen from inside, its name does not matter
    path = export_mindir(network, SHAPE, folder / "model.mindir")
    assert verify_mindir(path, network, IMAGES) <= 1e-6


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"model\.mindir: cannot write"):
        export_mindir(nn.ReLU(), SHAPE, tmp_path / "file" / "model.mindir")


def test_wrong_suffix(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must end in \.mindir"):
        export_mindir(nn.ReLU(), SHAPE, tmp_path / "model.onnx")


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_mindir(tmp_path / "none.mindir")
    foreign = tmp_path / "foreign.mindir"
    foreign.write_bytes(b"this is no graph")
    with pytest.raises(UserError, match="not a MINDIR file") as caught:
        load_mindir(foreign)
    assert "\n" not in str(caught.value)


def test_single_output(tmp_path: Path) -> None:
    network = nn.SequentialCell([nn.Conv2d(3, 2, 1)])
    path = export_mindir(network, SHAPE, tmp_path / "conv.mindir")
    (output,) = run_mindir(path, IMAGES)
    assert output.shape == (2, 2, 8, 8)
    assert verify_mindir(path, network, IMAGES) <= 1e-6
