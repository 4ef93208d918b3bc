"""When do outputs of a file count as those of the network?"""

from pathlib import Path

import numpy as np
import pytest
from ms_core.export.verify import check_agreement

PATH = Path("model.onnx")
SCORES = np.linspace(0, 1, 2000, dtype=np.float32).reshape(1, 2000)
LABELS = np.zeros((1, 2000), np.int32)


def test_the_largest_difference_is_told() -> None:
    assert check_agreement(PATH, (SCORES, LABELS), (SCORES, LABELS)) == 0
    assert check_agreement(PATH, (SCORES,), (SCORES + np.float32(5e-5),)) == pytest.approx(5e-5, rel=0.01)
    other = LABELS.copy()
    other[0, 7] = 1  # rounding may decide one pixel of 2000
    assert check_agreement(PATH, (LABELS,), (other,)) == 1 / 2000


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((SCORES + np.float32(2e-4), LABELS), r"by 0\.0002 in output 0 \(allowed 0\.0001\)"),
        ((SCORES * np.float32(np.nan), LABELS), "by nan in output 0"),
        ((SCORES, LABELS + 1), r"100\.00% of the labels in output 1 differ"),
        ((SCORES,), "outputs .*, the network gives"),
        ((SCORES[:, 1:], LABELS), "outputs .*, the network gives"),
        ((SCORES.astype(np.float64), LABELS), "float64.*, the network gives"),
    ],
)
def test_too_large_a_difference(found: tuple[np.ndarray, ...], said: str) -> None:
    with pytest.raises(RuntimeError, match=rf"model\.onnx: .*{said}"):
        check_agreement(PATH, (SCORES, LABELS), found)
