"""The page of a run: whole, closed in itself, safe against any name, and there also where something is missing."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checked_page import Checker, checked
from made_run import CLASSES, make_run
from ms_core.data.sample import DetectionDataset
from ms_core.errors import UserError
from ms_core.report import page, write_report
from ms_core.run_folder import RunFolder


@pytest.fixture(scope="module")
def written(run: RunFolder) -> Checker:
    pytest.importorskip("matplotlib")
    return checked(write_report(run))


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(run: RunFolder, written: Checker) -> None:
    content = run.report_path.read_text(encoding="utf-8")
    style = content[content.index("<style>") : content.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "http:" not in content
    assert len(content) < 3_000_000
    assert (run.figures / "training.png").stat().st_size > 10_000


def test_every_name_is_text(written: Checker) -> None:
    for name in (*CLASSES, "a & <b> 猫", "<b>&.ckpt"):
        assert name in written.text


def test_what_is_asked_for_is_there(written: Checker) -> None:
    headings = ("Training", "Evaluation: val", "Data", "Configuration", "Environment", "Reproduce")
    parts = (
        "Precision over recall",
        "Confusion matrix",
        "Best images",
        "Worst images",
        "Which score to trust",
    )
    for words in (*headings, *parts, "Learning rate", "Size of the boxes", "batch_size: 2", "--min-score"):
        assert words in written.text, words
    assert (
        written.tags.count("svg") == 4 + 3 + 1
    )  # loss, parts, metrics, lr; PR, thresholds, scores; box sides
    assert written.tags.count("img") == 6


def test_a_run_is_written_again_after_it_went_on(dataset: DetectionDataset, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", dataset, epochs=2)
    assert "Not finished: 2 of 4 epochs" in checked(write_report(run)).text
    for record in run.read_metrics():
        run.append_metrics({**record, "step": record["step"] + 20, "epoch": record["epoch"] + 2})
    assert "Not finished" not in checked(write_report(run)).text


@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_runs_without_evaluation_data_or_records(epochs: int, tmp_path: Path) -> None:
    checked(write_report(make_run(tmp_path / "run", None, epochs, evaluated=False)))


def test_without_matplotlib_everything_but_the_diagrams_is_there(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, written: Checker
) -> None:
    from ms_core.report import figures

    for module in (
        page,
        *(sys.modules[f"ms_core.report.{n}_section"] for n in ("training", "evaluation", "data")),
    ):
        monkeypatch.setattr(module, "can_plot", lambda: False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match="matplotlib is not installed"):
        figures.new_figure(1, 1)
    bare = checked(write_report(run))
    assert "matplotlib is not installed" in bare.text
    assert "svg" not in bare.tags
    assert bare.tags.count("img") == 6
    assert "Confusion matrix" in bare.text


def test_damaged_files_are_named_on_the_page(dataset: DetectionDataset, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", dataset)
    (run.path / "eval-val").mkdir()
    (run.path / "eval-val" / "metrics.json").write_text("half of a fi")
    run.data_path.write_text("[]")
    text = checked(write_report(run)).text
    assert "metrics.json: not JSON" in text
    assert "data.json: no JSON object" in text


def test_an_evaluation_of_an_older_version(dataset: DetectionDataset, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", dataset)
    (run.path / "eval-old").mkdir()
    entry = {"category_id": 1, "name": "a", "objects": 3, "AP": None, "AP50": None}
    (run.path / "eval-old" / "metrics.json").write_text(
        json.dumps({"AP": 0.5, "APs": None, "per_class": [entry]})
    )
    assert "Evaluation: old" in checked(write_report(run)).text


def test_pictures_stay_within_their_bytes(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PICTURE_BYTES", 60_000)
    content = write_report(run).read_text(encoding="utf-8")
    monkeypatch.undo()
    encoded = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', content)
    assert len(encoded) == 6
    assert sum(map(len, encoded)) <= 60_000 * 4 / 3 + 6 * 4


def test_only_the_main_process_writes(run: RunFolder, tmp_path: Path) -> None:
    assert not write_report(RunFolder(tmp_path / "nowhere", is_main=False)).exists()
    with pytest.raises(UserError, match="no such folder"):
        write_report(RunFolder(tmp_path / "nowhere"))


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; it looks at the page")
def test_chromium_shows_the_page(run: RunFolder, written: Checker, tmp_path: Path) -> None:
    """The picture has light paper, dark ink and blue lines, and the page asks for nothing."""
    import cv2

    write_report(run)
    picture = tmp_path / "page.png"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'u'}",
    ]
    shown = subprocess.run(
        [
            str(CHROMIUM),
            *options,
            f"--screenshot={picture}",
            "--window-size=500,2400",
            run.report_path.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert picture.is_file(), shown.stderr.decode(errors="replace")[-1000:]
    image = cv2.imread(str(picture))
    assert image.shape[1] == 500
    assert (image[:20] == image[0, 0]).all()
    assert np.mean(np.abs(image.astype(int) - image[0, 0]).max(axis=2) > 60) > 0.01
