"""LibreOffice: alternative text for the pictures of a text, a presentation, a drawing or a sheet, by a vlm server.

Macros, under Tools > Macros > Run Macro > My Macros > vlm_studio: what they are for is said at each. The text goes to
the picture's description, which Word and PowerPoint know as alternative text. A script may call them, too, with a
document; where that has no window, nobody is shown anything: the report is what the macro returns.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

from vlm_alt_text import Outcome, Picture, described, pictures_of, report, selected_in, write
from vlm_client import Problem, Refused, Server, in_background, read_settings

LARGEST = 1024
"""Pixels of a picture's longer side."""
MOST_LINES = 12
"""Of what was left out, in a message."""
XSCRIPTCONTEXT: Any  # LibreOffice's


def describe_pictures(*given: Any) -> str:
    """All pictures of the document that have neither a title nor a description."""
    return _macro(given, lambda document: list(pictures_of(document)), overwrite=False)


def describe_all_pictures_anew(*given: Any) -> str:
    """All pictures of the document, also those that have a description: it is replaced."""
    return _macro(given, lambda document: list(pictures_of(document)), overwrite=True)


def describe_selected_pictures(*given: Any) -> str:
    """The selected pictures only, also those that have a description: it is replaced."""
    return _macro(given, selected_in, overwrite=True)


g_exportedScripts = (describe_pictures, describe_all_pictures_anew, describe_selected_pictures)

# --- in the program -------------------------------------------------------------------------------


def _macro(given: tuple[Any, ...], choose: Callable[[Any], list[Picture]], overwrite: bool) -> str:
    """`given`: a document from a script; an event, or nothing, from a menu or a key: then it is the one in front."""
    documents = [one for one in given if hasattr(one, "isReadonly")]
    document = documents[0] if documents else XSCRIPTCONTEXT.getDocument()
    try:
        if document is None:
            raise Problem("Open a document first.")
        if document.isReadonly():
            raise Problem("The document is open for reading only. Nothing was sent.")
        found = choose(document)
        wanted = [one for one in found if overwrite or not one.told]
        if not wanted:
            raise Problem("No picture was found. Nothing was sent." if not found else
                          f"All {len(found)} pictures have a description. Nothing was sent.")  # fmt: skip
        with _drawing_board() as draw:
            server = Server(read_settings())
            outcome = _asked(document, lambda progress: described(wanted, draw, server, progress), server)
        if outcome.texts:
            write(document, outcome.texts)
        return _tell(document, report(len(found), len(found) - len(wanted), outcome))
    except Problem as problem:
        return _tell(document, f"{problem}")


@contextmanager
def _drawing_board() -> Iterator[Callable[[Any], bytes]]:
    """A hidden drawing that shows one picture at a time as its document does: what is cropped away is not sent."""
    board = XSCRIPTCONTEXT.getDesktop().loadComponentFromURL(
        "private:factory/sdraw", "_blank", 0, _properties(Hidden=True)
    )
    manager = XSCRIPTCONTEXT.getComponentContext().ServiceManager
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "picture.png"

            def draw(shape: Any) -> bytes:
                shown = board.createInstance("com.sun.star.drawing.GraphicObjectShape")
                board.DrawPages.getByIndex(0).add(shown)
                try:
                    return _drawn(manager, shape, shown, file)
                finally:
                    board.DrawPages.getByIndex(0).remove(shown)

            yield draw
    finally:
        board.close(True)


def _drawn(manager: Any, shape: Any, shown: Any, file: Path) -> bytes:
    """A PNG. Raises Refused for a picture that LibreOffice itself cannot read."""
    graphic = shape.Graphic
    if graphic is None or graphic.GraphicType == 0 or not _extent(graphic):
        raise Refused("LibreOffice cannot read this picture.")
    shown.setSize(shape.Size)
    shown.Graphic = graphic
    shown.GraphicCrop = shape.GraphicCrop
    wide, high = shape.Size.Width, shape.Size.Height
    scale = LARGEST / max(wide, high, 1)
    data = _properties(PixelWidth=max(1, round(wide * scale)), PixelHeight=max(1, round(high * scale)))
    exporter = manager.createInstance("com.sun.star.drawing.GraphicExportFilter")
    exporter.setSourceDocument(shown)
    if file.exists():
        file.unlink()
    exporter.filter(_properties(URL=file.as_uri(), MediaType="image/png", FilterData=_any_of(data)))
    if not file.exists() or not file.stat().st_size:
        raise Refused("LibreOffice cannot draw this picture.")
    return file.read_bytes()


def _extent(graphic: Any) -> bool:
    """Whether there is anything of it: a damaged file comes as a picture of no size."""
    sizes = [size for size in (graphic.SizePixel, graphic.Size100thMM) if size is not None]
    return any(size.Width > 0 and size.Height > 0 for size in sizes)


def _properties(**values: Any) -> tuple[Any, ...]:
    from com.sun.star.beans import PropertyValue

    made = []
    for name, value in values.items():
        one = PropertyValue()
        one.Name, one.Value = name, value
        made.append(one)
    return tuple(made)


def _any_of(properties: tuple[Any, ...]) -> Any:
    """Else the list would arrive as one of anything."""
    import uno

    return uno.Any("[]com.sun.star.beans.PropertyValue", properties)


def _window(document: Any) -> Any:
    """The document's window, where somebody can see it."""
    if document is None:
        document = XSCRIPTCONTEXT.getDesktop().CurrentComponent
    controller = document.CurrentController if document is not None else None
    window = controller.Frame.ContainerWindow if controller is not None and controller.Frame is not None else None
    return window if window is not None and window.isVisible() else None


def _tell(document: Any, text: str) -> str:
    window = _window(document)
    if window is not None:
        from com.sun.star.awt.MessageBoxType import INFOBOX

        lines = text.split("\n")
        shown = lines[:MOST_LINES] + ([f"... and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
        box = window.Toolkit.createMessageBox(window, INFOBOX, 1, "vlm studio", "\n".join(shown))
        box.execute()
        box.dispose()
    return text


def _asked(document: Any, work: Callable[[Callable[[int, int], None]], Outcome], server: Server) -> Outcome:
    """Runs the work: at once where nobody looks, else behind a window that tells how far it is and can stop it.

    The window is modal: while it stands, the document cannot be changed under the work's hands.
    """
    window = _window(document)
    if window is None:
        return work(lambda done, of: None)
    results: list[Outcome] = []
    problems: list[str] = []
    dialog = _progress_window(window)
    label = dialog.getControl("label")

    def progress(done: int, of: int) -> None:
        label.setText(f"Picture {done + 1} of {of}")

    def finished(result: Outcome) -> None:
        results.append(result)
        dialog.endExecute()

    def failed(message: str) -> None:
        problems.append(message)
        dialog.endExecute()

    thread = in_background(lambda: work(progress), finished, failed)
    dialog.execute()
    server.stop()  # nothing is under way, unless the person has closed the window
    while thread.is_alive():  # it may wait for this very thread to draw something
        window.Toolkit.processEventsToIdle()
        thread.join(0.05)
    dialog.dispose()
    if problems or not results:
        raise Problem(problems[0] if problems else "Stopped. Nothing was changed.")
    return results[0]


def _progress_window(parent: Any) -> Any:
    manager = XSCRIPTCONTEXT.getComponentContext().ServiceManager
    model = manager.createInstance("com.sun.star.awt.UnoControlDialogModel")
    model.Width, model.Height, model.Title = 160, 48, "vlm studio: alternative text"
    for kind, name, values in (
        ("FixedText", "label", {"PositionX": 8, "PositionY": 8, "Width": 144, "Height": 12, "Label": "Asking ..."}),
        ("Button", "stop", {"PositionX": 60, "PositionY": 28, "Width": 40, "Height": 14, "Label": "Stop",
                            "PushButtonType": 2}),
    ):  # fmt: skip
        control = model.createInstance(f"com.sun.star.awt.UnoControl{kind}Model")
        for key, value in values.items():
            setattr(control, key, value)
        model.insertByName(name, control)
    dialog = manager.createInstance("com.sun.star.awt.UnoControlDialog")
    dialog.setModel(model)
    dialog.createPeer(parent.Toolkit, parent)
    return dialog
