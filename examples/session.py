"""Runs real commands and draws what they printed: the picture in the README.

python examples/session.py
"""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import vlm

HERE = Path(__file__).parent
COMMANDS = (
    ("floor_plan.png", "Which is the largest room?"),
    ("palette.png", "List the colours."),
    ("wireframe.png", "How many input fields are there?"),
)
INK, DIM, PAPER = (229, 231, 235), (125, 211, 252), (17, 24, 39)
WIDTH, LINE, SIDE = 1180, 26, 190


def run(image: str, question: str) -> str:
    done = subprocess.run(
        ["vlm", "ask", f"examples/{image}", question], capture_output=True, text=True, check=True, cwd=HERE.parent
    )
    return done.stdout.strip()


def main() -> None:
    face = ImageFont.load_default(18)
    sheet = Image.new("RGB", (WIDTH, len(COMMANDS) * (SIDE + 20) + 20), PAPER)
    pen = ImageDraw.Draw(sheet)
    for row, (image, question) in enumerate(COMMANDS):
        top = 20 + row * (SIDE + 20)
        picture = vlm.load_image(HERE / image)
        picture.thumbnail((SIDE + 60, SIDE))
        sheet.paste(picture, (20, top))
        pen.text((300, top + 10), f'$ vlm ask examples/{image} "{question}"', DIM, face)
        for number, line in enumerate(textwrap.wrap(run(image, question), 80)[:6], start=1):
            pen.text((300, top + 10 + number * LINE), line, INK, face)
    sheet.save(HERE / "session.png", optimize=True)


if __name__ == "__main__":
    main()
