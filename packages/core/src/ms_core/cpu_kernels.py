"""Which CPU kernels MindSpore's convolution library may choose from."""

from __future__ import annotations

import os

VARIABLE = "ONEDNN_MAX_CPU_ISA"


def prefer_fast_convolutions() -> None:
    """Keep oneDNN from its slow kernels on processors with AVX-512.

    MindSpore 2.10 passes plain NCHW arrays to oneDNN 3.10. For depthwise and first-layer convolutions in that layout
    oneDNN has no AVX-512 kernel and, where it finds AVX-512, takes its unoptimised reference code: 268 ms instead of
    4 ms for a 3x3 depthwise convolution of 96 x 150 x 150 (benchmarks/convolution.py). Limited to AVX2 it takes the
    fast kernels. The variable is read at the first convolution of the process; a value of the user's own stays.
    """
    os.environ.setdefault(VARIABLE, "AVX2")
