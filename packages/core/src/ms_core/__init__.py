"""What every model package shares; each module is one room and is imported by its own name."""

from importlib.metadata import version

from ms_core.cpu_kernels import prefer_fast_convolutions

__version__ = version("ms-core")

prefer_fast_convolutions()  # before MindSpore's first operation, wherever that is
