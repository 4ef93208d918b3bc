"""What `infer` does with its words."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.export.manifest import DetectionManifest, SegmentationManifest
from ms_core.infer.options import InferWork, add_infer_options, read_exported
from tiny_models import write_export


def parsed(*words: str) -> Namespace:
    parser = ArgumentParser()
    add_infer_options(parser)
    return parser.parse_args(["exported", *words])


@pytest.mark.parametrize(
    ("words", "named", "given", "work"),
    [
        (["a.jpg", "--out", "drawn"], True, False, (True, False, False)),
        ([], True, True, (False, True, False)),
        ([], True, False, (False, True, False)),
        (["--benchmark", "3"], False, False, (False, False, True)),
        (["--benchmark", "3"], True, False, (False, False, True)),
        (["--benchmark", "3"], True, True, (False, True, True)),
        (["a.jpg", "--out", "drawn", "--benchmark", "3"], False, False, (True, False, True)),
    ],
)
def test_what_is_done(words: list[str], named: bool, given: bool, work: tuple[bool, bool, bool]) -> None:
    assert InferWork.of(parsed(*words), named=named, given=given) == InferWork(*work)


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        ([], False, "nothing to run on"),
        (["a.jpg"], False, "--out is missing"),
        (["a.jpg", "--out", "x"], True, "both PICTURES and a data set"),
        (["--benchmark", "0"], False, "at least 1 call"),
        (["--benchmark", "5", "--runtime", "cpp"], False, "measures itself"),
    ],
)
def test_what_is_refused(words: list[str], given: bool, message: str) -> None:
    with pytest.raises(UserError, match=message):
        InferWork.of(parsed(*words), named=given, given=given)


def test_the_worst_exit_code_counts() -> None:
    work = InferWork(predict=True, evaluate=False, benchmark=True)
    assert work.do(lambda: 2, pytest.fail, lambda: 0) == 2


def test_a_file_of_the_folder_chooses_its_runtime(tmp_path: Path) -> None:
    write_export(tmp_path)
    for path in (tmp_path, tmp_path / "tiny.onnx", tmp_path / "manifest.json"):
        arguments = parsed()
        arguments.exported = path
        found = read_exported(arguments, DetectionManifest, "ms-ssd")
        assert (found.folder, found.runtime) == (tmp_path, "onnxruntime")
    arguments.exported, arguments.runtime = tmp_path / "tiny.onnx", "mindspore"
    with pytest.raises(
        UserError, match=r"--runtime mindspore: does not read .*; onnxruntime and openvino would"
    ):
        read_exported(arguments, DetectionManifest, "ms-ssd")


def test_a_model_of_another_command_is_refused(tmp_path: Path) -> None:
    write_export(tmp_path)
    (tmp_path / "other.onnx").touch()
    arguments = parsed("--runtime", "openvino")
    arguments.exported = tmp_path
    with pytest.raises(UserError, match=r"was exported by ms-ssd. Use ms-ssd infer"):
        read_exported(arguments, SegmentationManifest, "ms-segformer")
    arguments.exported = tmp_path / "other.onnx"
    with pytest.raises(UserError, match=r"manifest.json beside it is of tiny.onnx"):
        read_exported(arguments, DetectionManifest, "ms-ssd")
    arguments.exported = tmp_path / "nowhere"
    with pytest.raises(UserError, match="no such folder or file"):
        read_exported(arguments, DetectionManifest, "ms-ssd")
