"""What a machine computes a training step in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

NATIVE = {"avx512_bf16", "amx_bf16", "bf16"}
"""Of a processor's flags: it multiplies bf16 itself. Others need some four times as long as for fp32."""


@cache
def processor_multiplies_bf16() -> bool:
    """Whether this computer's processor multiplies bf16; where the system does not say, it is taken not to."""
    try:
        text = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return False
    return bool(NATIVE & set(text.split()))


def multiplies_bf16(device: torch.device) -> bool:
    """Whether bf16 is at least as fast as fp32 there."""
    return (
        processor_multiplies_bf16() if device.type == "cpu" else torch.cuda.is_bf16_supported(including_emulation=False)
    )
