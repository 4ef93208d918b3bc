"""What `export` writes for Huawei's tools: every file is read by a reader that knows its rules."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.ascend310.aipp import BGR, RGB, YUV, YUV_STRIDE, aipp_files
from ms_core.ascend310.deployment import FOLDER, README, write_deployment_files
from ms_core.ascend310.lite_config import PLAIN, WITH_AIPP, converter_command, lite_files
from ms_core.ascend310.sdk_pipeline import (
    DVPP_PIPELINE,
    LABELS,
    OPENCV_PIPELINE,
    POSTPROCESS,
    STREAM,
    sdk_files,
)
from ms_core.errors import UserError

from . import deployment_files as files

PIPELINE = [
    "appsrc",
    "mxpi_imagedecoder",
    "mxpi_imageresize",
    "mxpi_tensorinfer",
    "mxpi_objectpostprocessor",
    "mxpi_dataserialize",
    "appsink",
]


def normalised(entries: dict[str, str], pixels: np.ndarray) -> np.ndarray:
    """What AIPP makes of pixels [..., 3] after colours, by the rule of the ATC guide."""
    mean, least, factor = (
        np.array([float(entries[f"{key}_{channel}"]) for channel in range(3)])
        for key in ("mean_chn", "min_chn", "var_reci_chn")
    )
    return (pixels - mean - least) * factor


def colours(entries: dict[str, str], yuv: np.ndarray) -> np.ndarray:
    """What AIPP makes of [..., 3] Y, U, V."""
    matrix = np.array([[int(entries[f"matrix_r{r}c{c}"]) for c in range(3)] for r in range(3)])
    bias = np.array([int(entries[f"input_bias_{channel}"]) for channel in range(3)])
    return (yuv - bias) @ matrix.T / 256


@pytest.mark.parametrize("name", [BGR, RGB, YUV, YUV_STRIDE])
def test_aipp_normalises_as_training_does(name: str) -> None:
    entries = files.read_aipp(aipp_files(files.detector()).texts[name])
    pixels = np.array([[0.0, 128.0, 255.0], [12.0, 7.0, 200.0]])
    expected = (pixels - np.array(files.MEAN)) / np.array(files.STD)
    assert normalised(entries, pixels) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("channels", "swapped"), [("RGB", BGR), ("BGR", RGB)])
def test_bytes_are_exchanged_where_the_network_wants_the_other_order(channels: str, swapped: str) -> None:
    texts = aipp_files(files.detector(replace(files.image_input(), channels=channels))).texts
    switches = {name: files.read_aipp(texts[name])["rbuv_swap_switch"] for name in (BGR, RGB)}
    assert switches == {name: str(name == swapped).lower() for name in (BGR, RGB)}


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_yuv_becomes_the_colours_of_jfif(channels: str) -> None:
    """Against the equations of JPEG files (JFIF 1.02): a rounded coefficient moves a value by less than a half."""
    entries = files.read_aipp(
        aipp_files(files.detector(replace(files.image_input(), channels=channels))).texts[YUV]
    )
    y, u, v = np.meshgrid(*[np.arange(0, 256, 15.0)] * 3, indexing="ij")
    rgb = [y + 1.402 * (v - 128), y - 0.344136 * (u - 128) - 0.714136 * (v - 128), y + 1.772 * (u - 128)]
    expected = np.stack(rgb if channels == "RGB" else rgb[::-1], axis=-1)
    assert np.abs(colours(entries, np.stack((y, u, v), axis=-1)) - expected).max() < 0.5


def test_rows_of_the_sdk_are_cut_to_the_input() -> None:
    """300 is no multiple of 16: DVPP itself cannot fill the input, and the SDK's rows have 304 pixels."""
    selection = aipp_files(files.detector(files.image_input(300, 300)))
    assert YUV not in selection.texts
    assert "300x300" in selection.omitted[YUV]
    entries = files.read_aipp(selection.texts[YUV_STRIDE])
    assert (entries["src_image_size_w"], entries["src_image_size_h"]) == ("304", "300")
    assert (entries["crop"], entries["crop_size_w"], entries["crop_size_h"]) == ("true", "300", "300")
    aligned = files.read_aipp(aipp_files(files.detector()).texts[YUV_STRIDE])
    assert (aligned["src_image_size_w"], aligned["crop"]) == ("320", "false")


@given(
    height=st.integers(32, 5000),
    width=st.integers(32, 5000),
    mean=st.tuples(*[st.floats(0, 255)] * 3),
    std=st.tuples(*[st.floats(0.01, 300)] * 3),
)
def test_whatever_is_written_keeps_the_rules(
    height: int, width: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    image = replace(files.image_input(height, width), mean=mean, std=std)
    selection = aipp_files(files.detector(image))
    assert selection.texts.keys() | selection.omitted.keys() == {BGR, RGB, YUV, YUV_STRIDE}
    assert not selection.texts.keys() & selection.omitted.keys()
    assert all(selection.omitted.values())
    for text in selection.texts.values():
        entries = files.read_aipp(text)
        for channel, value in enumerate(mean):
            read = float(entries[f"mean_chn_{channel}"]) + float(entries[f"min_chn_{channel}"])
            assert math.isclose(read, value, abs_tol=1e-5)
    assert (YUV in selection.texts) == (width % 16 == 0 and height % 2 == 0 and max(height, width) <= 4096)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"normalised_inside": True}, "the graph itself takes bytes"),
        ({"resize": "fit"}, "keep their proportions"),
        ({"std": (0.0, 1.0, 1.0)}, "AIPP multiplies by at most"),
        ({"mean": (-1.0, 0.0, 0.0)}, "AIPP subtracts 0 to 255"),
    ],
)
def test_no_aipp_is_written_where_none_fits(changes: dict[str, object], reason: str) -> None:
    selection = aipp_files(files.detector(replace(files.image_input(), **changes)))
    assert not selection.texts
    assert {text.startswith(reason) or reason in text for text in selection.omitted.values()} == {True}


def test_lite_takes_the_aipp_for_pixels_as_the_network_orders_them() -> None:
    """The program gives a model with AIPP the pixels in the order of the manifest."""
    manifest = files.detector()
    texts = lite_files(manifest, aipp_files(manifest).texts)
    assert files.read_ini(texts[PLAIN])["output_type"] == "FP32"
    assert files.read_ini(texts[WITH_AIPP])["insert_op_config_file_path"] == RGB
    blue_first = files.detector(replace(files.image_input(), channels="BGR"))
    other = lite_files(blue_first, aipp_files(blue_first).texts)[WITH_AIPP]
    assert files.read_ini(other)["insert_op_config_file_path"] == BGR
    command = converter_command(manifest, WITH_AIPP)
    assert "--modelFile=../net.mindir" in command
    assert '--inputShape="images:1,3,320,320"' in command
    assert lite_files(manifest, {}).keys() == {PLAIN}


def test_labels_of_a_graph_that_selects_stay_whole_numbers() -> None:
    assert "output_type" not in files.read_ini(lite_files(files.detector(form="nms"), {})[PLAIN])


def test_any_number_of_pictures_is_converted_for_one() -> None:
    image = replace(files.image_input(), shape=(None, 3, 320, 320))
    assert '"images:1,3,320,320"' in converter_command(files.detector(image), PLAIN)
    assert 'images:1,3,768,1280;sizes:1,2"' in converter_command(files.two_stage(), PLAIN)


def test_a_pipeline_chains_the_sdk_elements_of_the_guide(tmp_path: Path) -> None:
    write_deployment_files(files.detector(), tmp_path)
    folder = tmp_path / FOLDER
    for name, om in ((DVPP_PIPELINE, "ssd300_yuv.om"), (OPENCV_PIPELINE, "ssd300_bgr.om")):
        chain = files.read_elements(folder / name)
        assert [factory for factory, _ in chain] == PIPELINE
        properties = dict(chain)
        assert properties["mxpi_tensorinfer"]["modelPath"] == om
        resize = properties["mxpi_imageresize"]
        assert (resize["resizeWidth"], resize["resizeHeight"]) == ("320", "320")
        assert resize["resizeType"] == "Resizer_Stretch"
        assert ("cvProcessor" in resize) == (name == OPENCV_PIPELINE)
        post = properties["mxpi_objectpostprocessor"]
        assert (folder / post["labelPath"]).is_file()
        assert (folder / post["postProcessConfigPath"]).is_file()
        assert properties["mxpi_dataserialize"]["outputDataKeys"] == "mxpi_objectpostprocessor0"


def test_own_classes_are_counted_with_the_background(tmp_path: Path) -> None:
    write_deployment_files(files.detector(), tmp_path)
    labels = (tmp_path / FOLDER / LABELS).read_text(encoding="utf-8").splitlines()
    assert labels == ["background", *files.CLASSES]
    lines = (tmp_path / FOLDER / POSTPROCESS).read_text(encoding="utf-8").splitlines()
    assert dict(line.split("=") for line in lines) == {
        "CLASS_NUM": "5",
        "SCORE_THRESH": "0.1",
        "IOU_THRESH": "0.6",
    }


def test_a_class_name_of_two_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"class 'a\\nb' is not one line"):
        write_deployment_files(files.detector(classes=("a\nb", "c", "d", "e")), tmp_path)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (files.detector(form="nms"), "this model's form is nms"),
        (files.detector(form="raw"), "this model's form is raw"),
        (files.two_stage(), "no post-processing library of the SDK is known to fit two-stage detection"),
        (files.segmenter(), "no post-processing library of the SDK is known to fit segmentation"),
    ],
)
def test_a_pipeline_is_only_written_where_the_library_fits(manifest: object, reason: str) -> None:
    selection = sdk_files(manifest, aipp_files(manifest))
    assert not selection.texts
    assert all(reason in why for why in selection.omitted.values())


def test_a_pipeline_without_its_aipp_is_left_out() -> None:
    manifest = files.detector(files.image_input(301, 301))
    selection = sdk_files(manifest, aipp_files(manifest))
    assert OPENCV_PIPELINE in selection.texts
    assert "even sides" in selection.omitted[DVPP_PIPELINE]


def test_the_readme_tells_of_every_file_and_of_those_that_are_missing(tmp_path: Path) -> None:
    written = write_deployment_files(files.detector(files.image_input(300, 300)), tmp_path)
    assert {path.name for path in written} == {path.name for path in (tmp_path / FOLDER).iterdir()}
    text = (tmp_path / FOLDER / README).read_text(encoding="utf-8")
    assert "NEVER RUN ON ASCEND BY US" in text
    assert [path.name for path in written if path.name != README and f"  {path.name}: " not in text] == []
    assert f"  {YUV}: DVPP wants a width" in text
    assert f"Stream: {STREAM}" in text
    assert "run ms-ssd convert_om.sh ../net.onnx ssd300_yuv aipp_yuv_stride.cfg\n" in text
    assert "convert_om.sh ../net.onnx ssd300_bgr aipp_bgr.cfg\n" in text
    assert "ssd300_dvpp" not in text
    assert "here both count one pixel more" in text


def test_without_onnx_atc_has_nothing_to_read(tmp_path: Path) -> None:
    write_deployment_files(files.detector(files=files.FILES[:1]), tmp_path)
    text = (tmp_path / FOLDER / README).read_text(encoding="utf-8")
    assert "(ATC reads ONNX and AIR: export with --format onnx as well)" in text
    assert "convert_om.sh ../" not in text


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / FOLDER).touch()
    with pytest.raises(UserError, match=r"ascend: cannot be made: File exists"):
        write_deployment_files(files.detector(), tmp_path)


def test_what_a_former_model_left_is_removed(tmp_path: Path) -> None:
    write_deployment_files(files.detector(), tmp_path)
    (tmp_path / FOLDER / "ssd300_yuv.om").write_bytes(b"mine")
    write_deployment_files(files.segmenter(), tmp_path)
    names = {path.name for path in (tmp_path / FOLDER).iterdir()}
    assert names == {BGR, RGB, YUV, YUV_STRIDE, PLAIN, WITH_AIPP, README, "ssd300_yuv.om"}
