"""Does llama.cpp say what we say? A model exported to GGUF, asked questions about held-out pictures of the studio.

    python examples/gguf_answers.py -n 50 --types f16 q8_0

Needs llama-cpp-python (CONTRIBUTING.md tells how to build it) and the extra `gguf`. Pictures are given to both as
squares of the tower's size, since llama.cpp makes squares in a way of its own. Printed is, for each type, how many
answers are the same words, with the picture and without, and how many are right.
"""

from __future__ import annotations

import argparse
import base64
import io
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llama_cpp import Llama
from llama_cpp.llama_chat_format import MTMDChatHandler
from PIL import Image
from tqdm import tqdm

import vlm
from training.synthetic import FAMILIES, make
from vlm import sources
from vlm.gguf_export import to_gguf

FIRST_SEED = 770_000
"""Seeds that training never drew."""
LENGTH = 48


@contextmanager
def llama_cpp_with(folder: Path, kind: str) -> Iterator[tuple[Llama, Llama]]:
    """llama.cpp with eyes, and without."""
    (model,) = (path for path in folder.glob(f"*-{kind}.gguf") if not path.name.startswith("mmproj-"))
    options: dict[str, Any] = {"n_ctx": 1024, "n_threads": 1, "n_threads_batch": 1, "verbose": False}
    tower = MTMDChatHandler(str(folder / f"mmproj-{model.name}"), verbose=False, use_gpu=False)
    seeing, blind = Llama(str(model), chat_handler=tower, **options), Llama(str(model), **options)
    try:
        yield seeing, blind
    finally:
        seeing.close()
        blind.close()


def answer(llama: Llama, question: str, image: Image.Image | None = None) -> str:
    parts: list[dict[str, Any]] = []
    if image is not None:
        file = io.BytesIO()
        image.save(file, "PNG")
        url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
        parts.append({"type": "image_url", "image_url": {"url": url}})
    content = [*parts, {"type": "text", "text": question}] if parts else question
    reply = llama.create_chat_completion(
        [{"role": "user", "content": content}], temperature=0.0, repeat_penalty=1.0, max_tokens=LENGTH
    )
    return str(reply["choices"][0]["message"]["content"]).strip()


def questions(n: int, seed: int, size: int) -> Iterator[tuple[Image.Image, str, tuple[str, ...]]]:
    """A picture of (size, size), a question about it, what is right."""
    rng = random.Random(seed)
    for i in range(n):
        sample = make(FAMILIES[i % len(FAMILIES)], FIRST_SEED + i, "seeds")
        chosen = rng.choice(sample.questions)
        yield (
            sample.image.resize((size, size), Image.Resampling.BICUBIC),
            chosen.question,
            (chosen.answer, *chosen.accept),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--model", default="default")
    parser.add_argument("--types", nargs="+", default=["f16", "q8_0"])
    parser.add_argument("--class-token", choices=("last", "first"), default="last")
    options = parser.parse_args()
    assistant = vlm.load(options.model)
    clip = assistant.config.clip
    assert clip is not None, "a model without eyes"
    asked = list(questions(options.n, options.seed, clip.image_size))
    ours = [assistant.ask(text, images=[image], max_new_tokens=LENGTH).text.strip() for image, text, _ in tqdm(asked)]
    blind = [assistant.ask(text, max_new_tokens=LENGTH).text.strip() for _, text, _ in tqdm(asked)]

    def right(answers: list[str]) -> int:
        return sum(a.lower() in map(str.lower, true) for a, (*_, true) in zip(answers, asked, strict=True))

    print(f"{options.n} questions; here {right(ours)} are answered right")
    for kind in options.types:
        with tempfile.TemporaryDirectory() as folder:
            to_gguf(Path(folder) / "out", *sources.load(options.model), kind=kind, class_token=options.class_token)
            with llama_cpp_with(Path(folder) / "out", kind) as (seeing, unseeing):
                theirs = [answer(seeing, text, image) for image, text, _ in tqdm(asked)]
                text_only = [answer(unseeing, text) for _, text, _ in tqdm(asked)]
        same = sum(a == b for a, b in zip(ours, theirs, strict=True))
        same_blind = sum(a == b for a, b in zip(blind, text_only, strict=True))
        print(f"{kind:5} with the picture {same} the same, {right(theirs)} right; without it {same_blind} the same")
        for (_, text, _), a, b in zip(asked, ours, theirs, strict=True):
            if a != b:
                print(f"      {text!r}: here {a!r}, there {b!r}")


if __name__ == "__main__":
    main()
