"""How old values become ours where it is more than another name: one function a concern."""

from __future__ import annotations

from ms_core.old_zoo.values import Old, Settings

_DEVICES = ("ascend", "gpu", "cpu")
SIGNIFICANT = 12
"""Decimal digits of a computed rate: 0.05 x 0.001 is 5e-05, not 5.0000000000000002e-05."""


def schedule_settings(old: Old) -> Settings:
    """The last learning rate, which the old files say as a part of the highest."""
    lr = old.get("lr", old.network.lr)
    rate = old.get("lr_end_rate", old.network.lr_end_rate)
    found: Settings = {"schedule.lr_end": float(f"{lr * rate:.{SIGNIFICANT}g}")}
    if old.get("lr") is not None:
        found["schedule.lr"] = lr
    return found


def clip_settings(old: Old) -> Settings:
    """Clipping by the global norm of the gradients, at 1."""
    return {"train.clip_norm": 1.0 if old.get("use_global_norm") else 0.0}


def precision_settings(old: Old) -> Settings:
    """fp16 or float32."""
    return {"precision.mode": "fp16" if old.get("use_float16") else "off"}


def loss_scale_settings(old: Old) -> Settings:
    """A fixed scale; none on a CPU, as before."""
    scale = old.get("loss_scale", 1.0)
    if scale < 1:
        raise old.error("loss_scale", f"{scale:g} is below 1.")
    if scale == 1 or _device(old) == "cpu":
        return {"loss_scale.mode": "none"}
    return {"loss_scale.mode": "static", "loss_scale.scale": float(scale)}


def device_settings(old: Old) -> Settings:
    """`device`; a data-parallel run gives each process its own, so there the number is left away."""
    device, number = _device(old), old.get("device_id")
    if device is None:
        if number:
            old.notes.append(f"device_id {number}: also name the device, as in --device ascend:{number}")
        return {}
    if number is None or old.get("run_distribute") or device == "cpu":
        return {"device": device}
    return {"device": f"{device}:{number}"}


def _device(old: Old) -> str | None:
    target = old.get("device_target")
    if target is None:
        return None
    if target.lower() not in _DEVICES:
        raise old.error("device_target", f"{target!r} is not one of Ascend, GPU, CPU.")
    return str(target.lower())


def weight_settings(old: Old) -> Settings:
    """What the network starts from. A detector's checkpoint holds the backbone too, so it goes alone."""
    found: Settings = {}
    whole, backbone = old.get("pre_trained"), old.get("feature_extractor_base_param")
    if whole is not None:
        found["weights"] = whole
        if backbone is not None:
            old.notes.append("feature_extractor_base_param is left out: pre_trained holds the backbone too")
    elif backbone is not None:
        found["backbone_weights"] = backbone
    if old.get("pre_trained_epoch_size"):
        found["train.start_epoch"] = old.get("pre_trained_epoch_size")
    return found


def filter_settings(old: Old) -> Settings:
    """Leave the prediction layers, or whatever else the list names, at their initial values."""
    if not old.get("filter_weight"):
        return {}
    parts = old.get("checkpoint_filter_list")
    if parts is None or set(parts) == old.network.head_filter:
        return {"reset_head": True}
    return {"weights_filter": parts}


def freeze_settings(old: Old) -> Settings:
    """Freeze the backbone."""
    layer = str(old.get("freeze_layer", "none")).lower()
    if layer not in ("none", "backbone"):
        raise old.error("freeze_layer", f"{layer!r} is not one of none, backbone.")
    return {"optimizer.freeze": ("backbone",)} if layer == "backbone" else {}


def evaluation_settings(old: Old) -> Settings:
    """When a training evaluates."""
    if not old.get("run_eval"):
        return {}
    names = {"eval_start_epoch": "train.eval_start", "eval_interval": "train.eval_interval"}
    return {ours: old.get(key) for key, ours in names.items() if old.get(key) is not None}


def saving_settings(old: Old) -> Settings:
    """How often a checkpoint is kept."""
    if old.get("save_checkpoint") is False:
        return {"train.save_every": 0}
    every = old.get("save_checkpoint_epochs")
    return {} if every is None else {"train.save_every": every}


def network_settings(old: Old) -> Settings:
    """What of the network can be chosen: the smallest default boxes, and normalisation in VGG."""
    found: Settings = {}
    scale, usual = old.get("min_scale"), old.network.min_scale
    if None not in (scale, usual) and scale != usual:
        found["model.min_scale"] = scale
    if old.get("ssd_vgg_bn") and old.network.has_vgg:
        found["model.backbone_norm"] = True
    return found
