"""Run by LibreOffice's own Python: a document is opened in an office that listens, a macro is called, the document
saved, the macro undone. Reads one JSON object from stdin, prints one.

    file, macro, pipe; saved: where the document goes, in its own format; select: number of a picture, or null
"""

import json
import os
import sys
import time

import uno


def prop(name, value):
    made = uno.createUnoStruct("com.sun.star.beans.PropertyValue")
    made.Name, made.Value = name, value
    return made


def connected(pipe):
    here = uno.getComponentContext()
    resolver = here.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", here)
    until = time.monotonic() + 200
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def pictures(document):
    if document.supportsService("com.sun.star.text.GenericTextDocument"):
        return [document.GraphicObjects.getByName(name) for name in document.GraphicObjects.ElementNames]
    pages = document.Sheets if document.supportsService("com.sun.star.sheet.SpreadsheetDocument") else None
    pages = [page.DrawPage for page in each(pages)] if pages else each(document.DrawPages)
    return [shape for page in pages for shape in each(page) if "Graphic" in shape.ShapeType]


def each(container):
    return [container.getByIndex(index) for index in range(container.Count)]


def told(document):
    return [[one.Title, one.Description] for one in pictures(document)]


def main():
    job = json.load(sys.stdin)
    context = connected(job["pipe"])
    desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    if job.get("quit"):
        desktop.terminate()
        return
    arguments = (prop("Hidden", True), *([prop("ReadOnly", True)] if job.get("readonly") else []))
    document = desktop.loadComponentFromURL("file://" + job["file"], "_blank", 0, arguments)
    if job.get("select") is not None:
        chosen = pictures(document)[job["select"]]
        document.CurrentController.select(chosen)
    found = {"before": told(document), "modified before": document.isModified()}
    undo = document.UndoManager
    steps = undo.getAllUndoActionTitles()
    factory = context.ServiceManager.createInstance("com.sun.star.script.provider.MasterScriptProviderFactory")
    script = factory.createScriptProvider("user").getScript(
        f"vnd.sun.star.script:vlm_studio|alt_text.py${job['macro']}?language=Python&location=user"
    )
    started = time.monotonic()
    found["report"] = script.invoke((document,), (), ())[0].split("\n")
    found["seconds"] = time.monotonic() - started
    found["after"] = told(document)
    now = undo.getAllUndoActionTitles()
    found["step"] = now[0] if now != steps else ""  # not by their number: an office keeps a hundred
    if job.get("saved"):
        document.storeToURL("file://" + job["saved"], ())
    if found["step"]:
        undo.undo()
        found["undone"] = told(document)
        undo.redo()
        found["redone"] = told(document)
    found["open"] = desktop.Components.hasElements() and len(list(desktop.Components))
    document.close(True)
    print(json.dumps(found))


main()
sys.stdout.flush()
os._exit(0)  # the bridge's threads outlive Python, and one crashed it at its end, with all said
