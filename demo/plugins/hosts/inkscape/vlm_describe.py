"""Inkscape: the selected objects described by a vlm server, in their <title> and <desc>."""

from __future__ import annotations

from typing import Any, Sequence

import inkex
from lxml import etree
from vlm_client import Problem, Refused, Server, picture, read_settings, words
from vlm_pictures import Asking, outermost, pictures_of

MOST = 50
"""Objects at a time: each is at least one question to the server."""
QUESTION = "Describe this picture."


class Describe(Asking):
    def add_arguments(self, pars: Any) -> None:
        pars.add_argument("--what", default="options")
        pars.add_argument("--title", type=inkex.Boolean, default=True)
        pars.add_argument("--desc", type=inkex.Boolean, default=True)
        pars.add_argument("--overwrite", type=inkex.Boolean, default=False)

    def most(self, arguments: Sequence[str]) -> int:
        return MOST

    def change(self) -> None:
        kinds = [kind for kind in ("title", "desc") if getattr(self.options, kind)]
        if not kinds:
            raise Problem("Choose the title, the description, or both.")
        if not self.options.ids:
            raise Problem("Select the objects that should be described. Nothing was sent.")
        elements = outermost(list(self.svg.selection.values()))
        wanted = [[kind for kind in kinds if self.options.overwrite or not told(e, kind)] for e in elements]
        if not any(wanted):
            raise Problem("All selected objects have a description already. Nothing was sent.")
        server = Server(read_settings())
        pictures = pictures_of(self.svg, [[e] for e, kinds in zip(elements, wanted) if kinds])
        shots = iter(pictures)
        findings, left_out = [], []  # type: ignore[var-annotated]
        for element, kinds in zip(elements, wanted):
            shot = next(shots) if kinds else None
            if kinds and shot is None:
                left_out.append(f"{element.get_id()}: there is nothing to see.")
                continue
            try:
                texts = [(kind, ask(server, kind, shot.png)) for kind in kinds if shot]
            except Refused as refused:
                left_out.append(f"{element.get_id()}: {refused}")
                continue
            findings += [(element, kind, text) for kind, text in texts]
        if not findings:
            raise Problem("\n".join(["Nothing was described.", *left_out[:10]]))
        for element, kind, text in findings:
            write(element, kind, text)
        if left_out:
            inkex.errormsg("\n".join([f"Described, but for {len(left_out)} of {len(elements)}:", *left_out[:10]]))


def ask(server: Server, kind: str, png: bytes) -> str:
    if kind == "title":
        return words(server.run("alt_text", image=picture(png)))
    return words(server.run("ask", question=QUESTION, images=[picture(png)]))


def found(element: Any, kind: str) -> Any | None:
    return element.find(inkex.addNS(kind, "svg"))


def told(element: Any, kind: str) -> bool:
    node = found(element, kind)
    return node is not None and bool("".join(node.itertext()).strip())


def write(element: Any, kind: str, text: str) -> None:
    node = found(element, kind)
    if node is None:
        node = etree.Element(inkex.addNS(kind, "svg"))
        before: list[Any] = [n for n in [found(element, "title")] if n is not None]
        element.insert(len(before) if kind == "desc" else 0, node)
    for child in list(node):
        node.remove(child)
    node.text = text


if __name__ == "__main__":
    Describe().run()
