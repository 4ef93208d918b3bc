"""Every network of this package by name."""

from __future__ import annotations

from functools import partial

from ms_core.errors import UserError
from ms_core.networks.build import check_choice

from ms_segformer.initial import initialise
from ms_segformer.segformer import SegFormer

_WIDE = (64, 128, 320, 512)

MODELS: dict[str, partial[SegFormer]] = {
    "segformer_b0": partial(SegFormer, widths=(32, 64, 160, 256), depths=(2, 2, 2, 2)),
    "segformer_b1": partial(SegFormer, widths=_WIDE, depths=(2, 2, 2, 2)),
    "segformer_b2": partial(SegFormer, widths=_WIDE, depths=(3, 4, 6, 3)),
    "segformer_b3": partial(SegFormer, widths=_WIDE, depths=(3, 4, 18, 3)),
    "segformer_b4": partial(SegFormer, widths=_WIDE, depths=(3, 8, 27, 3)),
    "segformer_b5": partial(SegFormer, widths=_WIDE, depths=(3, 6, 40, 3)),
}
"""Name -> builder(name, num_classes, decoder_width, drop_path, dropout) (arXiv 2105.15203, table 6)."""

DECODER_WIDTHS = {
    "segformer_b0": 256,
    "segformer_b1": 256,
    "segformer_b2": 768,
    "segformer_b3": 768,
    "segformer_b4": 768,
    "segformer_b5": 768,
}
"""Name -> channels of the published decoder."""


def build_model(
    name: str,
    num_classes: int,
    *,
    decoder_width: int | None = None,
    drop_path: float = 0.1,
    dropout: float = 0.1,
    seed: int = 1,
) -> SegFormer:
    """A network with initial weights.

    Args:
        name: one of `MODELS`.
        num_classes: K, at least 1; there is no background class but the one the data has.
        decoder_width: channels of the decoder; None for the published ones (`DECODER_WIDTHS`). The old zoo had 512
            from segformer_b1 on.
        drop_path: probability with which training skips a residual branch of the last block, in [0, 1).
        dropout: probability with which training drops a channel before the classifier, in [0, 1).
        seed: the same seed gives the same initial weights.

    Returns:
        construct(images [B, 3, H, W] float32) -> logits [B, K, ceil(H / 4), ceil(W / 4)], raw float32.

    Raises:
        UserError: unknown name, fewer than 1 class, or a number out of its range.
    """
    check_choice("model", name, MODELS)
    if num_classes < 1:
        raise UserError(f"num_classes={num_classes}: needs at least 1.")
    if decoder_width is not None and decoder_width < 1:
        raise UserError(f"decoder_width={decoder_width}: needs at least 1.")
    for option, probability in (("drop_path", drop_path), ("dropout", dropout)):
        if not 0 <= probability < 1:
            raise UserError(f"{option}={probability}: is not within 0 and 1 (1 excluded).")
    width = decoder_width or DECODER_WIDTHS[name]
    network = MODELS[name](
        name=name, num_classes=num_classes, decoder_width=width, drop_path=drop_path, dropout=dropout
    )
    if width != DECODER_WIDTHS[name]:
        network.options = {"decoder_width": width}
    initialise(network, seed)
    return network
