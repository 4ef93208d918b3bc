"""Makes inference.npz with PyTorch alone: `python make_inference.py` where torch 2 and NumPy are.

Not a test and not needed by one: test_picture_segmenter.py compares with what torch computed here. The network is a
stand-in with SegFormer's output size: every fourth pixel, a matrix and a tanh.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate, pad

CLASSES = 5
CROP, STRIDE = (48, 64), (32, 40)
MEAN = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
STD = torch.tensor([58.395, 57.12, 57.375])[:, None, None]


def picture(height: int, width: int, seed: int) -> np.ndarray:
    """Noise on a slope, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0, 200, height)[:, None, None] * np.linspace(1, 0, width)[None, :, None]
    return np.clip(slope + rng.integers(0, 60, (height, width, 3)), 0, 255).astype(np.uint8)


def normalised(image: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(image).permute(2, 0, 1).float() - MEAN) / STD


def halved(image: np.ndarray) -> np.ndarray:
    """Bilinear at half the size: the mean of two by two pixels, halves rounded up."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    small = interpolate(pixels, scale_factor=0.5, mode="bilinear", align_corners=False)
    return torch.floor(small[0] + 0.5).permute(1, 2, 0).to(torch.uint8).numpy()


def network(pixels: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[3, H, W] -> [K, ceil(H / 4), ceil(W / 4)]."""
    return 3 * torch.tanh(torch.einsum("kc,chw->khw", weight, pixels[:, ::4, ::4]))


def enlarged(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return interpolate(logits[None], size=size, mode="bilinear", align_corners=False)[0]


def whole(image: np.ndarray, weight: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
    return enlarged(network(normalised(image), weight), size or image.shape[:2])


def slid(image: np.ndarray, weight: torch.Tensor) -> torch.Tensor:
    """Mean of the logits of all windows, one by one."""
    pixels = normalised(image)
    height, width = image.shape[:2]
    total, counts = torch.zeros(CLASSES, height, width), torch.zeros(height, width)
    tops = sorted({min(y, max(height - CROP[0], 0)) for y in range(0, height, STRIDE[0])})
    lefts = sorted({min(x, max(width - CROP[1], 0)) for x in range(0, width, STRIDE[1])})
    for top in tops:
        for left in lefts:
            part = pixels[:, top : top + CROP[0], left : left + CROP[1]]
            rows, columns = part.shape[1:]
            padded = pad(part, (0, CROP[1] - columns, 0, CROP[0] - rows))
            logits = enlarged(network(padded, weight), CROP)[:, :rows, :columns]
            total[:, top : top + rows, left : left + columns] += logits
            counts[top : top + rows, left : left + columns] += 1
    return total / counts


def several_looks(image: np.ndarray, weight: torch.Tensor) -> torch.Tensor:
    """Logarithm of the mean probabilities at both scales, mirrored or not."""
    size, probabilities = image.shape[:2], []
    for view in (image, halved(image)):
        for mirrored in (False, True):
            pixels = normalised(view).flip(-1) if mirrored else normalised(view)
            logits = enlarged(network(pixels, weight), size)
            probabilities.append((logits.flip(-1) if mirrored else logits).softmax(0))
    return torch.stack(probabilities).mean(0).log()


def main() -> None:
    weight = torch.from_numpy(np.random.default_rng(0).standard_normal((CLASSES, 3)).astype(np.float32))
    odd, wide, flat, even = picture(45, 62, 1), picture(70, 101, 2), picture(40, 101, 3), picture(96, 128, 4)
    cases = {
        "whole": (odd, whole(odd, weight)),
        "slide": (wide, slid(wide, weight)),
        "padded": (flat, slid(flat, weight)),
        "fitted": (even, whole(halved(even), weight, even.shape[:2])),
        "looks": (even, several_looks(even, weight)),
    }
    arrays = {"weight": weight.numpy()}
    for name, (image, logits) in cases.items():
        arrays |= {f"{name}_image": image, f"{name}_logits": logits.numpy()[:, ::3, ::2]}
        arrays |= {f"{name}_classes": logits.argmax(0).to(torch.uint8).numpy()}
        top = logits.topk(2, dim=0).values
        arrays |= {f"{name}_thin": (top[0] - top[1] < 1e-4).numpy()}
    np.savez_compressed(Path(__file__).parent / "inference.npz", **arrays)


if __name__ == "__main__":
    main()
