"""Which pictures a document has, and what a vlm server says of them. LibreOffice is only spoken to by objects."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from vlm_client import Problem, Refused, Server, picture, words

# --- which pictures ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """`shape`: anything of LibreOffice's with Graphic, Size, Title and Description. `place`: for the report."""

    shape: Any
    place: str

    @property
    def told(self) -> bool:
        return bool(self.shape.Title.strip() or self.shape.Description.strip())


def pictures_of(document: Any) -> Iterator[Picture]:
    """In reading order, as far as the document has one; pictures inside groups, too."""
    if document.supportsService("com.sun.star.text.GenericTextDocument"):
        graphics = document.GraphicObjects
        for name in graphics.ElementNames:
            yield Picture(graphics.getByName(name), name)
        yield from _below(document.DrawPage, "")
    elif document.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
        for sheet in _each(document.Sheets):
            yield from _below(sheet.DrawPage, sheet.Name + ", ")
    elif document.supportsService("com.sun.star.drawing.GenericDrawingDocument"):
        for page in _each(document.DrawPages):
            yield from _below(page, page.Name + ", ")
    else:
        raise Problem("This is no text, presentation, drawing or sheet.")


def selected_in(document: Any) -> list[Picture]:
    chosen = document.CurrentController.Selection if document.CurrentController else None
    if chosen is None:
        return []
    if chosen.supportsService("com.sun.star.text.TextGraphicObject"):
        return [Picture(chosen, chosen.Name)]
    return list(_below(chosen, "")) if chosen.supportsService("com.sun.star.drawing.ShapeCollection") else []


def _below(shapes: Any, place: str) -> Iterator[Picture]:
    for number, shape in enumerate(_each(shapes), start=1):
        if shape.supportsService("com.sun.star.drawing.GroupShape"):
            yield from _below(shape, place)
        elif shape.supportsService("com.sun.star.text.TextGraphicObject"):
            continue  # a text's own pictures are among its graphic objects
        elif (
            shape.supportsService("com.sun.star.drawing.GraphicObjectShape")
            or shape.supportsService("com.sun.star.presentation.GraphicObjectShape")
        ) and not getattr(shape, "IsEmptyPresentationObject", False):
            yield Picture(shape, f"{place}{shape.Name or f'picture {number}'}")


def _each(container: Any) -> Iterator[Any]:
    for index in range(container.Count):
        yield container.getByIndex(index)


# --- describing them -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Texts for pictures, not yet written; and what could not be described, with its reason."""

    texts: tuple[tuple[Picture, str], ...]
    left_out: tuple[str, ...]


def described(
    pictures: list[Picture], draw: Callable[[Any], bytes], server: Server, progress: Callable[[int, int], None]
) -> Outcome:
    """Asks for each picture. One that cannot be read, or that the server refuses, is left out; the others go on.

    Raises:
        Problem: the server cannot be asked: then there is no text at all.
    """
    texts, left_out = [], []
    for number, one in enumerate(pictures):
        progress(number, len(pictures))
        try:
            texts.append((one, words(server.run("alt_text", image=picture(draw(one.shape))))))
        except Refused as refused:
            left_out.append(f"{one.place}: {refused}")
    return Outcome(tuple(texts), tuple(left_out))


def write(document: Any, texts: tuple[tuple[Picture, str], ...]) -> None:
    """All of them, as one step to undo; or none.

    Raises:
        Problem: the document does not take them.
    """
    manager = document.UndoManager
    before = [one.shape.Description for one, _ in texts]
    manager.enterUndoContext("Alternative text")
    try:
        for one, text in texts:
            one.shape.Description = text
    except Exception as error:
        for (one, _), old in zip(texts, before):
            with suppress(Exception):  # the one that refused
                one.shape.Description = old
        raise Problem("The document does not take the descriptions; it is as before.") from error
    finally:
        manager.leaveUndoContext()


def report(found: int, told: int, outcome: Outcome) -> str:
    lines = [f"{len(outcome.texts)} of {found} pictures described."]
    if told:
        lines.append(f"{told} had a description and kept it.")
    if outcome.left_out:
        lines += [f"{len(outcome.left_out)} left out:", *outcome.left_out]
    lines += [f"{one.place}: {text}" for one, text in outcome.texts]
    return "\n".join(lines)
