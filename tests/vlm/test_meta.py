"""Meta's own layout, written here from transformers' random Llamas: the same logits, the same greedy tokens.

The way there (rotary pairs as neighbours, matrices cut for several processes) is this file's own.
"""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from torch import Tensor
from transformers import LlamaForCausalLM
from typer.testing import CliRunner

import vlm
from vlm import meta, weight_files
from vlm.cli import app
from vlm.errors import CheckpointError
from vlm.layouts import half_rotation
from vlm.sampling import SamplingOptions
from vlm.sources import described, load

from ..oracle import answer_ids
from .test_foreign import difference, llama_config, question, randomised

torch.set_num_threads(1)

WORDS = 320
"""Of SentencePiece; tiktoken's 64 plus 256 control tokens come to the same."""
NAMES = {
    "model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv", "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2",
    "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm", "model.layers": "layers",
}  # fmt: skip
AXES = {"wq": 0, "wk": 0, "wv": 0, "w1": 0, "w3": 0, "output": 0, "wo": 1, "w2": 1}


def neighbours(weight: Tensor, heads: int) -> Tensor:
    """Row i of a head's first half and row i of its second come to stand at 2i and 2i + 1."""
    rows = weight.shape[0]
    half = rows // heads // 2
    order = [head * 2 * half + part * half + i for head in range(heads) for i in range(half) for part in (0, 1)]
    return weight[order]


def metas_tensors(model: LlamaForCausalLM) -> dict[str, Tensor]:
    config, found = model.config, {}
    for name, tensor in model.state_dict().items():
        for theirs, metas in NAMES.items():
            name = name.replace(theirs, metas)
        if ".wq." in name or ".wk." in name:
            heads = config.num_attention_heads if ".wq." in name else config.num_key_value_heads
            tensor = neighbours(tensor, heads)
        found[name] = tensor.clone()
    return found


def cut(tensors: dict[str, Tensor], processes: int, *, words_axis: int) -> list[dict[str, Tensor]]:
    axes = AXES | {"tok_embeddings": words_axis}
    found: list[dict[str, Tensor]] = [{} for _ in range(processes)]
    for name, tensor in tensors.items():
        axis = axes.get(name.split(".")[-2])
        pieces = [tensor] * processes if axis is None else tensor.chunk(processes, axis)
        for one, piece in zip(found, pieces, strict=True):
            one[name] = piece.clone()
    return found


@pytest.fixture(scope="session")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = io.BytesIO()
    lines = (f"the quick brown fox jumps over {i} lazy dogs, and don't you laugh" for i in range(300))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines, model_writer=file, vocab_size=WORDS, model_type="bpe", byte_fallback=True, unk_id=0,
        bos_id=1, eos_id=2, pad_id=-1, normalization_rule_name="identity", remove_extra_whitespaces=False,
        minloglevel=2,
    )  # fmt: skip
    return file.getvalue()


def write_tokenizer(folder: Path, style: str, sentences: bytes) -> int:
    """Returns the number of its ids."""
    if style == "llama-3":
        lines = (f"{base64.b64encode(bytes([i])).decode()} {i}\n" for i in range(256))
        (folder / "tokenizer.model").write_text("".join(lines))
        return 512
    (folder / "tokenizer.model").write_bytes(sentences)
    return WORDS


STYLES: dict[str, dict[str, Any]] = {
    "llama-1": {"rms_norm_eps": 1e-6},
    "llama-2": {"rms_norm_eps": 1e-5},
    "llama-3": {"rms_norm_eps": 1e-5, "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}},
    "llama-3.1": {
        "rms_norm_eps": 1e-5, "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        },
    },
}  # fmt: skip


def write_meta(
    folder: Path, sentences: bytes, style: str = "llama-2", kv_heads: int = 4, processes: int = 1, **params: Any
) -> LlamaForCausalLM:
    """A feed-forward of 96 for a width of 64: 4 * 64 * 2 / 3 = 170, times 0.5 is 85, and the next multiple of 32."""
    folder.mkdir(exist_ok=True)
    tokenizer = "llama-3" if style.startswith("llama-3") else style
    words = write_tokenizer(folder, tokenizer, sentences)
    model = randomised(LlamaForCausalLM(llama_config(vocab_size=words, num_key_value_heads=kv_heads, **STYLES[style])))
    pieces = cut(metas_tensors(model), processes, words_axis=0 if tokenizer == "llama-3" else 1)
    for number, piece in enumerate(pieces):
        piece["rope.freqs"] = torch.rand(8)
        torch.save(piece, folder / f"consolidated.{number:02d}.pth")
    data = {
        "dim": 64, "n_layers": 2, "n_heads": 4, "multiple_of": 32, "ffn_dim_multiplier": 0.5,
        "norm_eps": STYLES[style]["rms_norm_eps"], "vocab_size": -1,
    }  # fmt: skip
    if kv_heads != 4:
        data["n_kv_heads"] = kv_heads
    if tokenizer == "llama-3":
        data |= {"rope_theta": 500000.0, "vocab_size": words}
    if style == "llama-3.1":
        data["use_scaled_rope"] = True
    (folder / "params.json").write_text(json.dumps(data | params))
    return model


def rejected(folder: Path, *words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load(folder, allow_pickle=True)
    for word in words:
        assert word in str(caught.value), str(caught.value)


# --- parity ---


@pytest.mark.parametrize("processes", [1, 2], ids=["1 file", "2 files"])
@pytest.mark.parametrize("kv_heads", [4, 2], ids=["mha", "gqa"])
@pytest.mark.parametrize("style", list(STYLES))
@torch.no_grad()
def test_logits_and_greedy_tokens(tmp_path: Path, sentences: bytes, style: str, kv_heads: int, processes: int) -> None:
    theirs = write_meta(tmp_path, sentences, style, kv_heads, processes)
    model, processor = load(tmp_path, allow_pickle=True)
    config = processor.config
    assert config.decoder.num_key_value_heads == kv_heads and config.decoder.intermediate_size == 96
    assert config.chat_template == ("llama-3" if style.startswith("llama-3") else "plain")
    ids = torch.randint(3, config.decoder.vocab_size, (2, 90), generator=torch.Generator().manual_seed(1))
    assert difference(model.decoder(model.decoder.embed(ids)), theirs(ids).logits) <= 1e-4
    sample = processor(question("the quick fox"), for_training=False)
    expected = theirs.generate(
        sample.input_ids[None], attention_mask=torch.ones(1, len(sample), dtype=torch.long),
        max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0,
    )[0, len(sample) :]  # fmt: skip
    assert answer_ids(model, sample, SamplingOptions(max_new_tokens=64)) == expected.tolist()


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_every_weight_comes_back_bit_for_bit(tmp_path: Path, sentences: bytes, processes: int) -> None:
    """Also as bfloat16, mapped straight from the file."""
    theirs = write_meta(tmp_path, sentences, processes=processes).to(torch.bfloat16)
    model, _ = load(tmp_path, allow_pickle=True, dtype=torch.bfloat16)
    expected = theirs.state_dict()
    assert expected.keys() == model.decoder.state_dict().keys()
    for name, tensor in model.decoder.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_the_rotation_is_undone() -> None:
    weight = torch.randn(24, 5)
    assert torch.equal(half_rotation(neighbours(weight, 3), 3), weight)
    assert not torch.equal(neighbours(weight, 3), weight)


@pytest.mark.parametrize(
    ("dim", "multiple_of", "multiplier", "size"),
    [
        (4096, 256, 1.0, 11008), (5120, 256, 1.0, 13824), (6656, 256, 1.0, 17920), (8192, 256, 1.0, 22016),
        (8192, 4096, 1.3, 28672), (4096, 1024, 1.3, 14336), (16384, 4096, 1.2, 53248), (2048, 256, 1.5, 8192),
        (3072, 256, 1.0, 8192),
    ],
)  # fmt: skip
def test_published_feed_forward_sizes(dim: int, multiple_of: int, multiplier: float, size: int) -> None:
    """Llama 7B to 65B, Llama 2 70B, Llama 3 8B and 405B, Llama 3.2 1B and 3B."""
    assert meta.feed_forward_size(dim, multiple_of, multiplier) == size


LLAMA_1 = {"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-6, "vocab_size": -1}
LLAMA_3 = LLAMA_1 | {"norm_eps": 1e-5, "rope_theta": 500000.0, "vocab_size": 128256, "n_kv_heads": 8}


@pytest.mark.parametrize(
    ("params", "length", "who"),
    [
        (LLAMA_1, 2048, "Llama 1"),
        (LLAMA_1 | {"dim": 8192, "n_heads": 64, "n_layers": 80, "norm_eps": 1e-5}, 2048, "Llama 1"),
        (LLAMA_1 | {"norm_eps": 1e-5}, 4096, "Llama 2"),
        (LLAMA_1 | {"dim": 8192, "n_heads": 64, "n_kv_heads": 8, "norm_eps": 1e-5}, 4096, "Llama 2"),
        (LLAMA_1 | {"rope_theta": 1000000.0, "norm_eps": 1e-5, "vocab_size": 32016}, 16384, "Code Llama"),
        (LLAMA_3, 8192, "Llama 3"),
        (LLAMA_3 | {"use_scaled_rope": True}, 131072, "Llama 3.1"),
    ],
)
def test_the_context_that_params_do_not_tell(params: dict[str, Any], length: int, who: str) -> None:
    decoder, told = meta.decoder_config(params, words=32000, tied=False)
    assert decoder.max_position_embeddings == length and f"context {length}" in told and who in told
    assert decoder.vocab_size == (params["vocab_size"] if params["vocab_size"] > 0 else 32000)
    assert (decoder.rope_scaling is not None) == params.get("use_scaled_rope", False)


def test_a_folder_without_a_head_ties_it(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)
    tensors = torch.load(tmp_path / "consolidated.00.pth")
    del tensors["output.weight"]
    torch.save(tensors, tmp_path / "consolidated.00.pth")
    model, processor = load(tmp_path, allow_pickle=True)
    assert processor.config.decoder.tie_word_embeddings
    assert model.decoder.lm_head.weight is model.decoder.model.embed_tokens.weight


def test_the_tokenizer_may_lie_above(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path / "7B", sentences)
    shutil.move(tmp_path / "7B" / "tokenizer.model", tmp_path / "tokenizer.model")
    config, layout, sizes = described(tmp_path / "7B", allow_pickle=True)
    assert config.name == "7B" and config.decoder.vocab_size == WORDS and "Meta's, 1 file; context 4096" in layout
    assert sizes == {"decoder": sum(p.numel() for p in load(tmp_path / "7B", allow_pickle=True)[0].parameters())}


@torch.no_grad()
def test_commands(tmp_path: Path, sentences: bytes) -> None:
    """Told, exported for transformers (as bfloat16, which is what the file holds), asked, taken as a part."""
    theirs = write_meta(tmp_path / "model", sentences, processes=2).to(torch.bfloat16)
    for number in range(2):
        changed(tmp_path / "model", number, lambda t: t.update({n: x.bfloat16() for n, x in t.items()}))
    run = CliRunner().invoke
    model, out = str(tmp_path / "model"), tmp_path / "hf"
    for command in (["info", model], ["export", model, "--out", str(out)], ["ask", "hi", "--model", model]):
        refused = run(app, command)
        assert refused.exit_code == 1 and "--allow-pickle" in refused.stderr and not out.exists()
    told = run(app, ["info", model, "--allow-pickle"]).stdout
    assert "Meta's, 2 files; context 4096 as in Llama 2 (norm_eps 1e-5), for params.json does not tell" in told
    assert run(app, ["export", model, "--to", "hf", "--out", str(out), "--allow-pickle"]).exit_code == 0
    again = LlamaForCausalLM.from_pretrained(out)
    assert again.dtype == torch.bfloat16 and again.config.rope_parameters["rope_type"] == "default"
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in theirs.state_dict().items())
    asked = run(app, ["ask", "hi", "--max-new-tokens", "3", "--model", model, "--allow-pickle", "--json"])
    assert asked.exit_code == 0 and json.loads(asked.stdout)["completion_tokens"] == 3
    elsewhere = run(app, ["ask", "hi", "--allow-pickle", "--backend-url", "http://127.0.0.1:9"])
    assert elsewhere.exit_code == 2 and "--allow-pickle" in elsewhere.stderr


# --- refused ---


def test_without_the_option_nothing_is_opened(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)
    for read in (load, described, vlm.load):
        with pytest.raises(CheckpointError, match=r"consolidated\.00\.pth: a pickle.*--allow-pickle"):
            read(tmp_path)


class Payload:
    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call = call, arguments

    def __reduce__(self) -> Any:
        return self.call


def payloads(canary: Path) -> dict[str, bytes]:
    """Pickles that would make `canary`, each as torch writes zips: with tensors beside it or bare."""
    touch = f"touch {canary}"
    calls = {
        "os.system": Payload(os.system, touch), "eval": Payload(eval, f"__import__('os').system({touch!r})"),
        "open": Payload(open, str(canary), "w"), "exec": Payload(exec, f"open({str(canary)!r}, 'w')"),
        "bytes": b"cos\nsystem\n(S'" + touch.encode() + b"'\ntR.",
        "inst": b"(S'" + touch.encode() + b"'\nios\nsystem\n.",
        "stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(touch)]) + touch.encode() + b"\x85R.",
        "getattr": b"cbuiltins\ngetattr\n(cos\n__dict__\nS'get'\ntR.",
        "torch's own": b"ctorch.hub\nload\n(S'x'\ntR.", "torch.load": b"ctorch.serialization\nload\n(S'x'\ntR.",
    }  # fmt: skip
    found = {}
    for name, call in calls.items():
        file = io.BytesIO()
        if isinstance(call, bytes):
            torch.save({}, file)
            found[name] = rewritten(file.getvalue(), data=call)
        else:
            torch.save({"tok_embeddings.weight": torch.ones(2, 2), "x": call}, file)
            found[name] = file.getvalue()
            found[f"{name}, legacy"] = pickle.dumps(call)
            legacy = io.BytesIO()
            torch.save({"x": call}, legacy, _use_new_zipfile_serialization=False)
            found[f"{name}, torch's legacy"] = legacy.getvalue()
    return found


def rewritten(archive: bytes, *, data: bytes | None = None, method: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    """The zip again, its data.pkl replaced and entries added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(file, "w", method) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, data if data is not None and entry.filename.endswith("data.pkl") else content)
        root = old.namelist()[0].partition("/")[0]
        for name, content in more.items():
            new.writestr(f"{root}/{name}", content)
    return file.getvalue()


def test_no_payload_ever_runs(tmp_path: Path, sentences: bytes) -> None:
    canary = tmp_path / "canary"
    write_meta(tmp_path / "model", sentences)
    found = payloads(canary)
    assert len(found) > 15
    for name, content in found.items():
        (tmp_path / "model" / "consolidated.00.pth").write_bytes(content)
        rejected(tmp_path / "model", "consolidated.00.pth: ")
        assert not canary.exists(), name


def test_the_payloads_would_run_elsewhere(tmp_path: Path) -> None:
    """Else the test above shows nothing."""
    for name in ("os.system", "bytes", "stack"):
        canary = tmp_path / name
        torch.load(io.BytesIO(payloads(canary)[name]), weights_only=False)
        assert canary.exists()


def test_a_payload_is_named(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)
    torch.save({"x": Payload(os.system, "true")}, tmp_path / "consolidated.00.pth")
    rejected(tmp_path, "posix.system", "nothing of it was run")


def test_files_that_are_no_zip_of_tensors(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)
    file = tmp_path / "consolidated.00.pth"
    good = file.read_bytes()
    scripted = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), scripted)
    cases = {
        b"": "zip", b"PK\3\4": "zip", good[: len(good) // 2]: "truncated", good[:-5]: "truncated",
        good + b"tail": "truncated", rewritten(good, method=zipfile.ZIP_DEFLATED): "compressed",
        rewritten(good, **{"data/0": b"again"}): "twice", rewritten(good, **{"code/x.py": b"1"}): "code/x.py",
        rewritten(good, data=b"\x80\x02}" + b"N0" * (3 << 20) + b"."): "more than", scripted.getvalue(): "no part of",
        rewritten(good, data=b"\x80\x02"): "", rewritten(good, data=b"garbage"): "",
    }  # fmt: skip
    for content, word in cases.items():
        file.write_bytes(content)
        rejected(tmp_path, "consolidated.00.pth: ", word)


def test_tensors_that_lie_about_their_bytes(tmp_path: Path, sentences: bytes) -> None:
    """A storage that claims more than its entry holds would read what lies behind it."""
    write_meta(tmp_path, sentences)
    file = tmp_path / "consolidated.00.pth"
    good = file.read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("data.pkl"))
        data = archive.read(name)
    items = WORDS * 64  # stands there as a storage of so many
    for wrong in (items + 2, items - 2, 0xFFFF):
        lying = data.replace(b"M" + items.to_bytes(2, "little") + b"t", b"M" + wrong.to_bytes(2, "little") + b"t", 1)
        assert lying != data
        file.write_bytes(rewritten(good, data=lying))
        rejected(tmp_path, "consolidated.00.pth: ")
    file.write_bytes(rewritten(good, **{"data/99": b"unused"}))
    rejected(tmp_path, "not made of the bytes")


def test_zips_that_others_packed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another order, without torch's padding, with 64-bit entries as files beyond 4 GB have them, through views."""
    tensors = {name: torch.randn(3, 5) for name in "ab"} | {"c": torch.randn(6, 4).t(), "d": torch.randn(9)[4:]}
    torch.save(tensors, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "x.pth") as old:
        content = {entry.filename: old.read(entry) for entry in old.infolist()}
    for limit in (zipfile.ZIP64_LIMIT, 8):
        for backwards in (False, True):
            monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
            with zipfile.ZipFile(tmp_path / "y.pth", "w") as new:
                for name in sorted(content, reverse=backwards):
                    new.writestr(name, content[name])
            monkeypatch.undo()
            found = weight_files.Pickled([tmp_path / "y.pth"])
            assert found.keys() == tensors.keys()
            assert all(torch.equal(found[name], tensors[name]) for name in tensors), (limit, backwards)


def test_content_that_is_no_dict_of_tensors(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)
    for content, word in (
        ([torch.ones(1)], "no dict"), ({"model": {"a": torch.ones(1)}}, "'model' is no tensor"),
        ({"a": torch.ones(2).to(torch.float8_e4m3fn)}, "consolidated.00.pth"), ({1: torch.ones(1)}, "1 is no tensor"),
        ({"a": torch.ones(2, 2).to_sparse()}, "consolidated.00.pth"), ({"epoch": 3}, "'epoch' is no tensor"),
    ):  # fmt: skip
        torch.save(content, tmp_path / "consolidated.00.pth")
        rejected(tmp_path, "consolidated.00.pth: ", word)


def changed(folder: Path, number: int, change: Callable[[dict[str, Tensor]], Any]) -> None:
    file = folder / f"consolidated.{number:02d}.pth"
    tensors = torch.load(file)
    change(tensors)
    torch.save(tensors, file)


def test_missing_extra_and_misshaped_tensors_are_listed(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)

    def change(tensors: dict[str, Tensor]) -> None:
        del tensors["layers.1.attention.wv.weight"]
        tensors["layers.1.attention.adapter"] = torch.ones(2)

    changed(tmp_path, 0, change)
    rejected(tmp_path, "missing tensors (1): layers.1.attention.wv.weight", "layers.1.attention.adapter")
    write_meta(tmp_path, sentences)
    changed(tmp_path, 0, lambda tensors: tensors.update({"norm.weight": torch.ones(65)}))
    rejected(tmp_path, "decoder.model.norm.weight is (65,), expected (64,)")
    write_meta(tmp_path, sentences)
    changed(tmp_path, 0, lambda tensors: tensors.update({"tok_embeddings.weight": torch.ones(WORDS - 1, 64)}))
    rejected(tmp_path, f"is ({WORDS - 1}, 64), expected ({WORDS}, 64)")
    write_meta(tmp_path, sentences)
    changed(tmp_path, 0, lambda tensors: tensors["norm.weight"].fill_(float("nan")))
    rejected(tmp_path, "decoder.model.norm.weight", "NaN")


def test_files_that_do_not_go_together(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences, processes=2)
    changed(tmp_path, 1, lambda tensors: tensors["norm.weight"].add_(1))
    rejected(tmp_path, "norm.weight", "differs from file to file")
    write_meta(tmp_path, sentences, processes=2)
    changed(tmp_path, 1, lambda tensors: tensors.pop("norm.weight"))
    rejected(tmp_path, "consolidated.01.pth does not go with consolidated.00.pth", "norm.weight")
    write_meta(tmp_path, sentences, processes=2)
    (tmp_path / "consolidated.01.pth").rename(tmp_path / "consolidated.02.pth")
    rejected(tmp_path, "consolidated.01.pth: missing")
    (tmp_path / "consolidated.02.pth").unlink()
    rejected(tmp_path, "expected")  # half of each matrix
    (tmp_path / "consolidated.00.pth").unlink()
    os.mkfifo(tmp_path / "consolidated.00.pth")
    rejected(tmp_path, "consolidated.00.pth")


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"dim": 10**9}, "params.json: dim"), ({"n_layers": 10**6}, "n_layers"), ({"n_heads": 0}, "n_heads"),
        ({"n_heads": -4}, "n_heads"), ({"dim": "64"}, "dim"), ({"norm_eps": float("inf")}, "params.json"),
        ({"multiple_of": 0}, "multiple_of"), ({"ffn_dim_multiplier": 1e400}, "params.json"),
        ({"ffn_dim_multiplier": 99.0}, "shapes"), ({"vocab_size": 1 << 40}, "vocab_size"), ({"dim": 64.5}, "dim"),
        ({"rope_theta": "x"}, "rope_theta"), ({"use_scaled_rope": 1}, "use_scaled_rope"), ({"moe": {}}, "moe"),
        ({"n_kv_heads": 3}, "num_key_value_heads"), ({"dim": None}, "dim"), ({"dim": True}, "dim"),
        ({"n_heads": 5}, "head_dim"), ({"vocab_size": 10}, "tokens"),
    ],
    ids=str,
)  # fmt: skip
def test_absurd_numbers(tmp_path: Path, sentences: bytes, params: dict[str, Any], word: str) -> None:
    write_meta(tmp_path, sentences, **params)
    rejected(tmp_path, word)


def test_params_that_are_no_object(tmp_path: Path, sentences: bytes) -> None:
    write_meta(tmp_path, sentences)
    for text in ("[]", "{", "\x80"):
        (tmp_path / "params.json").write_text(text, "latin-1")
        rejected(tmp_path, "params.json")
