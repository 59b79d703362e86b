"""The default model's own byte-level BPE, in which only words that follow a space are merged.

All merges grow a word from its leading space to the right. What does not follow a space, such as
the text on a sign quoted in an answer, is therefore spelled letter by letter, and reading
generalises from letters to words that were never seen. Being plain byte-level BPE, it loads
wherever GPT-2's does.
"""

from __future__ import annotations

import random
import re
from collections import Counter

from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from vlm.tokenizer import Tokenizer

from .synthetic import FAMILIES, family_module

CONTROLS = ("<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|image|>", "<|audio|>")
_WORD = re.compile(r"(?<= )[A-Za-z][a-z]+(?![A-Za-z])")
_QUOTED = re.compile(r'"[^"]*"')


def studio_words(scenes: int, seed: int = 0) -> Counter[str]:
    """Words of the studio's questions and captions, without what is quoted or read from pictures."""
    counts: Counter[str] = Counter()
    for index in range(scenes):
        rng = random.Random(f"tokenizer/{seed}/{index}")
        module = family_module(FAMILIES[index % len(FAMILIES)])
        scene = module.compose(rng, rng.choice(module.STYLES))
        texts = list(module.captions(scene, rng).values())
        for qa in module.questions(scene, rng):
            texts += [qa.question] + ([qa.answer, qa.sentence] if qa.kind not in ("reading", "json") else [])
        for text in texts:
            counts.update(_WORD.findall(" " + _QUOTED.sub(" ", text)))
    return counts


def train_tokenizer(size: int, scenes: int, extra: list[str]) -> Tokenizer:
    """The most frequent words, each with all its beginnings, up to `size` tokens.

    Args:
        extra: further texts whose words must be in (prompts of the conversations).
    """
    counts = studio_words(scenes)
    for text in extra:
        counts.update(dict.fromkeys(_WORD.findall(" " + text), 50))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate([*CONTROLS, *letters])}
    merges: list[tuple[str, str]] = []
    for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        missing = [("Ġ" + word[:i], word[i]) for i in range(len(word)) if "Ġ" + word[: i + 1] not in vocab]
        if count < 4 or len(vocab) + len(missing) > size:
            continue
        for head, letter in missing:
            vocab[head + letter] = len(vocab)
            merges.append((head, letter))
    backend = Backend(models.BPE(vocab=vocab, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(CONTROLS))
    return Tokenizer(backend)
