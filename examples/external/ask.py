"""Asks a model about the pictures of this folder, which other programs drew, and counts the right answers.

python examples/external/ask.py [--model default]

Each question is asked twice: about its picture, and about a plain grey one of the same size ("blind").
What the picture adds is the difference of the two.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

from PIL import Image

import vlm

HERE = Path(__file__).resolve().parent
GREY = (128, 128, 128)
WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
]  # fmt: skip
SAME = {word: str(number) for number, word in enumerate(WORDS)} | {"gray": "grey"}
NUMBER = re.compile(r"\d+([.:]\d+)*")


def normalised(text: str) -> list[str]:
    """Lower-case words without articles and punctuation; number words as digits, 3.50 as 3.5."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "").replace("'", "")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)  # 12,480
    text = re.sub(r"(?<!\d)[.:]|[.:](?!\d)|[^\w.:]|_", " ", text)  # points and colons stay inside numbers
    words = [SAME.get(word, word) for word in text.split() if word not in ("a", "an", "the")]
    return [re.sub(r"(?<=\d)\.?0+$", "", word) if re.fullmatch(r"\d+\.\d+", word) else word for word in words]


def is_right(answer: str, accept: list[str]) -> bool:
    """Yes/no must be the first word, a number the first number; anything else may stand anywhere, in whole words."""
    said = normalised(answer)
    numbers = [word for word in said if NUMBER.fullmatch(word)]
    for text in accept:
        wanted = normalised(text)
        if wanted in (["yes"], ["no"]):
            right = said[:1] == wanted
        elif len(wanted) == 1 and NUMBER.fullmatch(wanted[0]):
            right = numbers[:1] == wanted
        else:
            right = any(said[i : i + len(wanted)] == wanted for i in range(len(said)))
        if right:
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="a model folder, or the embedded model")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    assistant = vlm.load(options.model, device=options.device)

    asked, right, blind = Counter[str](), Counter[str](), Counter[str]()
    for entry in json.loads((HERE / "questions.json").read_text(encoding="utf-8")):
        picture, family = HERE / entry["image"], entry["family"]
        grey = Image.new("RGB", vlm.load_image(picture).size, GREY)
        print(f"\n{entry['image']} ({family}, {entry['made_with']})")
        for item in entry["questions"]:
            seen, unseen = (
                assistant.ask(item["question"], images=[shown], max_new_tokens=48, temperature=0.0).text.strip()
                for shown in (picture, grey)
            )
            ok = is_right(seen, item["accept"])
            asked[family] += 1
            right[family] += ok
            blind[family] += is_right(unseen, item["accept"])
            wanted = "" if ok else f"   (expected: {' / '.join(item['accept'])})"
            print(f"  {'ok   ' if ok else 'wrong'}  {item['question']}  ->  {seen!r}{wanted}", flush=True)

    print(f"\n{'family':<14}{'right':>12}{'blind':>12}")
    for name in [*asked, "all"]:
        n, r, b = (c.total() if name == "all" else c[name] for c in (asked, right, blind))
        print(f"{name:<14}{f'{r}/{n} {r / n:4.0%}':>12}{f'{b}/{n} {b / n:4.0%}':>12}")


if __name__ == "__main__":
    main()
