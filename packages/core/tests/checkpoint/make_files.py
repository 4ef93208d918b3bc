"""Makes `files/` with PyTorch itself: `python make_files.py` where torch 2.13.0 and safetensors are.

Not a test and not needed by one: the tests compare our reader with what torch wrote here. `expected.npz`
holds the same tensors as torch's own `.numpy()` gives them, bfloat16 widened by torch.
"""

import argparse
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

FILES = Path(__file__).parent / "files"
CLASSIC_TYPES = {
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "double": torch.float64,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "bool": torch.bool,
    "complex": torch.complex64,
}


def tensors() -> "OrderedDict[str, torch.Tensor]":
    """Every element type, and every way in which a tensor can lie in its storage."""
    generator = torch.Generator().manual_seed(1)
    base = torch.randn(6, 8, generator=generator)
    state = OrderedDict({"plain": base.clone(), "transposed": base.clone().T, "sliced": base[1:5:2, 3::2]})
    state["first_half"], state["second_half"] = base[:3], base[3:]
    state["expanded"] = torch.randn(1, 4, generator=generator).expand(3, 4)
    state["parameter"] = torch.nn.Parameter(torch.randn(2, 3, 2, 2, generator=generator))
    state["channels_last"] = torch.randn(2, 3, 4, 5, generator=generator).to(
        memory_format=torch.channels_last
    )
    state["scalar"] = torch.tensor(1234567890123)
    state["empty"] = torch.zeros(0, 3)
    state["not_finite"] = torch.tensor([float("nan"), float("inf"), -0.0, 1e-45])
    for name, kind in CLASSIC_TYPES.items():
        state[name] = (torch.randn(5, generator=generator) * 3).to(kind)
    return state


def training_checkpoint(state: "OrderedDict[str, torch.Tensor]") -> dict[str, object]:
    """As detectron2, torchvision's references and DETR write it."""
    return {
        "model": state,
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]},
        "lr_scheduler": {"milestones": Counter([3, 5])},
        "args": argparse.Namespace(lr=0.1, device=torch.device("cpu"), size=torch.Size([3, 4])),
        "epoch": 7,
        "best": np.float64(0.5),
    }


def as_numpy(state: "OrderedDict[str, torch.Tensor]") -> dict[str, np.ndarray]:
    """What torch says the values are."""
    return {
        name: (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()
        for name, tensor in state.items()
    }


def main() -> None:
    FILES.mkdir(exist_ok=True)
    state = tensors()
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save(state, FILES / "flat.pth")
    torch.save(state, FILES / "flat_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(training_checkpoint(state), FILES / "training.pth")
    torch.save(
        training_checkpoint(state), FILES / "training_legacy.pth", _use_new_zipfile_serialization=False
    )
    torch.save({"state_dict": state, "meta": {"epoch": 160, "CLASSES": ("a", "b")}}, FILES / "mmcv.pth")
    unsigned = {
        kind: torch.tensor([0, 1, 60000]).to(getattr(torch, kind)) for kind in ("uint16", "uint32", "uint64")
    }
    torch.save(unsigned, FILES / "unsigned.pth")
    torch.save(module, FILES / "whole_module.pth")
    torch.save(module, FILES / "whole_module_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"w": torch.zeros(2).to(torch.float8_e5m2)}, FILES / "float8.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), FILES / "script.pt")
    stored = {
        name: tensor.detach().clone().contiguous() for name, tensor in state.items() if name != "complex"
    }
    save_file(stored, FILES / "weights.safetensors")
    np.savez(FILES / "expected.npz", **as_numpy(state))


if __name__ == "__main__":
    main()
