"""The ModelArts entry: parameters, copies through a stand-in for moxing, one training."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from ms_core.errors import UserError
from ms_core.old_zoo import modelarts
from ms_core.old_zoo.modelarts import PARAMETERS, Job, fetch_data, main, read_parameters
from ms_core.old_zoo.processes import Process

PACKAGES = Path(__file__).resolve().parents[3]
MOXING = """
import shutil
class file:
    @staticmethod
    def copy_parallel(source, target):
        def place(address):
            return address.replace("obs://bucket", ROOT)
        with open(ROOT + "/copies.txt", "a") as log:
            log.write(source + " -> " + target + chr(10))
        shutil.copytree(place(source), place(target), dirs_exist_ok=True)
ROOT = {root!r}
"""
DOCUMENTED = {
    "lr": 0.05,
    "dataset": "coco",
    "epoch_size": 5,
    "batch_size": 32,
    "save_checkpoint_epochs": 10,
    "feature_extractor_base_param": "",
    "classes_label_path": "",
    "num_classes": 81,
    "voc_json": "",
    "anno_path": "",
    "pre_trained": "",
    "loss_scale": 1024,
    "filter_weight": False,
    "freeze_layer": "none",
}
"""Guide 004, table 2."""


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """OBS as a folder, with a data set; moxing that copies to and from it; a job's environment."""
    root = tmp_path / "bucket"
    (root / "dataset").mkdir(parents=True)
    (root / "dataset" / "labels.txt").write_text("background\nArduino Nano\nESP8266\n", encoding="utf-8")
    (root / "dataset" / "train.txt").write_text("a.jpg 0,0,9,9,1\n", encoding="utf-8")
    stand_in = tmp_path / "modules"
    stand_in.mkdir()
    (stand_in / "moxing.py").write_text(MOXING.format(root=str(root)), encoding="utf-8")
    monkeypatch.syspath_prepend(str(stand_in))
    monkeypatch.delitem(sys.modules, "moxing", raising=False)
    monkeypatch.setenv("MODELARTS_CACHE", str(tmp_path / "cache"))
    for name in ("RANK_ID", "RANK_SIZE", "DEVICE_ID", "RANK_TABLE_FILE", "MODEL_NAME", "DEVICE_TARGET"):
        monkeypatch.delenv(name, raising=False)
    yield root
    sys.modules.pop("moxing", None)


class Training:
    """Stands in for the training process."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.processes: list[Process] = []

    def __call__(self, processes: Sequence[Process]) -> int:
        (process,) = processes
        self.processes.append(process)
        process.log.parent.mkdir(parents=True, exist_ok=True)
        process.log.write_text("trained\n", encoding="utf-8")
        return self.code

    @property
    def options(self) -> dict[str, str]:
        words = self.processes[0].command[4:]
        return dict(zip(words[::2], words[1::2], strict=True))


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Training:
    found = Training()
    monkeypatch.setattr(modelarts, "run_in_foreground", found)
    return found


ADDRESSES = ["--data_url=obs://bucket/dataset", "--train_url=obs://bucket/output"]


def test_parameters_and_defaults_are_the_documented_ones() -> None:
    values = read_parameters(["--data_url", "a", "--train_url", "b"])
    assert values == {**DOCUMENTED, "data_url": "a", "train_url": "b"}


@pytest.mark.parametrize("folder", ["ssd", "ssdlite_fpn"])
def test_config_yaml_says_the_same(folder: str) -> None:
    listed = yaml.safe_load((PACKAGES / folder / "modelarts" / "config.yaml").read_text(encoding="utf-8"))
    assert [
        (entry["name"], entry["default"], entry["required"], entry["description"])
        for entry in listed["parameters"]
    ] == [(entry.name, entry.default, entry.required, entry.meaning) for entry in PARAMETERS]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data_url=a"], "--train_url is missing"),
        (["--data_url=a", "--train_url=b", "--learning_rate=1"], "--learning_rate=1: no such parameter"),
        (["--data_url=a", "--train_url=b", "--epoch_sise=1"], "Did you mean epoch_size"),
        (["--data_url=a", "--train_url=b", "--lr=fast"], "invalid float value: 'fast'"),
        (["--data_url=a", "--train_url=b", "--filter_weight=maybe"], "'maybe' is not True or False"),
    ],
)
def test_wrong_parameters_are_named(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_parameters(words)


def test_what_the_service_adds_is_ignored() -> None:
    assert read_parameters(["--data_url=a", "--train_url=b", "--num_gpus=1"])["data_url"] == "a"


def test_a_job_copies_trains_and_copies_back(bucket: Path, training: Training) -> None:
    parameters = [
        "--dataset=other",
        "--anno_path=train.txt",
        "--classes_label_path=labels.txt",
        "--num_classes=3",
    ]
    parameters += ["--lr=0.01", "--filter_weight=True", "--freeze_layer=backbone"]
    assert main("ms-ssd", [*ADDRESSES, *parameters]) == 0
    cache = bucket.parent / "cache"
    options = training.options
    assert training.processes[0].command[1:4] == ("-m", "ms_ssd", "train")
    assert options["--config"] == "ssd_mobilenet_v1_fpn"
    assert options["--data.train"] == str(cache / "data" / "train.txt")
    assert Path(options["--data.classes"]).read_text(encoding="utf-8") == "Arduino Nano\nESP8266\n"
    assert (options["--schedule.lr"], options["--train.epochs"], options["--train.batch-size"]) == (
        "0.01",
        "5",
        "32",
    )
    assert (options["--reset-head"], options["--optimizer.freeze"]) == ("true", '["backbone"]')
    assert options["--out"] == str(cache / "train" / "ckpt_0")
    assert options["--device"] == "ascend"
    assert (bucket / "output" / "log.txt").read_text(encoding="utf-8") == "trained\n"
    assert (bucket / "copies.txt").read_text(encoding="utf-8").splitlines() == [
        f"obs://bucket/dataset -> {cache}/data",
        f"{cache}/train -> obs://bucket/output",
    ]


def test_results_come_back_when_the_training_fails_and_its_exit_code_stays(
    bucket: Path, training: Training
) -> None:
    training.code = 137
    assert main("ms-ssd", ADDRESSES) == 137
    assert (bucket / "output" / "log.txt").exists()


def test_a_training_that_went_well_but_was_lost_is_a_failure(
    bucket: Path, training: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    (bucket / "output").write_text("in the way", encoding="utf-8")
    assert main("ms-ssd", ADDRESSES) == 1
    assert "results not copied" in capsys.readouterr().err


def test_paths_are_below_the_data_and_the_voc_folder_is_the_data(bucket: Path, training: Training) -> None:
    words = ["--dataset=voc", "--pre_trained=pretrain_model/ssd.ckpt", "--voc_json=a.json"]
    assert main("ms-ssd", [*ADDRESSES, *words]) == 0
    data = bucket.parent / "cache" / "data"
    assert training.options["--data.train"] == str(data / "train")
    assert training.options["--weights"] == str(data / "pretrain_model" / "ssd.ckpt")


def test_the_other_package_and_another_network(
    bucket: Path, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main("ms-ssdlite-fpn", ADDRESSES) == 0
    assert training.options["--config"] == "ssdlite_mobilenetv2_fpn"
    monkeypatch.setenv("MODEL_NAME", "ssd300")
    training.processes.clear()
    assert main("ms-ssd", ADDRESSES) == 0
    assert training.options["--config"] == "ssd300"


def test_folders_of_this_machine_are_used_as_they_are(
    bucket: Path, training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modelarts, "find_spec", lambda name: None)  # no moxing
    words = [f"--data_url={bucket / 'dataset'}", f"--train_url={tmp_path / 'out'}"]
    assert main("ms-ssd", words) == 0
    assert training.options["--out"] == str(tmp_path / "out" / "ckpt_0")
    assert main("ms-ssd", ADDRESSES) == 2


def test_only_one_process_of_a_machine_copies(
    bucket: Path, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK_SIZE", "8")
    monkeypatch.setenv("RANK_TABLE_FILE", "/user/config/table.json")
    for rank in range(8):
        monkeypatch.setenv("RANK_ID", str(rank))
        monkeypatch.setenv("DEVICE_ID", str(rank))
        assert main("ms-ssd", ADDRESSES) == 0
    copies = (bucket / "copies.txt").read_text(encoding="utf-8").splitlines()
    assert len([line for line in copies if line.startswith("obs://")]) == 1
    assert len([line for line in copies if line.endswith("output")]) == 1
    assert [process.environment["RANK_ID"] for process in training.processes] == list("01234567")
    assert "--device" in training.options
    assert training.options["--device"] == "ascend"


def test_the_others_wait_and_learn_of_a_failed_copy(bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = read_parameters(["--data_url=obs://bucket/nothing", "--train_url=obs://bucket/output"])
    environment = {"RANK_SIZE": "2", "MODELARTS_CACHE": str(bucket.parent / "cache")}
    first = Job("ms-ssd", values, {**environment, "RANK_ID": "0", "DEVICE_ID": "0"})
    second = Job("ms-ssd", values, {**environment, "RANK_ID": "1", "DEVICE_ID": "1"})
    monkeypatch.setattr(modelarts, "WAIT_SECONDS", 0.1)
    with pytest.raises(UserError, match="no copy after"):
        fetch_data(second)
    for job in (first, second):
        with pytest.raises(UserError, match=r"obs://bucket/nothing: not copied: .*No such file"):
            fetch_data(job)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("Arduino Nano\nESP8266\nx\n", "line 1: expected background"),
        ("background\nx\n", "2 names, background included, but --num_classes is 3"),
        ("", "line 1: expected background"),
    ],
)
def test_a_label_file_that_does_not_fit_is_refused(
    labels: str, message: str, bucket: Path, training: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    (bucket / "dataset" / "labels.txt").write_text(labels, encoding="utf-8")
    assert main("ms-ssd", [*ADDRESSES, "--classes_label_path=labels.txt", "--num_classes=3"]) == 2
    assert message in capsys.readouterr().err
    assert training.processes == []


@pytest.mark.parametrize("folder", ["ssd", "ssdlite_fpn"])
def test_label_files_have_the_background_first(folder: str) -> None:
    labels = PACKAGES / folder / "modelarts" / "label"
    coco = (labels / "coco_labels.txt").read_text(encoding="utf-8").splitlines()
    assert (len(coco), coco[:2], coco[-1], len(set(coco))) == (81, ["background", "person"], "toothbrush", 81)
    small = (labels / "microcontroller_labels.txt").read_text(encoding="utf-8").splitlines()
    assert small == ["background", "Arduino Nano", "ESP8266", "Raspberry Pi 3", "Heltec ESP32 Lora"]


def test_start_py_is_a_thin_caller() -> None:
    for folder, command in (("ssd", "ms-ssd"), ("ssdlite_fpn", "ms-ssdlite-fpn")):
        text = (PACKAGES / folder / "modelarts" / "start.py").read_text(encoding="utf-8")
        assert text.endswith(f'if __name__ == "__main__":\n    sys.exit(main("{command}"))\n')
