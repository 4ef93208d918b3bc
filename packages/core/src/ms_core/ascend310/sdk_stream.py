"""A stream of the MindX SDK that finds objects in pictures, from Python.

Written to the SDK's documentation and tested with a stand-in for it; never run on Ascend by us. Needs nothing but the
standard library and the SDK's own `StreamManagerApi`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from ms_core.errors import UserError

OBJECTS = "MxpiObject"
"""Key of the list of objects in a result."""
_PATHS = ("modelPath", "postProcessConfigPath", "labelPath", "postProcessLibPath")
"""Properties that name files."""
_SDK = "StreamManagerApi"
_MILLISECONDS = 10_000
"""How long a result is waited for."""


class StreamError(RuntimeError):
    """The SDK refused a picture or gave no result."""


class SdkStream:
    """A running stream; use it in a `with` statement.

    Args:
        pipeline: file of the pipeline; the paths in it may be relative to its folder, and name environment variables.
        name: of the stream; empty: the only one of the pipeline.

    Raises:
        UserError: no SDK, no such pipeline or stream, a path or variable in it that is not there, or the SDK does not
            accept it.
    """

    def __init__(self, pipeline: Path, name: str = "") -> None:
        content = read_pipeline(pipeline)
        self.name = _stream_name(pipeline, content, name)
        self._sdk = _import_sdk()
        self._manager = self._sdk.StreamManagerApi()
        _require_done(self._manager.InitManager(), f"{pipeline}: the SDK does not start")
        text = json.dumps(content).encode()
        _require_done(self._manager.CreateMultipleStreams(text), f"{pipeline}: the SDK refuses the pipeline")

    def __enter__(self) -> SdkStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._manager.DestroyAllStreams()

    def infer(self, encoded: bytes) -> list[dict[str, Any]]:
        """Objects in a picture.

        Args:
            encoded: a JPEG (or, with OpenCV in the pipeline, any file that it reads).

        Returns:
            Each with x0, y0, x1, y1 in pixels of the picture and `classVec`, a list with classId (the background is
            0), className and confidence.

        Raises:
            StreamError: the SDK reports an error, or answers with something else.
        """
        data = self._sdk.MxDataInput()
        data.data = encoded
        stream = self.name.encode()
        number = self._manager.SendDataWithUniqueId(stream, 0, data)
        if number < 0:
            raise StreamError(f"the SDK does not take it (code {number})")
        result = self._manager.GetResultWithUniqueId(stream, number, _MILLISECONDS)
        text = result.data.decode("utf-8", errors="replace")
        if result.errorCode != 0:
            raise StreamError(f"the SDK reports error {result.errorCode}: {' '.join(text.split())}")
        try:
            objects = (json.loads(text) or {}).get(OBJECTS, [])
        except (ValueError, AttributeError) as error:
            raise StreamError(f"the SDK's answer is not the expected JSON: {text[:80]!r}") from error
        return list(objects)


def read_pipeline(path: Path) -> dict[str, Any]:
    """A pipeline with absolute paths in it.

    Raises:
        UserError: no such file, no JSON object, or a file or environment variable that is named there and is not set.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}. Name a pipeline with --pipeline_path."
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: no JSON: {error}. Export the model again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: no JSON object. Export the model again.")
    for stream in content.values():
        for element in stream.values() if isinstance(stream, dict) else ():
            properties = element.get("props", {}) if isinstance(element, dict) else {}
            properties.update({key: _absolute(path, properties[key]) for key in _PATHS if key in properties})
    return content


def _absolute(pipeline: Path, value: str) -> str:
    expanded = os.path.expandvars(value)
    if "$" in expanded:
        raise UserError(
            f"{pipeline}: {value}: the environment variable is not set. Source the SDK's set_env.sh, or write the path."
        )
    path = pipeline.absolute().parent / expanded
    if not path.is_file():
        raise UserError(
            f"{pipeline}: {path}: there is no such file. Convert the model, or change the pipeline."
        )
    return str(path)


def _stream_name(pipeline: Path, content: Mapping[str, Any], name: str) -> str:
    if name in content or (not name and len(content) == 1):
        return name or next(iter(content))
    raise UserError(
        f"{pipeline}: --stream_name {name!r}: its streams are {', '.join(content)}. Name one of them."
    )


def _import_sdk() -> ModuleType:
    try:
        return import_module(_SDK)
    except ImportError as error:
        raise UserError(
            f"{_SDK}: not to be imported ({error}). Install Huawei's MindX SDK (Vision SDK) on the Ascend machine, "
            "source its set_env.sh, and use the Python that it is for."
        ) from error


def _require_done(code: int, message: str) -> None:
    if code != 0:
        raise UserError(f"{message} (code {code}). Its log says more.")
