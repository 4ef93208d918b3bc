"""Windows that move over a map: padding and sizes."""

from __future__ import annotations

from collections.abc import Sequence


def same_padding(sides: Sequence[int], reach: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Zeros of pad_mode "same" at the beginnings, then at the ends: output = ceil(side / stride), the odd one last.

    Args:
        sides: of the map.
        reach: of a window, its gaps included.
        strides: of the windows.
    """
    totals = [
        max((-(-side // stride) - 1) * stride + window - side, 0)
        for side, window, stride in zip(sides, reach, strides, strict=True)
    ]
    return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]
