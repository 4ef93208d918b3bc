"""Reading the positional arguments of the old scripts, by what they are."""

import json
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.old_zoo.scripts import INTERFACES
from ms_core.old_zoo.signatures import ROLES, Words, expand, read_arguments

WORDS = Words(recipes=("ssd300", "ssd_vgg16_gpu"))


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(form: str | tuple[str, ...], line: str) -> dict[str, str]:
    forms = (form,) if isinstance(form, str) else form
    return read_arguments("s.sh", forms, line.split(), WORDS)


def test_a_form_with_brackets_allows_several_sequences() -> None:
    assert expand("A [B [C]] D") == [("A", "B", "C", "D"), ("A", "B", "D"), ("A", "D")]
    assert expand("[A]") == [("A",), ()]


def test_every_role_of_every_form_is_explained() -> None:
    named = {
        role
        for interface in INTERFACES.values()
        for script in interface.scripts.values()
        for form in script.forms
        for sequence in expand(form)
        for role in sequence
    }
    assert named <= ROLES.keys()


@pytest.mark.parametrize(
    ("role", "good", "bad"),
    [
        (
            "CONFIG",
            ["old.yaml", "src/config_ssd300.py", "ssd300", "C.YML"],
            ["ssd3000", "a.ckpt", "coco", ""],
        ),
        ("DEVICE_NUM", ["1", "16"], ["0", "-1", "2.0", "", "²"]),
        ("DEVICE_ID", ["0", "7"], ["-1", "x", "0.5"]),
        ("EPOCH_SIZE", ["500"], ["0", "1e2"]),
        ("LR", ["0.05", "1e-3", "1", ".4"], ["0", "-0.1", "nan", "inf", "coco", ""]),
        ("DATASET", ["coco", "VOC", "other"], ["coco2017", ""]),
        ("RANK_TABLE_FILE", ["hccl_8p_01234567_10.0.0.1.json"], ["table.txt", "8"]),
        ("PRE_TRAINED", ["a.ckpt", "b.pth", "None", ""], ["a.yaml", "0", "coco"]),
        ("PRE_TRAINED_EPOCH_SIZE", ["0", "200"], ["-1", "a.ckpt"]),
        ("CHECKPOINT_PATH", ["ssd-500_458.ckpt", "my run/best.ckpt"], ["None", "ssd300", "0"]),
        ("FORMAT", ["AIR", "mindir"], ["ckpt"]),
        ("MINDIR_PATH", ["ssd.mindir"], ["ssd.ckpt"]),
        ("DVPP", ["DVPP", "cpu"], ["GPU", "0"]),
        ("DEVICE_TYPE", ["Ascend", "gpu"], ["npu"]),
        ("DATA_PATH", ["/data/val2017", "pictures"], ["0", "a.ckpt", ""]),
    ],
)
def test_what_a_word_can_be(role: str, good: list[str], bad: list[str]) -> None:
    assert [word for word in good if not ROLES[role].fits(word, WORDS)] == []
    assert [word for word in bad if ROLES[role].fits(word, WORDS)] == []


def test_an_existing_file_of_any_other_name_is_a_checkpoint_and_a_table_shows_by_its_content() -> None:
    Path("weights.bin").write_bytes(b"x")
    Path("run").mkdir()
    Path("table").write_text(json.dumps({"server_list": []}), encoding="utf-8")
    Path("list").write_text("[1]", encoding="utf-8")
    assert ROLES["CHECKPOINT_PATH"].fits("weights.bin", WORDS)
    assert ROLES["CHECKPOINT_PATH"].fits("run", WORDS)
    assert ROLES["RANK_TABLE_FILE"].fits("table", WORDS)
    assert not ROLES["RANK_TABLE_FILE"].fits("list", WORDS)


GPU = INTERFACES["ms-ssdlite-fpn"].scripts["run_distribute_train_gpu.sh"].forms


def test_both_orders_on_gpu_mean_the_same() -> None:
    expected = {"CONFIG": "c.yaml", "DEVICE_NUM": "8", "EPOCH_SIZE": "500", "LR": "0.4", "DATASET": "coco"}
    assert read(GPU, "c.yaml coco 8 500 0.4") == expected
    assert read(GPU, "c.yaml 8 500 0.4 coco") == expected
    assert read(GPU, "8 500 0.4 coco c.yaml") == expected


def test_checkpoint_or_configuration_in_one_place() -> None:
    forms = INTERFACES["ms-ssd"].scripts["run_distribute_train.sh"].forms
    assert "PRE_TRAINED" in read(forms, "8 500 0.05 coco t.json a.ckpt 0")
    assert "CONFIG" in read(forms, "8 500 0.05 coco t.json c.yaml")
    both = read(forms, "8 500 0.05 coco t.json c.yaml a.ckpt 200")
    assert (both["CONFIG"], both["PRE_TRAINED"], both["PRE_TRAINED_EPOCH_SIZE"]) == (
        "c.yaml",
        "a.ckpt",
        "200",
    )


def test_the_third_argument_of_inference_tells_itself() -> None:
    forms = INTERFACES["ms-ssd"].scripts["run_infer_310.sh"].forms
    assert read(forms, "m.mindir data 1")["DEVICE_ID"] == "1"
    assert read(forms, "m.mindir data dvpp")["DVPP"] == "dvpp"
    assert read(forms, "m.mindir data a.json")["ANNO_PATH"] == "a.json"
    assert read(forms, "m.mindir data DVPP a.json 2") == {
        "MINDIR_PATH": "m.mindir",
        "DATA_PATH": "data",
        "DVPP": "DVPP",
        "ANNO_PATH": "a.json",
        "DEVICE_ID": "2",
    }


def test_two_meanings_are_refused_and_dot_slash_decides() -> None:
    """A run folder called like a recipe, where a checkpoint or a configuration may stand."""
    Path("ssd300").mkdir()
    forms = INTERFACES["ms-ssd"].scripts["run_distribute_train_gpu.sh"].forms
    with pytest.raises(
        UserError, match=r"two meanings: .*PRE_TRAINED=ssd300, or .*CONFIG=ssd300\. Write paths with"
    ):
        read(forms, "8 500 0.05 coco ssd300")
    assert read(forms, "8 500 0.05 coco ./ssd300")["PRE_TRAINED"] == "./ssd300"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("coco", "1 arguments, expected 2 or 3 or 4"),
        ("coco a.ckpt 0 c.yaml 5", "5 arguments, expected 2 or 3 or 4"),
        ("coco a.ckpt x", r"argument 3, 'x', is no DEVICE_ID \(number of the device, from 0\)"),
        ("imagenet a.ckpt 0", "argument 1, 'imagenet', is no DATASET"),
        ("coco nothing 0", "argument 2, 'nothing', is no CHECKPOINT_PATH"),
        ("c.yaml coco 0 a.ckpt", "argument 3, '0', is no CHECKPOINT_PATH"),
    ],
)
def test_a_misfit_names_the_argument_and_the_forms_in_one_line(line: str, message: str) -> None:
    forms = INTERFACES["ms-ssd"].scripts["run_eval.sh"].forms
    with pytest.raises(UserError, match=message) as raised:
        read(forms, line)
    assert str(raised.value).endswith(" | ".join(forms))
    assert "\n" not in str(raised.value)


def test_a_misfit_is_told_by_the_form_that_fits_most_words() -> None:
    """Rate and number of the device exchanged; that the configuration is last is no mistake."""
    forms = INTERFACES["ms-ssd"].scripts["run_standalone_train.sh"].forms
    with pytest.raises(UserError, match=r"argument 1, '0\.05', is no DEVICE_ID"):
        read(forms, "0.05 50 0 coco c.yaml")


def test_words_with_spaces_stay_whole() -> None:
    reading = read_arguments(
        "s.sh", INTERFACES["ms-ssd"].scripts["run_eval.sh"].forms, ["coco", "my run/a b.ckpt", "0"], WORDS
    )
    assert reading["CHECKPOINT_PATH"] == "my run/a b.ckpt"
