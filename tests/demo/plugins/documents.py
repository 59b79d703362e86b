"""OpenDocument files, flat: a deck, a text, a drawing, a sheet with pictures, some of them damaged."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection
from pathlib import Path

from PIL import Image, ImageDraw

SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (("office", "office"), ("style", "style"), ("draw", "drawing"), ("text", "text"),
                        ("table", "table"), ("svg", "svg-compatible"), ("fo", "xsl-fo-compatible"))
)  # fmt: skip
KINDS = {"presentation": "fodp", "text": "fodt", "graphics": "fodg", "spreadsheet": "fods"}
BODY = {"graphics": "drawing"}


def png(number: int) -> bytes:
    """160 x 120, in a colour of its own; the right half is black."""
    image = Image.new("RGB", (160, 120), (number * 37 % 256, 64 + number * 91 % 192, number * 53 % 256))
    ImageDraw.Draw(image).rectangle((80, 0, 159, 119), fill="black")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def document(
    folder: Path, kind: str, pictures: int, *, damaged: Collection[int] = (), described: Collection[int] = (),
    cropped: Collection[int] = (),
) -> Path:  # fmt: skip
    """A file with so many pictures, one on each page, in the text, or on the first sheet. A cropped one lacks its right
    half."""
    frames = [_frame(number, kind, number in damaged, number in described, number in cropped)
              for number in range(pictures)]  # fmt: skip
    if kind == "text":
        content = "".join(f"<text:p>{frame}</text:p>" for frame in frames)
    elif kind == "spreadsheet":
        cell = "<table:table-row><table:table-cell/></table:table-row>"
        content = f'<table:table table:name="One"><table:shapes>{"".join(frames)}</table:shapes>{cell}</table:table>'
    else:
        content = "".join(f'<draw:page draw:name="Page {n}" draw:master-page-name="M">{frame}</draw:page>'
                          for n, frame in enumerate(frames, start=1))  # fmt: skip
    body = BODY.get(kind, kind)
    path = folder / f"{kind}.{KINDS[kind]}"
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {SPACES} office:version="1.2" '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}"><office:automatic-styles>'
        '<style:page-layout style:name="L"><style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/>'
        '</style:page-layout><style:style style:name="C" style:family="graphic"><style:graphic-properties '
        'fo:clip="rect(0cm, 2.117cm, 0cm, 0cm)"/></style:style></office:automatic-styles><office:master-styles>'
        '<style:master-page style:name="M" style:page-layout-name="L"/></office:master-styles>'
        f"<office:body><office:{body}>{content}</office:{body}></office:body></office:document>"
    )
    return path


def _frame(number: int, kind: str, damaged: bool, described: bool, cropped: bool) -> str:
    data = png(number)
    if damaged:
        data = data[:40] + bytes(60)
    anchor = 'text:anchor-type="as-char"' if kind == "text" else 'svg:x="2cm" svg:y="2cm"'
    width = "4cm" if cropped else "8cm"
    style = 'draw:style-name="C"' if cropped else ""
    told = f"<svg:desc>Words of picture {number}</svg:desc>" if described else ""
    return (
        f'<draw:frame draw:name="Photo {number}" {style} {anchor} svg:width="{width}" svg:height="6cm"><draw:image>'
        f"<office:binary-data>{base64.b64encode(data).decode()}</office:binary-data></draw:image>{told}</draw:frame>"
    )
