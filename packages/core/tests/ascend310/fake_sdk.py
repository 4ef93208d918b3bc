"""A stand-in for the MindX SDK's Python module, with the calls and codes of its documentation."""
# ruff: noqa: N802 - the names are the SDK's

import json
import os
from pathlib import Path

LOG = Path(os.environ["FAKE_SDK_LOG"])


class MxDataInput:
    """What is sent: bytes in `data`."""

    data: bytes


class _Result:
    def __init__(self, code: int, data: bytes) -> None:
        self.errorCode = code
        self.data = data


class StreamManagerApi:
    """Finds an object of class 2 in every picture; a picture `REFUSE`, `ERROR`, `EMPTY` or `TEXT` does as it says."""

    def __init__(self) -> None:
        self.sent: dict[int, bytes] = {}

    def InitManager(self) -> int:
        return int(os.environ.get("FAKE_SDK_INIT", "0"))

    def CreateMultipleStreams(self, pipeline: bytes) -> int:
        LOG.write_bytes(pipeline)
        return int(os.environ.get("FAKE_SDK_CREATE", "0"))

    def SendDataWithUniqueId(self, stream: bytes, plugin: int, data: MxDataInput) -> int:
        assert stream == b"detection"
        assert plugin == 0
        if data.data == b"REFUSE":
            return -1
        self.sent[len(self.sent)] = data.data
        return len(self.sent) - 1

    def GetResultWithUniqueId(self, stream: bytes, number: int, milliseconds: int) -> _Result:
        assert milliseconds > 0
        sent = self.sent[number]
        if sent == b"ERROR":
            return _Result(1001, b"no such\nmodel")
        if sent == b"EMPTY":
            return _Result(0, b"{}")
        if sent == b"TEXT":
            return _Result(0, b"what?")
        kind = {
            "classId": int(os.environ.get("FAKE_SDK_CLASS", "2")),
            "className": "ESP8266",
            "confidence": 0.75,
        }
        found = {"classVec": [{**kind, "headerVec": []}], "x0": 10.0, "y0": 20.0, "x1": 30.5, "y1": 60.0}
        return _Result(0, json.dumps({"MxpiObject": [found]}).encode())

    def DestroyAllStreams(self) -> int:
        with LOG.open("ab") as log:
            log.write(b"\ndestroyed")
        return 0
