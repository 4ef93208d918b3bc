"""Reading pictures at random from the MindRecord cache, from files, and through MindSpore's own readers.

    python record_cache.py [PICTURES]

CPU time a picture in one process, the files in the system's memory; decoding, which all of them need afterwards, for
comparison.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from ms_core.data.config import DetectionDataConfig
from ms_core.data.images import decode_image
from ms_core.data.open import open_split
from ms_core.data.record_cache import open_cached_split
from ms_core.data.sample import DetectionDataset

PICTURES = 600
SIZE = (640, 480)
"""Of COCO's pictures; noise is mixed in until a JPEG has about their 150 kB."""
BATCH = 8
REPEATS = 3


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        config = write_set(Path(folder), count)
        files = open_split(config, "train")
        cached = open_cached_split(config, "train")
        order = np.random.default_rng(1).permutation(count).tolist()
        read_all(files, order)  # into memory
        first = milliseconds(lambda: read_all(cached, order), count)
        print(
            f"{count} pictures of {Path(files.samples[0].path).stat().st_size // 1000} kB, CPU ms a picture:"
        )
        report("picture files", best(lambda: read_all(files, order), count))
        report("cache, first time (with checksums)", first)
        report("cache", best(lambda: read_all(cached, order), count))
        shards = sorted(map(str, Path(folder, "cache/train").glob("ssd.mindrecord?")))
        report("MindDataset, one pipeline an epoch", best(lambda: through_minddataset(shards, order), count))
        some = order[: 4 * BATCH]
        report(f"MindDataset, made for {BATCH}", best(lambda: batch_by_batch(shards, some), len(some)))
        report("FileReader, in the file's order", best(lambda: through_filereader(shards), count))
        report("decoding", best(lambda: decode_all(files, order[:100]), 100))


def write_set(folder: Path, count: int) -> DetectionDataConfig:
    """A TXT list, its pictures, and the configuration of a cache beside them."""
    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)
    lines = []
    for number in range(count):
        noise = rng.integers(-20, 20, (SIZE[1], SIZE[0], 1))
        picture = np.clip(smooth.astype(int) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), picture)
        lines.append(f"{number}.jpg 10,20,200,300,1 50,60,90,100,2\n")
    (folder / "train.txt").write_text("".join(lines))
    (folder / "classes.txt").write_text("cat\ndog\n")
    return DetectionDataConfig(train=str(folder / "train.txt"), cache=str(folder / "cache"))


def read_all(dataset: DetectionDataset, order: Sequence[int]) -> None:
    for row in order:
        dataset.encoded(dataset.samples[row])


def decode_all(dataset: DetectionDataset, order: Sequence[int]) -> None:
    for row in order:
        decode_image(dataset.encoded(dataset.samples[row]), dataset.samples[row].path)


def through_minddataset(shards: Sequence[str], order: Sequence[int]) -> None:
    import mindspore.dataset as ds

    rows = ds.MindDataset(
        list(shards), columns_list=["image"], sampler=ds.SubsetSampler(order), num_parallel_workers=1
    )
    assert sum(1 for _ in rows.create_tuple_iterator(num_epochs=1, output_numpy=True)) == len(order)


def batch_by_batch(shards: Sequence[str], order: Sequence[int]) -> None:
    for begin in range(0, len(order), BATCH):
        through_minddataset(shards, order[begin : begin + BATCH])


def through_filereader(shards: Sequence[str]) -> None:
    from mindspore.mindrecord import FileReader

    reader = FileReader(list(shards), num_consumer=1, columns=["image"])
    assert sum(1 for _ in reader.get_next())
    reader.close()


def milliseconds(work: Callable[[], None], count: int) -> float:
    begin = time.process_time()
    work()
    return 1000 * (time.process_time() - begin) / count


def best(work: Callable[[], None], count: int) -> float:
    return min(milliseconds(work, count) for _ in range(REPEATS))


def report(what: str, value: float) -> None:
    print(f"  {what:38s} {value:7.3f}")


if __name__ == "__main__":
    main()
