"""What llama.cpp makes of the files of `vlm export --to gguf`: the same ids, logits, features, answers.

Runs where llama-cpp-python is installed, which needs a compiler: CONTRIBUTING.md tells how.
"""

from __future__ import annotations

import base64
import ctypes
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment
from PIL import Image

from encoders.config import ClipConfig
from vlm import checkpoint
from vlm.config import DecoderConfig, ModelConfig, RopeScaling, SpecialIds
from vlm.gguf_export import ClassToken, to_gguf
from vlm.model import VLM, build_model, splice_features
from vlm.processor import Processor
from vlm.sampling import SamplingOptions
from vlm.tokenizer import Tokenizer, well_formed

from ..oracle import answer_ids
from .test_export import shaped
from .test_foreign import difference, picture, randomised
from .test_foreign_tokenizers import spm, tik  # noqa: F401 - fixtures

llama_cpp = pytest.importorskip("llama_cpp")
mtmd = pytest.importorskip("llama_cpp.mtmd_cpp")
MTMDChatHandler = pytest.importorskip("llama_cpp.llama_chat_format").MTMDChatHandler
pytestmark = pytest.mark.llama_cpp
torch.set_num_threads(1)

FLOAT32 = 0
"""ggml's number for the type of the cache: by default it is float16."""


@contextmanager
def running(path: Path, **options: Any) -> Iterator[Any]:
    settings = {"n_ctx": 512, "n_batch": 512, "n_threads": 1, "n_threads_batch": 1, "verbose": False}
    llama = llama_cpp.Llama(str(path), **(settings | {"type_k": FLOAT32, "type_v": FLOAT32} | options))
    try:
        yield llama
    finally:
        llama.close()


# --- the decoder ---

TINY = DecoderConfig(320, 64, 96, 2, 4, 4, 16, 512)
LLAMAS = {
    "mha": TINY,
    "gqa": replace(TINY, num_key_value_heads=2, rms_norm_eps=1e-6, rope_theta=5e5),
    "tied": replace(TINY, num_attention_heads=2, head_dim=32, num_key_value_heads=1, tie_word_embeddings=True),
    "llama3": replace(TINY, num_key_value_heads=2, rope_scaling=RopeScaling("llama3", 8.0, 1.0, 4.0, 64)),
    "linear": replace(TINY, rope_scaling=RopeScaling("linear", 2.0)),
}
KINDS = {"f32": 2e-5, "f16": 2e-3, "bf16": 1e-2, "q8_0": 3e-2}
"""How far logits may be off, relative to the largest. There activations are rounded like the weights that they meet."""


@torch.no_grad()
def decided(model: VLM) -> VLM:
    """Random, but where the head is its own, a token calls for the one seven places on: rounding seldom turns that."""
    randomised(model)
    for parameter in model.decoder.model.layers.parameters():
        parameter.mul_(0.5 if parameter.dim() > 1 else 1.0)
    if not model.decoder.config.tie_word_embeddings:
        model.decoder.lm_head.weight += 4 * model.decoder.model.embed_tokens.weight.roll(7, 0)
    return model


def text_model(config: ModelConfig, tokenizer: Tokenizer, decoder: DecoderConfig) -> tuple[VLM, Processor]:
    config = replace(shaped(config, "text"), decoder=decoder)
    return decided(build_model(config)), Processor(config, tokenizer)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", LLAMAS)
def test_logits_and_greedy_tokens(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, shape: str, kind: str
) -> None:
    model, processor = text_model(tiny_config, tiny_tokenizer, LLAMAS[shape])
    to_gguf(tmp_path / "out", model, processor, kind=kind)
    sample = processor([{"role": "user", "content": "what is red, the image?"}], for_training=False)
    answer = answer_ids(model, sample, SamplingOptions(max_new_tokens=64))
    ids = torch.tensor([*sample.input_ids.tolist(), *answer])
    expected = model.decoder(model.decoder.embed(ids[None]))[0]
    with running(tmp_path / "out" / f"tiny-{kind}.gguf", logits_all=True) as llama:
        llama.eval(ids.tolist())
        assert difference(torch.from_numpy(llama.scores[: len(ids)].copy()), expected) <= KINDS[kind]
        llama.reset()
        greedy = list(islice(llama.generate(sample.input_ids.tolist(), temp=0.0, repeat_penalty=1.0), 64))
    same = 64 if kind == "f32" else 16  # further on two tokens come closer than the rounding
    assert greedy[:same] == answer[:same]
    assert shape == "tied" or len(set(answer)) > 8


# --- tokenizers ---

SAMPLES = [
    "How many circles are there?", "  two  spaces\nnew\n\n☃ line\t", " lead", "trail ", "12345 ünï\tcode",
    "don't I'LL we'Re", "a\u00a0b\u3000c\u2003d\u200be", "naïve café e\u0301", "🇨🇭👩\u200d👩\u200d👧 ok", "١٢٣ ⅷ ½ x²",
    "日本語、テスト。", "\r\n\r\n x\x85y", "a_b-c/d.e,f;g", "'s 't 're", "x" * 300, "AbC dEf", "Ǆ ʰ ª º",
    "\u1680\u180e\u202f\u2028\u2029", "(){}[]<|image|>", "+++===!!!???",
]  # fmt: skip


def same_ids(processor: Processor, folder: Path) -> Callable[[str], None]:
    """A check of one text; the model beside the tokenizer is of one small layer."""
    decoder = DecoderConfig(processor.config.decoder.vocab_size, 32, 32, 1, 1, 1, 32, 64)
    processor = Processor(replace(processor.config, decoder=decoder), processor.tokenizer)
    model = build_model(processor.config)
    to_gguf(folder / "out", model, processor)
    (path,) = (folder / "out").glob("*.gguf")
    llama = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)

    def check(text: str) -> None:
        expected = processor.tokenizer.encode(text)
        assert llama.tokenize(text.encode(), add_bos=False, special=False) == expected
        assert llama.tokenize(text.encode(), add_bos=True, special=False) == expected  # templates bring their own

    return check


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    processor = checkpoint.load_processor(checkpoint.resolve())
    text = replace(processor.config, clip=None, image_projector=None, whisper=None, audio_projector=None)
    return same_ids(Processor(text, processor.tokenizer), tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module")
def sentencepieces(spm: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:  # noqa: F811
    return same_ids(with_tokenizer(spm[0], "plain", "</s>"), tmp_path_factory.mktemp("spm"))


@pytest.fixture(scope="module")
def llama_3(tik: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:  # noqa: F811
    return same_ids(with_tokenizer(tik[0], "llama-3", "<|eot_id|>"), tmp_path_factory.mktemp("tik"))


def with_tokenizer(tokenizer: Tokenizer, template: str, end: str) -> Processor:
    size, eos = len(tokenizer), tokenizer.control(end)
    bos = next(i for i in range(size) if tokenizer.backend.id_to_token(i) in ("<s>", "<|begin_of_text|>"))
    special = SpecialIds(pad=eos, bos=bos, eos=(eos,), image=eos, audio=eos)
    return Processor(ModelConfig(replace(TINY, vocab_size=size), special, template), tokenizer)


@pytest.mark.parametrize("tokenizer", ["embedded", "sentencepieces", "llama_3"])
@pytest.mark.parametrize("text", SAMPLES)
def test_ids(request: pytest.FixtureRequest, tokenizer: str, text: str) -> None:
    request.getfixturevalue(tokenizer)(text)


@settings(max_examples=500, deadline=None)
@given(text=st.text(max_size=60))
def test_ids_of_any_text(
    embedded: Callable[[str], None], sentencepieces: Callable[[str], None], llama_3: Callable[[str], None], text: str
) -> None:
    text = well_formed(text).replace("\0", "")
    for check in (embedded, llama_3):
        check(text)
    sentencepieces(text.replace("\u2581", "_"))


# --- the eyes ---


@dataclass
class Seeing:
    """llama.cpp with a decoder and a tower of ours."""

    llama: Any
    tower: Any
    model: VLM
    processor: Processor

    @property
    def clip(self) -> ClipConfig:
        assert self.processor.config.clip is not None
        return self.processor.config.clip

    def prompt(self, text: str) -> str:
        """With a picture's marker, as the file's chat template writes it."""
        template = ImmutableSandboxedEnvironment().from_string(self.llama.metadata["tokenizer.chat_template"])
        parts = [{"type": "text", "text": "<__media__>"}, {"type": "text", "text": text}]
        return template.render(messages=[{"role": "user", "content": parts}], add_generation_prompt=True)

    @contextmanager
    def chunks(self, prompt: str, image: Image.Image) -> Iterator[list[Any]]:
        """The prompt cut at its marker: pieces of text and of pictures."""
        self.tower._init_mtmd_context(self.llama)
        pixels = image.convert("RGB").tobytes()
        bitmap = mtmd.mtmd_bitmap_init(*image.size, (ctypes.c_uint8 * len(pixels)).from_buffer_copy(pixels))
        text = mtmd.mtmd_input_text()
        text.text, text.text_len = prompt.encode(), len(prompt.encode())
        text.add_special, text.parse_special = True, True
        found = mtmd.mtmd_input_chunks_init()
        bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
        try:
            assert not mtmd.mtmd_tokenize(self.tower.mtmd_ctx, found, ctypes.byref(text), bitmaps, 1)
            yield [mtmd.mtmd_input_chunks_get(found, i) for i in range(mtmd.mtmd_input_chunks_size(found))]
        finally:
            mtmd.mtmd_input_chunks_free(found)
            mtmd.mtmd_bitmap_free(bitmap)

    def features(self, image: Image.Image) -> torch.Tensor:
        """(n, D) of all pieces of the picture."""
        parts = []
        with self.chunks("<__media__>", image) as chunks:
            for chunk in chunks:
                assert not mtmd.mtmd_encode_chunk(self.tower.mtmd_ctx, chunk)
                shape = mtmd.mtmd_input_chunk_get_n_tokens(chunk), self.processor.config.decoder.hidden_size
                values = mtmd.mtmd_get_output_embd(self.tower.mtmd_ctx)
                parts.append(torch.from_numpy(np.ctypeslib.as_array(values, shape=shape).copy()))
        return torch.cat(parts)

    def answer(self, text: str, image: Image.Image, length: int) -> tuple[list[int], list[int]]:
        """Ids of the prompt, with -1 where the picture stands, and the most probable next ones, one by one."""
        ids: list[int] = []
        answer: list[int] = []
        with self.chunks(self.prompt(text), image) as chunks:
            for chunk in chunks:
                if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
                    count = ctypes.c_size_t()
                    tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
                    ids += tokens[: count.value]
                    self.llama.eval(tokens[: count.value])
                    continue
                behind = llama_cpp.llama_pos(0)
                failed = mtmd.mtmd_helper_eval_chunk_single(
                    self.tower.mtmd_ctx, self.llama._ctx.ctx, chunk, self.llama.n_tokens, 0, 512, False,
                    ctypes.byref(behind),
                )  # fmt: skip
                assert not failed
                ids += [-1] * (behind.value - self.llama.n_tokens)
                self.llama.n_tokens = behind.value
        while len(answer) < length:
            answer.append(int(self.llama.scores[self.llama.n_tokens - 1].argmax()))
            self.llama.eval(answer[-1:])
        return ids, answer


@torch.no_grad()
def by_hand(
    model: VLM, clip: ClipConfig, tiles: torch.Tensor, *, class_last: bool, file: ClassToken = "first"
) -> torch.Tensor:
    """uint8 (N, 3, S, S) -> (N * F, D), block by block, with the projector's GELU as llama.cpp computes it.

    Args:
        class_last: as in issue 25814 of llama.cpp: the class token stands behind the patches, but positions and
            what is read out are counted as if it stood in front.
        file: for which of the two it was written.
    """
    tower, projector = model.encoders["image"].visual, model.projectors["image"]
    patches = tower.conv1(model.encoders["image"].normalise(tiles)).flatten(2).transpose(1, 2)
    token = tower.class_embedding.expand(len(tiles), 1, -1)
    positions = tower.positional_embedding
    if file == "last":
        positions = torch.cat((positions[1:], positions[:1]))
    x = tower.ln_pre(torch.cat((patches, token) if class_last else (token, patches), 1) + positions)
    for block in tower.transformer.resblocks[: clip.layers + clip.feature_layer + 1]:
        x = block(x)
    return projector.linear_2(F.gelu(projector.linear_1(x[:, 1:]), approximate="tanh")).flatten(0, 1)


@contextmanager
def seeing(
    config: ModelConfig, tokenizer: Tokenizer, folder: Path, kind: str = "f32", file: ClassToken = "first"
) -> Iterator[Seeing]:
    model, processor = decided(build_model(config)), Processor(config, tokenizer)
    to_gguf(folder / "out", model, processor, kind=kind, class_token=file)
    tower = MTMDChatHandler(str(folder / "out" / f"mmproj-tiny-{kind}.gguf"), verbose=False, use_gpu=False)
    with running(folder / "out" / f"tiny-{kind}.gguf", logits_all=True, chat_handler=tower) as llama:
        yield Seeing(llama, tower, model, processor)


FEATURES = {"quick": 2e-3, "exact": 4e-3}
"""How far features may be off: llama.cpp looks its GELUs up in tables of float16, and has the exact one not at all."""


@pytest.fixture(scope="module")
def class_last(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Whether this build of llama.cpp has the class token in the wrong place. It computes either as we do, or that."""
    config = overview(tiny_config, quick_gelu=True)
    with seeing(config, tiny_tokenizer, tmp_path_factory.mktemp("order")) as there:
        image = picture(32, 32)
        tiles = there.processor.transforms["image"](image).inputs
        found = there.features(image)
        off = [difference(found, by_hand(there.model, there.clip, tiles, class_last=last)) for last in (False, True)]
    assert min(off) <= FEATURES["quick"] and max(off) > 0.1
    return off[1] < off[0]


def overview(config: ModelConfig, **changes: Any) -> ModelConfig:
    config = shaped(config, "overview")
    assert config.clip is not None
    decoder = replace(config.decoder, tie_word_embeddings=False)
    return replace(config, decoder=decoder, clip=replace(config.clip, layers=3, **changes))


@torch.no_grad()
@pytest.mark.parametrize("gelu", FEATURES)
def test_by_hand_is_what_the_model_computes(tiny_config: ModelConfig, gelu: str) -> None:
    """But for the projector's GELU."""
    config = overview(tiny_config, quick_gelu=gelu == "quick")
    assert config.clip is not None
    model = build_model(config)
    randomised(model)
    tiles = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    lengths = torch.full((1,), config.clip.side**2)
    expected = model.projectors["image"](model.encoders["image"](tiles, lengths).values, lengths, [(0, 0, 32, 32)])
    assert difference(by_hand(model, config.clip, tiles, class_last=False), expected) <= 1e-3


@torch.no_grad()
@pytest.mark.parametrize("gelu", FEATURES)
@pytest.mark.parametrize("kind", ["f32", "f16"])
@pytest.mark.parametrize("file", ["first", "last"])
def test_features_and_greedy_tokens(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, class_last: bool, gelu: str, kind: str,
    file: ClassToken,
) -> None:  # fmt: skip
    """On a picture of the tower's size: how others are made so is not the same."""
    config, image = overview(tiny_config, quick_gelu=gelu == "quick"), picture(32, 32)
    question = [{"type": "image", "image": image}, {"type": "text", "text": "what is red?"}]
    with seeing(config, tiny_tokenizer, tmp_path, kind, file) as there:
        sample = there.processor([{"role": "user", "content": question}], for_training=False)
        tiles = there.processor.transforms["image"](image).inputs
        features = by_hand(there.model, there.clip, tiles, class_last=class_last, file=file)
        assert difference(there.features(image), features) <= FEATURES[gelu]
        right = by_hand(there.model, there.clip, tiles, class_last=False)
        ids, answer = there.answer("what is red?", image, 32)
    image_id = config.special_ids.image
    assert [image_id if number < 0 else number for number in ids] == sample.input_ids.tolist()
    decoder = there.model.decoder
    embeds = splice_features(decoder.embed(sample.input_ids[None]), sample.input_ids[None], features, image_id)
    expected: list[int] = []
    while len(expected) < 32:
        expected.append(int(decoder(embeds)[0, -1].argmax()))
        embeds = torch.cat((embeds, decoder.embed(torch.tensor([expected[-1:]]))), 1)
    assert answer == expected
    if class_last and file == "last":  # all patches but the first are seen as they are
        assert difference(features[:-1], right[1:]) <= 1e-5
    elif not class_last and file == "first":
        assert difference(features, right) == 0.0
        assert answer == answer_ids(there.model, sample, SamplingOptions(max_new_tokens=32))


@torch.no_grad()
def test_tiles_one_behind_the_other(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, class_last: bool
) -> None:
    """What the export says of them: each tile for itself, the overview last, no newline tokens."""
    assert tiny_config.clip is not None
    config = replace(tiny_config, clip=replace(tiny_config.clip, quick_gelu=True))
    with seeing(config, tiny_tokenizer, tmp_path) as there:
        image = picture(64, 32)
        tiles = there.processor.transforms["image"](image).inputs
        assert len(tiles) == 3
        expected = by_hand(there.model, there.clip, tiles, class_last=class_last)
        found = there.features(image)
    whole, *parts = expected.chunk(3)
    assert difference(found, torch.cat((*parts, whole))) <= FEATURES["quick"]


def test_the_chat_handler(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    """What its users call: a conversation with a data URL, by the template in the file."""
    image, file = picture(32, 32), io.BytesIO()
    image.save(file, "PNG")
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    parts = [{"type": "text", "text": "what is red?"}, {"type": "image_url", "image_url": {"url": url}}]
    with seeing(overview(tiny_config), tiny_tokenizer, tmp_path) as there:
        _, answer = there.answer("what is red?", image, 24)
        there.llama.reset()
        reply = there.llama.create_chat_completion(
            [{"role": "user", "content": parts}], temperature=0.0, repeat_penalty=1.0, max_tokens=16
        )
        expected = there.llama.detokenize(answer).decode("utf-8", errors="ignore")
    found = reply["choices"][0]["message"]["content"]
    assert found and expected.startswith(found)  # which ends where an answer does
