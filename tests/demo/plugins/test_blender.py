"""The add-on in Blender itself, in the background and under a display: the file before and after, undo, failures."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vlm.media import load_image

from ...vlm.fake_server import hang_up, status
from ..ports import free_port
from .conftest import KEY
from .hosts import Host, display, need
from .skills import error, sizes, skill_server, skills

pytestmark = pytest.mark.host

BEGIN = """
import json, sys, time
import bpy

bpy.ops.preferences.addon_enable(module="vlm_studio")
scene, state = bpy.context.scene, bpy.context.window_manager.vlm
said = []

def attempt(name, **properties):
    for key, value in properties.items():
        setattr(state, key, value)
    try:
        result = sorted(getattr(bpy.ops.vlm, name)())
    except RuntimeError as error:
        result = [str(error).strip()]
    said.append({"result": result, "answer": state.answer, "told": scene.get("vlm_description")})

def render(width=1600, height=800):
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x, scene.render.resolution_y = width, height
    bpy.ops.render.render()

def tell():
    print("SAID", json.dumps(said), flush=True)
"""


@pytest.fixture(scope="module")
def blender(tmp_path_factory: pytest.TempPathFactory) -> Host:
    need("blender")
    return Host("blender", tmp_path_factory.mktemp("blender"))


def used(blender: Host, script: str, *options: str, shown: bool = False) -> list[dict[str, Any]]:
    file = blender.home / "script.py"
    file.write_text(BEGIN + script + ("" if shown else "\ntell()\n"))
    where = ["--window-geometry", "0", "0", "1280", "800"] if shown else ["--background"]
    done = blender.run("blender", "--factory-startup", *where, *options, "--python-exit-code", "3", "--python",
                       str(file))  # fmt: skip
    told = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert told, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(told[-1].removeprefix("SAID "))


def test_questions_about_the_render(blender: Host, tmp_path: Path) -> None:
    """The file's own settings for renders stay, and only `describe` changes what is saved."""
    saved = tmp_path / "after.blend"
    with skill_server() as one:
        blender.asks(one.url)
        said = used(blender, f"""
attempt("ask")
scene.render.image_settings.file_format = "OPEN_EXR"
render()
attempt("ask", question="How many cubes?")
attempt("describe")
said.append([scene.render.image_settings.file_format, sorted(i.name for i in bpy.data.images)])
bpy.ops.wm.save_as_mainfile(filepath={str(saved)!r})
""")  # fmt: skip
    none, asked, described, kept = said
    assert "press F12" in none["result"][0] and none["told"] is None
    assert asked == {"result": ["FINISHED"], "answer": "A red roof over a white wall.", "told": None}
    assert described["told"] == "A red roof over a white wall."
    assert kept == ["OPEN_EXR", ["Render Result", "Viewer Node"]]
    assert [(r["skill"], r["question"], sizes(r)) for r in one.seen] == [
        ("ask", "How many cubes?", [(1024, 512)]), ("ask", "Describe this picture.", [(1024, 512)]),
    ]  # fmt: skip
    again = used(blender, "said.append(scene.get('vlm_description'))", str(saved))
    assert again == ["A red roof over a white wall."]


def test_a_palette_of_materials(blender: Host) -> None:
    with skill_server() as one:
        blender.asks(one.url)
        said = used(blender, """
cube = bpy.context.active_object
for number, colour in enumerate([(1, 0, 0, 1), (0, 0.5, 0, 1)]):
    material = bpy.data.materials.new(f"m{number}")
    material.use_nodes = number == 0
    if number == 0:
        material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = colour
    material.diffuse_color = colour
    cube.data.materials.append(material)
attempt("critique")
bpy.ops.object.select_all(action="DESELECT")
attempt("critique")
""")  # fmt: skip
    assert said[0]["answer"].split("\n") == [
        "#cc3333 red, accent (says the model)", "#3366cc blue",
        "major: Two edges miss each other by 3 px. (measured)",
    ]  # fmt: skip
    assert "Select objects with materials" in said[1]["result"][0]
    assert [request["skill"] for request in one.seen] == ["palette", "critique"]
    sheet = load_image(base64.b64decode(one.seen[0]["image"].partition(",")[2]))
    assert sheet.size == (352, 128)  # the cube's own material, and the two
    assert [sheet.getpixel((left, 64)) for left in (64, 176, 288)] == [(231, 231, 231), (255, 0, 0), (0, 188, 0)]


FAILURES = {
    "wrong key": (status(401, error("no")), "does not accept the key"),
    "server error": (status(500, error("no")), "The server failed"),
    "slow": (lambda handler: time.sleep(30), "did not answer within 1 seconds"),
    "refused": (status(400, error("images[0]: damaged", "bad_image")), "does not take this: images[0]: damaged"),
    "foreign": (status(200, b"<html>"), "no vlm server"),
    "goes away": (hang_up, "broke off"),
}  # fmt: skip


def test_failures_leave_the_file(blender: Host) -> None:
    """One start of Blender for all: each failure is told in the panel and by the operator, and nothing is written."""
    with skill_server(*(act for act, _ in FAILURES.values())) as one:
        blender.asks(one.url, seconds=1)
        said = used(blender, f"""
render(64, 64)
for _ in range({len(FAILURES)}):
    attempt("describe")
own = bpy.context.preferences.addons["vlm_studio"].preferences
own.url = "http://127.0.0.1:{free_port()}"
attempt("describe")
own.url = "nonsense"
attempt("describe")
own.url = ""
attempt("ask", question="  ")
attempt("ask", source="VIEWPORT")
""")  # fmt: skip
    told = [message for _, message in FAILURES.values()]
    told += ["There is no server", "no address of a server", "Type a question", "no viewport without a window"]
    assert len(said) == len(told)
    for one_said, message in zip(said, told, strict=True):
        assert message in one_said["answer"] and message in one_said["result"][0], message
        assert one_said["told"] is None


def test_the_preferences_come_before_the_file(blender: Host) -> None:
    with skill_server() as one:
        blender.asks(f"http://127.0.0.1:{free_port()}", "of-the-file")
        said = used(blender, f"""
render(64, 64)
own = bpy.context.preferences.addons["vlm_studio"].preferences
own.url, own.key = "{one.url}", "of-the-preferences"
attempt("ask")
own.key = ""
attempt("ask")
""")  # fmt: skip
    assert [entry["result"] for entry in said] == [["FINISHED"]] * 2
    assert one.keys == ["Bearer of-the-preferences", None]  # the file's is for another server


@pytest.fixture
def shown(blender: Host) -> Iterator[Host]:
    if not shutil.which("Xvfb"):
        pytest.skip("needs Xvfb")
    with display(blender):
        yield blender


def test_with_a_window(shown: Host) -> None:
    """Blender goes on while the server is slow; Esc stops; the description is one step to undo; the viewport is sent
    upright: the sky of the test scene is above its ground."""
    script = """
world = scene.world
ground = bpy.data.materials.new("ground")
ground.diffuse_color = (1, 0, 0, 1)
bpy.ops.mesh.primitive_plane_add(size=400)
bpy.context.active_object.data.materials.append(ground)
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
region = next(r for r in area.regions if r.type == "WINDOW")
state.source = "VIEWPORT"

def here(act, *arguments):
    with bpy.context.temp_override(window=window, area=area, region=region):
        return act(*arguments)

def note(what):
    said.append({"what": what, "answer": state.answer, "told": bpy.context.scene.get("vlm_description")})

def steps():
    area.spaces.active.region_3d.view_perspective = "CAMERA"
    yield 1.0
    here(bpy.ops.ed.undo_push)
    here(bpy.ops.vlm.describe, "INVOKE_DEFAULT")
    note(f"busy {state.busy}")
    while state.busy:
        yield 0.1
    note("done")
    here(bpy.ops.ed.undo)
    note("undone")
    here(bpy.ops.ed.redo)
    note("redone")
    here(bpy.ops.vlm.ask, "INVOKE_DEFAULT")
    yield 0.5
    window.event_simulate("ESC", "PRESS")
    while bpy.context.window_manager.vlm.busy:
        yield 0.1
    note("stopped")

running = steps()

def step():
    global state
    state = bpy.context.window_manager.vlm
    try:
        return next(running)
    except StopIteration:
        pass
    except BaseException as error:
        said.append(repr(error))
    tell()
    bpy.ops.wm.quit_blender()

bpy.app.timers.register(step, first_interval=1.0)
"""

    def slow(handler: Any) -> None:
        time.sleep(30)

    with skill_server(skills(), slow) as one:
        shown.asks(one.url)
        said = used(shown, script, "--enable-event-simulate", shown=True)
    text = "A red roof over a white wall."
    assert [(step["what"], step["told"]) for step in said] == [
        ("busy True", None), ("done", text), ("undone", None), ("redone", text), ("stopped", text),
    ]  # fmt: skip
    assert said[-1]["answer"] == "Stopped. Nothing was changed."
    view = np.asarray(load_image(base64.b64decode(one.seen[0]["images"][0].partition(",")[2]))).astype(int)
    red = view[..., 0] - view[..., 1]
    assert max(view.shape) <= 1024 and red[-40:].mean() > red[:40].mean() + 20


def test_vlm_serve(blender: Host, vlm_serve: str) -> None:
    script = """
render(256, 256)
attempt("ask", question="What colour is the background?")
attempt("describe")
"""
    blender.asks(vlm_serve, KEY)
    asked, described = used(blender, script)
    assert asked["result"] == described["result"] == ["FINISHED"]
    assert asked["answer"] and described["told"] == described["answer"] != ""
    blender.asks(vlm_serve, "another-key")
    assert all("does not accept the key" in entry["result"][0] for entry in used(blender, script))
