"""What is in front of the person -> PNG: the last render, the viewport, the colours of the selected materials."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Iterator

import bpy

from .vlm_client import Problem
from .vlm_png import as_srgb, png, swatches, upright

LARGEST = 1024
"""Pixels of a picture's longer side."""
MOST = 48
"""Materials of a palette."""


def render(context: Any) -> bytes:
    """The last render, with the scene's colour management. Raises Problem where there is none."""
    result = next((image for image in bpy.data.images if image.type == "RENDER_RESULT"), None)
    if result is None:
        raise Problem("There is no render yet: press F12. Nothing was sent.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "render.png"
        settings = context.scene.render.image_settings
        before = settings.file_format, settings.color_mode, settings.color_depth
        try:
            settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "8"
            result.save_render(str(file), scene=context.scene)
        except RuntimeError:
            raise Problem("There is no render yet: press F12. Nothing was sent.") from None
        finally:
            settings.file_format, settings.color_mode, settings.color_depth = before
        _shrink(file)
        return file.read_bytes()


def _shrink(file: Path) -> None:
    image = bpy.data.images.load(str(file))
    try:
        wide, high = image.size
        if max(wide, high) > LARGEST:
            scale = LARGEST / max(wide, high)
            image.scale(max(1, round(wide * scale)), max(1, round(high * scale)))
            image.save()
    finally:
        bpy.data.images.remove(image)


def viewport(context: Any) -> bytes:
    """The 3D view that the person is in, or the largest one. Raises Problem where there is none."""
    import gpu

    if bpy.app.background:
        raise Problem("There is no viewport without a window: render instead. Nothing was sent.")
    areas = [area for area in context.screen.areas if area.type == "VIEW_3D"] if context.screen else []
    if context.area is not None and context.area.type == "VIEW_3D":
        areas = [context.area]
    if not areas:
        raise Problem("Open a 3D viewport first. Nothing was sent.")
    area = max(areas, key=lambda one: one.width * one.height)
    region = next(one for one in area.regions if one.type == "WINDOW")
    scale = min(1.0, LARGEST / max(region.width, region.height, 1))
    width, height = max(1, round(region.width * scale)), max(1, round(region.height * scale))
    space = area.spaces.active
    view = space.region_3d
    surface = gpu.types.GPUOffScreen(width, height)
    try:
        surface.draw_view3d(
            context.scene, context.view_layer, space, region, view.view_matrix, view.window_matrix,
            do_color_management=True,
        )  # fmt: skip
        pixels = surface.texture_color.read()
        pixels.dimensions = width * height * 4
        return png(width, height, upright(bytes(pixels), width, height))
    finally:
        surface.free()


def palette(context: Any) -> bytes:
    """The base colours of the selected objects' materials as swatches. Raises Problem where there are none."""
    materials: list[Any] = []
    for chosen in context.selected_objects:
        materials += [m for m in _materials(chosen) if m not in materials]
    if not materials:
        raise Problem("Select objects with materials. Nothing was sent.")
    if len(materials) > MOST:
        raise Problem(f"The selected objects have {len(materials)} materials; {MOST} make a palette. Nothing was sent.")
    return swatches([as_srgb(_base_colour(material)) for material in materials])


def _materials(one: Any) -> Iterator[Any]:
    for slot in one.material_slots:
        if slot.material is not None:
            yield slot.material


def _base_colour(material: Any) -> Any:
    """Of its first surface with one; else the colour that the viewport shows."""
    if material.use_nodes and material.node_tree is not None:
        for node in material.node_tree.nodes:
            if node.type == "BSDF_PRINCIPLED" and not node.inputs["Base Color"].is_linked:
                return node.inputs["Base Color"].default_value
    return material.diffuse_color
