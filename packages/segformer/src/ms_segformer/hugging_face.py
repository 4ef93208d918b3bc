"""Files of Hugging Face's transformers: `.safetensors` and `.bin`, of every class SegFormer has there.

Two styles of names occur: the one that the files on the hub and `save_pretrained` have, and the one that modules have
inside transformers 5, which `torch.save(model.state_dict())` writes. Keys and values are separate layers in both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import Rule, prefix, rename

from ms_segformer.official import BACKBONE, norms_to_mindspore

_WHOLE = "segformer."
"""Beginning of the encoder's names in a network with something behind it; a bare `SegformerModel` has none."""

_FIRST = ("encoder.patch_embeddings.0.proj.weight", "stages.0.patch_embeddings.proj.weight")
"""First parameter of an encoder, in either style."""

_HUB_BLOCK = {
    "layer_norm_1": "norm1",
    "attention.self.query": "attn.q",
    "attention.self.key": "attn.k",
    "attention.self.value": "attn.v",
    "attention.self.sr": "attn.sr",
    "attention.self.layer_norm": "attn.norm",
    "attention.output.dense": "attn.proj",
    "layer_norm_2": "norm2",
    "mlp.dense1": "mlp.fc1",
    "mlp.dwconv.dwconv": "mlp.dwconv.dwconv",
    "mlp.dense2": "mlp.fc2",
}
"""Layer of a block on the hub -> the official name."""

_MODULE_BLOCK = {
    "layernorm_before": "norm1",
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.sequence_reduction.sequence_reduction": "attn.sr",
    "attention.sequence_reduction.layer_norm": "attn.norm",
    "attention.o_proj": "attn.proj",
    "layernorm_after": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.dwconv.dwconv": "mlp.dwconv.dwconv",
    "mlp.fc2": "mlp.fc2",
}
"""Layer of a block in transformers 5 -> the official name."""

_DECODER = (
    prefix("decode_head.linear_fuse.", "decode_head.linear_fuse.conv."),
    prefix("decode_head.batch_norm.", "decode_head.linear_fuse.bn."),
    prefix("decode_head.classifier.", "decode_head.linear_pred."),
)

_CLASSIFIER = "classifier."
"""ImageNet's."""


def _stage_rules(stage: int) -> list[Rule]:
    """Names of one stage, 0 to 3, in both styles; here stages count from 1."""
    ours = f"{BACKBONE}%s{stage + 1}."
    hub, module = f"encoder.%s.{stage}.", f"stages.{stage}.%s."
    return [
        prefix(hub % "patch_embeddings" + "proj.", ours % "patch_embed" + "proj."),
        prefix(hub % "patch_embeddings" + "layer_norm.", ours % "patch_embed" + "norm."),
        prefix(hub % "layer_norm", ours % "norm"),
        prefix(module % "patch_embeddings" + "proj.", ours % "patch_embed" + "proj."),
        prefix(module % "patch_embeddings" + "layer_norm.", ours % "patch_embed" + "norm."),
        prefix(module % "layer_norm", ours % "norm"),
        *_block_rules(hub % "block", ours % "block", _HUB_BLOCK),
        *_block_rules(module % "blocks", ours % "block", _MODULE_BLOCK),
        *(
            prefix(f"decode_head.{theirs}.{stage}.", f"decode_head.linear_c{stage + 1}.")
            for theirs in ("linear_c", "linear_projections")
        ),
    ]


def _block_rules(theirs: str, ours: str, layers: Mapping[str, str]) -> list[Rule]:
    return [
        Rule(rf"{_dotted(theirs)}(\d+)\.{_dotted(layer)}\.(.*)", rf"{ours}\1.{official}.\2")
        for layer, official in layers.items()
    ]


def _dotted(name: str) -> str:
    return name.replace(".", r"\.")


_RULES = (*(rule for stage in range(4) for rule in _stage_rules(stage)), *_DECODER)


def translate_hugging_face(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a file of transformers, in either style -> our names; ImageNet's classifier is left out."""
    bare = {
        name.removeprefix(_WHOLE): array for name, array in arrays.items() if not name.startswith(_CLASSIFIER)
    }
    return norms_to_mindspore(_keys_and_values_joined(rename(bare, _RULES)))


def _keys_and_values_joined(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`attn.k` and `attn.v` of shape [C, ...] as one `attn.kv` of [2 C, ...], keys first."""
    joined = dict(arrays)
    for name, key in arrays.items():
        value = arrays.get(name.replace(".attn.k.", ".attn.v."))
        if ".attn.k." in name and value is not None and value.shape == key.shape:
            joined[name.replace(".attn.k.", ".attn.kv.")] = np.concatenate((key, value))
            del joined[name], joined[name.replace(".attn.k.", ".attn.v.")]
    return joined


def _has_encoder(arrays: Mapping[str, np.ndarray]) -> bool:
    return any(beginning + first in arrays for beginning in (_WHOLE, "") for first in _FIRST)


def _has_decoder(arrays: Mapping[str, np.ndarray]) -> bool:
    return "decode_head.classifier.weight" in arrays


HUGGING_FACE = WeightSource(
    "Hugging Face SegFormer",
    lambda arrays: _has_encoder(arrays) and _has_decoder(arrays),
    translate_hugging_face,
)
"""`nvidia/segformer-b0-finetuned-cityscapes-1024-1024` and its like (`SegformerForSemanticSegmentation`)."""

HUGGING_FACE_ENCODER = WeightSource(
    "Hugging Face SegFormer encoder",
    lambda arrays: _has_encoder(arrays) and not _has_decoder(arrays),
    translate_hugging_face,
    covers=BACKBONE,
)
"""`nvidia/mit-b0` and its like (`SegformerForImageClassification`, `SegformerModel`). `classifier.*` is unused."""
