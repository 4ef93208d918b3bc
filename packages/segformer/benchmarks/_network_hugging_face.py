"""PyTorch's side of `network_speed.py`: KIND HEIGHT WIDTH MODEL THREADS. Needs torch and transformers."""

import sys
from collections.abc import Callable

import torch
from _turns import serve
from transformers import SegformerConfig, SegformerForSemanticSegmentation

CLASSES = 19
WIDE = (64, 128, 320, 512)
SIZES = {
    "segformer_b0": ((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "segformer_b1": (WIDE, (2, 2, 2, 2), 256),
    "segformer_b2": (WIDE, (3, 4, 6, 3), 768),
    "segformer_b3": (WIDE, (3, 4, 18, 3), 768),
    "segformer_b4": (WIDE, (3, 8, 27, 3), 768),
    "segformer_b5": (WIDE, (3, 6, 40, 3), 768),
}


def build(model: str) -> torch.nn.Module:
    widths, depths, decoder = SIZES[model]
    config = SegformerConfig(
        hidden_sizes=list(widths),
        depths=list(depths),
        decoder_hidden_size=decoder,
        num_labels=CLASSES,
        semantic_loss_ignore_index=255,
    )
    return SegformerForSemanticSegmentation(config)


def main() -> None:
    kind, height, width, model, threads = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], int(sys.argv[5])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = build(model)
    images = torch.randn(1, 3, height, width)
    labels = torch.randint(0, CLASSES, (1, height, width))
    serve(training(network, images, labels) if kind == "train" else forward(network.eval(), images))


def training(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Callable[[], float]:
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=6e-5, weight_decay=0.01)

    def step() -> float:
        optimizer.zero_grad()
        loss = network(pixel_values=images, labels=labels).loss
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def forward(network: torch.nn.Module, images: torch.Tensor) -> Callable[[], object]:
    def step() -> object:
        with torch.inference_mode():
            return network(pixel_values=images).logits.numpy()

    return step


if __name__ == "__main__":
    main()
