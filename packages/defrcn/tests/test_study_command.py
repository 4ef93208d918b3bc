"""What the verb `study` passes on."""

from pathlib import Path

import pytest
from ms_core.cli import LazyVerb, read_words
from ms_defrcn.cli import tool


@pytest.mark.parametrize("given", [True, False])
def test_options_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool) -> None:
    """A base that belongs to no run needs a recipe; it is read by the study alone, which is replaced here."""
    passed: dict[str, object] = {}
    monkeypatch.setattr("ms_defrcn.study.run_study", lambda *arguments, **options: passed.update(options))
    words = [
        "study",
        "base.ckpt",
        "--config",
        "defrcn_fewshot",
        "--shots",
        "1",
        "5",
        "--seeds",
        "0-2",
        "--out",
    ]
    words.append(str(tmp_path / "study"))
    if given:
        words += ["--overwrite", "--drop-checkpoints"]
    entry = tool().verbs["study"]
    verb = entry.load() if isinstance(entry, LazyVerb) else entry
    assert verb.run is not None
    verb.run(read_words(tool(), words))
    assert passed == {"split": "val", "scale_lr": False, "overwrite": given, "keep_checkpoints": not given}
