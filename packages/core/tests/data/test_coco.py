"""Reading COCO JSON, and what it says about faulty files."""

import json
from pathlib import Path

import numpy as np
import pytest
from ms_core.data.open import open_dataset
from ms_core.errors import UserError


def error_of(path: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        open_dataset(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_categories_keep_their_ids_and_labels_count_by_id(coco_file):
    dataset = open_dataset(coco_file([[(90, [1, 2, 3, 4]), (3, [5, 6, 7, 8])]], {90: "dog", 3: "cat"}))
    assert dataset.format == "coco"
    assert (dataset.classes, dataset.category_ids) == (("cat", "dog"), (3, 90))
    (sample,) = dataset.samples
    assert (sample.id, sample.width, sample.height) == (10, 64, 48)
    np.testing.assert_array_equal(sample.boxes, np.float32([[1, 2, 4, 6], [5, 6, 12, 14]]))
    assert sample.labels.tolist() == [1, 0]
    assert (sample.boxes.dtype, sample.labels.dtype) == (np.float32, np.int32)
    assert (sample.crowd.dtype, sample.difficult.dtype, sample.areas.dtype) == (bool, bool, np.float32)


def test_images_without_boxes_are_samples(coco_file):
    dataset = open_dataset(coco_file([[], [(3, [1, 2, 3, 4])], []]))
    assert [len(sample.labels) for sample in dataset.samples] == [0, 1, 0]
    assert dataset.samples[0].boxes.shape == (0, 4)


def test_crowd_and_mask_area_are_kept(coco_file):
    path = coco_file([[(3, [1, 2, 30, 4], {"iscrowd": 1, "area": 55.5}), (3, [1, 2, 3, 4])]])
    (sample,) = open_dataset(path).samples
    assert sample.crowd.tolist() == [True, False]
    assert sample.areas.tolist() == [55.5, 12.0]


def test_to_coco_gives_the_original_numbers_back(coco_file):
    boxes = [[(7, [1.23, 2.34, 3.45, 4.56], {"area": 7.89, "iscrowd": 1})], [(3, [0.1, 0.2, 50.3, 40.4])]]
    content = open_dataset(coco_file(boxes)).to_coco()
    first, second = content["annotations"]
    assert (first["id"], first["image_id"], first["category_id"], first["iscrowd"]) == (1, 10, 7, 1)
    assert (first["bbox"], first["area"]) == ([1.23, 2.34, 3.45, 4.56], 7.89)
    assert second["bbox"] == [0.1, 0.2, 50.3, 40.4]
    assert content["categories"] == [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}]
    json.dumps(content)


def test_annotation_ids_start_at_one_because_cocoeval_takes_zero_for_no_match(coco_file):
    content = open_dataset(coco_file([[(3, [1, 2, 3, 4], {"id": 0})]])).to_coco()
    assert [entry["id"] for entry in content["annotations"]] == [1]


def test_classes_map_by_name(coco_file, tmp_path):
    path = coco_file([[(3, [1, 2, 3, 4]), (7, [1, 2, 3, 4])]])
    dataset = open_dataset(path, classes=["dog", "zebra", "cat"])
    assert dataset.samples[0].labels.tolist() == [2, 0]
    assert dataset.category_ids == (7, 8, 3)  # zebra is not in this split and gets a free id
    names = tmp_path / "names.txt"
    names.write_text("dog\ncat\n", encoding="utf-8")
    assert open_dataset(path, classes=names).samples[0].labels.tolist() == [1, 0]


def test_a_class_outside_the_list_is_an_error_with_the_nearest_name(coco_file):
    path = coco_file([[(3, [1, 2, 3, 4])]])
    message = error_of(path, classes=["cart", "dog"])
    assert "image 10" in message
    assert "'cat'" in message
    assert "nearest: cart" in message


def test_other_classes_can_be_dropped(coco_file):
    dataset = open_dataset(
        coco_file([[(3, [1, 2, 3, 4]), (7, [1, 2, 3, 4])]]), classes=["dog"], unknown_classes="drop"
    )
    assert dataset.samples[0].labels.tolist() == [0]
    assert "1 box of other classes left out" in dataset.notes[0]


def test_a_misspelled_class_is_an_error_even_when_others_are_dropped(coco_file):
    message = error_of(coco_file([[(3, [1, 2, 3, 4])]]), classes=["cta"], unknown_classes="drop")
    assert "'cta'" in message
    assert "nearest: cat" in message


def test_two_used_categories_of_one_name(coco_file):
    boxes = [[(1, [1, 2, 3, 4]), (2, [1, 2, 3, 4])]]
    assert "categories 1 and 2 are both named 'cell'" in error_of(coco_file(boxes, {1: "cell", 2: "cell"}))


def test_an_unused_category_of_the_same_name_is_left_out(coco_file):
    dataset = open_dataset(coco_file([[(2, [1, 2, 3, 4])]], {0: "cell", 2: "cell"}))
    assert (dataset.classes, dataset.category_ids) == (("cell",), (2,))


@pytest.mark.parametrize(
    ("bbox", "words"),
    [
        ([35.5, 4, 0.0, 9], "image 10: box 2 has width 0 (x=35.5, w=0.0)"),
        ([35, 4, 9, -2], "box 2 has height -2 (y=4.0, h=-2.0)"),
        ([30, 20, 40, 5], "box 2 reaches outside the 64x48 image (x=30.0, y=20.0, w=40.0, h=5.0)"),
        ([80, 20, 4, 5], "box 2 lies outside the 64x48 image"),
        ([-3, 20, 40, 5], "box 2 reaches outside the 64x48 image"),
        ([float("nan"), 20, 40, 5], "box 2 is not finite (x=nan"),
        ([1, 2, float("inf"), 5], "box 2 is not finite"),
    ],
)
def test_invalid_boxes_are_named(coco_file, bbox, words):
    path = coco_file([[(3, [1, 2, 3, 4]), (3, bbox)]])
    message = error_of(path)
    assert words in message
    assert message.startswith(str(path))
    assert "--data.invalid-boxes drop" in message


def test_dropping_clips_what_can_be_clipped_and_counts(coco_file):
    boxes = [[(3, [1, 2, 3, 4]), (3, [5, 5, 0, 4]), (7, [30, 20, 40, 50]), (7, [90, 90, 4, 4])]]
    dataset = open_dataset(coco_file(boxes), invalid_boxes="drop")
    np.testing.assert_array_equal(dataset.samples[0].boxes, np.float32([[1, 2, 4, 6], [30, 20, 64, 48]]))
    assert (dataset.dropped, dataset.clipped) == (2, 1)
    assert any("2 boxes invalid and left out" in note for note in dataset.notes)


def test_two_pixels_outside_are_clipped_silently(coco_file):
    dataset = open_dataset(coco_file([[(3, [-2, -1.5, 68, 51.5])]]))
    np.testing.assert_array_equal(dataset.samples[0].boxes, np.float32([[0, 0, 64, 48]]))
    assert (dataset.dropped, dataset.clipped, dataset.notes) == (0, 0, ())


def test_a_dangling_annotation(coco_file):
    path = coco_file([[(3, [1, 2, 3, 4], {"image_id": 99})]])
    assert "annotation 1: its image_id 99 is not in 'images'" in error_of(path)
    assert open_dataset(path, invalid_boxes="drop").dropped == 1


def test_a_dangling_category(coco_file):
    assert "category_id 5 is not in 'categories'" in error_of(coco_file([[(5, [1, 2, 3, 4])]]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": []}, "'images' is empty"),
        ({"images": None}, "no list 'images'"),
        ({"categories": {}}, "no list 'categories'"),
        ({"categories": []}, "'categories' is empty"),
        ({"categories": [{"id": "x", "name": "cat"}]}, "category 1 lacks an integer id"),
        ({"images": [{"file_name": "0.jpg"}]}, "entry 1 of 'images' has no integer id"),
        ({"images": [{"id": 1}]}, "image 1: no file_name"),
        ({"images": [{"id": 1, "file_name": "0.jpg"}] * 2}, "image 1: this image id occurs 2 times"),
        (
            {"images": [{"id": 1, "file_name": "0.jpg", "width": 0, "height": 5}]},
            "size 0 x 5 is not possible",
        ),
        ({"images": [{"id": 1, "file_name": "0.jpg", "width": float("nan"), "height": 5}]}, "size nan x 5"),
        ({"annotations": ["x"]}, "entry 1 of 'annotations' is a text"),
        (
            {"annotations": [{"id": 4, "image_id": 10, "category_id": 3, "bbox": [1, 2]}]},
            "annotation 4: bbox [1, 2]",
        ),
        (
            {"annotations": [{"id": 4, "image_id": 10, "category_id": [], "bbox": [1, 2, 3, 4]}]},
            "category_id []",
        ),
    ],
)
def test_malformed_content(coco_file, changes, words):
    assert words in error_of(coco_file([[]], **changes))


def test_sizes_left_out_come_from_the_header(coco_file):
    dataset = open_dataset(coco_file([[]], images=[{"id": 1, "file_name": "0.jpg"}]))
    assert (dataset.samples[0].width, dataset.samples[0].height) == (64, 48)


def test_files_with_unicode_spaces_and_subfolders(tmp_path, picture):
    name = "Fotos März/плата 1,2.jpg"
    picture(tmp_path / "photos" / name)
    content = {
        "images": [{"id": 1, "file_name": name, "width": 64, "height": 48}],
        "categories": [{"id": 1, "name": "猫"}],
    }
    path = tmp_path / "annotations" / "Kürzel 1.json"
    path.parent.mkdir()
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8-sig")
    dataset = open_dataset(path, images=tmp_path / "photos")
    assert dataset.samples[0].path == tmp_path / "photos" / name
    assert dataset.classes == ("猫",)


@pytest.mark.parametrize("place", ["annotations", "train2017", "images", "images/train2017", "JPEGImages"])
def test_usual_image_folders_are_found(tmp_path, picture, place):
    picture(tmp_path / place / "a.jpg")
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
        "categories": [{"id": 1, "name": "c"}],
    }
    path = tmp_path / "annotations" / "instances_train2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    assert open_dataset(path).samples[0].path.samefile(tmp_path / place / "a.jpg")


def test_missing_images_name_the_first_and_count_all(coco_file, tmp_path):
    path = coco_file([[], [], []])
    (tmp_path / "1.jpg").unlink()
    (tmp_path / "2.jpg").unlink()
    message = error_of(path)
    assert f"image 11: no image file at {tmp_path / '1.jpg'} (2 of 3 are missing)" in message
    assert "--data.images" in message


def test_json_errors_give_line_and_column(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"images": [],\n "annotations": [}', encoding="utf-8")
    assert f"{path}: line 2 column 18" in error_of(path)


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_file(tmp_path, content):
    path = tmp_path / "empty.json"
    path.write_text(content, encoding="utf-8")
    assert "the file is empty" in error_of(path)


def test_json_of_another_kind(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('[{"image_id": 1}]', encoding="utf-8")
    assert "not COCO annotations: a list" in error_of(path)
