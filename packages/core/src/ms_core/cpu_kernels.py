"""Which CPU kernels MindSpore's convolution library may choose from."""

from __future__ import annotations

import os

VARIABLE = "ONEDNN_MAX_CPU_ISA"


def prefer_fast_convolutions() -> None:
    """Keep oneDNN from its slow kernels on processors with AVX-512.

    MindSpore 2.10 passes plain NCHW arrays to oneDNN 3.10. For convolutions larger than 1x1 oneDNN then has no
    AVX-512 kernel and, where it finds AVX-512, takes its unoptimised reference code, 17 to 155 times slower than
    the AVX2 kernels it takes otherwise (benchmarks/convolution.py; 1x1 convolutions lose a quarter). The variable is
    read at the first convolution of the process; a value of the user's own stays.
    """
    os.environ.setdefault(VARIABLE, "AVX2")
