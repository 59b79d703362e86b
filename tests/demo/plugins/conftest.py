"""`vlm serve` itself, for one test of each program."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..ports import free_port
from .hosts import PATIENCE, end

KEY = "a-key-of-the-tests"


@pytest.fixture(scope="session")
def vlm_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `vlm serve` with the embedded model, which asks for `KEY`."""
    port, root = free_port(), Path(__file__).parents[3]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "vlm.cli", "serve", "--port", str(port)], cwd=root, stderr=file, stdout=file,
            env=os.environ | {"PYTHONPATH": str(root), "VLM_API_KEY": KEY, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while not ready(port):
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except OSError:
        return False
