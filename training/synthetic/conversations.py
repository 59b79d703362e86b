"""Scenes of the studio -> conversations: how people ask for captions, follow up, and speak."""

from __future__ import annotations

import random
from typing import Any

from .base import QA, Sample, join, say

Messages = list[dict[str, Any]]
CAPTION_PROMPTS: dict[str, tuple[str, ...]] = {
    "short": (
        "[Describe|Caption] [this|the] [image|picture] [briefly|in one sentence|in a few words|shortly].",
        "[Write|Give me|Give] a [short|brief|one-line|one-sentence] [caption|description] [for|of] "
        "[this|the] [image|picture].",
        "Caption this.",
        "Caption the [image|picture].",
        "[Short|Brief] caption[, please|]?",
        "[Sum up|Summarise|Summarize] the [image|picture] in one sentence.",
    ),
    "detailed": (
        "Describe [this|the] [image|picture] [in detail|thoroughly|in full|carefully].",
        "Describe [this|the] [image|picture].",
        "[Write|Give me|Give] a [detailed|full|long|complete] [caption|description] [for|of] "
        "[this|the] [image|picture].",
        "What do you see? [Be specific|Give all the details|Describe it in detail].",
        "Tell me [about|everything about] [this|the] [image|picture].",
        "Please describe what you see.",
        "[Explain|Describe] what [this|the] [image|picture] shows[ in detail|].",
    ),
    "alt": (
        "[Write|Give me|Give] [alt text|an alt text] for [this|the] [image|picture].",
        "Alt text[, please|]?",
        "What would be a good alt text for this[ image| picture|]?",
    ),
    "tags": (
        "[List|Give|Give me|Write] [tags|keywords] for [this|the] [image|picture].",
        "[Tags|Keywords][, please|]?",
        "Tag [this|the] [image|picture].",
    ),
}
IN_A_SENTENCE = (
    " Answer in a [full|complete|whole] sentence.",
    " [Please reply|Reply|Respond] with a [full|complete] sentence.",
    " Use a full sentence.",
    " Answer in a sentence.",
)
BRIEFLY = (
    " Answer with [a single|one] word or phrase.", " Answer briefly.", " Just the answer.",
    " Answer the question using a single word or phrase.", " Be brief.", " One word.", " Short answer please.",
)  # fmt: skip
TRANSCRIBE = (
    "[Transcribe|Write down|Type out] [this|the] [recording|audio|sound|speech|clip].",
    "What [is said|is being said|does the speaker say|do you hear someone say]?",
    "[Transcribe|Write down] what is said.",
    "What are the words?",
    "Transcript[, please|]?",
)
READ = (
    "[Read|Write down|Type out] [all|everything] that is written [here|in the picture|in this image].",
    "What [text|words] [do you see|can be read|can you read][ here| in the picture|]?",
    "[List|Give me] all the [words|text] in [this|the] [image|picture].",
    "[Read|Transcribe] [all|] the text[ in the image| in the picture|].",
)
DESCRIBED = (
    "[A picture shows|Imagine this picture:|The image shows|Here is a description of a picture:|Picture:] {caption}",
    "{caption}",
)
ORDINAL = ("first", "second")
OF_ONE = (
    "In the {which} [image|picture]: {question}",
    "[About|Looking at] the {which} [image|picture]: {question}",
    "[Image|Picture] {number}: {question}",
    "For the {which} [one|image|picture], {question}",
)


def question_text(rng: random.Random, qa: QA) -> tuple[str, str]:
    """What is asked and what is answered: mostly the short form, sometimes a sentence on request."""
    draw = rng.random()
    if draw < 0.08 and qa.sentence:
        return qa.question + say(rng, rng.choice(IN_A_SENTENCE)), qa.sentence
    if draw < 0.14:
        return qa.question + say(rng, rng.choice(BRIEFLY)), qa.answer
    return qa.question, qa.answer


def caption_turn(rng: random.Random, sample: Sample, style: str | None = None) -> tuple[str, str]:
    """A request for a caption of a random style, and the caption."""
    style = style or rng.choice(("short", "detailed", "detailed", "alt", "tags"))
    return say(rng, rng.choice(CAPTION_PROMPTS[style])), sample.captions[style]


def conversation(turns: list[tuple[str, str]], media: list[dict[str, Any]]) -> Messages:
    """Turns of (question, answer); the media stand at the head of the first question."""
    messages: Messages = []
    for index, (question, answer) in enumerate(turns):
        text = [{"type": "text", "text": question}] if question else []
        messages += [
            {"role": "user", "content": (media if index == 0 else []) + text},
            {"role": "assistant", "content": answer},
        ]
    return messages


def group_turns(rng: random.Random, turns: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Mostly single questions, sometimes two or three that follow each other."""
    groups: list[list[tuple[str, str]]] = []
    while turns:
        size = 1 if rng.random() < 0.8 else rng.choice((2, 3))
        groups.append(turns[:size])
        turns = turns[size:]
    return groups


def about_two(rng: random.Random, pair: tuple[Sample, Sample], count: int) -> list[tuple[str, str]]:
    """Questions about one of two pictures, and about what kinds of picture the two are."""
    turns = []
    for _ in range(count):
        which = rng.randrange(2)
        asked, answer = question_text(rng, rng.choice(pair[which].questions))
        asked = asked[0].lower() + asked[1:] if rng.random() < 0.5 else asked
        template = rng.choice(OF_ONE).replace("{question}", "\0")  # a question may itself hold braces
        turns.append((say(rng, template, which=ORDINAL[which], number=which + 1).replace("\0", asked), answer))
    kinds = [kind_of(sample) for sample in pair]
    which = rng.randrange(2)
    turns.append(
        (
            say(rng, "What [kind of picture|kind of image|type of image] is the {which} one?", which=ORDINAL[which]),
            kinds[which],
        )
    )
    turns.append(
        (
            say(rng, "[What are the two pictures?|What do the two images show?|What kinds of picture are these?]"),
            join(kinds),
        )
    )
    return turns


def kind_of(sample: Sample) -> str:
    """The family as people call it."""
    return {
        "shapes": "geometric shapes",
        "palettes": "colour palette",
        "wireframes": "user interface",
        "floor_plans": "floor plan",
        "charts": "chart",
        "text": "text",
    }[sample.family]
