"""Under which names the results of a prediction are written."""

from pathlib import Path

from ms_core.single_shot.predict import drawing_paths


def test_pictures_of_one_name_do_not_overwrite_each_other(tmp_path: Path):
    images = [Path("a/1.jpg"), Path("b/1.jpg"), Path("b/1-2.jpg"), Path("c/1.PNG")]
    paths = drawing_paths(images, tmp_path)
    assert len({path.name.casefold() for path in paths}) == 4
