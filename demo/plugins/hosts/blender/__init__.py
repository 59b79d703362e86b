"""Blender: ask a vlm server about the render or the viewport, from a panel in the sidebar (N)."""

import textwrap

import bpy

from . import vlm_pictures
from .vlm_client import Problem, Server, Settings, in_background, picture, plain, read_settings, rows, words

bl_info = {
    "name": "vlm studio",
    "description": "Ask a vlm server about the render, the viewport and the materials",
    "author": "vlm studio",
    "version": (0, 1, 0),
    "blender": (2, 93, 0),
    "location": "3D viewport and image editor > sidebar > vlm",
    "category": "Render",
}
QUESTION = "Describe this picture."
PROPERTY = "vlm_description"


class VlmPreferences(bpy.types.AddonPreferences):
    """What is empty here comes from the file that `vlm plugins install blender --url --key-file` writes."""

    bl_idname = __package__
    url: bpy.props.StringProperty(name="Server", description="As in http://127.0.0.1:8000; empty: as installed")
    key: bpy.props.StringProperty(
        name="Key", subtype="PASSWORD", description="Kept in Blender's preferences in clear; empty: as installed"
    )
    seconds: bpy.props.FloatProperty(name="Seconds for an answer", min=0, max=3600, description="0: as installed")

    def draw(self, context):
        for name in ("url", "key", "seconds"):
            self.layout.prop(self, name)


class VlmState(bpy.types.PropertyGroup):
    """Of the window, not of the file: a file holds only what somebody has written into it."""

    question: bpy.props.StringProperty(name="", default="What is in this picture?", maxlen=4000)
    source: bpy.props.EnumProperty(
        name="",
        items=[
            ("RENDER", "Render", "The last render is sent", "RENDER_RESULT", 0),
            ("VIEWPORT", "Viewport", "What this 3D view shows is sent", "VIEW3D", 1),
        ],
    )
    answer: bpy.props.StringProperty()
    busy: bpy.props.BoolProperty()


def settings(context):
    """Those of the preferences before those of the file, whose key goes to the file's server only. Raises Problem."""
    kept, own = read_settings(), context.preferences.addons[__package__].preferences
    key = own.key or ("" if own.url else kept.key)
    chosen = Settings(own.url or kept.url, key, own.seconds or kept.seconds)
    allowed = getattr(bpy.app, "online_access", True)  # Blender 4.2 asks people whether add-ons may use the network
    if not allowed and not chosen.local:
        raise Problem("Blender's preferences do not allow online access (System > Network). Nothing was sent.")
    return chosen


class Asking:
    """An operator that asks in a thread while Blender goes on, or at once where a script, or no window, runs it.

    `picture` and `finish` are called where Blender's data may be touched, `ask` is not.
    """

    bl_options = {"REGISTER"}

    def execute(self, context):
        try:
            self._prepare(context)
            self.finish(context, self.ask(self.server, self.image))
        except Problem as problem:
            return self._fail(context, str(problem))
        return {"FINISHED"}

    def invoke(self, context, event):
        if bpy.app.background:
            return self.execute(context)
        if context.window_manager.vlm.busy:
            return self._fail(context, "A question is under way; Esc stops it.", over=False)
        try:
            self._prepare(context)
        except Problem as problem:
            return self._fail(context, str(problem))
        self.results, self.problems, self.scene = [], [], context.scene
        self.thread = in_background(
            lambda: self.ask(self.server, self.image), self.results.append, self.problems.append
        )
        context.window_manager.vlm.busy = True
        self.timer = context.window_manager.event_timer_add(0.1, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC":
            self.server.stop()
        if event.type != "TIMER" or self.thread.is_alive():
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self.timer)
        context.window_manager.vlm.busy = False
        for area in context.screen.areas:
            area.tag_redraw()
        if self.problems:
            return self._fail(context, self.problems[0])
        try:
            self.finish(context, self.results[0])
        except Problem as problem:
            return self._fail(context, str(problem))
        return {"FINISHED"}

    def _prepare(self, context):
        self.question = context.window_manager.vlm.question
        self.server = Server(settings(context))
        self.image = self.picture(context)

    def _fail(self, context, message, over=True):
        if over:
            context.window_manager.vlm.answer = message
        self.report({"ERROR"}, message)
        return {"CANCELLED"}

    def picture(self, context):
        return getattr(vlm_pictures, context.window_manager.vlm.source.lower())(context)

    def finish(self, context, told):
        context.window_manager.vlm.answer = told


class VLM_OT_ask(Asking, bpy.types.Operator):
    """Send the picture and the question to the vlm server; the answer comes in this panel"""

    bl_idname, bl_label = "vlm.ask", "Ask"

    def ask(self, server, image):
        if not self.question.strip():
            raise Problem("Type a question. Nothing was sent.")
        return words(server.run("ask", question=self.question, images=[picture(image)]))


class VLM_OT_describe(Asking, bpy.types.Operator):
    """Send the picture to the vlm server; its description becomes a custom property of the scene"""

    bl_idname, bl_label = "vlm.describe", "Describe into the scene"
    bl_options = {"REGISTER", "UNDO"}

    def ask(self, server, image):
        return words(server.run("ask", question=QUESTION, images=[picture(image)]))

    def finish(self, context, told):
        context.scene[PROPERTY] = told
        context.window_manager.vlm.answer = told


class VLM_OT_critique(Asking, bpy.types.Operator):
    """Send the base colours of the selected objects' materials, as swatches, to the vlm server"""

    bl_idname, bl_label = "vlm.critique", "Critique the materials"

    def picture(self, context):
        return vlm_pictures.palette(context)

    def ask(self, server, image):
        given = picture(image)
        colours, findings = server.run("palette", image=given), server.run("critique", image=given)
        return "\n".join([*map(_colour, rows(colours, "colours")), *map(_finding, rows(findings, "findings"))])


def _colour(row):
    role = row.get("role")
    said = f", {plain(role.get('value') or '', 40)} (says the model)" if isinstance(role, dict) else ""
    return f"{plain(row.get('hex') or '', 9)} {plain(row.get('name') or '', 40)}{said}"


def _finding(row):
    source = "measured" if row.get("source") == "measured" else "says the model"
    return f"{plain(row.get('severity') or '', 20)}: {plain(row.get('message') or '', 300)} ({source})"


class Panel:
    bl_label, bl_category, bl_region_type = "vlm studio", "vlm", "UI"

    def draw(self, context):
        layout, state = self.layout, context.window_manager.vlm
        column = layout.column()
        column.enabled = not state.busy
        column.prop(state, "source", expand=False)
        column.prop(state, "question")
        column.operator(VLM_OT_ask.bl_idname, icon="QUESTION")
        column.operator(VLM_OT_describe.bl_idname, icon="TEXT")
        column.operator(VLM_OT_critique.bl_idname, icon="COLOR")
        if state.busy:
            layout.label(text="Asking ... (Esc stops)", icon="SORTTIME")
        across = max(16, int(context.region.width / 8 / context.preferences.system.ui_scale))
        lines = [line for part in state.answer.split("\n") for line in textwrap.wrap(part, across)]
        if lines and not state.busy:
            box = layout.box().column(align=True)
            for line in lines:
                box.label(text=line)
        if context.scene.get(PROPERTY):
            layout.label(text=f'In the scene as "{PROPERTY}"', icon="CHECKMARK")


class VLM_PT_view(Panel, bpy.types.Panel):
    bl_space_type = "VIEW_3D"


class VLM_PT_image(Panel, bpy.types.Panel):
    bl_space_type = "IMAGE_EDITOR"


CLASSES = (VlmPreferences, VlmState, VLM_OT_ask, VLM_OT_describe, VLM_OT_critique, VLM_PT_view, VLM_PT_image)


def register():
    for one in CLASSES:
        bpy.utils.register_class(one)
    bpy.types.WindowManager.vlm = bpy.props.PointerProperty(type=VlmState)


def unregister():
    del bpy.types.WindowManager.vlm
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
