"""manifest.json beside an exported model."""

import dataclasses
import json
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.export.manifest import NAME, Manifest, file_sha256, read_manifest, write_manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    model = tmp_path / "model.mindir"
    model.write_bytes(b"graph")
    return Manifest(
        model="ssd300",
        model_file=model.name,
        sha256=file_sha256(model),
        input_shape=(1, 3, 300, 300),
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        classes=("Zelle", "血小板"),
        category_ids=(3, 7),
        min_score=0.1,
        nms_threshold=0.6,
        max_per_class=100,
    )


def test_round_trip(manifest: Manifest, tmp_path: Path) -> None:
    assert write_manifest(manifest, tmp_path) == tmp_path / NAME
    assert read_manifest(tmp_path) == manifest


def test_content_is_plain_json(manifest: Manifest, tmp_path: Path) -> None:
    content = json.loads(write_manifest(manifest, tmp_path).read_text(encoding="utf-8"))
    assert content["classes"] == ["Zelle", "血小板"]
    assert content["sha256"] == "eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d"
    assert content["boxes"] == "y0 x0 y1 x1, relative to the image, clipped to 0-1"
    assert content["format_version"] == 1


def test_another_model_file_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    write_manifest(manifest, tmp_path)
    (tmp_path / manifest.model_file).write_bytes(b"another graph")
    with pytest.raises(UserError, match=r"model\.mindir: does not have the checksum"):
        read_manifest(tmp_path)


def test_missing_files(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json: no such file"):
        read_manifest(tmp_path)
    write_manifest(dataclasses.replace(manifest, model_file="gone.mindir"), tmp_path)
    with pytest.raises(UserError, match=r"gone\.mindir: no such file"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"model": "ssd300"}', '{"colour": 1}'])
def test_damaged_manifest(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(UserError, match=r"manifest\.json: not a manifest"):
        read_manifest(tmp_path)
