"""`examples/big_checkpoint.py` at a tiny size: what it writes is llava-hf's layout, and what it tells was measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from transformers import LlavaForConditionalGeneration

from vlm import foreign, sources

ROOT = Path(__file__).parents[1]


def test_it_is_written_loaded_and_asked(tmp_path: Path) -> None:
    out = tmp_path / "big"
    command = [sys.executable, ROOT / "examples/big_checkpoint.py", "--out", out, "--tiny", "--tokens", "4", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    bf16, int8, int4 = json.loads(done.stdout)
    assert [one["variant"] for one in (bf16, int8, int4)] == ["bf16", "int8", "int4"]
    assert bf16["weights"] > int8["weights"] > int4["weights"]
    assert abs(bf16["stored"] - bf16["weights"]) < 20_000  # headers, and the token that no picture without tiles uses
    for one in (bf16, int8, int4):
        assert one["prompt_tokens"] > 16 and 1 <= one["completion_tokens"] <= 4
        assert one["limit"] == round(1.15 * one["weights"]) + (400 << 20)
        assert one["peak"] >= one["loaded_peak"] >= one["floor"] > 0
        assert one["load_seconds"] > 0 and one["read_seconds"] > 0 and one["first_token_seconds"] > 0
    assert not foreign.is_ours(out)
    config, layout, counts = sources.described(out)
    assert layout == "Hugging Face's" and config.clip is not None and config.clip.side == 4
    theirs = LlavaForConditionalGeneration.from_pretrained(out)
    assert sum(counts.values()) == theirs.num_parameters() + config.decoder.hidden_size  # ours has the newline
