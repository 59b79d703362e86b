"""Features land where their placeholders stand, and `VLM.embed` is the parts put together by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig
from vlm.batch import Batch, collate
from vlm.config import DecoderConfig, ModelConfig, SpecialIds
from vlm.model import VLM, build_model, splice_features
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

torch.set_num_threads(1)

CONTROLS = ("<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|image|>", "<|audio|>")
PAD, IMAGE, AUDIO = 256, 262, 263
CONFIG = ModelConfig(
    decoder=DecoderConfig(264, 16, 24, 1, 2, 1, 8, max_position_embeddings=400),
    special_ids=SpecialIds(pad=PAD, bos=257, eos=(258,), image=IMAGE, audio=AUDIO),
    chat_template="studio",
    clip=ClipConfig(image_size=8, patch_size=4, width=8, layers=2, head_width=4, embed_dim=4, grids=((1, 2), (2, 1))),
    whisper=WhisperConfig(8, 1, 2, 8, num_mel_bins=8, max_source_positions=50),
    image_projector=ProjectorConfig("image_mlp", 12),
    audio_projector=ProjectorConfig("audio_swiglu", 12, 4),
)


def byte_tokenizer() -> Tokenizer:
    """Bytes are their own ids, the controls follow from 256."""
    letters = byte_letters()
    backend = Backend(models.BPE(vocab={letter: byte for byte, letter in enumerate(letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(CONTROLS))
    return Tokenizer(backend)


def byte_letters() -> list[str]:
    """GPT-2's letter for each byte 0..255."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


@pytest.fixture(scope="module")
def processor() -> Processor:
    """Of a template that leaves media where they stand."""
    processor = Processor(CONFIG, byte_tokenizer())
    processor.template = replace(processor.template, media_first=False)
    return processor


@pytest.fixture(scope="module")
def model() -> VLM:
    torch.manual_seed(0)
    return build_model(CONFIG).eval()


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


# --- splice_features ---


def splice(rows: list[list[int]], count: int) -> torch.Tensor:
    """Places of id 9 get features 100, 101, ...; every other place keeps minus its id. -> (B, T)"""
    ids = torch.tensor(rows)
    embeds = -ids[..., None].float().expand(-1, -1, 3).contiguous()
    features = torch.arange(100.0, 100 + count)[:, None] + torch.tensor([0.0, 0.25, 0.5])
    found = splice_features(embeds, ids, features, 9)
    assert torch.equal(found[..., 1] - found[..., 0], torch.where(ids == 9, 0.25, 0.0))
    assert torch.equal(embeds[..., 0], -ids.float())  # the input is not written to
    return found[..., 0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[9, 9, 1, 2]], [[100, 101, -1, -2]]),  # first
        ([[1, 9, 9, 2]], [[-1, 100, 101, -2]]),  # middle
        ([[1, 2, 9, 9]], [[-1, -2, 100, 101]]),  # last
        ([[9, 1, 9, 2, 9]], [[100, -1, 101, -2, 102]]),  # several
        ([[9, 9, 9]], [[100, 101, 102]]),  # nothing else
        ([[1, 2, 3]], [[-1, -2, -3]]),  # none
        ([[1, 2, 3], [9, 1, 9], [4, 5, 6], [7, 7, 9]], [[-1, -2, -3], [100, -1, 101], [-4, -5, -6], [-7, -7, 102]]),
    ],
)  # fmt: skip
def test_features_land_in_reading_order(rows: list[list[int]], expected: list[list[float]]) -> None:
    assert splice(rows, sum(row.count(9) for row in rows)).tolist() == expected


@pytest.mark.parametrize(("places", "count"), [(3, 2), (2, 3), (0, 1), (4, 0)])
def test_wrong_count_raises_with_both_numbers(places: int, count: int) -> None:
    ids = torch.tensor([[9] * places + [1, 1]])
    with pytest.raises(ValueError, match=rf"^{places} placeholders of id 9, but {count} features"):
        splice_features(torch.zeros(1, places + 2, 3), ids, torch.zeros(count, 3), 9)


def test_gradient_reaches_features_and_text_but_not_the_placeholders_embedding() -> None:
    embeds, features = torch.zeros(1, 3, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    spliced = splice_features(embeds, torch.tensor([[1, 9, 2]]), features, 9)
    (spliced * torch.tensor([[[1.0], [10.0], [100.0]]])).sum().backward()
    assert features.grad.tolist() == [[10, 10]]
    assert embeds.grad.tolist() == [[[1, 1], [0, 0], [100, 100]]]


def test_features_are_taken_in_the_decoders_precision() -> None:
    found = splice_features(torch.zeros(1, 2, 2, dtype=torch.bfloat16), torch.tensor([[9, 1]]), torch.ones(1, 2), 9)
    assert found.dtype == torch.bfloat16 and found[0, 0].tolist() == [1, 1]


# --- end to end ---

IMAGE_1, IMAGE_2 = picture(16, 8), picture(9, 30, seed=1)
SOUND_1, SOUND_2 = sound(1600), sound(20000, seed=1)  # the second is longer than one window


def image(value: Image.Image) -> dict:
    return {"type": "image", "image": value}


def audio(value: np.ndarray) -> dict:
    return {"type": "audio", "audio": value}


def text(value: str) -> dict:
    return {"type": "text", "text": value}


CONTENTS = {
    "image first": [image(IMAGE_1), text("what?")],
    "image in the middle": [text("see"), image(IMAGE_2), text("what?")],
    "image last": [text("see"), image(IMAGE_1)],
    "two images": [image(IMAGE_1), text("and"), image(IMAGE_2), text("differ?")],
    "image alone": [image(IMAGE_2)],
    "sound alone": [audio(SOUND_1)],
    "long sound": [audio(SOUND_2), text("what?")],
    "image and sound": [image(IMAGE_1), audio(SOUND_1), text("?"), image(IMAGE_2), audio(SOUND_2)],
    "sound before image": [audio(SOUND_2), image(IMAGE_1)],
    "none": [text("hello")],
}


def by_hand(model: VLM, processor: Processor, content: list[dict]) -> torch.Tensor:
    """(T, D): the studio's turn, each medium run alone and put at its place."""

    def embed(ids: list[int]) -> torch.Tensor:
        return model.decoder.model.embed_tokens.weight[torch.tensor(ids)]

    pieces = [embed([257, 260])]  # bos, user
    for part in content:
        if part["type"] == "text":
            pieces.append(embed(list((" " + part["text"]).encode())))
            continue
        item = processor.transforms[part["type"]](part[part["type"]])
        features = model.encoders[part["type"]](item.inputs, item.lengths)
        pieces.append(model.projectors[part["type"]](features.values, features.lengths, [item.layout]))
    return torch.cat([*pieces, embed([258, 261])])  # end, assistant


@pytest.mark.parametrize("name", list(CONTENTS))
@torch.no_grad()
def test_embed_is_the_assembly_by_hand(name: str, model: VLM, processor: Processor) -> None:
    sample = processor([{"role": "user", "content": CONTENTS[name]}], for_training=False)
    found = model.embed(collate([sample], PAD))
    expected = by_hand(model, processor, CONTENTS[name])
    assert found.shape == (1, *expected.shape)
    torch.testing.assert_close(found[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("left", [True, False])
@torch.no_grad()
def test_embed_of_mixed_rows(left: bool, model: VLM, processor: Processor) -> None:
    """Rows with pictures, sounds, both and none in one batch: each as by hand, at its own places."""
    samples = [processor([{"role": "user", "content": c}], for_training=False) for c in CONTENTS.values()]
    batch = collate(samples, PAD, left=left)
    found = model.embed(batch)
    for row, content in enumerate(CONTENTS.values()):
        expected = by_hand(model, processor, content)
        torch.testing.assert_close(found[row][batch.valid[row]], expected, rtol=1e-5, atol=1e-6)
    padding = model.decoder.model.embed_tokens.weight[PAD]
    assert (found[~batch.valid] == padding).all()


@torch.no_grad()
def test_pictures_of_the_whole_conversation_keep_their_turns(model: VLM, processor: Processor) -> None:
    messages = [
        {"role": "user", "content": [image(IMAGE_1), text("a")]},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": [image(IMAGE_2), text("c")]},
    ]
    swapped = [messages[2], messages[1], messages[0]]
    one, other = (model.embed(collate([processor(m, for_training=False)], PAD))[0] for m in (messages, swapped))
    first, second = (by_hand(model, processor, [image(i)])[2:-2] for i in (IMAGE_1, IMAGE_2))
    torch.testing.assert_close(one[2 : 2 + len(first)], first, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(other[2 : 2 + len(second)], second, rtol=1e-5, atol=1e-6)


def test_placeholders_without_their_media_raise(model: VLM, processor: Processor) -> None:
    """A row whose pictures or sounds were lost must not be read as if the placeholder were a word."""
    sample = processor([{"role": "user", "content": CONTENTS["image and sound"]}], for_training=False)
    batch = collate([sample], PAD)
    places = {name: int((batch.input_ids == i).sum()) for name, i in (("image", IMAGE), ("audio", AUDIO))}
    for lost in (("image",), ("audio",), ("image", "audio")):
        kept = {name: media for name, media in batch.media.items() if name not in lost}
        broken = Batch(**{**batch.__dict__, "media": kept})
        with pytest.raises(ValueError, match=rf"({places[lost[0]]}|{places[lost[-1]]}) placeholders .* 0 features"):
            model.embed(broken)


def test_media_without_their_placeholders_raise(model: VLM, processor: Processor) -> None:
    with_image = processor([{"role": "user", "content": CONTENTS["image first"]}], for_training=False)
    batch = collate([with_image], PAD)
    none = batch.input_ids.masked_fill(batch.input_ids == IMAGE, 65)
    with pytest.raises(ValueError, match=r"^0 placeholders .* \d+ features"):
        model.embed(Batch(**{**batch.__dict__, "input_ids": none}))


@torch.no_grad()
def test_forward_is_the_decoder_on_the_assembly(model: VLM, processor: Processor) -> None:
    content = CONTENTS["image and sound"]
    sample = processor([{"role": "user", "content": content}], for_training=False)
    expected = model.decoder(by_hand(model, processor, content)[None])
    torch.testing.assert_close(model(collate([sample], PAD)), expected, rtol=1e-4, atol=1e-5)


def test_placeholder_counts_of_the_processor(processor: Processor) -> None:
    """Literal numbers: 8-pixel tiles of 2 x 2 patches; 1600 samples are 10 frames, 5 features, 2 stacks."""
    counts = {
        "image first": (4 + 2 * (4 + 1), 0),  # 16 x 8 fills a 1 x 2 grid: 2 rows of 4 patches and a newline
        "image last": (14, 0),
        # 9 x 30 in 2 x 1 tiles: scaled to 4.8 x 16 pixels; 1.2 of 2 patches wide, (2 - 1) // 2 = 0 cut off
        "image alone": (4 + 4 * (2 + 1), 0),
        "sound alone": (0, 2),
        "long sound": (0, 13 + 4),  # 50 features in stacks of 4, then 25 frames -> 13 features
        "none": (0, 0),
    }
    for name, (images, sounds) in counts.items():
        ids = processor([{"role": "user", "content": CONTENTS[name]}], for_training=False).input_ids
        assert (int((ids == IMAGE).sum()), int((ids == AUDIO).sum())) == (images, sounds), name
