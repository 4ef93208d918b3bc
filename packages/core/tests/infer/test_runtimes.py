"""One model in several runtimes, and what is said where one cannot be opened."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.export.encryption import Encryption
from ms_core.export.manifest import write_manifest
from ms_core.infer.runtimes import open_model
from tiny_models import SIZE, expected, write_export

IMAGES = np.random.default_rng(1).standard_normal((1, 3, *SIZE)).astype(np.float32)


def refusal(*words: object, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        open_model(*words, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("threads", [None, 1])
def test_runtimes_agree(runtime: str, threads: int | None, tmp_path: Path) -> None:
    session = open_model(tmp_path, write_export(tmp_path), runtime, threads=threads)
    assert (session.runtime, session.device) == (runtime, "CPU")
    for found, wanted in zip(session.run(IMAGES), expected(IMAGES), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(("runtime", "extra"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_a_missing_extra_is_named(
    runtime: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, runtime, None)  # makes its import fail
    message = refusal(tmp_path, write_export(tmp_path), runtime)
    assert f'pip install "ms-core[{extra}]"' in message


def test_a_missing_format_says_which_export_to_make(tmp_path: Path) -> None:
    message = refusal(tmp_path, write_export(tmp_path), "mindspore")
    assert "reads mindir, but the model was exported as onnx. Export again with --format mindir" in message
    assert "or choose --runtime onnxruntime or openvino." in message


def test_keys_and_files_go_together(tmp_path: Path) -> None:
    assert "is encrypted. Pass its key with --key-file" in refusal(
        tmp_path, write_export(tmp_path, encrypted=True), "mindspore"
    )
    plain = write_export(tmp_path / "plain")
    message = refusal(tmp_path / "plain", plain, "openvino", encryption=Encryption(b"0" * 16))
    assert "is not encrypted. Leave it away" in message


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_file_that_is_no_model_is_refused(runtime: str, tmp_path: Path) -> None:
    manifest = write_export(tmp_path)
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"no model")
    assert "does not have the checksum" in refusal(tmp_path, manifest, runtime)
    from dataclasses import replace

    from ms_core.export.manifest import file_sha256

    broken = replace(manifest, files=(replace(manifest.files[0], sha256=file_sha256(path)),))
    write_manifest(broken, tmp_path)
    assert f"{runtime} cannot read it" in refusal(tmp_path, broken, runtime)


def test_devices_and_threads_that_cannot_be(tmp_path: Path) -> None:
    manifest = write_export(tmp_path)
    assert "--threads 0: at least 1" in refusal(tmp_path, manifest, "openvino", threads=0)
    assert "OpenVINO is used on the CPU" in refusal(tmp_path, manifest, "openvino", device="gpu")
    assert "ONNX Runtime is used on CPU and GPU" in refusal(
        tmp_path, manifest, "onnxruntime", device="ascend"
    )
