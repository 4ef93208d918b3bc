"""How many threads stream pictures."""

import threading

import numpy as np
import pytest
from ms_segformer.config import InferenceConfig
from ms_segformer.picture_segmenter import PictureSegmenter, PreparedPicture, SeenPicture
from ms_segformer.streaming import segment_all


def test_no_more_threads_read_or_finish_than_there_are_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    segmenter = PictureSegmenter(lambda images: images[:, :, ::4, ::4], InferenceConfig())
    threads: tuple[set[int], set[int]] = (set(), set())

    def read(seed: int) -> tuple[int, PreparedPicture]:
        threads[0].add(threading.get_ident())
        picture = np.random.default_rng(seed).integers(0, 256, (40, 48, 3)).astype(np.uint8)
        return seed, segmenter.prepare(picture, "picture")

    def finish(seed: int, picture: SeenPicture) -> int:
        threads[1].add(threading.get_ident())
        assert picture.classes().shape == (40, 48)
        return seed

    assert list(segment_all(segmenter, range(12), read, finish, workers=6)) == list(range(12))
    assert list(map(len, threads)) == [1, 1]
