"""Configurations: recipes, bases, the command line, types, errors with nearest names, and writing back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.config import load_config, to_yaml
from ms_core.config_fields import describe, fields_of, sections_of
from ms_core.errors import UserError


@dataclass(frozen=True)
class DataConfig:
    train: Optional[Path] = None  # noqa: UP045 - both spellings of a union are read
    """Training annotations."""
    invalid_boxes: Literal["error", "drop"] = "error"
    """What to do about
    faulty boxes."""
    sizes: tuple[int, ...] = (1, 2)
    """Any number of sizes, pixels."""
    pair: tuple[int, int] = (300, 300)
    """Height and width, pixels."""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptimConfig:
    lr: float = 0.1
    """Learning rate, > 0."""
    nesterov: bool = False
    """Look ahead."""
    precision: Literal["off", "fp16"] = "off"
    multipliers: dict[str, float] = field(default_factory=dict)
    """Name -> factor."""
    note: str = "1e-3"

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"lr is {self.lr}, expected > 0")


@dataclass(frozen=True)
class Config:
    data: DataConfig = field(default_factory=DataConfig)
    """Where the pictures are."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(lr=0.5))
    seed: int | None = 1
    """Seed."""


@dataclass(frozen=True)
class NeedsName:
    name: str
    """The name."""


@dataclass(frozen=True)
class Steps:
    steps: dict[str, int] = field(default_factory=dict)
    """Shots -> steps."""


def load(*words: str, recipe: "str | Path | None" = None, recipes: "Path | None" = None) -> Config:
    return load_config(Config, recipe=recipe, overrides=words, recipes=recipes)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


# Defaults and documentation


def test_without_anything_the_defaults_hold_also_those_of_a_section() -> None:
    assert load() == Config()
    assert load().optim.lr == 0.5


def test_every_value_has_its_key_docstring_and_default() -> None:
    fields = fields_of(Config)
    assert fields["data.invalid_boxes"].help == "What to do about faulty boxes."
    assert fields["data.invalid_boxes"].option == "--data.invalid-boxes"
    assert fields["optim.lr"].default == 0.5
    assert fields["seed"].optional
    assert [section.key for section in sections_of(Config)] == ["", "data", "optim"]
    assert sections_of(Config)[1].help == "Where the pictures are"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("data.train", "PATH|null"),
        ("data.invalid_boxes", "error|drop"),
        ("data.sizes", "INTEGER [INTEGER ...]"),
        ("data.pair", "INTEGER INTEGER"),
        ("optim.nesterov", "true|false"),
        ("optim.multipliers", "{NAME: NUMBER, ...}"),
    ],
)
def test_types_are_described_in_words(key: str, words: str) -> None:
    assert describe(fields_of(Config)[key].type) == words


# The command line


@pytest.mark.parametrize(
    "words",
    [
        ("--data.invalid-boxes", "drop"),
        ("--data.invalid_boxes=drop",),
        ("--data.invalid-boxes=error", "--data.invalid_boxes", "drop"),
    ],
)
def test_hyphen_and_underscore_with_and_without_equals_are_the_same_and_the_last_counts(
    words: tuple[str, ...],
) -> None:
    assert load(*words).data.invalid_boxes == "drop"


@pytest.mark.parametrize("words", [("3", "4", "-5"), ("[3, 4, -5]",)])
def test_a_list_is_words_or_brackets(words: tuple[str, ...]) -> None:
    assert load("--data.sizes", *words, "--seed", "2").data.sizes == (3, 4, -5)


def test_a_list_may_be_empty_and_keeps_text_as_text() -> None:
    assert load("--data.sizes", "[]").data.sizes == ()
    assert load("--data.names", "on", "1e3", "null", "a b").data.names == ("on", "1e3", "null", "a b")


@pytest.mark.parametrize(
    ("words", "value"),
    [(["--optim.nesterov"], True), (["--optim.nesterov", "true"], True), (["--optim.nesterov=false"], False)],
)
def test_a_flag_needs_no_value(words: list[str], value: bool) -> None:
    assert load(*words).optim.nesterov is value


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "0.001", "+.001"])
def test_numbers_with_an_exponent(text: str) -> None:
    assert load("--optim.lr", text).optim.lr == 0.001


def test_values_may_start_with_a_minus() -> None:
    with pytest.raises(UserError, match=r"optim\.lr is -0\.001, expected > 0"):
        load("--optim.lr", "-1e-3")


def test_paths_keep_spaces_brackets_and_words_that_look_like_numbers() -> None:
    for path in ("a b/[x].json", "1e3", "true", "ä/ö.txt"):
        assert load("--data.train", path).data.train == Path(path)


@pytest.mark.parametrize("word", ["null", "none", "None"])
def test_null_where_a_value_may_be_missing(word: str) -> None:
    assert load("--seed", word).seed is None
    assert load("--data.train", word).data.train is None


def test_mappings_are_set_whole_or_entry_by_entry() -> None:
    whole = load("--optim.multipliers", "{backbone: 1e-1, head: 2}")
    assert whole.optim.multipliers == {"backbone": 0.1, "head": 2.0}
    entries = load("--optim.multipliers.backbone.features-1", "0.1", "--optim.multipliers.head=2")
    assert entries.optim.multipliers == {"backbone.features-1": 0.1, "head": 2.0}


def test_entries_of_a_mapping_of_whole_numbers_are_whole(tmp_path: Path) -> None:
    (tmp_path / "steps.yaml").write_text("steps: {1: 800, 10: 4000}\n")
    steps = load_config(Steps, recipe="steps", recipes=tmp_path, overrides=["--steps.10", "5000"]).steps
    assert steps == {"1": 800, "10": 5000}
    assert all(isinstance(count, int) for count in steps.values())
    with pytest.raises(UserError, match=r"steps\.1: .*1\.5.* does not fit, expected \{NAME: INTEGER"):
        load_config(Steps, overrides=["--steps.1=1.5"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--optm.lr", "3"], r"^--optm\.lr: unknown option\. Did you mean --optim\.lr"),
        (["--lr", "3"], r"^--lr: unknown option\. Did you mean --optim\.lr\?"),
        (
            ["--data.invalid", "drop"],
            r"^--data\.invalid: unknown option\. Did you mean --data\.invalid-boxes",
        ),
        (["--optim.l", "3"], r"^--optim\.l: unknown option"),  # no abbreviations
        (["--optim.lr", "fast"], r"^--optim\.lr: fast does not fit, expected NUMBER\.$"),
        (["--seed", "1.5"], r"^--seed: 1\.5 does not fit, expected INTEGER\|null\.$"),
        (["--data.pair", "3"], r"^--data\.pair: 3 does not fit, expected INTEGER INTEGER\.$"),
        (["--data.invalid-boxes", "dorp"], r"dorp does not fit, expected error\|drop"),
        (["--optim.lr"], r"^--optim\.lr: a value is missing"),
        (["--optim.lr", "--seed", "1"], r"^--optim\.lr: a value is missing"),
        (["--optim.multipliers.head", "big"], r"does not fit, expected \{NAME: NUMBER"),
        (["--data.sizes", "[1, 2"], r"^--data\.sizes: line 1: not valid YAML"),
        (["stray"], r"^'stray' is not expected here"),
    ],
)
def test_a_wrong_word_is_one_line_with_the_nearest_names(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load(*words)
    assert "\n" not in str(caught.value)


def test_a_value_without_default_must_be_given() -> None:
    assert load_config(NeedsName, overrides=["--name", "x"]) == NeedsName("x")
    with pytest.raises(UserError, match="--name: a value is needed"):
        load_config(NeedsName)


# Recipes


def test_a_recipe_is_found_by_name_or_path(tmp_path: Path) -> None:
    recipes = write(tmp_path, small="seed: 7\n")
    assert load(recipe="small", recipes=recipes).seed == 7
    assert load(recipe=tmp_path / "small.yaml").seed == 7


def test_the_command_line_wins_over_the_recipe(tmp_path: Path) -> None:
    recipes = write(tmp_path, small="data: {invalid-boxes: drop}\noptim: {lr: 1e-3}\n")
    config = load("--optim.lr", "2", recipe="small", recipes=recipes)
    assert (config.data.invalid_boxes, config.optim.lr) == ("drop", 2.0)


def test_recipes_build_on_each_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="seed: 1\noptim: {lr: 1, note: a}\n",
        b="base: a\noptim: {lr: 2}\n",
        c="base: b\nseed: 3\n",
    )
    config = load(recipe="c", recipes=tmp_path)
    assert (config.seed, config.optim.lr, config.optim.note) == (3, 2.0, "a")


def test_a_base_is_looked_for_beside_the_recipe_and_then_in_the_package(tmp_path: Path) -> None:
    package, own = tmp_path / "package", tmp_path / "own"
    package.mkdir()
    own.mkdir()
    write(package, ssd="seed: 5\n", other="seed: 6\n")
    write(own, ssd="seed: 50\n", mine="base: ssd\n", theirs="base: other\n")
    assert load(recipe=own / "mine.yaml", recipes=package).seed == 50
    assert load(recipe=own / "theirs.yaml", recipes=package).seed == 6


def test_mappings_of_a_base_are_extended_by_entries_and_replaced_by_an_empty_mapping(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="optim: {multipliers: {x: 1}}\n",
        more="base: a\noptim: {multipliers: {y: 2}}\n",
        none="base: a\noptim: {multipliers: {}}\n",
    )
    assert load(recipe="more", recipes=tmp_path).optim.multipliers == {"x": 1.0, "y": 2.0}
    assert load(recipe="none", recipes=tmp_path).optim.multipliers == {}


def test_off_is_a_word_and_an_exponent_needs_no_point(tmp_path: Path) -> None:
    recipes = write(
        tmp_path, r="optim: {precision: off, lr: 1e-3, nesterov: true}\ndata: {names: [no, yes, 1:30]}\n"
    )
    config = load(recipe="r", recipes=recipes)
    assert (config.optim.precision, config.optim.lr, config.optim.nesterov) == ("off", 0.001, True)
    assert config.data.names == ("no", "yes", "1:30")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "optim:\n"])
def test_an_empty_recipe_or_section_changes_nothing(tmp_path: Path, text: str) -> None:
    assert load(recipe="r", recipes=write(tmp_path, r=text)) == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optim: {lrr: 1}", r"r\.yaml: optim\.lrr: unknown key\. Did you mean optim\.lr"),
        ("optm: {lr: 1}", r"r\.yaml: optm\.lr: unknown key\. Did you mean optim\.lr"),
        ("optim: 3", r"r\.yaml: optim: is a section"),
        ("optim: {lr: fast}", r"r\.yaml: optim\.lr: fast does not fit, expected NUMBER"),
        ("optim: {lr: null}", r"r\.yaml: optim\.lr: null is not allowed, expected NUMBER"),
        ("optim: {note: 3}", r"r\.yaml: optim\.note: 3 does not fit, expected TEXT"),
        ("optim: {nesterov: 1}", r"r\.yaml: optim\.nesterov: 1 does not fit, expected true\|false"),
        ("seed: true", r"r\.yaml: seed: true does not fit, expected INTEGER"),
        ("seed: 1\nseed: 2", r"r\.yaml: line 1: not valid YAML: seed appears twice"),
        ("seed: [1", r"r\.yaml: line \d: not valid YAML"),
        ("- 1\n- 2", r"r\.yaml: a recipe is a mapping of keys to values, this is a list"),
        ("base: [a]", r"r\.yaml: base: expected the name or path of one recipe"),
        ("base: nowhere", r"r\.yaml: base: nowhere: no such recipe or file"),
        ("base: r", r"r\.yaml: the bases lead in a circle: .*r\.yaml -> .*r\.yaml"),
        ("!!python/object/apply:os.getcwd []", r"r\.yaml: line 1: not valid YAML"),
    ],
)
def test_a_wrong_recipe_is_one_line_that_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, r=text)
    with pytest.raises(UserError, match=message) as caught:
        load(recipe="r", recipes=tmp_path)
    assert "\n" not in str(caught.value)


def test_longer_circles_are_found(tmp_path: Path) -> None:
    write(tmp_path, a="base: b", b="base: c", c="base: a")
    with pytest.raises(UserError, match="circle"):
        load(recipe="a", recipes=tmp_path)


def test_an_unknown_recipe_names_the_nearest_and_all(tmp_path: Path) -> None:
    write(tmp_path, ssd300="", ssd512="")
    with pytest.raises(UserError, match=r"sdd300: no such recipe or file\. Did you mean ssd300") as caught:
        load(recipe="sdd300", recipes=tmp_path)
    assert "Recipes of this package: ssd300, ssd512." in str(caught.value)


def test_a_recipe_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        load(recipe="r", recipes=tmp_path)


# Writing back


def test_the_written_configuration_is_readable_and_loads_equal(tmp_path: Path) -> None:
    config = load(
        "--data.train", "a b.json", "--optim.multipliers.x", "1e-5", "--data.sizes", "[]", "--seed", "null"
    )
    text = to_yaml(config)
    assert "  invalid_boxes: error\n" in text
    assert "  pair: [300, 300]\n" in text
    assert load(recipe=write(tmp_path, r=text) / "r.yaml") == config


_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(
    [
        "off",
        "true",
        "null",
        "~",
        "1e-3",
        "0x1F",
        "1_0",
        ".inf",
        "- a",
        "a: b",
        "# c",
        "'",
        "2020-01-01",
        "<<",
        "=",
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    note=_TEXT,
    names=st.lists(_TEXT, max_size=3),
    lr=st.floats(min_value=1e-300, allow_infinity=True),
    multipliers=st.dictionaries(_TEXT.filter(bool), st.floats(allow_nan=False), max_size=3),
    seed=st.none() | st.integers(),
)
def test_any_configuration_loads_back_equal(
    tmp_path_factory: pytest.TempPathFactory,
    note: str,
    names: list[str],
    lr: float,
    multipliers: dict[str, float],
    seed: int | None,
) -> None:
    optim = OptimConfig(lr=lr, note=note, multipliers=multipliers)
    config = Config(DataConfig(names=tuple(names)), optim, seed)
    folder = tmp_path_factory.mktemp("r")
    assert load(recipe=write(folder, r=to_yaml(config)) / "r.yaml") == config
