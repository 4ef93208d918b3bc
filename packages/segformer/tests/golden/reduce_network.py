"""Make network_b0.npz and network_b1.npz from the full golden files: `python reduce_network.py FOLDER_OF_FULL_FILES`.

A copy keeps a sample of the large arrays, each as NAME with its places NAME_index (flat, in C order), and all else.
"""

import sys
from pathlib import Path

import numpy as np

KEPT = {"logits": 6000, "odd_logits": 3000, "up": 3000, "trainbn_logits": 3000, "argmax": 8000}
"""Values that stay of an array; others: see `kept_of`."""


def kept_of(name: str) -> int | None:
    """Values that stay of array `name`; None: all."""
    prefixes = {"feat": 3000, "enc_feat": 800, "grad:": 400}
    return KEPT.get(name) or next((n for prefix, n in prefixes.items() if name.startswith(prefix)), None)


def place_name(full: dict[str, np.ndarray], name: str) -> str:
    """Name of the array of an array's places."""
    return next((key for key in (f"{name}:index", f"{name}_index") if key in full), f"{name}_index")


def reduce(full: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a full file -> content of its copy."""
    small = dict(full)
    for name, array in full.items():
        kept = kept_of(name)
        if kept is None or kept >= array.size or name.endswith(("index", "_shape", "_stats")):
            continue
        sample = np.unique(np.linspace(0, array.size - 1, kept).round().astype(np.int32))
        places = place_name(full, name)
        small[name] = array.ravel()[sample]
        small[places] = full[places][sample] if places in full else sample
    return small


def main(source: Path) -> None:
    for name in ("b0", "b1"):
        with np.load(source / f"{name}.npz") as archive:
            small = reduce(dict(archive))
        target = Path(__file__).parent / f"network_{name}.npz"
        np.savez_compressed(target, **small)
        print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
