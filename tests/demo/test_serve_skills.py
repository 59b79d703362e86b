"""Skills over HTTP: what is listed, answered and refused; clients that go, answers that take too long."""

from __future__ import annotations

import base64
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

import httpx

from demo.plugins.catalogue import LeftOut, Skills, skills
from demo.plugins.skill import Picture, Skill, SkillInput, SkillOutput
from demo.serving.options import Limits
from vlm.answering import Answering
from vlm.errors import InputError, QueueFullError

from .serving import MODEL, Counting, ScriptedAssistant, ScriptedEngine, error, listening, served, until

TWO = """
[models.plain]
[models.careful]
system = "You are careful."
prompt = "{text} Be brief."
input = ["secrets"]
output = ["secrets"]
[policies.secrets]
keywords = ["falcon"]
"""


def picture(format: str = "PNG", size: tuple[int, int] = (8, 6)) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(buffer, format)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


class Given(SkillInput):
    image: Picture
    model: str = "mine"


class Told(SkillOutput):
    width: int
    model: str


class OwnModel(Skill[Given, Told]):
    name, description, input_model, output_model = "own_model", "Has a field called model.", Given, Told

    def run(self, assistant: Answering, given: Given) -> Told:
        return Told(width=given.image.width, model=given.model)


class Broken(Skill[Given, Told]):
    name, description, input_model, output_model = "broken", "Fails.", Given, Told

    def run(self, assistant: Answering, given: Given) -> Told:
        raise ZeroDivisionError("secret words")


def test_skills_are_listed_with_their_schemas() -> None:
    listed = served().client.get("/v1/skills").json()
    assert listed["object"] == "list" and listed["left_out"] == []
    assert [one["name"] for one in listed["data"]] == list(skills(()))
    (alt,) = [one for one in listed["data"] if one["name"] == "alt_text"]
    assert alt["input_schema"]["required"] == ["image"] and alt["input_schema"]["additionalProperties"] is False
    assert set(alt["output_schema"]["properties"]) == {"text", "source", "confidence"}


def test_what_is_left_out_is_told() -> None:
    offered = Skills({"own_model": OwnModel()}, [LeftOut("other", "it has no description")])
    listed = served(offered=offered).client.get("/v1/skills").json()
    assert listed["left_out"] == [{"name": "other", "reason": "it has no description"}]


def test_a_skill_answers() -> None:
    one = served(ScriptedEngine(("a red", " square")))
    response = one.client.post("/v1/skills/alt_text", json={"image": picture()})
    assert response.status_code == 200
    assert response.json() == {
        "object": "skill.result", "skill": "alt_text", "model": MODEL,
        "output": {"text": "A red square.", "source": "model", "confidence": None},
    }  # fmt: skip
    measured = one.client.post("/v1/skills/compare", json={"before": picture(), "after": picture("GIF")}).json()
    assert measured["output"]["same"] is True


def test_a_served_name_brings_its_prompts_and_policies(tmp_path: Path) -> None:
    config = tmp_path / "models.toml"
    config.write_text(TWO)
    one = served(ScriptedEngine(("fine",)), config=config)
    asked = {"images": [picture()], "question": "What is it?"}
    assert one.client.post("/v1/skills/ask", json=asked).json()["model"] == "plain"
    assert one.client.post("/v1/skills/ask", json=asked | {"model": "careful"}).json()["model"] == "careful"
    system, user = one.processor.seen[-1]
    assert system["content"][0]["text"] == "You are careful."
    assert user["content"][-1]["text"] == "What is it? Be brief."
    refused = one.client.post("/v1/skills/ask", json=asked | {"model": "careful", "question": "Where is the falcon?"})
    assert (refused.status_code, error(refused)["code"]) == (400, "content_policy_violation")
    one.engine.pieces = ("a falcon",)
    refused = one.client.post("/v1/skills/ask", json=asked | {"model": "careful"})
    assert (refused.status_code, error(refused)["code"]) == (400, "content_policy_violation")
    assert one.client.post("/v1/skills/ask", json=asked).status_code == 200
    assert error(one.client.post("/v1/skills/ask", json=asked | {"model": "none"}))["code"] == "model_not_found"


def test_a_skill_may_have_a_field_called_model() -> None:
    one = served(offered=Skills({"own_model": OwnModel()}))
    response = one.client.post("/v1/skills/own_model", json={"image": picture(), "model": "theirs"})
    assert response.json()["output"] == {"width": 8, "model": "theirs"} and response.json()["model"] == MODEL


@pytest.mark.parametrize(
    ("name", "body", "code", "param"),
    [
        ("alt_text", {}, "invalid_value", "image"),
        ("alt_text", {"image": 5}, "bad_image", "image"),
        ("alt_text", {"image": "/etc/passwd"}, "bad_image", "image"),
        ("alt_text", {"image": "file:///etc/passwd"}, "bad_image", "image"),
        ("alt_text", {"image": "http://127.0.0.1:9/a.png"}, "bad_image", "image"),
        ("alt_text", {"image": "data:image/png;base64,AAAA"}, "bad_image", "image"),
        ("alt_text", {"image": picture(), "size": 3}, "unknown_field", "size"),
        ("alt_text", {"image": picture(), "model": 3}, "invalid_value", "model"),
        ("alt_text", {"image": picture(size=(5000, 4000))}, "image_too_large", "image"),
        ("ask", {"images": [picture(), "data:image/png;base64,"], "question": "?"}, "bad_image", "images[1]"),
        ("ask", {"images": [picture()] * 9, "question": "?"}, "invalid_value", "images"),
        ("ask", {}, "bad_input", None),
        ("palette", {"image": picture(), "colours": 0}, "invalid_value", "colours"),
        ("palette", {"image": picture(), "colours": 10**9}, "invalid_value", "colours"),
        ("wireframe", {"image": picture(), "labels": "5"}, "invalid_value", "labels"),
        ("transcribe", {"sound": picture()}, "bad_audio", "sound"),
    ],
)
def test_a_wrong_field_is_named(name: str, body: Any, code: str, param: str | None) -> None:
    response = served().client.post(f"/v1/skills/{name}", json=body)
    told = error(response)
    assert (response.status_code, told["code"], told["param"]) == (400, code, param)
    assert "passwd" not in told["message"]


@pytest.mark.parametrize("body", ["[]", "3", '"x"', "null", "{", '{"image": NaN}', '{"image": 1, "image": 2}', ""])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    one = served()
    response = one.client.post("/v1/skills/alt_text", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400 and error(response)["code"] in ("invalid_json", "invalid_value")


def test_other_ways_to_be_refused() -> None:
    one = served(ScriptedEngine())
    assert error(one.client.post("/v1/skills/nothing", json={}))["code"] == "skill_not_found"
    assert one.client.get("/v1/skills/alt_text").status_code == 405
    assert one.client.post("/v1/skills/alt_text", content="x").status_code == 415
    assert served(api_key="key").client.get("/v1/skills").status_code == 401
    assert served(api_key="key").client.post("/v1/skills/alt_text", json={}).status_code == 401
    one.engine.after = QueueFullError(64)
    response = one.client.post("/v1/skills/alt_text", json={"image": picture()})
    assert response.status_code == 429 and error(response)["code"] == "queue_full"
    one.engine.alive = False
    assert one.client.post("/v1/skills/alt_text", json={"image": picture()}).status_code == 503


def test_a_skill_that_fails_is_an_internal_error_without_its_words() -> None:
    one = served(offered=Skills({"broken": Broken()}))
    response = one.client.post("/v1/skills/broken", json={"image": picture()})
    assert response.status_code == 500 and error(response)["code"] == "internal_error"
    assert "secret" not in response.text


def test_an_answer_that_takes_too_long_is_ended() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    one = served(engine, limits=Limits(request_seconds=0.3))
    response = one.client.post("/v1/skills/alt_text", json={"image": picture()})
    assert response.status_code == 504 and error(response)["code"] == "request_timeout"
    assert [generation.cancelled for generation in engine.generations] == [True]
    assert one.app.state.service.busy == 0


def test_a_client_that_goes_ends_the_skill() -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    with listening(ScriptedAssistant(engine, Counting())) as (port, server):
        service = server.config.app.state.service  # type: ignore[attr-defined]

        def ask() -> None:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"http://127.0.0.1:{port}/v1/skills/alt_text", json={"image": picture()}, timeout=1)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: engine.generations)
        asking.join()
        until(lambda: engine.generations[0].cancelled and service.busy == 0)


def Assistant(engine: ScriptedEngine) -> Any:
    from .serving import Counting, ScriptedAssistant

    return ScriptedAssistant(engine, Counting())


def test_the_words_of_a_skill_are_shown() -> None:
    class Refusing(OwnModel):
        name = "refusing"

        def run(self, assistant: Answering, given: Given) -> Told:
            raise InputError("the picture is too plain", "too_plain")

    response = served(offered=Skills({"refusing": Refusing()})).client.post(
        "/v1/skills/refusing", json={"image": picture()}
    )
    assert response.status_code == 400 and error(response)["message"] == "the picture is too plain"
    assert error(response)["param"] is None
