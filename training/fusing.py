"""Training faster where a C++ compiler is: what stands between the decoder's products becomes one kernel each."""

from __future__ import annotations

import os
import shutil

import torch

from vlm import decoder
from vlm.errors import VlmError

COMPILERS = ("g++", "clang++")

RECOMPILED = 64
"""Versions of a function at most: with and without gradients, in bf16 and fp32, of each part's width."""


def fuse() -> None:
    """Compiles norms, rotations and gates, for the rest of this process. For programs, not libraries.

    These pass over memory a dozen times where the products pass once, and take a fifth of a step on a
    processor that multiplies bf16.

    Raises:
        VlmError: there is no compiler.
    """
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), *COMPILERS)))):
        raise VlmError(
            "missing_program",
            "--fuse needs a C++ compiler, but none is installed (Debian, Ubuntu: apt-get install g++); without --fuse "
            "the same is computed more slowly",
        )
    torch._dynamo.config.recompile_limit = RECOMPILED
    decoder.rotate = torch.compile(decoder.rotate, dynamic=True)
    decoder.RMSNorm.forward = torch.compile(decoder.RMSNorm.forward, dynamic=True)  # type: ignore[method-assign]
    decoder.MLP.forward = torch.compile(decoder.MLP.forward, dynamic=True)  # type: ignore[method-assign]
