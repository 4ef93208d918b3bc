"""Reference numbers of torchvision's backbones: `python make_backbones.py` where PyTorch is installed.

torchvision itself is not needed: the modules below have its names and its arithmetic. Weights follow from their
names by the rule of `conftest.golden_weight`, so that only sums of the feature maps are stored.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

SIDE = {"resnet50": 96, "vgg16": 48, "vgg16_bn": 48}


def golden_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    leaf = name.rpartition(".")[2]
    if leaf == "running_var" or (len(shape) == 1 and leaf == "weight"):
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    if leaf in ("bias", "running_mean"):
        return rng.uniform(-0.1, 0.1, shape).astype(np.float32)
    return (rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))).astype(np.float32)


class Bottleneck(nn.Module):
    """torchvision's (stride on conv2)."""

    def __init__(self, inputs: int, width: int, stride: int, projects: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if projects:
            conv = nn.Conv2d(inputs, 4 * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for layer, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
            stride = 1 if layer == 1 else 2
            first = Bottleneck(inputs, width, stride, True)
            inputs = 4 * width
            others = [Bottleneck(inputs, width, 1, False) for _ in range(blocks - 1)]
            self.add_module(f"layer{layer}", nn.Sequential(first, *others))

    def maps(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        x = self.layer2(self.layer1(self.maxpool(self.bn1(self.conv1(x)).relu())))
        yield x
        x = self.layer3(x)
        yield x
        yield self.layer4(x)


class VGG16(nn.Module):
    def __init__(self, norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for channels in (
            64,
            64,
            "M",
            128,
            128,
            "M",
            256,
            256,
            256,
            "M",
            512,
            512,
            512,
            "M",
            512,
            512,
            512,
            "M",
        ):
            if channels == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers += [
                nn.Conv2d(inputs, channels, 3, padding=1),
                *[nn.BatchNorm2d(channels)] * norm,
                nn.ReLU(),
            ]
            inputs = channels
        self.features = nn.Sequential(*layers)

    def maps(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """conv4_3 and, as SSD pools it, conv5_3."""
        poolings = [i for i, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d)]
        x = self.features[: poolings[3]](x)
        yield x
        yield nn.functional.max_pool2d(self.features[poolings[3] : poolings[4]](x), 3, 1, 1)


def reference(name: str, module: nn.Module) -> dict[str, np.ndarray]:
    """Sums over the positions and over the channels of every feature map, and the names of the weights."""
    state = {key: value for key, value in module.state_dict().items() if "num_batches" not in key}
    filled = {key: torch.from_numpy(golden_weight(key, tuple(value.shape))) for key, value in state.items()}
    module.load_state_dict(filled, strict=False)
    shape = (1, 3, SIDE[name], SIDE[name])
    images = torch.from_numpy(np.random.default_rng(0).standard_normal(shape))
    stored = {
        "names": np.array(list(filled)),
        "shapes": np.array([str(list(value.shape)) for value in filled.values()]),
    }
    with torch.no_grad():
        for index, feature in enumerate(module.double().eval().maps(images)):
            stored[f"map{index}_channels"] = feature[0].sum((1, 2)).numpy()
            stored[f"map{index}_positions"] = feature[0].sum(0).numpy()
    return {f"{name}/{key}": value for key, value in stored.items()}


if __name__ == "__main__":
    modules = {"resnet50": ResNet50(), "vgg16": VGG16(norm=False), "vgg16_bn": VGG16(norm=True)}
    stored = {}
    for name, module in modules.items():
        stored |= reference(name, module)
    target = Path(__file__).parent / "backbones.npz"
    np.savez_compressed(target, **stored)
    print(f"{target}: {target.stat().st_size} bytes")
