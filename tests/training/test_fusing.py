"""Kernels that a compiler made of the decoder's small operations: the same numbers, the same gradients."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from training.fusing import fuse
from vlm import decoder
from vlm.errors import VlmError

needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="FUSING IS NOT TESTED HERE: there is no C++ compiler"
)

SAME = """
import torch
from training.fusing import fuse
from vlm.config import DecoderConfig
from vlm.decoder import LlamaDecoder

torch.manual_seed(1)
decoder = LlamaDecoder(DecoderConfig(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=8, max_position_embeddings=64,
))
inputs = [torch.randn(2, length, 32) for length in (7, 12)]

def found():
    decoder.zero_grad()
    logits = [decoder(one) for one in inputs]
    sum(one.square().sum() for one in logits).backward()
    return [one.detach() for one in logits] + [p.grad.clone() for p in decoder.parameters() if p.grad is not None]

before = found()
fuse()
after = found()
assert len(before) == len(after) > 10
for one, other in zip(before, after, strict=True):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(one.abs().max()))
print("same")
"""


@needs_compiler
def test_fused_is_the_same() -> None:
    """In a process of its own: it stays fused."""
    done = subprocess.run([sys.executable, "-c", SAME], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "same", done.stderr[-2000:]


def test_without_a_compiler_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    before = decoder.rotate
    with pytest.raises(VlmError, match=r"needs a C\+\+ compiler.*apt-get install g\+\+"):
        fuse()
    assert decoder.rotate is before
