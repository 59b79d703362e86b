"""Who may import whom, read from the sources (which calls belong to which module: `test_choke_points.py`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "encoders": {"encoders"},
    "projector": {"projector"},
    "vlm": {"vlm", "encoders", "projector"},
    "training": {"training", "vlm", "encoders", "projector"},
    "demo": {"demo", "vlm"},
}
UPWARD = (
    {
        "vlm/cli.py",
        "vlm/cli_bench.py",
        "vlm/cli_mcp.py",
        "vlm/cli_plan.py",
        "vlm/cli_plugins.py",
        "vlm/cli_quantize.py",
        "vlm/cli_skill.py",
    },
    {"training", "demo"},
)
"""The command line may reach packages above its own, inside functions only."""

ONLY_IN: dict[str, set[str]] = {
    # the two reference libraries
    "open_clip": {"encoders/clip.py", "training/loss.py"},
    "transformers": {"encoders/whisper.py", "vlm/foreign_tokenizers.py"},
    # foreign bytes, weights and vocabularies come in through one door each
    "soundfile": {"encoders/sounds.py"},
    "safetensors": {"vlm/weight_files.py"},
    "tokenizers": {
        "vlm/tokenizer.py",
        "vlm/foreign_tokenizers.py",
        "vlm/gguf_tokenizer.py",
        "training/tokenizer.py",
    },
    # what the demo is made of
    **{
        name: {"demo/"}
        for name in ("gradio", "gradio_client", "starlette", "fastapi", "uvicorn", "prometheus_client", "http")
    },
    "socket": {"demo/serving/fetch.py", "demo/plugins/hosts/vlm_client.py"},
    "httpcore": {"demo/serving/fetch.py"},
    "httpx": {"vlm/transport.py", "demo/bench/client.py"},
    # heavy parts that only one corner needs
    "torchvision": set(),
    "einops": {"projector/"},
    "soxr": {"encoders/sounds.py", "training/synthetic/speech.py"},
    "jiwer": {"training/evaluate.py"},
    "llguidance": {"vlm/constraints.py"},
    "gguf": {"vlm/gguf_export.py", "vlm/gguf_tokenizer.py"},
    "peft": {"vlm/adapters.py"},
    "regex": {"vlm/adapter_folder.py"},
    "pyarrow": {"demo/captioning/tables.py"},
    "ray": {"demo/captioning/on_ray.py"},
    "sqlite3": {"demo/captioning/journal.py"},
}


@dataclass(frozen=True)
class Import:
    """One imported name: `module` in full; `lazy` inside a function, `typing` under TYPE_CHECKING."""

    file: str
    line: int
    module: str
    lazy: bool
    typing: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.module}"


def sources(root: Path = ROOT) -> dict[str, str]:
    """Every Python file of the packages: path from the root -> text."""
    return {
        str(path.relative_to(root)): path.read_text("utf-8")
        for package in MAY_IMPORT
        for path in sorted((root / package).rglob("*.py"))
    }


def module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


parse = cache(ast.parse)


@cache
def imports_of(file: str, text: str) -> tuple[Import, ...]:
    def walk(node: ast.AST, lazy: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(file, child.lineno, alias.name, lazy, typing)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    here = file.removesuffix(".py").split("/")
                    base = ".".join([*here[: len(here) - child.level], *([base] if base else [])])
                for alias in child.names:  # a name may be a module of its own: `resolve` finds out
                    yield Import(file, child.lineno, f"{base}.{alias.name}", lazy, typing)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for inner in child.body:
                    yield from walk(ast.Module([inner], []), lazy, True)
                for inner in child.orelse:
                    yield from walk(ast.Module([inner], []), lazy, typing)
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, lazy or is_function, typing)

    return tuple(walk(parse(text, file), False, False))


def allowed(file: str, places: set[str]) -> bool:
    return any(file == place or (place.endswith("/") and file.startswith(place)) for place in places)


def wrong_imports(files: Mapping[str, str]) -> list[str]:
    """Imports against the table, with their places."""
    found = []
    for file, text in files.items():
        package = file.partition("/")[0]
        for one in imports_of(file, text):
            ours = one.top in MAY_IMPORT
            upward = file in UPWARD[0] and one.top in UPWARD[1] and one.lazy
            if ours and one.top not in MAY_IMPORT[package] and not upward:
                found.append(f"{one}: {package} must not import {one.top}")
            if one.top in ONLY_IN and not allowed(file, ONLY_IN[one.top]):
                found.append(f"{one}: {one.top} belongs in {', '.join(sorted(ONLY_IN[one.top])) or 'no module'}")
    return found


def cycles(files: Mapping[str, str]) -> list[str]:
    """Circles among the imports that run when a module is loaded."""
    modules = {module_of(file) for file in files}

    def resolve(name: str) -> str | None:
        return next((n for n in (name, name.rpartition(".")[0]) if n in modules), None)

    graph = {
        module_of(file): {target for one in imports_of(file, text) if not (one.lazy or one.typing)
                          for target in [resolve(one.module)] if target and target != module_of(file)}
        for file, text in files.items()
    }  # fmt: skip
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" -> ".join(error.args[1])]
    return []


def test_the_sources_are_found() -> None:
    files = sources()
    assert {"vlm/cli.py", "encoders/media.py", "projector/build.py", "training/loop.py"} <= files.keys()
    assert sum(1 for file, text in files.items() for _ in imports_of(file, text)) > 200


def test_packages_import_downwards_only() -> None:
    assert wrong_imports(sources()) == []


def test_no_cycles() -> None:
    assert cycles(sources()) == []


def test_the_command_line_is_the_only_one_to_look_up() -> None:
    upward = {one.file for file, text in sources().items() for one in imports_of(file, text)
              if one.top in UPWARD[1] and file.partition("/")[0] == "vlm"}  # fmt: skip
    assert upward == UPWARD[0]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("encoders/new.py", "import projector.build"),
        ("encoders/new.py", "def f():\n    from vlm import errors"),
        ("encoders/new.py", "import open_clip"),
        ("encoders/sub/new.py", "from ..media import load_image\nfrom ...projector import build"),
        ("projector/new.py", "from encoders.base import Features"),
        ("projector/new.py", "import transformers.models"),
        ("vlm/new.py", "def f():\n    import training.loop"),
        ("vlm/new.py", "if True:\n    import demo"),
        ("vlm/cli.py", "from training.run import run"),
        ("vlm/new.py", "from safetensors.torch import load_file"),
        ("vlm/new.py", "import soundfile as sf"),
        ("training/new.py", "try:\n    import demo.app\nexcept ImportError:\n    pass"),
        ("training/new.py", "import gradio"),
        ("demo/new.py", "from training import data"),
        ("demo/new.py", "from encoders.media import load_image"),
        ("vlm/new.py", "class A:\n    def f(self):\n        from gradio import Blocks"),
    ],
)
def test_a_wrong_import_is_seen(file: str, text: str) -> None:
    assert wrong_imports({file: text})


def test_fine_code_is_not_accused() -> None:
    files = {
        "vlm/cli.py": "def f():\n    from training.run import run\n    from demo.app import launch",
        "vlm/a.py": "from . import b\nimport torch",
        "vlm/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import A",
        "vlm/__init__.py": "def f():\n    from .a import A",
    }
    assert wrong_imports(files) == cycles(files) == []


@pytest.mark.parametrize(
    "files",
    [
        {"vlm/a.py": "from .b import B", "vlm/b.py": "from .a import A"},
        {"vlm/a.py": "from . import b", "vlm/b.py": "import vlm.c", "vlm/c.py": "from vlm import a"},
        {"vlm/__init__.py": "from .a import A", "vlm/a.py": "from vlm import b", "vlm/b.py": "from . import VERSION"},
    ],
)
def test_a_circle_is_seen(files: dict[str, str]) -> None:
    assert cycles(files)
