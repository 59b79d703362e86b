"""Objectives: each returns (sum of losses, number of things it was summed over)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.batch import IGNORE_INDEX, Batch, MediaBatch
from vlm.model import VLM

from .dense import GLYPHS, LABEL, LETTER, NO_LETTER, SLOTS, Vocabulary
from .hearing import misheard, transcripts
from .pointing import Mentions, Spelling, Watched
from .told import Bags
from .written import WrittenWords, joined

CAPTION_TOKENS = 80
SHARPNESS = 2.0
"""Logits for each unit that a token reaches in a word's direction: a word is sure well before it drowns the rest."""
ALPHABET = " abcdefghijklmnopqrstuvwxyz0123456789'"
"""What `ctc` spells; index 0 of the head is the blank."""


def next_token_loss(model: VLM, batch: Batch, balance: float = 0.0) -> tuple[Tensor, float]:
    """Cross entropy over supervised tokens: the only place where labels are shifted.

    Logits are made only where they are needed: (n, V) for n supervised tokens. A token weighs
    L^-balance in an answer of L tokens: at 0 all tokens weigh the same, at 1 all answers do.
    """
    targets = batch.labels[:, 1:]
    wanted = targets != IGNORE_INDEX
    states = model.states(batch)[:, :-1][wanted]
    losses = F.cross_entropy(model.decoder.head(states).float(), targets[wanted], reduction="none")
    weights = answer_lengths(wanted)[wanted].float() ** -balance
    return (losses * weights).sum(), float(weights.sum())


class GroundingHead(nn.Module):
    """While the decoder learns to answer, it is taught what stands on the patches, to look there, and what is said.

    Naming: half way through the layers, the token of a patch says which word is written on it, through
    the decoder's own norm and head, so that attention need only carry to an answer what stands there.
    Pointing: two heads of attention look at what is named; see `training/pointing.py`. Hearing: the tokens
    of a sound are the words said; see `training/hearing.py`. No parameters of its own.
    """

    signs: Tensor

    def __init__(
        self, written: WrittenWords, mentions: Mentions, spelling: Spelling, signs: Tensor, silence: int, naming: float,
        pointing: float, hearing: float,
    ) -> None:  # fmt: skip
        """signs: the ids of `SIGNS`; silence: the id that a sound says between words.

        naming, pointing, hearing: weights of the mean loss of a patch, of a position, of a word said, beside that of
        an answer's token.
        """
        super().__init__()
        self.written, self.mentions, self.spelling, self.silence = written, mentions, spelling, silence
        self.register_buffer("signs", signs, persistent=False)
        self.naming, self.pointing, self.hearing = naming, pointing, hearing

    def forward(self, model: VLM, batch: Batch, balance: float) -> tuple[Tensor, float]:
        """As `next_token_loss`, of pictures of one tile each and sounds.

        Labels of pictures are words (N, P, W) of 0 and 1 and signs (N, MOST_SIGNS, 5), those of sounds what
        `transcribed` says; without them, nothing more than the answers is asked.
        """
        pictures, spoken = (batch.media[name].labels if name in batch.media else {} for name in ("image", "audio"))
        layers: Any = model.decoder.model.layers
        hooks = []
        if pictures:
            half = Output(layers[len(layers) // 2 - 1])
            asked, answered = (Watched(layers[len(layers) * n // 4].self_attn) for n in (2, 3))
            hooks += [half.hook, asked.hook, answered.hook]
        if spoken:
            sounds = Output(model.projectors["audio"])
            hooks.append(sounds.hook)
        try:
            loss, count = next_token_loss(model, batch, balance)
        finally:
            for hook in hooks:
                hook.remove()
        if pictures:
            image = batch.input_ids == model.placeholder_ids["image"]
            downsample: int = model.projectors["image"].downsample  # type: ignore[assignment]
            words, signs = joined(pictures["words"].float(), downsample).flatten(0, 1), pictures["signs"]
            if self.naming:
                letters = self.letters(signs, downsample, len(words))
                loss = loss + self.naming * count * self.named(model, half.found[image], words, letters)
            if self.pointing:
                spelled = self.spelling.places(following(batch), signs, image, downsample)
                loss = loss + self.pointing * count * self.pointed(batch, words, spelled, image, asked, answered)
        if spoken and self.hearing:
            loss = loss + self.hearing * count * self.misheard(model, sounds.found, batch.media["audio"])
        return loss, count

    def letters(self, signs: Tensor, downsample: int, n: int) -> Tensor:
        """(n, S): how many of each sign stand on a token of N pictures, whose signs are (N, MOST_SIGNS, 5)."""
        found = torch.zeros(n, len(self.signs), device=signs.device)
        per = n // len(signs)
        picture, which = (signs[..., 4] > 0).nonzero(as_tuple=True)
        row, column, _, _, sign = signs[picture, which].long().unbind(-1)
        token = picture * per + row // downsample * round(per**0.5) + column // downsample
        return found.index_put((token, sign - 1), torch.ones_like(token, dtype=found.dtype), accumulate=True)

    def misheard(self, model: VLM, tokens: Tensor, media: MediaBatch) -> Tensor:
        """Mean loss of a word that is said; tokens: (n, D) of the sounds."""
        encoder: Any = model.encoders["audio"]
        projector: Any = model.projectors["audio"]
        windows = (-(-encoder.output_lengths(media.lengths) // projector.downsample)).tolist()  # tokens of each
        counts, said, start = [], [], 0
        for number, ids in transcripts(media.labels["said"]):
            counts.append(sum(windows[start : start + number]))
            said.append(ids)
            start += number
        return misheard(model.decoder.head(model.decoder.model.norm(tokens)), counts, said, self.silence)

    def named(self, model: VLM, tokens: Tensor, words: Tensor, letters: Tensor) -> Tensor:
        """Mean cross entropy of what tokens (n, D) say, where a word of a list is written on them, or else letters."""
        labels = words[:, words.shape[1] - len(self.written.spelled) :]  # what is read stands last
        letters = letters * (labels.sum(-1, keepdim=True) == 0)
        if not (there := labels.sum(-1) + letters.sum(-1) > 0).any():
            return tokens.new_zeros(())
        said = model.decoder.head(model.decoder.model.norm(tokens[there])).float()
        true = F.normalize(labels[there], p=1, dim=-1) @ self.written.spelled  # of a word's tokens each has its share
        true = true.float().index_add(1, self.signs, F.normalize(letters[there], p=1, dim=-1))
        return F.cross_entropy(said, true)

    def pointed(
        self, batch: Batch, words: Tensor, spelled: Tensor, image: Tensor, asked: Watched, answered: Watched
    ) -> Tensor:  # fmt: skip
        """Mean -log of the attention to what a word has just named, and to what an answer names or spells next."""
        named = self.mentions.places(batch.input_ids, words, image)
        repeated = self.mentions.places(following(batch), words, image) | spelled
        total = words.new_zeros(())
        for head, places in ((asked, named), (answered, repeated)):
            missed = head.missed(places)
            total = total + missed.sum() / max(1, len(missed))
        return total


def following(batch: Batch) -> Tensor:
    """(B, T): the label of the next position."""
    return F.pad(batch.labels[:, 1:], (0, 1), value=IGNORE_INDEX)


class Output:
    """What a module gave in a forward pass."""

    def __init__(self, module: nn.Module) -> None:
        self.found = torch.empty(0)
        self.hook = module.register_forward_hook(self._keep)

    def _keep(self, _: nn.Module, __: Any, found: Tensor) -> None:
        self.found = found


def answer_numbers(wanted: Tensor) -> Tensor:
    """(B, T) bool -> (B, T) int64: which answer of its row, from 1, a supervised token belongs to; else 0."""
    starts = wanted & ~F.pad(wanted, (1, 0))[:, :-1]  # an answer is an unbroken run
    return starts.cumsum(1) * wanted


def answer_lengths(wanted: Tensor) -> Tensor:
    """(B, T) bool -> (B, T) int64: at a supervised token the length of its answer; else 0."""
    numbers = answer_numbers(wanted)
    rows = torch.zeros(len(wanted), int(numbers.max()) + 1, dtype=torch.long, device=wanted.device)
    counts = rows.scatter_add(1, numbers, wanted.long())
    return counts.gather(1, numbers) * wanted


class ContrastiveHead(nn.Module):
    """The text tower of CLIP for the time of pretraining, with open_clip's loss."""

    def __init__(self, vocab_size: int, eos_id: int, embed_dim: int, width: int = 192, layers: int = 3) -> None:
        super().__init__()
        from open_clip import ClipLoss
        from open_clip.transformer import TextTransformer

        self.text = TextTransformer(
            context_length=CAPTION_TOKENS, vocab_size=vocab_size, width=width, heads=width // 32, layers=layers,
            output_dim=embed_dim, pool_type="eos", eos_id=eos_id,
        )  # fmt: skip
        self.logit_scale = nn.Parameter(torch.tensor(2.659))  # ln(1 / 0.07)
        self.loss = ClipLoss()

    def forward(self, model: VLM, tiles: Tensor, caption_ids: Tensor) -> tuple[Tensor, int]:
        """uint8 tiles (B, 3, S, S) and captions (B, CAPTION_TOKENS) that end with the eos id, then padding."""
        clip: Any = model.encoders["image"]
        image = F.normalize(clip.visual(clip.normalise(tiles)).float(), dim=-1)
        text = F.normalize(self.text(caption_ids).float(), dim=-1)
        loss = self.loss(image, text, self.logit_scale.exp().clamp(max=100))
        return loss * len(tiles), len(tiles)


def patches(model: VLM, tiles: Tensor) -> Tensor:
    """uint8 tiles (N, 3, S, S) -> the features that a projector gets, (N, P, C)."""
    lengths = torch.zeros(len(tiles), dtype=torch.long, device=tiles.device)
    found: Tensor = model.encoders["image"](tiles, lengths).values
    return found


def projected(model: VLM, features: Tensor) -> Tensor:
    """Features (N, P, C), each picture of them an overview -> what the decoder gets, fp32 (N, n, D)."""
    lengths = torch.full((len(features),), features.shape[1], device=features.device)
    found: Tensor = model.projectors["image"](features, lengths, [(0, 0, 1, 1)] * len(features))
    return found.float().unflatten(0, (len(features), -1))


def naming_loss(tokens: Tensor, directions: Tensor, written: Tensor) -> Tensor:
    """Cross entropy, summed, of which word is on a token by how far it reaches in each word's direction.

    Words are told apart only where one is: each of many hundred is nowhere nearly everywhere, and to
    say so would be all of the loss.

    Args:
        tokens: (N, n, D).
        directions: (words of lists, D).
        written: (N, n, words of lists), above 0 where a word is; of two words on a token each is half.
    """
    there = written.sum(-1) > 0
    if not there.any():  # nor is there where no list of words exists
        return 0 * tokens.float().sum()
    true = F.normalize(written[there], p=1, dim=-1)
    return F.cross_entropy(SHARPNESS * tokens[there].float() @ directions.T, true, reduction="sum")


class DenseHead(nn.Module):
    """Reads from each patch's features what stands there; see `training/dense.py`.

    The features are those that the projector will see, so what is learned here is there for it. What
    is written is read behind the projector, as the decoder would say it: there it is for the decoder.
    """

    weights: Tensor

    def __init__(self, width: int, vocabulary: Vocabulary, written: WrittenWords) -> None:
        super().__init__()
        self.things = len(vocabulary.words) - len(written.spelled)  # what is read stands last
        self.register_buffer("weights", torch.tensor([*vocabulary.weights[: self.things], 1.0]), persistent=False)
        self.norm = nn.LayerNorm(width)
        self.words = nn.Linear(width, self.things + 1)
        self.letters = nn.Linear(width, SLOTS * (len(GLYPHS) + 2))
        self.written = written
        with torch.no_grad():  # most words are nowhere, and most places without a letter
            self.words.bias.fill_(-4.0)
            self.letters.bias.zero_().view(SLOTS, -1)[:, NO_LETTER] = 6.0

    def forward(self, model: VLM, tiles: Tensor, words: Tensor, letters: Tensor) -> tuple[Tensor, int]:
        """uint8 tiles (N, 3, S, S), words (N, P, W + 1) of 0 and 1, letters (N, P, SLOTS)."""
        features = patches(model, tiles)
        even = self.norm(features)
        said, spelled = self.words(even).float(), self.spelled(even)
        loss = F.binary_cross_entropy_with_logits(said, self.seen(words).float(), self.weights, reduction="sum")
        loss = loss + LETTER * F.cross_entropy(spelled.flatten(0, -2), letters.flatten(), reduction="sum")
        loss = loss + LABEL * naming_loss(*self.named(model, features, words))
        return loss, words.shape[0] * words.shape[1]

    def seen(self, words: Tensor) -> Tensor:
        """Of targets (N, P, W + 1) those of what is seen (N, P, things + 1), the last for the middle of a thing."""
        return torch.cat((words[..., : self.things], words[..., -1:]), dim=-1)

    def named(self, model: VLM, features: Tensor, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, directions and targets of `naming_loss`. The tower is evened out after the stage, here before."""
        size = features.detach().flatten(0, 1).float().std(0).mean()
        directions = self.written(model.decoder.model.embed_tokens.weight)
        written = self.written.targets(words, model.projectors["image"].downsample)  # type: ignore[arg-type]
        return projected(model, features / size), directions, written

    def spelled(self, features: Tensor) -> Tensor:
        """Logits (N, P, SLOTS, glyphs)."""
        return self.letters(features).unflatten(-1, (SLOTS, -1)).float()

    def measure(self, model: VLM, tiles: Tensor, words: Tensor, letters: Tensor) -> dict[str, tuple[int, int]]:
        """(right, asked) for words of things that are there, for those that were said, for words that are
        written where it is told that one is, for letters in their place, and for letters where it is told
        that there is one.
        """
        features = patches(model, tiles)
        even = self.norm(features)
        local, spelled, letter = self.weights == 1, self.spelled(even), letters > 0
        found, true = (self.words(even) > 0)[..., local], self.seen(words)[..., local].bool()
        right, named = int((found & true).sum()), (0, 0)
        if len(self.written.spelled):
            tokens, directions, written = self.named(model, features, words)
            there = written.sum(-1) > 0
            best = (tokens[there].float() @ directions.T).argmax(-1, keepdim=True)
            named = int((written[there].gather(-1, best) > 0).sum()), int(there.sum())
        return {
            "word_recall": (right, int(true.sum())),
            "word_precision": (right, int(found.sum())),
            "labels": named,
            "letters": (int((spelled.argmax(-1) == letters)[letter].sum()), int(letter.sum())),
            "glyphs": (int((spelled[..., 1:].argmax(-1) + 1 == letters)[letter].sum()), int(letter.sum())),
        }


class WordsHead(nn.Module):
    """Puts the projected patches where the decoder's own embeddings of the words for them are.

    A decoder that knows pictures from `training/told.py` then meets a tower's as the same tokens. No
    parameters of its own.
    """

    def __init__(self, bags: Bags) -> None:
        super().__init__()
        self.bags = bags

    def forward(self, model: VLM, tiles: Tensor, words: Tensor, letters: Tensor) -> tuple[Tensor, int]:
        """uint8 tiles (N, 3, S, S), words (N, P, W + 1), letters (N, P, SLOTS)."""
        embeddings = model.decoder.model.embed_tokens.weight.detach()
        projector: Any = model.projectors["image"]
        found = projected(model, patches(model, tiles))
        wanted = self.bags(embeddings, words, letters, projector.downsample)
        loss = (found - wanted).square().sum(-1) / self.bags.length(embeddings) ** 2  # 1 for a silent projector
        return loss.sum(), loss.numel()


class ImitateHead(nn.Module):
    """A projector says of a changed tower's patches what the teacher's said of its own (Hinton et al. 2015).

    A decoder then meets the new tower's pictures as tokens that it knows. Beside what the teacher says
    it names the word that is written on a patch, as in `DenseHead`. The loss is the share of the
    teacher's tokens' variance that is missed, but for what lies in that word's direction, and the
    naming. No parameters of its own: the teacher is not trained, nor part of a saved state.
    """

    def __init__(self, teacher: VLM, written: WrittenWords) -> None:
        super().__init__()
        self._teacher = [teacher.float().eval().requires_grad_(False)]  # in a list, nn.Module does not see it
        self.written = written

    def forward(self, model: VLM, tiles: Tensor, words: Tensor, letters: Tensor) -> tuple[Tensor, int]:
        """uint8 tiles (N, 3, S, S), words (N, P, W + 1) of 0 and 1; letters are not asked."""
        projector: Any = model.projectors["image"]
        teacher = self._teacher[0].to(tiles.device)
        with torch.no_grad():
            wanted = projected(teacher, patches(teacher, tiles))
        found = projected(model, patches(model, tiles))
        missed = found - wanted
        variance = (wanted - wanted.mean((0, 1))).square().sum(-1).mean()
        directions = self.written(teacher.decoder.model.embed_tokens.weight)
        written = self.written.targets(words, projector.downsample)
        true = F.normalize(written @ directions, dim=-1)  # the teacher did not say it: no matter how loud it is
        missed = missed - (missed * true).sum(-1, keepdim=True) * true
        loss = missed.square().sum() / variance + LABEL * naming_loss(found, directions, written)
        return loss, wanted.shape[0] * wanted.shape[1]


class CtcHead(nn.Module):
    """Letters from the audio encoder (Graves et al. 2006), so that it hears words before it must answer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.letters = nn.Linear(width, len(ALPHABET) + 1)

    def forward(self, model: VLM, mel: Tensor, lengths: Tensor, texts: list[str]) -> tuple[Tensor, int]:
        """mel (B, M, 2F), its valid frames (B,), what was said."""
        features = model.encoders["audio"](mel, lengths)
        log_probs = self.letters(features.values).float().log_softmax(-1).transpose(0, 1)  # (F, B, letters)
        spelled = [spell(text) for text in texts]
        targets = torch.cat(spelled).to(mel.device)
        sizes = torch.tensor([len(s) for s in spelled], device=mel.device)
        losses = F.ctc_loss(log_probs, targets, features.lengths, sizes, reduction="none", zero_infinity=True)
        return losses.sum(), int(sizes.sum())

    @torch.inference_mode()
    def read(self, model: VLM, mel: Tensor, lengths: Tensor) -> list[str]:
        """Greedy letters of each window."""
        features = model.encoders["audio"](mel, lengths)
        best = self.letters(features.values).argmax(-1)
        return [collapse(row[:n].tolist()) for row, n in zip(best, features.lengths, strict=True)]


def spell(text: str) -> Tensor:
    """Lower-cased text -> indices of `ALPHABET` from 1; other characters are left out."""
    kept = [ALPHABET.index(c) + 1 for c in " ".join(text.lower().split()) if c in ALPHABET]
    return torch.tensor(kept, dtype=torch.long)


def collapse(indices: list[int]) -> str:
    """Repeats and blanks removed."""
    changes = [i for i, before in zip(indices, [0, *indices], strict=False) if i != before and i]
    return "".join(ALPHABET[i - 1] for i in changes)
