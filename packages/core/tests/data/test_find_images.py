"""Which pictures are meant by files, folders and patterns."""

from pathlib import Path

import pytest
from ms_core.data.find_images import find_images
from ms_core.errors import UserError


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("a/1.jpg", "a/2.PNG", "b/1.jpg", "b/deep/3.jpeg", "a/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_files_folders_and_patterns_each_picture_once(pictures: Path):
    found = find_images([str(pictures / "a/1.jpg"), str(pictures / "a"), str(pictures / "*" / "1.jpg")])
    assert found == [pictures / "a/1.jpg", pictures / "a/2.PNG", pictures / "b/1.jpg"]


def test_a_folder_is_searched_in_depth(pictures: Path):
    assert pictures / "b/deep/3.jpeg" in find_images([str(pictures)])


@pytest.mark.parametrize("name", ["nothing.jpg", "*.gif", "empty"])
def test_an_input_without_pictures_is_refused_with_the_place_looked_at(tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as error:
        find_images([str(tmp_path / name)])
    assert str(tmp_path) in str(error.value)


def test_results_inside_the_folder_of_the_pictures_are_no_pictures(pictures: Path):
    assert pictures / "b/deep/3.jpeg" not in find_images([str(pictures)], leave_out=pictures / "b/deep")
