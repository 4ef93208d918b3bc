"""Make `hugging_face_b0.npz` and `official_b0.npz` in this folder, with PyTorch and transformers:
`python make_weight_files.py FOLDER_OF_FULL_FILES` where transformers 5 is.

Not a test and not needed by one. Of transformers' b0 they keep the names and shapes in a file of `save_pretrained` (of
all three classes), the names its modules have inside, and what it computes with the weights that follow from these
names; of the full golden file the classes of all pixels.
"""

import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).parent
KEPT = 7
"""Of the outputs every seventh number."""


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The rule of conftest.py."""
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    if name.endswith(("bias", "running_mean")):
        return rng.uniform(-0.1, 0.1, shape).astype(np.float32)
    return (rng.standard_normal(shape) * np.sqrt(1.0 / np.prod(shape[1:]))).astype(np.float32)


def filled(kind: type, classes: int) -> tuple[torch.nn.Module, dict[str, np.ndarray]]:
    """A network of transformers' b0, and the content of its file."""
    with tempfile.TemporaryDirectory() as folder:
        kind(transformers.SegformerConfig(num_labels=classes)).save_pretrained(folder)
        file = Path(folder, "model.safetensors")
        arrays = {name: weight(name, array.shape) for name, array in load_file(file).items()}
        save_file(arrays, file, {"format": "pt"})
        network = kind.from_pretrained(folder).eval()
    return network, arrays


def inside(network: torch.nn.Module, arrays: dict[str, np.ndarray]) -> list[str]:
    """Name in `state_dict()` of each array of the file, found by its values."""
    by_value = {array.numpy().tobytes(): name for name, array in network.state_dict().items()}
    return [by_value[array.tobytes()] for array in arrays.values()]


def hugging_face() -> dict[str, np.ndarray]:
    """Names, shapes and outputs of all three classes."""
    images = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 256, 512)).astype(np.float32))
    kinds = {
        "semantic": (transformers.SegformerForSemanticSegmentation, 19),
        "classifier": (transformers.SegformerForImageClassification, 1000),
        "bare": (transformers.SegformerModel, 19),
    }
    kept = {}
    for title, (kind, classes) in kinds.items():
        network, arrays = filled(kind, classes)
        kept[f"{title}_names"] = np.array(list(arrays))
        kept[f"{title}_inside"] = np.array(inside(network, arrays))
        kept[f"{title}_shapes"] = np.array([" ".join(map(str, array.shape)) for array in arrays.values()])
        with torch.no_grad():
            if title == "semantic":
                kept["logits"] = network(images).logits.numpy().ravel()[::KEPT]
            if title == "bare":
                states = network(images, output_hidden_states=True).hidden_states
                kept |= {f"feat{i}": state.numpy().ravel()[:: KEPT * 8] for i, state in enumerate(states, 1)}
    return kept


def main(full: Path) -> None:
    with np.load(full / "b0.npz") as archive:
        np.savez_compressed(HERE / "official_b0.npz", argmax=archive["argmax"])
    np.savez_compressed(HERE / "hugging_face_b0.npz", **hugging_face())
    for name in ("official_b0.npz", "hugging_face_b0.npz"):
        print(f"{name}: {(HERE / name).stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
