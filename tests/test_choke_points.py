"""One choke point per hazard: nobody but the module named here calls the raw primitive.

The code is read, not run. Names are followed through imports and their aliases (`from PIL import
Image as I; I.open`), so what counts is the primitive itself and not how it is spelled. A file that is
missing in the lists below is not forgotten: it is forbidden.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {"tests", "build", "dist", "runs", "node_modules", "__pycache__"}
"""Folders without code of ours to check; hidden ones other than `.ci` are left out too."""


@dataclass(frozen=True)
class Hazard:
    """Dotted names (regular expressions, matched whole) and the files that may use them, each with its reason."""

    primitives: tuple[str, ...]
    allowed: tuple[str, ...]


HAZARDS = {
    "opening media": Hazard(
        (
            r"PIL\.Image\.open", r"PIL\.ImageFile\.Parser", r"PIL\.\w+ImagePlugin(\..*)?", r"PIL\.ImageCms\..*Profile",
            r"soundfile\.(read|blocks|info|SoundFile)", r"(wave|aifc|sunau)\.open",
            r"cv2\.(imread|imdecode|VideoCapture)",
            r"imageio\..*", r"skimage\.io\..*", r"torchvision\.io\..*", r"matplotlib\.(image|pyplot)\.imread",
            r"scipy\.io\.wavfile\.read", r"(librosa|torchaudio)\.load", r"(av|audioread)\..*", r"pydub\..*",
            r"cairosvg\..*", r"pillow_heif\..*", r"torchcodec\..*",
            r"transformers\.(image_utils|audio_utils)\.load_\w+",
        ),
        (
            "encoders/pictures.py",
            "encoders/sounds.py",
            "training/synthetic/base.py",  # reads back the JPEG that it has just written
            "training/synthetic/speech.py",  # reads what espeak-ng printed
        ),
    ),
    "opening archives": Hazard(
        (r"zipfile\..*", r"shutil\.unpack_archive"),
        (
            "demo/archive.py",
            "vlm/torch_zip.py",  # weights that torch.save wrote, before torch opens them
        ),
    ),
    "reading weights": Hazard(
        (
            r"safetensors(\.\w+)?\.(load|load_file|load_model|safe_open|deserialize)",
            r"torch\.(load|hub\..*|package\..*|jit\.load|export\.load)", r"torch\.distributed\.checkpoint\..*",
            r"(pickle|cPickle|_pickle|dill|cloudpickle|joblib|shelve|marshal)\.(load|loads|Unpickler|open)",
            r"gguf(\.gguf_reader)?\.GGUFReader",
        ),
        ("vlm/weight_files.py",),
    ),
    "the network": Hazard(
        (
            r"urllib\.request(\..*)?", r"urllib3(\..*)?", r"requests(\..*)?", r"httpx(\..*)?", r"aiohttp(\..*)?",
            r"http\.client(\..*)?", r"socket(\..*)?", r"ftplib(\..*)?", r"smtplib(\..*)?", r"telnetlib(\..*)?",
            r"websockets?(\..*)?", r"httpcore(\..*)?", r"huggingface_hub(\..*)?", r"asyncio\.open_connection",
            r"torch\.utils\.model_zoo.*",
        ),
        (
            "demo/serving/fetch.py",  # URLs of pictures
            "vlm/transport.py",  # the server behind --backend-url
            "vlm/sources.py",  # a model by its id on the hub
            "vlm/hub.py",  # what an explicit call pushes
            "vlm/card.py",  # the hub's format of cards
            "demo/plugins/hosts/vlm_client.py",  # the server of the settings, from within other programs
            "demo/bench/client.py",  # speaks to the server that is measured, and to no other
        ),
    ),
}  # fmt: skip


def python_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and path.name != ".ci"
        if path.suffix == ".py":
            yield path
        elif path.is_dir() and not hidden and path.name not in SKIPPED and not (path / "pyvenv.cfg").exists():
            yield from python_files(path)


def imported(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """(line, name in this file, dotted name) of everything that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                yield node.lineno, alias.asname or first, alias.name if alias.asname else first
                yield node.lineno, "", alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{node.module}.{alias.name}"


def dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """What an expression `name.attribute...` stands for; empty where its name is not imported."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts, node = [node.attr, *parts], node.value
    return ".".join([aliases[node.id], *parts]) if isinstance(node, ast.Name) and node.id in aliases else ""


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that is imported, or reached through what is imported."""
    aliases = {}
    for line, name, full in imported(tree):
        aliases[name] = full
        yield line, full
    for node in ast.walk(tree):
        if name := dotted(node, aliases):
            yield node.lineno, name


def offences(source: str, file: str) -> list[str]:
    """What this file may not do, one line each."""
    tree = ast.parse(source)
    found = []
    for line, name in uses(tree):
        for hazard, rule in HAZARDS.items():
            hit = any(re.fullmatch(pattern, name) for pattern in rule.primitives)
            if hit and file not in rule.allowed:
                found.append(f"{file}:{line}: {hazard}: {name}")
    aliases = {name: full for _, name, full in imported(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func, aliases).startswith("numpy."):
            for keyword in node.keywords:  # other functions may have an option of this name
                value = keyword.value
                if keyword.arg == "allow_pickle" and not (isinstance(value, ast.Constant) and value.value is False):
                    found.append(f"{file}:{value.lineno}: reading weights: allow_pickle")
        name = node.arg if isinstance(node, ast.keyword) else getattr(node, "value", None) or getattr(node, "id", None)
        if name == "trust_remote_code":
            found.append(f"{file}:{getattr(node, 'lineno', 0)}: foreign code: {name}")
    return sorted(set(found))


def test_primitives_are_called_at_their_choke_points_only() -> None:
    files = list(python_files(ROOT))
    assert {"encoders/pictures.py", "vlm/weight_files.py"} <= {path.relative_to(ROOT).as_posix() for path in files}
    found = [line for path in files for line in offences(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "from PIL import Image; Image.open(x)", "import PIL.Image; PIL.Image.open(x)",
        "import PIL.Image as I; I.open(x)",
        "from PIL.Image import open as look; look(x)", "from PIL import Image; f = [Image.open]",
        "import soundfile as sf; sf.read(x)", "from soundfile import SoundFile; SoundFile(x)",
        "import wave; wave.open(x)",
        "import soundfile\nclass S(soundfile.SoundFile): pass", "import cv2; cv2.imread(x)",
        "from PIL.TiffImagePlugin import TiffImageFile", "from scipy.io import wavfile; wavfile.read(x)",
        "import zipfile; zipfile.ZipFile(x)", "from zipfile import ZipFile; ZipFile(x).extractall()",
        "import shutil; shutil.unpack_archive(x)",
        "from safetensors import safe_open; safe_open(x)", "import safetensors.torch as st; st.load_file(x)",
        "import torch; torch.load(x)", "import pickle; pickle.loads(x)", "from pickle import Unpickler",
        "import numpy as np; np.load(x, allow_pickle=True)", "import numpy as np; np.load(x, allow_pickle=flag)",
        "from numpy import load; load(x, allow_pickle=True)", "import numpy; numpy.load(x, allow_pickle=flag)",
        "from urllib.request import urlopen", "import urllib.request; urllib.request.urlopen(x)", "import requests",
        "import httpx", "def f():\n    import socket", "import asyncio; asyncio.open_connection(x)",
        "load(x, trust_remote_code=True)", "options = {'trust_remote_code': True}", "trust_remote_code = True",
    ],
)  # fmt: skip
def test_the_detector_sees(line: str) -> None:
    assert offences(line, "vlm/new.py")


@pytest.mark.parametrize(
    "line",
    [
        "from PIL import Image; Image.new('RGB', (1, 1)); Image.fromarray(x)",
        "open(x)", "from pathlib import Path; Path(x).open()",
        "import numpy as np; np.load(x)", "import numpy as np; np.load(x, allow_pickle=False)",
        "import numpy as np; from .sources import load; load(x, allow_pickle=flag)",
        "from urllib.parse import quote",
        "from safetensors.torch import save_file; save_file(x)", "image.open(x)", "import torch; torch.save(x)",
    ],
)  # fmt: skip
def test_the_detector_lets_pass(line: str) -> None:
    assert not offences(line, "vlm/new.py")


def test_choke_points_exist_and_are_used() -> None:
    for file in (
        "encoders/pictures.py",
        "encoders/sounds.py",
        "vlm/weight_files.py",
        "demo/serving/fetch.py",
        "vlm/transport.py",
    ):
        assert offences((ROOT / file).read_text(), "elsewhere.py"), f"{file} has moved: correct the lists above"
