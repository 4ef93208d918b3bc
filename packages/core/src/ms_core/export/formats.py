"""Which formats can be written here."""

from ms_core.errors import UserError

REFUSED = {
    "air": "AIR export is not in this version (MindSpore writes AIR on Ascend machines only). Export MINDIR.",
    "onnx": "ONNX export is not in this version. Export MINDIR.",
}


def check_format(name: str) -> None:
    """Raise UserError, before any work, for a format that cannot be written here."""
    if name in REFUSED:
        raise UserError(REFUSED[name])
