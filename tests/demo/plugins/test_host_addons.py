"""What of the add-ons runs without their programs; the rest is `test_inkscape.py`, `test_libreoffice.py` and
`test_blender.py`."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from demo.plugins.hosts.install import HERE, PROGRAMS, _files
from vlm.media import load_image

from ...vlm.fake_server import hang_up, status
from .skills import error, skill_server, skills

BROUGHT = {
    "inkscape": {"inkex", "lxml"}, "libreoffice": {"uno", "com"}, "blender": {"bpy", "gpu"},
}  # fmt: skip
"""What the program itself has for add-ons, beside Python's standard library."""


def sources(name: str) -> dict[str, str]:
    return {str(path): data.decode() for path, data in _files(PROGRAMS[name]) if path.suffix == ".py"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_add_on_needs_what_its_program_has_and_no_more(name: str) -> None:
    files = sources(name)
    own = {Path(file).stem for file in files}
    for file, text in files.items():
        tree = ast.parse(text, file, feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for top in {one.split(".")[0] for one in names}:
                assert top in sys.stdlib_module_names | BROUGHT[name] | own, f"{file}: {top}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_add_on_runs_on_old_pythons(name: str) -> None:
    """Annotations are text there: what Python 3.8 could not evaluate must not be evaluated, and what came later not
    be called."""
    for file, text in sources(name).items():
        tree = ast.parse(text)
        annotated = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and (n.returns or n.args.args)]
        future = "from __future__ import annotations" in text
        assert future or all(n.returns is None for n in annotated), file
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Attribute)):
            assert call.attr not in ("removeprefix", "removesuffix", "is_relative_to"), f"{file}:{call.lineno}"


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports a file of an add-on as its program does: with the client beside it."""
    before = set(sys.modules)

    def load(name: str, folder: str) -> Any:
        monkeypatch.syspath_prepend(str(HERE))
        monkeypatch.syspath_prepend(str(HERE / folder))
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - before:
        if name.startswith("vlm_"):
            del sys.modules[name]


# --- Blender ---------------------------------------------------------------------------------------------------------


def test_pixels_become_a_png(beside: Any) -> None:
    made = beside("vlm_png", "blender")
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    assert np.array_equal(np.asarray(load_image(made.png(7, 5, rgb.tobytes()))), rgb)


def test_pixels_of_a_graphics_card(beside: Any) -> None:
    made = beside("vlm_png", "blender")
    rgba = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    assert made.upright(rgba.tobytes(), 7, 5) == rgba[::-1, :, :3].tobytes()


@pytest.mark.parametrize(("count", "size"), [(1, (128, 128)), (6, (688, 128)), (7, (688, 240))])
def test_a_sheet_of_swatches(beside: Any, count: int, size: tuple[int, int]) -> None:
    made = beside("vlm_png", "blender")
    colours = [(number * 30, 255 - number, 7) for number in range(count)]
    picture = load_image(made.swatches(colours))
    assert picture.size == size and picture.getpixel((0, 0)) == (255, 255, 255)
    for number, colour in enumerate(colours):
        left, top = 16 + number % 6 * 112, 16 + number // 6 * 112
        assert picture.getpixel((left, top)) == picture.getpixel((left + 95, top + 95)) == colour


def test_linear_light_becomes_what_a_screen_shows(beside: Any) -> None:
    made = beside("vlm_png", "blender")
    assert made.as_srgb((0.0, 1.0, 0.5, 1.0)) == (0, 255, 188)
    assert made.as_srgb((-1.0, 7.0, 0.002)) == (0, 255, 7)


# --- LibreOffice -----------------------------------------------------------------------------------------------------

SHAPE = "com.sun.star.drawing.GraphicObjectShape"


class Thing(SimpleNamespace):
    """As LibreOffice's objects, as far as the add-on looks: attributes, services, containers."""

    def supportsService(self, name: str) -> bool:
        return name in getattr(self, "services", ())

    def getByIndex(self, index: int) -> Any:
        return self.items[index]

    @property
    def Count(self) -> int:
        return len(self.items)


def image(name: str, title: str = "", description: str = "", **more: Any) -> Thing:
    return Thing(services=[SHAPE], Name=name, Title=title, Description=description, **more)


def group(*items: Thing) -> Thing:
    return Thing(services=["com.sun.star.drawing.GroupShape"], items=list(items), Name="")


def deck(*pages: list[Thing]) -> Thing:
    made = [Thing(items=items, Name=f"Slide {n}") for n, items in enumerate(pages, start=1)]
    return Thing(services=["com.sun.star.drawing.GenericDrawingDocument"], DrawPages=Thing(items=made))


def test_pictures_of_a_deck(beside: Any) -> None:
    made = beside("vlm_alt_text", "libreoffice/pythonpath")
    text = Thing(services=["com.sun.star.drawing.TextShape"], Name="words")
    empty = image("placeholder", IsEmptyPresentationObject=True)
    document = deck([image("a"), text, empty], [group(group(image("", "told")), image("c", "", " "))])
    found = list(made.pictures_of(document))
    assert [(one.place, one.told) for one in found] == [
        ("Slide 1, a", False), ("Slide 2, picture 1", True), ("Slide 2, c", False),
    ]  # fmt: skip


def test_pictures_of_a_text(beside: Any) -> None:
    made = beside("vlm_alt_text", "libreoffice/pythonpath")
    graphics = {"g1": image("g1"), "g2": image("g2", "", "told")}
    frame = Thing(services=["com.sun.star.text.TextGraphicObject", SHAPE], Name="g1")
    document = Thing(
        services=["com.sun.star.text.GenericTextDocument"], DrawPage=Thing(items=[frame, image("drawn")]),
        GraphicObjects=SimpleNamespace(ElementNames=tuple(graphics), getByName=graphics.__getitem__),
    )  # fmt: skip
    assert [one.place for one in made.pictures_of(document)] == ["g1", "g2", "drawn"]


def test_what_is_no_document_with_pictures(beside: Any) -> None:
    made = beside("vlm_alt_text", "libreoffice/pythonpath")
    client = importlib.import_module("vlm_client")
    with pytest.raises(client.Problem, match="no text"):
        list(made.pictures_of(Thing()))


def describe(made: Any, acts: Any, shapes: list[Thing]) -> Any:
    client = importlib.import_module("vlm_client")

    def draw(shape: Thing) -> bytes:
        if shape.Name == "damaged":
            raise client.Refused("cannot be read.")
        return b"png"

    steps: list[tuple[int, int]] = []
    with skill_server(*acts) as one:
        pictures = [made.Picture(shape, shape.Name) for shape in shapes]
        outcome = made.described(pictures, draw, client.Server(client.Settings(one.url)), lambda *at: steps.append(at))
    assert steps == [(n, len(shapes)) for n in range(len(shapes))]
    return outcome


def test_one_bad_picture_does_not_change_the_others(beside: Any) -> None:
    made = beside("vlm_alt_text", "libreoffice/pythonpath")
    shapes = [image("a"), image("damaged"), image("b"), image("c")]
    acts = [skills(), status(400, error("image: too small")), skills()]
    outcome = describe(made, acts, shapes)
    assert [(one.place, text) for one, text in outcome.texts] == [("a", "A red roof."), ("c", "A red roof.")]
    assert made.report(6, 2, outcome).split("\n") == [
        "2 of 6 pictures described.", "2 had a description and kept it.", "2 left out:", "damaged: cannot be read.",
        "b: The server does not take this: image: too small", "a: A red roof.", "c: A red roof.",
    ]  # fmt: skip
    assert all(shape.Description == "" for shape in shapes)


def test_a_server_that_goes_leaves_nothing(beside: Any) -> None:
    made = beside("vlm_alt_text", "libreoffice/pythonpath")
    client = importlib.import_module("vlm_client")
    with skill_server(skills(), hang_up) as one, pytest.raises(client.Problem, match="broke off"):
        server = client.Server(client.Settings(one.url))
        made.described([made.Picture(image(n), n) for n in "abc"], lambda _: b"png", server, lambda *_: None)


class Undo:
    """An undo manager that only counts."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.log.append(name) or True


def test_a_document_that_refuses_is_put_back(beside: Any) -> None:
    made = beside("vlm_alt_text", "libreoffice/pythonpath")
    client = importlib.import_module("vlm_client")

    class Locked(Thing):
        Description = ""

        def __setattr__(self, name: str, value: Any) -> None:
            raise RuntimeError("locked")

    document, first = Thing(UndoManager=Undo()), image("a", "", "old")
    pictures = [made.Picture(first, "a"), made.Picture(Locked(), "b"), made.Picture(image("c"), "c")]
    with pytest.raises(client.Problem, match="as before"):
        made.write(document, tuple((one, "text") for one in pictures))
    assert [one.shape.Description for one in pictures] == ["old", "", ""]
    assert document.UndoManager.log == ["enterUndoContext", "leaveUndoContext"]
