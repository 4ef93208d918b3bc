"""A package's program end to end, with a tiny model: results, exit codes, hostile folders, full disks, signals."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from ms_core.ascend310.run import run_program
from ms_core.data.images import read_image
from ms_core.errors import UserError
from ms_core.infer.result_folder import read_results
from ms_core.single_shot.pipeline import network_input

from . import pictures
from .models import write_export

SIZE = (32, 48)
WITHOUT_LEAKS = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
"""OpenVINO leaks 8 bytes when it cannot read a model."""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("model") / "export", SIZE)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """a.jpg, a.png, sub/b.png."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "photos" / "a.jpg").write_bytes(pictures.jpeg(pictures.photo(rng, (64, 48))))
    (tmp_path / "photos" / "a.png").write_bytes(pictures.png(rng, (20, 33), 2, 8))
    (tmp_path / "photos" / "sub" / "b.png").write_bytes(pictures.png(rng, (9, 9), 0, 16))
    return tmp_path / "photos"


def command(build: Path, export: Path, photos: Path, out: Path, *flags: str) -> list[str]:
    """The sanitized program's command line."""
    program = build / "ms_ssd_310"
    named = {
        "mindir_path": export / "model.onnx",
        "dataset_path": photos,
        "result_path": out / "r",
        "time_path": out / "t",
    }
    return [
        str(program),
        *(f"--{name}={value}" for name, value in named.items()),
        "--runtime=openvino",
        *flags,
    ]


def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the sanitized program; a finding of the sanitizers fails."""
    ran = subprocess.run(command(*words), capture_output=True, text=True, errors="replace", **options)
    assert "Sanitizer" not in ran.stderr, ran.stderr
    assert "runtime error:" not in ran.stderr, ran.stderr
    return ran


def index_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "r" / "index.jsonl").read_text(encoding="utf-8").splitlines()]


def test_results_are_those_of_onnxruntime(export: Path, photos: Path, tmp_path: Path) -> None:
    folder = read_results(run_program("ms-ssd", export, photos, tmp_path / "out", threads=1))
    assert [result.name for result in folder.results] == ["a.jpg", "a.png", "sub__b"]
    session = onnxruntime.InferenceSession(str(export / "model.onnx"))
    for result in folder.results:
        image = read_image(Path(result.picture))
        assert (result.height, result.width) == image.shape[:2]
        expected = session.run(None, {"images": network_input(image, SIZE)[None]})
        for ours, theirs in zip(result.read(folder.path), expected, strict=True):
            np.testing.assert_allclose(ours, theirs[0], atol=1e-5)
    words = (tmp_path / "out" / "time_Result" / "test_perform_static.txt").read_text()
    assert words.startswith("NN inference cost average time: ")
    assert "infer_count 3\np50: " in words


def test_a_list_of_files_is_run(export: Path, photos: Path, tmp_path: Path) -> None:
    files = [photos / "sub" / "b.png", photos / "a.jpg"]
    folder = read_results(run_program("ms-ssd", export, files, tmp_path / "out"))
    assert [Path(result.picture) for result in folder.results] == files


def test_former_results_are_kept_unless_told(export: Path, photos: Path, tmp_path: Path) -> None:
    run_program("ms-ssd", export, photos, tmp_path / "out")
    with pytest.raises(UserError, match="holds results already"):
        run_program("ms-ssd", export, photos, tmp_path / "out")
    run_program("ms-ssd", export, photos / "sub", tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "out" / "result_Files").iterdir()) == [
        "b_0.bin",
        "b_1.bin",
        "index.jsonl",
    ]


def test_former_results_outlive_a_model_that_does_not_load(
    build: Path, export: Path, photos: Path, tmp_path: Path
) -> None:
    assert run(build, export, photos, tmp_path).returncode == 0
    former = {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir()}
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    flags = ("--overwrite", f"--mindir_path={broken}", f"--manifest={export / 'manifest.json'}")
    ran = run(build, export, photos, tmp_path, *flags, env=WITHOUT_LEAKS)
    assert ran.returncode == 2, ran.stderr
    other = write_export(tmp_path / "other", (32, 96))
    ran = run(build, export, photos, tmp_path, "--overwrite", f"--manifest={other / 'manifest.json'}")
    assert ran.returncode == 2, ran.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir()} == former


def test_names_longer_than_file_systems_take_are_cut(
    build: Path, export: Path, photos: Path, tmp_path: Path
) -> None:
    deep = photos / ("\u00e4" * 100) / ("b" * 200)
    deep.mkdir(parents=True)
    for name in ("c", "d"):
        (deep / f"{name}.jpg").write_bytes((photos / "a.jpg").read_bytes())
    paths = tmp_path / "list.txt"
    paths.write_text("".join(f"{path}\n" for path in sorted(deep.iterdir())), encoding="utf-8")
    for pictures_of in (photos, paths):
        ran = run(build, export, pictures_of, tmp_path, "--overwrite")
        assert ran.returncode == 0, ran.stderr
        names = [entry["name"] for entry in index_of(tmp_path) if str(deep) in entry["picture"]]
        assert len(set(names)) == 2
        assert all(
            len(name.encode()) <= 180 and (tmp_path / "r" / f"{name}_1.bin").is_file() for name in names
        )


def test_results_below_the_pictures_are_no_pictures(build: Path, export: Path, photos: Path) -> None:
    (photos / "r").mkdir()
    (photos / "r" / "a_map.png").write_bytes((photos / "a.png").read_bytes())
    ran = run(build, export, photos, photos)
    assert ran.returncode == 0, ran.stderr
    assert [entry["name"] for entry in index_of(photos)] == ["a.jpg", "a.png", "sub__b"]


def write_sparse(path: Path, start: bytes, size: int) -> None:
    """A file of that many bytes, zeros behind the start, which takes no room."""
    path.write_bytes(start)
    os.truncate(path, size)


def test_hostile_folder_leaves_the_sanitizers_silent(
    build: Path, export: Path, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    good = [*pictures.jpegs(rng), *pictures.turned(rng), *pictures.pngs(rng)]
    bad = list(pictures.refused(rng))
    for name, content in [*good, *bad]:
        (photos / name).write_bytes(content)
    (photos / "dangling.jpg").symlink_to("nowhere")
    os.mkfifo(photos / "pipe.png")
    (photos / os.fsdecode(b"no-utf-8-\xff.jpg")).write_bytes(b"x")
    write_sparse(photos / "huge.jpg", b"", 2 << 40)
    write_sparse(photos / "huge-jpeg.jpg", good[0][1], 2 << 40)
    ran = run(build, export, photos, tmp_path)
    assert ran.returncode == 2, ran.stderr
    index = index_of(tmp_path)
    failed = [entry for entry in index if "error" in entry]
    assert len(failed) == len(bad) + 5
    said = {Path(entry["picture"]).name: entry["error"] for entry in failed}
    assert "huge.jpg: neither JPEG nor PNG by its content" in said["huge.jpg"]
    assert f"has {2 << 40} bytes; at most 2^30 are read" in said["huge-jpeg.jpg"]
    assert len(index) - len(failed) == len(good) + 3
    assert all(entry["error"] in ran.stderr for entry in failed if "\ufffd" not in entry["error"])


def test_a_folder_that_cannot_be_read_is_named(
    build: Path, export: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "sub").chmod(0)
    try:
        if os.access(photos / "sub", os.R_OK):  # root reads everything, unless it gives that up
            ran = run(build, export, photos, tmp_path, preexec_fn=_become_nobody(tmp_path, photos, export))
        else:
            ran = run(build, export, photos, tmp_path)
    finally:
        (photos / "sub").chmod(0o755)
    assert ran.returncode == 2, ran.stderr
    assert "sub: the folder cannot be read: Permission denied." in ran.stderr
    assert [entry["name"] for entry in index_of(tmp_path) if "name" in entry] == ["a.jpg", "a.png"]


def _become_nobody(*folders: Path):
    nobody = 65534
    for folder in folders:
        for path in (folder, *folder.parents):
            if path.stat().st_uid == os.getuid() and path != Path("/"):
                path.chmod(path.stat().st_mode | 0o055)
    os.chown(folders[0], nobody, nobody)
    return lambda: os.setresuid(nobody, nobody, nobody)


def test_a_full_disk_ends_with_code_1(build: Path, export: Path, photos: Path, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))

    ran = run(build, export, photos, tmp_path, preexec_fn=limit)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.splitlines()[-1].endswith("a.jpg_0.bin: cannot be written: File too large.")
    assert list((tmp_path / "r").iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--result_path=/proc/none"], 2, "/proc/none: the folder cannot be made"),
        (["--result_path=/dev/full"], 2, "/dev/full"),
        (["--image_width=300"], 2, "--image_width=300: the model was exported for 48"),
        (["--manifest=none.json"], 2, "none.json: cannot be read: No such file or directory."),
        (["--cpu_dvpp=DVPP"], 2, "--cpu_dvpp=DVPP: runtime openvino has no DVPP"),
        (["--dataset_path=none"], 2, "none: no folder or list of pictures"),
        (["--no_such_flag"], 2, "--no_such_flag: no such flag"),
    ],
)
def test_wrong_use_ends_in_one_line(
    flags: list[str], code: int, words: str, build: Path, export: Path, photos: Path, tmp_path: Path
) -> None:
    ran = run(build, export, photos, tmp_path, *flags)
    assert ran.returncode == code, ran.stderr
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert words in ran.stderr


def test_a_model_that_is_none_is_named(build: Path, export: Path, photos: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    flags = (f"--mindir_path={broken}", f"--manifest={export / 'manifest.json'}")
    ran = run(build, export, photos, tmp_path, *flags, env=WITHOUT_LEAKS)
    assert ran.returncode == 2, ran.stderr
    assert f"{broken}: OpenVINO cannot read it" in ran.stderr


def test_a_manifest_of_another_model_is_refused(
    build: Path, export: Path, photos: Path, tmp_path: Path
) -> None:
    other = write_export(tmp_path / "other", (32, 96))
    ran = run(build, export, photos, tmp_path, f"--manifest={other / 'manifest.json'}")
    assert ran.returncode == 2, ran.stderr
    assert "Name the manifest that was written with this model." in ran.stderr


def test_interrupted_it_leaves_the_index_of_what_is_done(build: Path, export: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "many").mkdir()
    content = pictures.jpeg(pictures.photo(rng, (1600, 1200)))
    for number in range(400):
        (tmp_path / "many" / f"{number:03}.jpg").write_bytes(content)
    words = command(build, export, tmp_path / "many", tmp_path)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "r" / "000_1.bin").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    done = index_of(tmp_path)
    assert 1 <= len(done) < 400
    assert all((tmp_path / "r" / f"{entry['name']}_1.bin").is_file() for entry in done)


def test_help_names_flags_and_exit_codes(build: Path) -> None:
    ran = subprocess.run([build / "ms_ssd_310", "--help"], capture_output=True, text=True)
    assert ran.returncode == 0
    assert "--mindir_path (string)" in ran.stdout
    assert "Exit codes: 0" in ran.stdout
