"""Make the copies in this folder from the full golden files: `python reduce.py FOLDER_OF_FULL_FILES [NAME ...]`.

A copy keeps 250 of the anchors for outputs and default boxes, and everything else. Of the default boxes it
also keeps a digest of all of them, because they are compared bit for bit.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

NAMES = ("ssd300", "ssd_mobilenet_v1_fpn", "ssd_vgg16")
KEPT = 250
BOXES = ("default_boxes_xywh", "default_boxes_tlbr")
SAMPLED = ("loc", "cls_logits", "dec_boxes", "dec_scores")
DROPPED = ("t_eval_b1", "config_json")  # a timing, and values the tests do not read


def reduce(full: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a full file -> content of its copy."""
    kept = np.unique(np.linspace(0, len(full["index"]) - 1, KEPT).round().astype(int))
    index = full["index"][kept]
    small = {name: array for name, array in full.items() if name not in DROPPED}
    small |= {name: full[name][kept] for name in SAMPLED}
    small |= {name: full[name][index] for name in BOXES}
    small |= {f"{name}_sha256": np.array(hashlib.sha256(full[name].tobytes()).hexdigest()) for name in BOXES}
    return small | {"index": index}


def main(source: Path, names: list[str]) -> None:
    for name in names or NAMES:
        with np.load(source / f"{name}.npz") as archive:
            small = reduce(dict(archive))
        target = Path(__file__).parent / f"{name}.npz"
        np.savez_compressed(target, **small)
        print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
