"""`vlm eval`: accuracy on held-out seeds and held-out styles, beside what can be had without looking.

Two baselines stand beside every accuracy: the same model asked the same question about a grey
picture (`blind`), and the most common answer to that family's kind of question (`prior`).
"""

from __future__ import annotations

import json
import random
import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from vlm.assistant import CAPTION_PROMPTS, Assistant, question_messages
from vlm.cases import GREY

from .synthetic import FAMILIES, QA, Sample, Split, family_module, make
from .synthetic.base import say
from .synthetic.conversations import TRANSCRIBE

PARTS = ("questions", "captions", "speech")
SPLITS: tuple[Split, ...] = ("seeds", "styles")
QUESTIONS_EACH = 6
BATCH = 12
Figures = dict[str, Any]

_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ARTICLES = {"a", "an", "the"}


def normalise(text: str) -> str:
    """Lower case, no outer punctuation, no articles, digits for number words, one spelling."""
    words = [
        word.strip(string.punctuation.replace("#", "").replace("%", "").replace("$", ""))
        for word in text.lower().split()
    ]
    same = {word: str(i) for i, word in enumerate(_NUMBERS)} | {"grey": "gray", "colour": "color", "centre": "center"}
    return " ".join(same.get(word, word) for word in words if word and word not in _ARTICLES)


def is_correct(reply: str, qa: QA) -> bool:
    return matches(reply, qa.kind, qa.answer, *qa.accept)


def matches(reply: str, kind: str, *answers: str) -> bool:
    """Equal to one of the answers, which are as true as each other; lists in any order; JSON by value, to the first."""
    if kind == "json":
        try:
            return bool(json.loads(reply) == json.loads(answers[0]))
        except ValueError:
            return False
    if kind == "list":
        return any(_items(reply) == _items(answer) for answer in answers)
    return normalise(reply) in {normalise(answer) for answer in answers}


def _items(text: str) -> list[str]:
    return sorted(normalise(item) for item in re.split(r",| and ", text) if item.strip())


def grey(picture: Image.Image) -> Image.Image:
    return Image.new("RGB", picture.size, GREY)


class Tally:
    """Right and asked, by family, kind and split."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, right: bool, *keys: str) -> None:
        for key in ("all", *keys):
            self.counts[key][0] += right
            self.counts[key][1] += 1

    def shares(self) -> dict[str, dict[str, float]]:
        return {key: {"accuracy": round(r / n, 4), "n": n} for key, (r, n) in sorted(self.counts.items())}


def priors(scenes: int = 400) -> dict[tuple[str, str], str]:
    """The most common answer for each (family, kind), from training seeds."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for family in FAMILIES:
        module = family_module(family)
        for index in range(scenes):
            rng = random.Random(f"prior/{family}/{index}")
            scene = module.compose(rng, rng.choice(module.STYLES))
            for qa in module.questions(scene, rng):
                found[family, qa.kind][qa.answer] += 1
    return {key: answers.most_common(1)[0][0] for key, answers in found.items()}


def evaluate_questions(assistant: Assistant, samples: int, seed: int) -> Figures:
    """Accuracy by family, kind and split: with the picture, blind, and by the most common answer."""
    common = priors()
    tallies = {name: {split: Tally() for split in SPLITS} for name in ("seen", "blind", "prior")}
    for split in SPLITS:
        for sample in _progress(split, samples, seed, "questions"):
            asked = random.Random(sample.seed).sample(sample.questions, min(QUESTIONS_EACH, len(sample.questions)))
            picture = sample.image
            for name, shown in (("seen", picture), ("blind", grey(picture))):
                replies = assistant.answers(
                    [question_messages(qa.question, [shown], [], "") for qa in asked],
                    batch_size=BATCH,
                    max_new_tokens=96,
                )
                for qa, reply in zip(asked, replies, strict=True):
                    tallies[name][split].add(is_correct(reply.text, qa), *_keys(sample, qa))
            for qa in asked:
                right = is_correct(common.get((sample.family, qa.kind), ""), qa)
                tallies["prior"][split].add(right, *_keys(sample, qa))
    return {name: {split: tally.shares() for split, tally in by.items()} for name, by in tallies.items()}


def _keys(sample: Sample, qa: QA) -> list[str]:
    keys = [sample.family, f"kind:{qa.kind}", f"{sample.family}/{qa.kind}"]
    if sample.family == "text" and qa.kind == "reading" and re.fullmatch(r"[A-Za-z]{3,6}", qa.answer):
        keys.append("words of 3-6 letters")
    return keys


def _progress(split: Split, samples: int, seed: int, what: str) -> Iterable[Sample]:
    pairs = [(family, seed + index) for index in range(samples) for family in FAMILIES]
    for family, number in tqdm(pairs, desc=f"{what}, held-out {split}", mininterval=5):
        yield make(family, number, split)


def write_cases(folder: Path, samples: int, seed: int) -> Path:
    """`QUESTIONS_EACH` questions about each of `samples` held-out pictures of each family, for `vlm.cases`."""
    file = folder / "cases.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for sample in _progress("seeds", samples, seed, "pictures"):
            name = f"{sample.family}-{sample.seed}.png"
            sample.image.save(folder / name)
            for qa in random.Random(sample.seed).sample(sample.questions, min(QUESTIONS_EACH, len(sample.questions))):
                question = [{"type": "image", "image": name}, {"type": "text", "text": qa.question}]
                messages = [{"role": "user", "content": question}, {"role": "assistant", "content": qa.answer}]
                case = {"messages": messages, "task": qa.kind, "accept": list(qa.accept)}
                lines.write(json.dumps(case, ensure_ascii=False) + "\n")
    return file


def facts_in(family: str, caption: str) -> set[str]:
    return {match[0] for match in family_module(family).FACTS.finditer(caption.lower())}


def evaluate_captions(assistant: Assistant, samples: int, seed: int) -> Figures:
    """Precision and recall of the facts that detailed captions state, by split and family, and blind."""
    figures: Figures = {}
    for split in SPLITS:
        counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for sample in _progress(split, samples, seed, "captions"):
            picture = sample.image
            for name, shown in (("seen", picture), ("blind", grey(picture))):
                messages = question_messages(CAPTION_PROMPTS["detailed"], [shown], [], "")
                (reply,) = assistant.answers([messages], max_new_tokens=160)
                stated = facts_in(sample.family, reply.text)
                for key in ((name, "all"), (name, sample.family)):
                    found = counts[key]
                    found[0] += len(stated & sample.facts)
                    found[1] += len(stated)
                    found[2] += len(sample.facts)
                    found[3] += 1
        figures[split] = {
            f"{name}/{family}": {
                "precision": round(hit / max(1, said), 4),
                "recall": round(hit / max(1, true), 4),
                "n": n,
            }
            for (name, family), (hit, said, true, n) in sorted(counts.items())
        }
    return figures


def evaluate_speech(assistant: Assistant, samples: int, seed: int) -> Figures:
    """Held-out voices: word error rate of transcripts; the same questions spoken and written."""
    import jiwer

    from .synthetic.speech import clip

    spoken, written, deaf = Tally(), Tally(), Tally()
    truths, heard = [], []
    for sample in _progress("seeds", samples, seed, "speech"):
        rng = random.Random(sample.seed)
        picture = sample.image
        for qa in rng.sample(sample.questions, min(2, len(sample.questions))):
            wave = clip(qa.question, rng.getrandbits(40), "voices")
            sound = (wave, 16000)
            silence = (wave * 0, 16000)
            for tally, messages in (
                (spoken, question_messages("", [picture], [sound], "")),
                (written, question_messages(qa.question, [picture], [], "")),
                (deaf, question_messages("", [picture], [silence], "")),
            ):
                (reply,) = assistant.answers([messages], max_new_tokens=96)
                tally.add(is_correct(reply.text, qa))
            (reply,) = assistant.answers(
                [question_messages(say(rng, TRANSCRIBE[0]), [], [sound], "")], max_new_tokens=64
            )
            truths.append(_words(qa.question))
            heard.append(_words(reply.text))
    return {
        "word error rate": round(jiwer.wer(truths, heard), 4),
        "spoken questions": spoken.shares()["all"],
        "the same in writing": written.shares()["all"],
        "silence instead": deaf.shares()["all"],
    }


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9' ]+", " ", text.lower()).strip() or "-"


def evaluate(assistant: Assistant, parts: list[str], *, samples: int, seed: int) -> Figures:
    """The chosen parts; `samples` pictures of each family and split."""
    runs: dict[str, Callable[[Assistant, int, int], Figures]] = {
        "questions": evaluate_questions, "captions": evaluate_captions, "speech": evaluate_speech,
    }  # fmt: skip
    return {part: runs[part](assistant, samples, seed) for part in parts}


def table(figures: Figures) -> str:
    """The figures as Markdown tables."""
    lines: list[str] = []
    if questions := figures.get("questions"):
        lines += [
            "| | seeds | blind | prior | n | styles | blind | prior | n |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        keys = [k for k in questions["seen"]["seeds"] if "/" not in k] + [
            k for k in questions["seen"]["seeds"] if "/" in k
        ]
        for key in keys:
            cells = []
            for split in SPLITS:
                by = [questions[name][split].get(key) for name in ("seen", "blind", "prior")]
                cells += [f"{100 * f['accuracy']:.1f} %" if f else "" for f in by] + [str(by[0]["n"]) if by[0] else ""]
            lines.append(f"| {key} | " + " | ".join(cells) + " |")
    if captions := figures.get("captions"):
        lines += ["", "| captions | precision | recall | n |", "|---|---|---|---|"]
        for split, by in captions.items():
            for key, f in by.items():
                lines.append(
                    f"| {split}, {key} | {100 * f['precision']:.1f} % | {100 * f['recall']:.1f} % | {f['n']} |"
                )
    if speech := figures.get("speech"):
        lines += ["", "| speech, held-out voices | | n |", "|---|---|---|"]
        for key, f in speech.items():
            share, n = (f["accuracy"], f["n"]) if isinstance(f, dict) else (f, speech["spoken questions"]["n"])
            lines.append(f"| {key} | {100 * share:.1f} % | {n} |")
    return "\n".join(lines)
