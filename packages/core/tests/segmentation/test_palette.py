"""Colours of classes: fixed, different from one another, black left free."""

import numpy as np
import pytest
from ms_core.segmentation.palette import MOST_CLASSES, default_palette


def test_first_colours_never_change() -> None:
    """Saved results are coloured with them."""
    expected = [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0]]
    assert default_palette(6).tolist() == expected
    assert default_palette(0).shape == (0, 3)
    np.testing.assert_array_equal(default_palette(30)[:19], default_palette(19))


@pytest.mark.parametrize("count", [19, 150, 254])
def test_all_are_different_and_none_is_black(count: int) -> None:
    palette = default_palette(count)
    assert palette.shape == (count, 3)
    assert palette.dtype == np.uint8
    assert len(np.unique(palette, axis=0)) == count
    assert palette.max(axis=1).min() >= 70
    distances = np.abs(palette[:, None].astype(int) - palette[None]).sum(axis=2) + 999 * np.eye(
        count, dtype=int
    )
    assert distances.min() >= (60 if count == 19 else 20)


def test_the_palette_given_is_the_callers_own() -> None:
    palette = default_palette(3)
    palette[:] = 0
    assert default_palette(3).any()


def test_more_than_labels_can_name() -> None:
    with pytest.raises(ValueError, match="255 is not within 0-254"):
        default_palette(MOST_CLASSES + 1)
