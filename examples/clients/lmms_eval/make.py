"""Draws an imagefolder of the studio's held-out pictures, a question for each.

python examples/clients/lmms_eval/make.py FOLDER [-n 60]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training.synthetic import FAMILIES, make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", type=int, default=60, help="pictures, the families in turn")
    options = parser.parse_args()
    split = options.folder / "test"
    split.mkdir(parents=True, exist_ok=True)
    with (split / "metadata.jsonl").open("w", encoding="utf-8") as table:
        for number in range(options.n):
            family, seed = FAMILIES[number % len(FAMILIES)], number // len(FAMILIES)
            sample = make(family, seed, "seeds")
            asked = sample.questions[number % len(sample.questions)]
            name = f"{family}-{seed}.png"
            sample.image.save(split / name)
            row = {
                "file_name": name, "family": family, "question": asked.question,
                "answers": [asked.answer, *asked.accept],
            }  # fmt: skip
            table.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
