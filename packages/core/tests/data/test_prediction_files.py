"""predictions.json of a prediction that was stopped, and what may be replaced beside it."""

import json
from pathlib import Path

import pytest
from ms_core.data.prediction_files import check_prediction_files, prediction_list
from ms_core.errors import UserError


def listed(out: Path) -> list:
    return json.loads((out / "predictions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("b.jpg: not an image. Remove it.")])
def test_what_stops_a_prediction_leaves_the_finished_entries(error: BaseException, tmp_path: Path) -> None:
    out = tmp_path / "new" / "drawn"

    def predict() -> None:
        with prediction_list(out) as entries:
            entries.add({"file": "a.jpg"})
            (out / "a.jpg").write_bytes(b"drawn")
            raise error

    with pytest.raises(type(error)) as caught:
        predict()
    assert caught.value is error
    assert listed(out) == [{"file": "a.jpg"}]
    check_prediction_files(out, [out / "a.jpg"], [], overwrite=True)


def test_a_process_that_is_killed_leaves_a_list_too(tmp_path: Path) -> None:
    """Nothing can be written then, so it lies there from the beginning; a former one stays till the end."""
    with prediction_list(tmp_path) as entries:
        assert listed(tmp_path) == []
        entries.add(1)
    with prediction_list(tmp_path):
        assert listed(tmp_path) == [1]
    assert listed(tmp_path) == []


def test_a_full_disk_does_not_hide_what_went_wrong_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    def predict(error: Exception | None) -> None:
        with prediction_list(tmp_path):
            monkeypatch.setattr("os.fsync", full)
            if error is not None:
                raise error

    with pytest.raises(UserError, match=r"a\.jpg: cannot write"):
        predict(UserError("a.jpg: cannot write: No space left on device."))
    with pytest.raises(UserError, match=r"predictions\.json: cannot write: No space left"):
        predict(None)
    with pytest.raises(UserError, match=r"predictions\.json: cannot write: No space left"):
        predict(OSError(28, "No space left on device"))
    assert listed(tmp_path) == []


def test_pictures_of_nobody_knows_whom_stay(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"the only copy")
    with pytest.raises(UserError, match=r"a\.jpg: no predictions\.json beside it says that predict drew it"):
        check_prediction_files(tmp_path, [tmp_path / "a.jpg"], [], overwrite=True)
