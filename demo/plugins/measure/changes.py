"""What differs between two versions of a design, and how.

Shapes: H x W pixels of the working size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.measure import label as connected
from skimage.registration import phase_cross_correlation

from .colours import lab
from .segments import WORKING_PIXELS

Edges = tuple[int, int, int, int]
"""x0, y0, x1, y1; ends excluded."""
What = Literal["added", "removed", "recoloured", "moved", "changed"]
SEEN = 5.0
"""CIE76 distance of the means of 3 x 3 pixels from which a difference may be one."""
CERTAIN = 9.0
"""The same of 9 x 9 pixels, somewhere in it, from which it is one: noise of JPEG has no mean, and stays below."""
REACH = 4
"""Pixels between two differences that are one: letters of a word."""
LEAST = 6
MOST = 200


@dataclass(frozen=True)
class Change:
    """Boxes x0, y0, x1, y1 in pixels of the picture; `source` is where it stood before, if it was moved.

    difference: mean CIE76 distance of the pixels that differ. pixels: how many do, as a share of the box.
    """

    what: What
    box: Edges
    difference: float
    pixels: float
    source: Edges | None = None


def changes_between(before: Image.Image, after: Image.Image) -> list[Change]:
    """Of two pictures of one size; from top to bottom."""
    width, height = before.size
    scale = int(np.ceil(np.sqrt(width * height / WORKING_PIXELS)))
    old, new = (lab(np.asarray(one.reduce(scale) if scale > 1 else one)) for one in (before, after))
    distance, wide = (np.linalg.norm(ndimage.uniform_filter(old - new, (n, n, 0)), axis=2) for n in (3, 9))
    differs = distance > SEEN
    found = _regions(differs, wide > CERTAIN)
    changes = [_judged(box, old, new, differs, distance) for box in found]
    changes = _moves(changes, old, new)

    def back(box: Edges) -> Edges:
        x0, y0, x1, y1 = (edge * scale for edge in box)
        return x0, y0, min(width, x1), min(height, y1)

    told = [Change(c.what, back(c.box), c.difference, c.pixels, back(c.source) if c.source else None) for c in changes]
    return sorted(told, key=lambda change: (change.box[1], change.box[0]))


def _regions(differs: np.ndarray, certain: np.ndarray) -> list[Edges]:
    """Boxes of what differs and is certain somewhere, near ones together, the largest first."""
    near = ndimage.maximum_filter(differs, 2 * REACH + 1)
    ids = connected(near, connectivity=2)
    ids[~differs] = 0
    sizes = np.bincount(ids.ravel())
    places = ndimage.find_objects(ids)
    known = np.zeros(len(sizes), bool)
    known[np.unique(ids[certain])] = True
    order = [int(i) for i in np.argsort(-sizes, kind="stable") if i > 0 and known[i] and sizes[i] >= LEAST][:MOST]
    return [(p[1].start, p[0].start, p[1].stop, p[0].stop) for i in order if (p := places[i - 1]) is not None]


def _judged(box: Edges, old: np.ndarray, new: np.ndarray, differs: np.ndarray, distance: np.ndarray) -> Change:
    x0, y0, x1, y1 = box
    here = differs[y0:y1, x0:x1]
    a, b = old[y0:y1, x0:x1], new[y0:y1, x0:x1]
    what: What = "changed"
    source: Edges | None = None
    if _flat(old, box):
        what = "added"
    elif _flat(new, box):
        what = "removed"
    elif (shift := _shift(a, b)) is not None:
        what, (dy, dx) = "moved", shift
        box = x0 + max(0, dx), y0 + max(0, dy), x1 + min(0, dx), y1 + min(0, dy)
        source = box[0] - dx, box[1] - dy, box[2] - dx, box[3] - dy
    elif _same_shape(a, b):
        what = "recoloured"
    return Change(what, box, round(float(distance[y0:y1, x0:x1][here].mean()), 1), round(float(here.mean()), 3), source)


def _shift(a: np.ndarray, b: np.ndarray) -> tuple[int, int] | None:
    """(down, right) by which what is in `a` stands in `b`, on the same ground; None where that is not what happened."""
    if min(a.shape[:2]) < 6:
        return None
    found, _, _ = phase_cross_correlation(b[..., 0], a[..., 0], normalization=None)
    dy, dx = (int(v) for v in found)
    high, wide = a.shape[0] - abs(dy), a.shape[1] - abs(dx)
    if not (dy or dx) or high < 4 or wide < 4:
        return None
    left, right = a[max(0, -dy) :, max(0, -dx) :][:high, :wide], b[max(0, dy) :, max(0, dx) :][:high, :wide]
    stays = (np.linalg.norm(a - b, axis=2) > 3 * SEEN).mean()
    moved = (np.linalg.norm(left - right, axis=2) > 3 * SEEN).mean()
    return (dy, dx) if moved < 0.04 and moved < 0.3 * stays else None


def _flat(picture: np.ndarray, box: Edges) -> bool:
    """Whether nothing stands here: a little around the box, all is of one colour."""
    x0, y0, x1, y1 = box
    wider = picture[max(0, y0 - 2) : y1 + 2, max(0, x0 - 2) : x1 + 2].reshape(-1, 3)
    return bool((np.linalg.norm(wider - np.median(wider, axis=0), axis=1) > SEEN).mean() < 0.02)


def _same_shape(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether edges run where they ran: then only colours differ."""
    edges = [np.hypot(ndimage.sobel(one[..., 0], 0), ndimage.sobel(one[..., 0], 1)) for one in (a, b)]
    strong = [edge > 20 for edge in edges]
    either = strong[0] | strong[1]
    if either.mean() < 0.02:
        return True
    wide = [ndimage.binary_dilation(edge) for edge in strong]
    return bool((strong[0] & wide[1]).sum() + (strong[1] & wide[0]).sum() > 0.7 * (strong[0].sum() + strong[1].sum()))


def _moves(changes: list[Change], old: np.ndarray, new: np.ndarray) -> list[Change]:
    """What was removed here and added there, and looks the same, has moved."""
    removed = [change for change in changes if change.what == "removed"]
    added = [change for change in changes if change.what == "added"]
    moved, used = [], set()
    for there in added:
        for here in removed:
            if id(here) in used or not _alike(here.box, there.box, old, new):
                continue
            used |= {id(here), id(there)}
            moved.append(Change("moved", there.box, there.difference, there.pixels, here.box))
            break
    return [change for change in changes if id(change) not in used] + moved


def _alike(here: Edges, there: Edges, old: np.ndarray, new: np.ndarray) -> bool:
    (a0, b0, a1, b1), (c0, d0, c1, d1) = here, there
    if abs((a1 - a0) - (c1 - c0)) > 2 or abs((b1 - b0) - (d1 - d0)) > 2:
        return False
    wide, high = min(a1 - a0, c1 - c0) - 2, min(b1 - b0, d1 - d0) - 2
    if wide < 2 or high < 2:
        return False
    one = old[b0 + 1 : b0 + 1 + high, a0 + 1 : a0 + 1 + wide]
    return any(  # smoothing may have moved an edge by a pixel
        (np.linalg.norm(one - new[d0 + y : d0 + y + high, c0 + x : c0 + x + wide], axis=2) > 3 * SEEN).mean() < 0.1
        for y in range(3)
        for x in range(3)
    )
