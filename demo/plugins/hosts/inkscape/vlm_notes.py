"""Inkscape: palette, contrast and critique of a page or a selection, as a layer of notes beside it."""

from __future__ import annotations

from typing import Any, Sequence

import inkex
from vlm_client import Problem, Server, picture, read_settings
from vlm_layer import layer_of
from vlm_pictures import NOTES, Asking, outermost, picture_of_page, pictures_of

SKILLS = ("palette", "contrast", "critique")
MOST = 500
"""Objects of a selection."""


class Notes(Asking):
    def add_arguments(self, pars: Any) -> None:
        pars.add_argument("--what", default="options")
        pars.add_argument("--scope", default="page")
        for skill in SKILLS:
            pars.add_argument(f"--{skill}", type=inkex.Boolean, default=True)

    def most(self, arguments: Sequence[str]) -> int:
        return MOST if "--scope=selection" in arguments else 0

    def change(self) -> None:
        skills = [skill for skill in SKILLS if getattr(self.options, skill)]
        if not skills:
            raise Problem("Choose the palette, the contrast, the critique, or several of them.")
        server, shot = Server(read_settings()), self.shot()
        outputs = {skill: server.run(skill, image=picture(shot.png)) for skill in skills}
        layer = layer_of(outputs, shot, self.svg.get_viewbox())
        for earlier in self.svg.xpath(f"//svg:g[@class='{NOTES}']"):
            earlier.getparent().remove(earlier)
        self.svg.append(layer)

    def shot(self) -> Any:
        if self.options.scope == "page":
            return picture_of_page(self.svg)
        if not self.options.ids:
            raise Problem("Select what should be looked at, or choose the page. Nothing was sent.")
        (shot,) = pictures_of(self.svg, [outermost(list(self.svg.selection.values()))])
        if shot is None:
            raise Problem("There is nothing to see of the selection. Nothing was sent.")
        return shot


if __name__ == "__main__":
    Notes().run()
