"""For the tests of all packages."""

import sys

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Let a process of pytest-xdist look as if it were started as the first one was.

    It is started with `python -c`, and MindSpore's compile cache wants to parse the file that Python was started with.
    """
    if hasattr(config, "workerinput"):
        sys.argv = list(config.workerinput["mainargv"])
