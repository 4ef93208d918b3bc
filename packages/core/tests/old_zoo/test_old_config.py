"""Old configuration files: told from ours by their content, read without running anything, hostile ones refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.cli import Tool, Verb, run
from ms_core.errors import UserError
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.files import OldFile, read_old_file
from ms_core.single_shot.config import SingleShotConfig

RECIPE = "model:\n  name: ssd300\ntrain:\n  epochs: 500\nschedule:\n  lr: 0.05\n  lr_init: 0.001\n"


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """A command with one recipe, whose verb prints three values of its configuration."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    for name in ("ssd300", "ssd_mobilenet_v1_fpn"):
        (recipes / f"{name}.yaml").write_text(RECIPE.replace("ssd300", name), encoding="utf-8")

    def show(arguments) -> None:
        config: SingleShotConfig = arguments.config
        print(f"RESULT {config.model.name} {config.train.epochs} {config.schedule.lr} {config.data.classes}")

    def read(path: Path, verb: str):
        return recipe_of_old_file(path, verb, package="ms-ssd", recipes=recipes)

    verbs = {"train": Verb("train", show, config=SingleShotConfig)}
    return Tool("ms-ssd", verbs, "1.0", recipes, foreign_config=read)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_old_file(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_old_file_stands_for_a_recipe(
    tool: Tool, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configs / "ssd300.yaml"
    assert run(tool, ["train", "--config", str(path), "--train.epochs", "7"]) == 0
    out = capsys.readouterr().out
    assert "RESULT ssd300 7 0.05 ('person', 'bicycle'" in out  # the command line wins
    assert f"{path}: configuration of the old model zoo, read as --config ssd300 with\n" in out
    assert "  device: ascend:0  (from run_distribute, device_target, device_id)\n" in out
    assert "  not taken: enable_profiling: read nowhere in the old code\n" in out
    assert "  not taken, to be said on the command line: output_path is --out" in out
    assert "as recipe and network have it: lr_init" in out
    assert "schedule.lr:" not in out  # the recipe says so too


def test_our_recipes_stay_ours(tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (
        "base: ssd300\nseed: 3\n",
        "seed: 3\ndevice: cpu\n",
        "train.epochs: 4\n",
        RECIPE,
        "",
        "- 1\n",
    ):
        assert read_old_file(write(tmp_path, "mine.yaml", text)) is None
    mixed = write(tmp_path, "mixed.yaml", "base: ssd300\nlr: 0.1\n")
    assert run(tool, ["train", "--config", str(mixed)]) == 2
    assert "lr: unknown key. Did you mean schedule.lr" in capsys.readouterr().err


def test_a_file_with_any_old_key_is_old(tmp_path: Path) -> None:
    old = read_old_file(write(tmp_path, "few.yaml", "epoch_size: 5\nunheard_of: 1\n"))
    assert old == OldFile(tmp_path / "few.yaml", {"epoch_size": 5, "unheard_of": 1})


def test_of_three_documents_the_first_counts(tmp_path: Path) -> None:
    text = "epoch_size: 5\nepoch_size: 6\n---\nepoch_size: passes\n---\nepoch_size: [1, 2]\n"
    old = read_old_file(write(tmp_path, "three.yaml", text))
    assert old is not None
    assert old.values == {"epoch_size": 6}  # and of a key that is there twice the last, as before


def test_an_error_names_file_and_key(tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "wrong.yaml", "model_name: ssd300\nepoch_size: many\n")
    assert run(tool, ["train", "--config", str(path)]) == 2
    assert f"{path}: epoch_size: 'many' does not fit, expected a whole number." in capsys.readouterr().err


def test_data_only_is_a_verb_of_its_own(
    tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "only.yaml", "model_name: ssd300\nonly_create_dataset: True\n")
    assert run(tool, ["train", "--config", str(path)]) == 2
    assert f"Run `ms-ssd data cache --config {path}`" in capsys.readouterr().err


def test_the_other_packages_file_says_whose_it_is(
    tool: Tool, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configs / "ssdlite_mobilenetv2_fpn.yaml"
    assert run(tool, ["train", "--config", str(path)]) == 2
    assert f"{path}: this is a configuration of ms-ssdlite-fpn" in capsys.readouterr().err


def test_ms_core_reads_the_data_of_any_network(configs: Path) -> None:
    for name in ("ssd300.yaml", "ssdlite_mobilenetv2_fpn.yaml"):
        found = recipe_of_old_file(configs / name, "data check", package=None, recipes=None)
        assert found is not None
        assert found["data.train"][0].endswith("/annotations/instances_train2017.json")


# -- the earlier generation ------------------------------------------------------------------------------------------


def test_using_model_selects_the_file_beside_it(old_file: Callable[[str], OldFile]) -> None:
    selected = old_file("earlier/config.py").values
    assert selected == {**old_file("earlier/config_ssd_mobilenet_v1_fpn.py").values}
    assert selected["model_name"] == "ssd_mobilenet_v1_fpn"
    assert selected["classes"][:2] == ("background", "person")


@pytest.mark.parametrize(
    "text",
    [
        'config = ed({"lr": 0.1, "class_num": 3})',
        'config = EasyDict({"lr": 0.1, "class_num": 3})',
        'config = {"lr": 0.1, "class_num": 3}',
        "config = dict(lr=0.1, class_num=3)",
        'config = ed({"lr": 0.5, "class_num": 3})\nconfig.lr = 0.1',
        "lr = 0.1\nclass_num = 3",
        "lr: float = 0.1\nclass_num = 3",
        'settings = ed(dict(lr=0.1, class_num=3))\nimport os\nprint("never run")',
    ],
)
def test_literals_in_every_usual_shape(text: str, tmp_path: Path) -> None:
    old = read_old_file(write(tmp_path, "config_ssd300.py", text))
    assert old is not None
    assert old.values == {"lr": 0.1, "class_num": 3, "model_name": "ssd300"}


def test_nothing_in_a_python_file_is_run(tmp_path: Path) -> None:
    traces = tmp_path / "ran"
    text = f'open({str(traces)!r}, "w")\nconfig = ed({{"lr": open({str(traces)!r}, "w")}})\n'
    message = refusal(write(tmp_path, "config.py", text))
    assert message.endswith("line 2: lr is computed, and this file is never executed. Write its value.")
    assert not traces.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("config = ed({", "line 1: not valid Python"),
        ("print('hello')", "no configuration of the old zoo"),
        ("config = ed({'hello': 1})", "no configuration of the old zoo"),
        ("using_model = 'ssd300'", "using_model is ssd300, but there is no "),
        ("using_model = '../../etc/passwd'", "is no network of the old zoo"),
        ("using_model = choose()", "using_model is computed"),
        ("using_model = [1]", "is no network of the old zoo"),
        ("a = ed({'lr': 1})\nb = ed({'lr': 2})", "several configurations: a, b"),
        ("config = ed({'lr': 1, **more})", "** is computed"),
        ("x = " + "(" * 5000 + ")" * 5000, "not valid Python"),
        ("x = " + "-" * 100_000 + "1", "not valid Python"),
        ("lr = " + "9" * 10_000, "not valid Python"),
        ("\0", "not valid Python"),
    ],
)
def test_faulty_python_is_one_line(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in refusal(write(tmp_path, "config.py", text))


# -- hostile files ---------------------------------------------------------------------------------------------------


def bomb() -> str:
    """Nine lists of nine aliases each: 10^9 entries for who copies them."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return "\n".join([*lines, "classes: *a9", "img_shape: *a9", "lr: *a9", "model_name: ssd300"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr: [" + "[" * 5000 + "]" * 5001, "nested too deeply"),
        ("lr: 0.1\nbroken: [1, 2", "not valid YAML"),
        ("lr: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("lr: 2001-99-99", None),
        ("lr: " + "9" * 10_000, "not valid YAML"),
    ],
)
def test_faulty_yaml_is_one_line(text: str, expected: str | None, tmp_path: Path, tool: Tool) -> None:
    path = write(tmp_path, "faulty.yaml", text)
    if expected is not None:
        assert expected in refusal(path)
    assert run(tool, ["train", "--config", str(path)]) == 2


def test_aliases_are_not_multiplied(tmp_path: Path, tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "bomb.yaml", bomb())
    assert run(tool, ["train", "--config", str(path)]) == 2
    assert len(capsys.readouterr().err) < 500


def test_binary_and_huge_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.ckpt"
    path.write_bytes(b"\x80\x02\xff" * 10)
    assert "is not UTF-8" in refusal(path)
    path.write_bytes(b"lr: 0.1\n" * 200_000)
    assert "larger than any configuration" in refusal(path)
