"""Pictures of the add-ons at work in Inkscape, LibreOffice and Blender, with `vlm serve` and the embedded model.

    python examples/host_pictures.py OUT [inkscape] [libreoffice] [blender]

Needs the programs, and (Debian, Ubuntu) the packages xvfb, xdotool and imagemagick. Look at them after a change.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.plugins.hosts.install import PROGRAMS, install, states
from demo.plugins.hosts.vlm_client import Problem, Server, Settings, picture

HERE = Path(__file__).parent
PORT = 7941
WIDE, HIGH = 1280, 800
DESIGN = """<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420" viewBox="0 0 640 420">
<rect width="640" height="420" fill="#f6f7f9"/><rect width="640" height="64" fill="#1f3a5f"/>
<text x="28" y="41" font-family="sans-serif" font-size="24" fill="#ffffff">Harbour Tours</text>
<text x="520" y="40" font-family="sans-serif" font-size="18" fill="#4b6a92">Contact</text>
<rect x="28" y="96" width="180" height="120" rx="6" fill="#d9e4f2"/>
<rect x="230" y="96" width="180" height="120" rx="6" fill="#d9e4f2"/>
<rect x="432" y="101" width="180" height="120" rx="6" fill="#d9e4f2"/>
<text x="28" y="262" font-family="sans-serif" font-size="20" fill="#333333">Three hours on the water</text>
<text x="28" y="296" font-family="sans-serif" font-size="18" fill="#b9bec6">Every day from May to October</text>
<rect x="28" y="330" width="150" height="48" rx="6" fill="#e4572e"/>
<text x="58" y="361" font-family="sans-serif" font-size="20" fill="#ffffff">Book now</text></svg>"""
SCENE = """
import bpy
bpy.context.preferences.view.show_splash = False
bpy.ops.preferences.addon_enable(module="vlm_studio")
cube = bpy.context.active_object
red = bpy.data.materials.new("red")
red.diffuse_color = (0.8, 0.05, 0.03, 1)
cube.data.materials.clear()
cube.data.materials.append(red)
bpy.ops.mesh.primitive_uv_sphere_add(location=(3, 2, 0))
window = bpy.context.window_manager.windows[0]
area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
area.spaces.active.show_region_ui = True
area.spaces.active.shading.color_type = "MATERIAL"
asked = False

def ask():
    global asked
    state = bpy.context.window_manager.vlm
    if not asked:
        asked, state.source, state.question = True, "VIEWPORT", "What colour is the cube?"
        region = next(r for r in area.regions if r.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.vlm.describe("INVOKE_DEFAULT")
        return 1.0
    if state.busy:
        return 1.0
    open(__file__ + ".done", "w").close()
    return None

bpy.app.timers.register(ask, first_interval=3.0)
"""

MACRO = """
import time, uno
here = uno.getComponentContext()
resolver = here.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", here)
for _ in range(200):
    time.sleep(1)
    try:
        office = resolver.resolve("uno:pipe,name=vlmpictures;urp;StarOffice.ComponentContext")
        desktop = office.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", office)
        desktop.CurrentComponent.DrawPages
        break
    except Exception:
        pass
time.sleep(5)
factory = office.ServiceManager.createInstance("com.sun.star.script.provider.MasterScriptProviderFactory")
name = "vnd.sun.star.script:vlm_studio|alt_text.py$describe_pictures?language=Python&location=user"
factory.createScriptProvider("user").getScript(name).invoke((), (), ())
"""


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program, and its end."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=os.environ | environment, stdout=quiet, stderr=quiet, cwd=HERE.parent)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def wait_for(true: Callable[[], object], seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            print("it did not come to pass", file=sys.stderr)
            return
        time.sleep(1)


def shoot(target: Path, display: str, steps: Callable[[Callable[..., str]], None]) -> None:
    """A picture of the display, after the steps: each calls xdotool with its arguments."""

    def do(*arguments: str) -> str:
        time.sleep(2)
        done = subprocess.run(["xdotool", *arguments], env=os.environ | {"DISPLAY": display}, text=True,
                              capture_output=True, check=False)  # fmt: skip
        return done.stdout

    steps(do)
    time.sleep(3)
    subprocess.run(["import", "-display", display, "-window", "root", "+dither", "-colors", "128",
                    f"PNG8:{target}"],
                   check=True)  # fmt: skip
    print(target, flush=True)


def home_of(name: str, folder: Path) -> dict[str, str]:
    """A program's environment, with the add-on in it and nothing of the user's."""
    places = {"inkscape": "inkscape/extensions", "libreoffice": "office/user/Scripts/python",
              "blender": "blender/addons"}  # fmt: skip
    environment = {
        "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "PATH": os.defpath,
        "INKSCAPE_PROFILE_DIR": str(folder / "inkscape"), "BLENDER_USER_SCRIPTS": str(folder / "blender"),
    }  # fmt: skip
    os.environ["XDG_CONFIG_HOME"] = environment["XDG_CONFIG_HOME"]
    (state,) = states(PROGRAMS[name], folder=folder / places[name])
    install(state, Settings(f"http://127.0.0.1:{PORT}"))
    return environment


def fill(do: Callable[..., str], kind: str) -> None:
    """There is no window manager: the program's largest window is put over all of the display."""
    for window in do("search", "--onlyvisible", "--class", kind).split()[:1]:
        do("windowmove", window, "0", "0", "windowsize", window, str(WIDE), str(HIGH))


def inkscape(out: Path, folder: Path, display: str) -> None:
    design = folder / "design.svg"
    design.write_text(DESIGN)
    with running("inkscape", "-g", "--actions=studio.vlm.notes.noprefs", str(design), DISPLAY=display,
                 **home_of("inkscape", folder)):  # fmt: skip

        def steps(do: Callable[..., str]) -> None:
            wait_for(lambda: do("search", "--name", r"^\*design"))  # the drawing has changed
            fill(do, "inkscape")
            do("key", "4")  # zoom: the drawing

        shoot(out / "inkscape.png", display, steps)


def libreoffice(out: Path, folder: Path, display: str) -> None:
    deck = folder / "deck.fodp"
    names = ("floor_plan", "chart", "palette")
    pages = "".join(
        f'<draw:page draw:name="{name}" draw:master-page-name="M"><draw:frame draw:name="{name}" svg:width="13cm" '
        f'svg:height="13cm" svg:x="7.5cm" svg:y="1.4cm"><draw:image><office:binary-data>'
        f"{base64.b64encode((HERE / f'{name}.png').read_bytes()).decode()}</office:binary-data></draw:image>"
        "</draw:frame></draw:page>"
        for name in names
    )
    spaces = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in (
        ("office", "office"), ("style", "style"), ("draw", "drawing"), ("svg", "svg-compatible"),
        ("fo", "xsl-fo-compatible")))  # fmt: skip
    deck.write_text(
        f'<?xml version="1.0"?><office:document {spaces} office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.presentation"><office:automatic-styles>'
        '<style:page-layout style:name="L"><style:page-layout-properties fo:page-width="28cm" fo:page-height="20cm"/>'
        '</style:page-layout></office:automatic-styles><office:master-styles><style:master-page style:name="M" '
        'style:page-layout-name="L"/></office:master-styles><office:body><office:presentation>'
        f"{pages}</office:presentation></office:body></office:document>"
    )
    environment = home_of("libreoffice", folder)
    with running("soffice", "--norestore", "--nologo", f"-env:UserInstallation=file://{folder}/office", str(deck),
                 "--accept=pipe,name=vlmpictures;urp;", DISPLAY=display, **environment), running(
        "/usr/bin/python3", "-c", MACRO, **environment
    ) as macro:  # fmt: skip

        def steps(do: Callable[..., str]) -> None:
            until = time.monotonic() + 60
            wait_for(lambda: macro.poll() is not None or time.monotonic() > until)  # the report waits for a click

        shoot(out / "libreoffice.png", display, steps)


def blender(out: Path, folder: Path, display: str) -> None:
    script = folder / "scene.py"
    script.write_text(SCENE)
    with running("blender", "--factory-startup", "--window-geometry", "0", "0", str(WIDE), str(HIGH), "--python",
                 str(script), DISPLAY=display, **home_of("blender", folder)):  # fmt: skip

        def steps(do: Callable[..., str]) -> None:
            wait_for(Path(f"{script}.done").exists)
            do("mousemove", "1044", "238", "click", "1")  # the tab: Blender 3.4 has no other way

        shoot(out / "blender.png", display, steps)


def answers() -> bool:
    try:
        Server(Settings(f"http://127.0.0.1:{PORT}")).run("alt_text", image=picture((HERE / "shapes.png").read_bytes()))
    except Problem:
        return False
    return True


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    out, names = Path(sys.argv[1]).resolve(), sys.argv[2:] or list(PROGRAMS)
    out.mkdir(parents=True, exist_ok=True)
    python = shutil.which("python") or sys.executable
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, running(
        python, "-m", "vlm.cli", "serve", "--port", str(PORT), OMP_NUM_THREADS="1"
    ), running("Xvfb", ":93", "-screen", "0", f"{WIDE}x{HIGH}x24", "-nolisten", "tcp"):  # fmt: skip
        wait_for(answers)
        for program in names:
            folder = Path(name) / program
            folder.mkdir()
            {"inkscape": inkscape, "libreoffice": libreoffice, "blender": blender}[program](out, folder, ":93")


if __name__ == "__main__":
    main()
