"""What the extensions have in common: objects of a drawing -> PNG, drawn by Inkscape itself, and their place."""

from __future__ import annotations

import copy
import os
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import inkex
from inkex.command import which
from vlm_client import Box, Problem

LARGEST = 2048
"""Pixels of a picture's longer side: more than a model looks at, since lines of text are measured, too."""
SECONDS = 120
NOTES = "vlm-notes"
"""The attribute `class` of layers that the add-on made: they are no part of the drawing."""


class Asking(inkex.EffectExtension):
    """What the extensions share: problems are said in a dialog, and the drawing is then as before."""

    def most(self, arguments: Sequence[str]) -> int:
        """Selected objects that may be looked at; 0 if the selection does not matter."""
        raise NotImplementedError

    def change(self) -> None:
        """Asks, and changes the drawing when the last answer is here. Raises Problem."""
        raise NotImplementedError

    def parse_arguments(self, args: list[str]) -> None:
        """Counts before anything looks at each id: for thousands, argparse and inkex take minutes."""
        others = [argument for argument in args if not argument.startswith("--id=")]
        count, most = len(args) - len(others), self.most(others)
        if count > most > 0:
            raise inkex.AbortExtension(
                f"{count:,} objects are selected, and at most {most} are looked at. Group what belongs together "
                "(Object > Group). Nothing was sent."
            )
        super().parse_arguments(args if most else others)

    def effect(self) -> None:
        try:
            self.change()
        except Problem as problem:
            raise inkex.AbortExtension(str(problem)) from None


@dataclass(frozen=True)
class Picture:
    """`left`, `top`: its place on the page, in user units; `unit`: user units of one of its pixels; `zoom`: how many of
    its pixels are a CSS pixel of the page.
    """

    png: bytes
    left: float
    top: float
    unit: float
    zoom: float

    def on_page(self, box: Box) -> Box:
        """A box of the picture's pixels, in user units."""
        x, y, width, height = box
        return self.left + x * self.unit, self.top + y * self.unit, width * self.unit, height * self.unit


@dataclass(frozen=True)
class _Shot:
    """What one picture shows. `area`: x, y, width, height in CSS pixels of the page."""

    options: str
    area: Box


def picture_of_page(svg: Any) -> Picture:
    """The first page, as it is seen. Raises Problem."""
    width, height = svg.get_viewbox()[2:]
    pixel = _pixel(svg)
    shot = _Shot("export-area-page", (0, 0, width / pixel, height / pixel))
    return _drawn(svg, _copied(svg), [shot])[0]


def pictures_of(svg: Any, groups: Sequence[Sequence[Any]]) -> list[Picture | None]:
    """One picture for each group of elements, of these alone; None where nothing of them can be seen.

    They are drawn from a copy, in which each group stands once more, at the end and under an id of ours: ids of a
    drawing can hold anything, and Inkscape reads `;` and `:` in a command as its own.

    Raises:
        Problem: Inkscape cannot draw them.
    """
    document = _copied(svg)
    for number, group in enumerate(groups):
        holder = inkex.Group()
        holder.set("id", f"vlm-shot-{number}")
        for element in group:
            holder.append(_with_its_surroundings(element))
        document.append(holder)
    areas = _areas(document, len(groups))
    shots = [_Shot(f"export-id:vlm-shot-{n};export-id-only", area) if area else None for n, area in enumerate(areas)]
    drawn = iter(_drawn(svg, document, [shot for shot in shots if shot]))
    return [next(drawn) if shot else None for shot in shots]


def outermost(elements: Sequence[Any]) -> list[Any]:
    """Without those that lie inside another one of them."""
    chosen = {id(element) for element in elements}
    return [e for e in elements if not any(id(ancestor) in chosen for ancestor in e.iterancestors())]


def _pixel(svg: Any) -> float:
    """A CSS pixel of the page in user units; inkex's `unittouu` leaves the view box out of account."""
    width = str(svg.get("width") or "")
    pixels = 0.0 if not width or width.endswith("%") else inkex.units.convert_unit(width, "px")
    return svg.get_viewbox()[2] / pixels if pixels > 0 else 1.0


def _copied(svg: Any) -> Any:
    document = copy.deepcopy(svg)
    for layer in document.xpath(f"//svg:g[@class='{NOTES}']"):
        layer.getparent().remove(layer)
    return document


def _with_its_surroundings(element: Any) -> Any:
    """A copy inside copies of the groups around it, which are otherwise empty: they move and style it."""
    inner = copy.deepcopy(element)
    for ancestor in element.iterancestors():
        if ancestor.getparent() is None:  # the document itself
            break
        shell = inkex.Group()
        for name, value in ancestor.attrib.items():
            if name != "id":
                shell.set(name, value)
        shell.append(inner)
        inner = shell
    return inner


def _areas(document: Any, count: int) -> list[Box | None]:
    """Where each group is on the page, in CSS pixels; None for what has no extent."""
    ids = [f"vlm-shot-{number}" for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        told = _inkscape(document, Path(folder), "--query-id=" + ",".join(ids), "--query-x", "--query-y",
                         "--query-width", "--query-height")  # fmt: skip
    try:
        columns = [[float(number) for number in line.split(",")] for line in told.split()]
        areas = list(zip(*columns))
    except ValueError:
        areas = []
    if len(areas) != count:
        raise Problem("Inkscape did not tell where the objects are.")
    return [area if area[2] > 0 and area[3] > 0 else None for area in areas]  # type: ignore[misc]


def _drawn(svg: Any, document: Any, shots: Sequence[_Shot]) -> list[Picture]:
    if not shots:
        return []
    with tempfile.TemporaryDirectory() as name:
        folder, actions = Path(name), ["export-background:white", "export-background-opacity:1", "export-type:png"]
        for number, shot in enumerate(shots):
            _, _, width, height = shot.area
            side = "width" if width >= height else "height"
            other = "height" if side == "width" else "width"
            size = max(1, round(min(LARGEST, 2 * max(width, height))))
            actions += [f"export-{other}:0", f"export-{side}:{size}", shot.options,
                        f"export-filename:{folder / str(number)}.png", "export-do"]  # fmt: skip
        _inkscape(document, folder, "--actions=" + ";".join(actions))
        pixel, (left, top) = _pixel(svg), svg.get_viewbox()[:2]
        return [_placed(folder / f"{number}.png", shot.area, pixel, left, top) for number, shot in enumerate(shots)]


def _placed(file: Path, area: Box, pixel: float, left: float, top: float) -> Picture:
    try:
        png = file.read_bytes()
    except OSError:
        raise Problem("Inkscape could not draw the picture to be sent.") from None
    wide, _ = struct.unpack(">II", png[16:24])
    x, y, width, _ = area
    return Picture(png, left + x * pixel, top + y * pixel, width * pixel / wide, wide / width)


def _inkscape(document: Any, folder: Path, *arguments: str) -> str:
    """What Inkscape, called once more and without a window, prints. Its warnings do not reach the person."""
    file = folder / "drawing.svg"
    document.getroottree().write(str(file), encoding="utf-8")
    surroundings = dict(os.environ, SELF_CALL="true")  # else a running Inkscape might take the call over
    try:
        done = subprocess.run([which("inkscape"), *arguments, str(file)], capture_output=True, timeout=SECONDS,
                              env=surroundings, check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError, inkex.command.CommandNotFound):
        raise Problem("Inkscape could not draw the picture to be sent: it failed, or took too long.") from None
    return done.stdout.decode("utf-8", "replace")
