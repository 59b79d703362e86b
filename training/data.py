"""Training examples: a pure function of (stage, seed, index), so that resuming needs only the step."""

from __future__ import annotations

import dataclasses
import random
import signal
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from encoders.base import MediaInput
from encoders.clip import ImageTransform, best_grid
from encoders.config import ClipConfig
from vlm.batch import Sample, collate, pack
from vlm.processor import Processor

from .dense import View, crops, legible, letter_targets, looked_at, scaled, sign_targets, vocabulary, word_targets
from .hearing import spoken_ids, transcribed
from .loss import CAPTION_TOKENS
from .stages import Mixture, StageConfig
from .synthetic import FAMILIES, QA, Split, make
from .synthetic import Sample as Scene
from .synthetic.base import Box, Letter, say
from .synthetic.conversations import (
    DESCRIBED,
    READ,
    TRANSCRIBE,
    about_two,
    caption_turn,
    conversation,
    group_turns,
    question_text,
)
from .synthetic.cut_outs import CutOut, cut_outs
from .told import told

Shown = Scene | CutOut
MOST_WORDS = 30
PAGES = 0.3
"""How often cut-outs are looked for on a page; of other pictures some have nothing written on them."""
GROUP = 4
"""Batches drawn together and sorted by length, so that a batch holds rows of like length."""


class Examples:
    """Rows for one stage. `index` is the only state."""

    def __init__(self, processor: Processor, stage: StageConfig, split: Split = "train") -> None:
        self.stage, self.split = stage, split
        self.families = stage.families or FAMILIES
        config = processor.config
        if stage.overview_only and config.clip is not None:
            config = dataclasses.replace(config, clip=dataclasses.replace(config.clip, grids=()))
        self.processor = Processor(config, processor.tokenizer)

    @cached_property
    def kinds(self) -> tuple[list[str], list[float]]:
        shares = {f.name: getattr(self.stage.mixture, f.name) for f in dataclasses.fields(Mixture)}
        return list(shares), list(shares.values())

    def rng(self, index: int) -> random.Random:
        return random.Random(f"{self.stage.name}/{self.stage.seed}/{self.split}/{index}")

    def scene(self, rng: random.Random) -> Scene:
        return make(rng.choice(self.families), rng.getrandbits(40), self.split)

    def sample(self, index: int) -> Sample:
        """The row of a next-token stage."""
        rng = self.rng(index)
        kind = rng.choices(*self.kinds)[0]
        rows = getattr(self, f"_{kind}")(rng)
        private = ("image", "audio") if kind == "cut_outs" else ("audio",)
        ids = self.processor.placeholder_ids
        return pack([self._row(messages) for messages in rows], {name: ids[name] for name in private})

    def _row(self, messages: list[dict[str, Any]]) -> Sample:
        return self.processor(messages, for_training=True)

    def _picture(self, scene: Shown) -> dict[str, Any]:
        return {"type": "image", "image": self.told(scene) if self.stage.told else self._transformed(scene)}

    def _transformed(self, scene: Shown) -> MediaInput:
        if self.stage.grounded and self.split == "train":
            return self.labelled(scene)
        seen: MediaInput = self.processor.transforms["image"](scene.image)
        return seen

    def labelled(self, scene: Shown) -> MediaInput:
        """As the transform, with the words (N, P, W) and the signs (N, MOST_SIGNS, 5) that stand on its patches."""
        picture, letters = scene.drawn()
        seen: MediaInput = self.processor.transforms["image"](picture)
        boxes = ImageTransform(self.clip).boxes(*picture.size)
        words, _ = self._standing(scene, picture.size, letters, boxes)
        signs = torch.stack([sign_targets(view, letters) for view in self._views(scene, picture.size, boxes)])
        return dataclasses.replace(seen, labels={"words": words[..., :-1], "signs": signs})

    def askable(self, scene: Scene) -> list[QA]:
        left_out = set(self.stage.leaves_out)
        able = [qa for qa in scene.questions if left_out.isdisjoint((qa.kind, f"{scene.family}/{qa.kind}"))]
        return able or list(scene.questions)

    def _images(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        scene = self.scene(rng)
        media = [self._picture(scene)]
        able = self.askable(scene)
        asked = rng.sample(able, min(self.stage.questions, len(able)))
        turns = [question_text(rng, qa) for qa in asked]
        if rng.random() < 0.3:
            turns.append(caption_turn(rng, scene))
        if self.stage.written and rng.random() < self.stage.written and (words := self.legible(scene)):
            turns.append((say(rng, rng.choice(READ)), " ".join(words)))
        return [conversation(group, media) for group in group_turns(rng, turns)]

    def legible(self, scene: Scene) -> list[str]:
        """The first `MOST_WORDS` words that can be read in the overview."""
        picture, letters = scene.drawn()
        (view, *_) = self._views(scene, picture.size, ImageTransform(self.clip).boxes(*picture.size))
        return legible(view, letters)[:MOST_WORDS]

    def _cut_outs(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        """Pieces of one picture; of pages, too, which are never asked about as a whole."""
        found: list[CutOut] = []
        while not found:
            scene = make("pages", rng.getrandbits(40), self.split) if rng.random() < PAGES else self.scene(rng)
            found = cut_outs(scene, rng, 3)
        return [conversation([(one.question, one.answer)], [self._picture(one)]) for one in found]

    def _captions(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        scene = self.scene(rng)
        media = [self._picture(scene)]
        return [conversation([caption_turn(rng, scene, style)], media) for style in ("short", "detailed")]

    def _two_images(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        pair = self.scene(rng), self.scene(rng)
        media = [self._picture(scene) for scene in pair]
        return [conversation([turn], media) for turn in about_two(rng, pair, self.stage.questions - 2)]

    def _described(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        scene = self.scene(rng)
        media = [
            {
                "type": "text",
                "text": say(rng, rng.choice(DESCRIBED).replace("{caption}", "\0")).replace(
                    "\0", scene.captions["detailed"]
                ),
            }
        ]
        asked = rng.sample(scene.questions, min(self.stage.questions, len(scene.questions)))
        return [conversation([question_text(rng, qa)], media) for qa in asked]

    def _sound(self, wave: Any, text: str = "") -> dict[str, Any]:
        """A sound in which `text` is said; the words go with it where a stage teaches to hear them."""
        heard: MediaInput = self.processor.transforms["audio"](wave)
        if self.stage.hearing and self.split == "train":
            ids = spoken_ids(text, self.processor.tokenizer.encode)
            heard = dataclasses.replace(
                heard, labels={"said": transcribed(len(heard.inputs), heard.inputs.shape[-1], ids)}
            )
        return {"type": "audio", "audio": heard}

    def _spoken(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        from .synthetic.speech import clip

        scene = self.scene(rng)
        media = [self._picture(scene)]
        rows = []
        for qa in rng.sample(scene.questions, min(3, len(scene.questions))):
            sound = self._sound(clip(qa.question, rng.getrandbits(40), self.voices), qa.question)
            rows.append(conversation([("", qa.answer)], [*media, sound]))
        for qa in rng.sample(scene.questions, min(2, len(scene.questions))):
            rows.append(conversation([question_text(rng, qa)], media))
        return rows

    @property
    def voices(self) -> Literal["train", "voices"]:
        return "train" if self.split == "train" else "voices"

    def spoken_text(self, rng: random.Random) -> str:
        """Something a person may say to this program: mostly a question, sometimes a caption or words."""
        scene = self.scene(rng)
        draw = rng.random()
        if draw < 0.75:
            return rng.choice(scene.questions).question
        if draw < 0.9:
            return scene.captions["short"]
        from .synthetic.words import WORDS

        return " ".join(rng.sample(WORDS, rng.randint(1, 4)))

    def _transcripts(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        from .synthetic.speech import clip

        text = self.spoken_text(rng)
        sound = self._sound(clip(text, rng.getrandbits(40), self.voices), text)
        return [conversation([(say(rng, rng.choice(TRANSCRIBE)), text)], [sound])]

    def _sounds(self, rng: random.Random) -> list[list[dict[str, Any]]]:
        from .synthetic.sounds import make_sound

        sound = make_sound(rng.getrandbits(40), self.voices)
        qa = rng.choice(sound.questions)
        return [conversation([question_text(rng, qa)], [self._sound(sound.wave)])]

    def contrastive(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The overview uint8 (3, S, S) and a caption (CAPTION_TOKENS,) that ends with the eos id."""
        rng = self.rng(index)
        scene = self.scene(rng)
        caption = scene.captions[rng.choice(("short", "detailed", "detailed"))]
        ids = self.processor.tokenizer.encode(" " + caption)[: CAPTION_TOKENS - 1] + [
            self.processor.config.special_ids.eos[0]
        ]
        row = torch.full((CAPTION_TOKENS,), self.processor.config.special_ids.pad)
        row[: len(ids)] = torch.tensor(ids)
        return self._picture(scene)["image"].inputs[0], row

    @cached_property
    def words(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(vocabulary(tuple(self.families)).words)}

    def dense(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Views of one picture uint8 (N, 3, S, S), the words (N, P, W + 1) and letters (N, P, SLOTS) on them."""
        rng = self.rng(index)
        scene = self.scene(rng)
        picture, letters = scene.drawn()
        pixels, boxes = looked_at(picture, self.clip, crops(rng, *picture.size, self.stage.crops, self.stage.zoom))
        return pixels, *self._standing(scene, picture.size, letters, boxes)

    def told(self, scene: Shown) -> MediaInput:
        """As the transform, with what stands on the patches (N, P, W + 1 + SLOTS) in the place of pixels."""
        picture, letters = scene.drawn()
        boxes = ImageTransform(self.clip).boxes(*picture.size)
        inputs = told(*self._standing(scene, picture.size, letters, boxes))
        layout = (*best_grid(*picture.size, self.clip), picture.height, picture.width)
        return MediaInput(inputs, torch.full((len(boxes),), self.clip.side**2), layout)

    @property
    def clip(self) -> ClipConfig:
        config = self.processor.config.clip
        assert config is not None, "the stage needs a vision tower"
        return config

    def _standing(
        self, scene: Shown, size: tuple[int, int], letters: Sequence[Letter], boxes: Sequence[Box]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Words and letters on the patches of these boxes of a picture of (width, height)."""
        views, regions = self._views(scene, size, boxes), scene.regions
        words = torch.stack([word_targets(view, regions, self.words, letters) for view in views])
        return words, torch.stack([letter_targets(view, letters) for view in views])

    def _views(self, scene: Shown, size: tuple[int, int], boxes: Sequence[Box]) -> list[View]:
        width, height = scene.scene["size"]  # of which degrading may have made a smaller picture
        zoom = width / size[0], height / size[1]
        return [View(scaled(box, *zoom), self.clip.side, self.clip.image_size) for box in boxes]

    def speech(self, index: int) -> tuple[torch.Tensor, torch.Tensor, str]:
        """log-mel (M, F) of one window, its valid frames, and what was said."""
        from .synthetic.speech import clip

        rng = self.rng(index)
        item = None
        while item is None or len(item.inputs) > 1:  # letters are learned one window at a time
            text = self.spoken_text(rng)
            item = self._sound(clip(text, rng.getrandbits(40), self.voices))["audio"]
        return item.inputs[0], item.lengths[0], text

    def batches(self, group: int, order: int | None = None) -> list[Any]:
        """`GROUP` batches: rows of like length together, the batches in random order.

        Groups of one `order` (their own number, if none is given) have their long and short batches at the same places.
        """
        size = self.stage.batch_size
        indices = range(group * GROUP * size, (group + 1) * GROUP * size)
        match self.stage.objective:
            case "contrastive":
                pairs = [self.contrastive(i) for i in indices]
                chunks = [pairs[i : i + size] for i in range(0, len(pairs), size)]
                return [tuple(torch.stack(column) for column in zip(*chunk, strict=True)) for chunk in chunks]
            case "dense" | "words" | "imitate":
                scenes = [self.dense(i) for i in indices]
                lots = [scenes[i : i + size] for i in range(0, len(scenes), size)]
                return [tuple(torch.cat(column) for column in zip(*lot, strict=True)) for lot in lots]
            case "ctc":
                clips = [self.speech(i) for i in indices]
                parts = [list(zip(*clips[i : i + size], strict=True)) for i in range(0, len(clips), size)]
                return [(torch.stack(mel), torch.stack(lengths), list(texts)) for mel, lengths, texts in parts]
            case "next-token":
                rows = sorted((self.sample(i) for i in indices), key=len)
                pad = self.processor.config.special_ids.pad
                found = [collate(rows[i : i + size], pad) for i in range(0, len(rows), size)]
                self.rng(-1 - (group if order is None else order)).shuffle(found)
                return found


class BatchStream(IterableDataset[list[Any]]):
    """Groups of batches from a round on, without end, dealt to processes and within them to workers."""

    def __init__(self, examples: Examples, first_round: int, rank: int, world: int) -> None:
        self.examples, self.first_round, self.rank, self.world = examples, first_round, rank, world

    def __iter__(self) -> Iterator[list[Any]]:
        worker = get_worker_info()
        number, count = (worker.id, worker.num_workers) if worker else (0, 1)
        current = self.first_round + number
        while True:
            # processes that train together wait for each other, so all have a long batch when one has
            yield self.examples.batches(current * self.world + self.rank, current * self.world)
            current += count


def _steadfast(_: int) -> None:
    """Workers leave signals to the process that saves: a terminal and a service manager send them to all."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def stream(examples: Examples, micro_step: int, workers: int, rank: int = 0, world: int = 1) -> Iterator[Any]:
    """Batches of process `rank` in order from `micro_step` on; the same for any number of workers."""
    first_round, skip = divmod(micro_step, GROUP)
    source = BatchStream(examples, first_round, rank, world)
    loader = DataLoader(
        source, batch_size=None, num_workers=workers, prefetch_factor=2 if workers else None, worker_init_fn=_steadfast,
        generator=torch.Generator(),  # its own: a start must not draw from the state that resuming restores
    )  # fmt: skip
    for batches in loader:
        yield from batches[skip:]
        skip = 0
