"""What a skill is: its input however it comes, claims with their source, skills of others, failures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("pydantic", reason="skills need pydantic: pip install '.[skills]'")

from importlib.metadata import EntryPoint

from pydantic import BaseModel

from demo.plugins import asking, caption
from demo.plugins.alt_text import one_sentence
from demo.plugins.catalogue import OURS, skills
from demo.plugins.files import assigned, options_of
from demo.plugins.skill import FieldError, Picture, Skill, SkillInput, SkillOutput, Sound
from vlm.answering import Answering
from vlm.assistant import Assistant
from vlm.captioning import CAPTION_PROMPTS
from vlm.errors import InputError, MediaError, RequestFailedError, VlmError
from vlm.generation import Reply
from vlm.media import MediaLimits

SMALL = Image.new("RGB", (3, 2), (200, 30, 30))


def encoded(image: Image.Image = SMALL, format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


class Given(SkillInput):
    image: Picture
    more: list[Picture] = []  # noqa: RUF012 - pydantic copies it
    sound: Sound | None = None
    number: int = 3


class Given2(SkillOutput):
    size: tuple[int, int]
    number: int


class Measure(Skill[Given, Given2]):
    name, description = "measure", "Says how large a picture is."
    input_model, output_model = Given, Given2

    def run(self, assistant: Answering, given: Given) -> Given2:
        return Given2(size=given.image.size, number=given.number)


class Mute(Answering):
    """Answers what it is told; cannot weigh."""

    name, card, server, context, hears = "mute", "", "", None, True

    def __init__(self, text: str = "A red square. It is small.") -> None:
        self.text, self.asked = text, list[Any]()

    def facts(self) -> list[tuple[str, str]]:
        return []

    def close(self) -> None: ...

    def caption_batches(self, requests: Any, **options: Any) -> Iterator[Any]:
        raise AssertionError("not asked")

    def stream(self, messages: Any, **options: Any) -> Iterator[str | Reply]:
        self.asked.append(messages)
        yield self.text
        yield Reply(self.text, "stop", 1, 1, 0.0, 0.0)


# --- inputs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["url", "bytes", "path", "picture", "array"])
def test_a_picture_may_come_in_any_way(way: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    given: Any = {
        "url": data_url(encoded()), "bytes": encoded(), "path": path, "picture": SMALL, "array": np.asarray(SMALL),
    }[way]  # fmt: skip
    assert Measure()(Mute(), {"image": given}) == Given2(size=(3, 2), number=3)


def test_a_string_is_never_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    for text in (str(path), f"file://{path}", "http://127.0.0.1/a.png", "", "data:text/html;base64,AAAA",
                 "data:image/png,x", data_url(encoded(), "audio/wav")):  # fmt: skip
        with pytest.raises(MediaError) as error:
            Measure()(Mute(), {"image": text})
        assert (error.value.code, error.value.name) == ("bad_image", "image")
        assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, "invalid_value", "image"),
        ({"image": SMALL, "other": 1}, "unknown_field", "other"),
        ({"image": SMALL, "number": "7"}, "invalid_value", "number"),
        ({"image": SMALL, "number": True}, "invalid_value", "number"),
        ({"image": SMALL, "more": SMALL}, "invalid_value", "more"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(FieldError) as error:
        Measure()(Mute(), fields)
    assert (error.value.code, error.value.param) == (code, param)
    assert str(error.value).startswith(f"{param}: ")


def test_a_bad_picture_is_named_by_its_place_or_its_path(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as error:
        Measure()(Mute(), {"image": SMALL, "more": [data_url(encoded()), data_url(b"nothing")]})
    assert error.value.name == "more[1]" and error.value.code == "bad_image"
    with pytest.raises(MediaError) as error:
        Measure()(Mute(), {"image": SMALL, "more": [tmp_path / "absent.png"]})
    assert error.value.name == str(tmp_path / "absent.png") and error.value.code == "not_found"


def test_the_doors_limits_hold() -> None:
    with pytest.raises(MediaError) as error:
        Measure()(Mute(), {"image": data_url(encoded())}, limits=MediaLimits(max_pixels=5))
    assert error.value.code == "image_too_large"


def test_the_media_of_an_input_are_known() -> None:
    assert [(one.name, one.kind, one.many, one.required) for one in Measure().media] == [
        ("image", "image", False, True), ("more", "image", True, False), ("sound", "audio", False, False),
    ]  # fmt: skip


def test_every_skill_describes_itself() -> None:
    for name, skill in skills().items():
        assert skill.name == name and skill.description.endswith(".")
        assert skill.input_model.model_json_schema()["additionalProperties"] is False
        assert skill.output_model.model_json_schema(mode="serialization")["type"] == "object"


# --- failures ----------------------------------------------------------------------------------------------------


class Broken(Measure):
    def run(self, assistant: Answering, given: Given) -> Given2:
        raise ZeroDivisionError("secret words")


class Liar(Measure):
    def run(self, assistant: Answering, given: Given) -> Given2:
        return SMALL  # type: ignore[return-value]


class Refusing(Measure):
    def run(self, assistant: Answering, given: Given) -> Given2:
        raise InputError("too plain", "too_plain")


def test_a_skill_that_fails_says_no_foreign_words() -> None:
    for skill in (Broken(), Liar()):
        with pytest.raises(RequestFailedError) as error:
            skill(Mute(), {"image": SMALL})
        assert "secret" not in str(error.value)
    with pytest.raises(InputError, match="too plain"):
        Refusing()(Mute(), {"image": SMALL})


# --- skills of others --------------------------------------------------------------------------------------------


class NoName(Measure):
    name = "No Name"


class Taken(Measure):
    name = "alt_text"


class Open(BaseModel):
    image: int


class Loose(Measure):
    name, input_model = "loose", Open  # type: ignore[assignment]


class Half(Skill[Given, Given2]):
    name, description, input_model, output_model = "half", "Half.", Given, Given2


class Explodes(Measure):
    name = "explodes"

    def __init__(self) -> None:
        raise OSError("secret words")


def test_skills_of_others_are_found_and_broken_ones_left_out() -> None:
    here = __name__
    names = ("Measure", "NoName", "Taken", "Loose", "Half", "Explodes", "SMALL", "Absent")
    others = [EntryPoint(name, f"{here}:{name}", "vlm.skills") for name in names]
    others.append(EntryPoint("gone", "no_such_package_here:Skill", "vlm.skills"))
    found = skills(others)
    assert list(found) == [one.name for one in OURS] + ["measure"]
    reasons = {one.name: one.reason for one in found.left_out}
    assert reasons == {
        "NoName": "its name must be lower-case letters, digits and underscores",
        "Taken": "there is a skill alt_text already",
        "Loose": "its input_model accepts unknown fields; derive it from SkillInput",
        "Half": "it has no method run",
        "Explodes": "it cannot be loaded (OSError)",
        "SMALL": "it is no subclass of demo.plugins.skill.Skill",
        "Absent": "it cannot be loaded (AttributeError)",
        "gone": "it cannot be loaded (ModuleNotFoundError)",
    }
    assert "secret" not in "\n".join(found.lines())
    assert "left out: gone: it cannot be loaded (ModuleNotFoundError)" in list(found.lines())


# --- what is asked -----------------------------------------------------------------------------------------------


class Weighs(Mute):
    """Gives its tokens these probabilities."""

    probabilities = (0.9, 0.4, 0.6)

    def log_probabilities(self, conversations: Any, *, batch_size: int = 8) -> Iterator[torch.Tensor]:
        for conversation in conversations:
            assert conversation[-1] == {"role": "assistant", "content": self.text}
            yield torch.tensor(self.probabilities).log()


class Cut(Weighs):
    def stream(self, messages: Any, **options: Any) -> Iterator[str | Reply]:
        yield Reply(self.text, "length", 1, 1, 0.0, 0.0)


def test_confidence_is_the_geometric_mean_of_the_answers_own_tokens() -> None:
    assert asking.ask(Weighs(), "?", [SMALL]).confidence == round((0.9 * 0.4 * 0.6) ** (1 / 3), 4)
    assert asking.ask(Cut(), "?", [SMALL]).confidence == round((0.9 * 0.4) ** (1 / 2), 4)
    assert asking.ask(Weighs(" "), "?", [SMALL]).confidence is None


def test_one_that_cannot_weigh_has_no_confidence() -> None:
    said = skills()["alt_text"](Mute(), {"image": SMALL})
    assert said.model_dump() == {"text": "A red square.", "source": "model", "confidence": None}


def test_several_questions_are_answered_as_one_by_one(assistant: Assistant) -> None:
    pictures = [SMALL, Image.new("RGB", (9, 9), (0, 90, 0)), Image.new("RGB", (5, 8), (0, 0, 90))]
    questions = [(picture, f"What is number {n}?") for n, picture in enumerate(pictures)]
    together = asking.ask_each(assistant, questions, max_new_tokens=4)
    alone = [asking.ask(assistant, question, [picture], max_new_tokens=4) for picture, question in questions]
    assert [one.text for one in together] == [one.text for one in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=2e-3)


def test_silence_is_measured_and_nobody_is_asked() -> None:
    mute = Mute()
    heard = skills()["transcribe"](mute, {"sound": (np.zeros(16_000, np.float32), 16_000)})
    assert heard.model_dump() == {"text": "", "source": "measured", "confidence": None}
    assert mute.asked == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("An image of a red square.", "A red square."),
        ("The picture shows two doors", "Two doors."),
        ("Alt text: a plan with 3 rooms. It is blue.", "A plan with 3 rooms."),
        ("a chart,\n with  bars", "A chart, with bars."),
        ("Version 1.5 of a logo! More.", "Version 1.5 of a logo!"),
        ("Imagery of hills.", "Imagery of hills."),
        ("", ""),
    ],
)
def test_alt_text_is_one_sentence_and_says_no_image_of(said: str, kept: str) -> None:
    assert one_sentence(said) == kept


# --- files and options -------------------------------------------------------------------------------------------


def test_files_find_their_fields(tmp_path: Path) -> None:
    picture, sound = tmp_path / "picture", tmp_path / "sound"
    picture.write_bytes(encoded())
    sound.write_bytes(b"RIFF")
    known = skills()
    assert assigned(known["alt_text"], [picture, sound]) == [
        ([picture], {"image": picture}), ([sound], {"image": sound}),
    ]  # fmt: skip
    assert assigned(known["ask"], [sound, picture, picture]) == [
        ([sound, picture, picture], {"images": [picture, picture], "sounds": [sound]})
    ]
    assert assigned(known["ask"], []) == [([], {})]
    for skill, files in (("alt_text", []), ("transcribe", [])):
        with pytest.raises(InputError):
            assigned(known[skill], files)


def test_options_are_text_or_json() -> None:
    ask = skills()["ask"]
    assert options_of(ask, ["question=5=5?", "max_new_tokens=7"]) == {"question": "5=5?", "max_new_tokens": 7}
    for options in (["question"], ["images=x"], ["nothing=1"], ["question=a", "question=b"]):
        with pytest.raises(VlmError):
            options_of(ask, options)


def test_captions_are_those_of_the_captioner(assistant: Assistant) -> None:
    assert get_args(caption.SeveralPictures.model_fields["style"].annotation) == tuple(CAPTION_PROMPTS)
    pictures = [SMALL, Image.new("RGB", (40, 30), "teal")]
    output = caption.Caption()(assistant, {"images": pictures, "style": "short", "max_new_tokens": 6})
    wanted = assistant.caption(pictures, style="short", max_new_tokens=6, batch_size=1)
    assert [one.text for one in output.captions] == [one.text.strip() for one in wanted]
    with pytest.raises(MediaError, match=r"images\[1\]: "):
        caption.Caption()(assistant, {"images": [data_url(encoded()), data_url(b"none")]})
