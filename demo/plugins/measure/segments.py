"""A picture as pieces of one colour each, and which piece lies in which: what flat design is made of.

    picture -> its colours -> each pixel's colour (edges lean to a neighbour) -> connected pieces -> parents

Shapes: H x W pixels of the picture as it is worked on, n pieces. Piece 0 is no piece: the outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected

from ..skill import Box
from .colours import FLAT, lab

WORKING_PIXELS = 1_500_000
"""Pictures above this are halved, or more, until they are below; boxes are told in the picture's own pixels."""
COLOURS = 48
APART = 9.0
"""CIE76 distance between the colours of pieces."""
MOST_PIECES = 6000
"""Beyond that it is no design but a photograph or noise: the largest are kept."""


@dataclass(frozen=True)
class Pieces:
    """Connected areas of one colour.

    rgb: (H, W, 3) uint8, the picture as worked on; `scale` of its pixels along each side are one of these.
    ids: (H, W) int32, which piece a pixel belongs to; 0: too small to count.
    colours: (c, 3) uint8. colour: (n,) each piece's place in them.
    boxes: (n, 4) int, x0, y0, x1, y1, ends excluded, in pixels as worked on. area: (n,) pixels.
    parent: (n,) the piece around it, 0 for none.
    """

    rgb: np.ndarray
    scale: int
    size: tuple[int, int]
    ids: np.ndarray
    colours: np.ndarray
    colour: np.ndarray
    boxes: np.ndarray
    area: np.ndarray
    parent: np.ndarray

    def __len__(self) -> int:
        return len(self.area)

    @property
    def widths(self) -> np.ndarray:
        found: np.ndarray = self.boxes[:, 2] - self.boxes[:, 0]
        return found

    @property
    def heights(self) -> np.ndarray:
        found: np.ndarray = self.boxes[:, 3] - self.boxes[:, 1]
        return found

    @property
    def extent(self) -> np.ndarray:
        """(n,) the share of its box that each piece fills."""
        return self.area / np.maximum(1, self.widths * self.heights)

    def mask(self, piece: int) -> np.ndarray:
        """(height, width) bool of the piece's box."""
        x0, y0, x1, y1 = self.boxes[piece]
        found: np.ndarray = self.ids[y0:y1, x0:x1] == piece
        return found

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """From pixels as worked on to the picture's own."""
        width, height = self.size
        left, top = min(width - 1, round(x0 * self.scale)), min(height - 1, round(y0 * self.scale))
        right, bottom = min(width, round(x1 * self.scale)), min(height, round(y1 * self.scale))
        return Box(x=left, y=top, width=max(1, right - left), height=max(1, bottom - top))

    def box_of(self, piece: int) -> Box:
        return self.box(*self.boxes[piece].tolist())


def pieces_of(rgb: np.ndarray) -> Pieces:
    """(H, W, 3) uint8 -> its pieces. Bounded: by the working size, and by the number of colours and pieces."""
    height, width = rgb.shape[:2]
    scale = int(np.ceil(np.sqrt(height * width / WORKING_PIXELS)))
    if scale > 1:  # the middle of each block, not its mean: a mean would make colours that are nowhere
        rgb = rgb[scale // 2 :: scale, scale // 2 :: scale]
    colours = _colours(rgb)
    labels = _settled(rgb, colours, _nearest(rgb, colours))
    ids, colour, boxes, area = _connected(labels)
    return Pieces(rgb, scale, (width, height), ids, colours, colour, boxes, area, _parents(ids, boxes))


def _colours(rgb: np.ndarray) -> np.ndarray:
    """The most common shades that are apart from each other, of pixels that have a neighbour like them."""
    pixels = rgb[_core(rgb)]
    if len(pixels) == 0:
        pixels = rgb.reshape(-1, 3)
    codes = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    shades, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:60_000]
    shades, counts = shades[order], counts[order]
    _, first, cells = np.unique(shades & 0xF8F8F8, return_index=True, return_inverse=True)
    totals = np.bincount(cells, counts)
    keep = np.argsort(-totals, kind="stable")[:4000]
    modes, totals = shades[first[keep]], totals[keep]
    found = np.stack([modes >> 16, modes >> 8 & 255, modes & 255], 1).astype(np.uint8)
    chosen: list[int] = []
    labs, free = lab(found), np.ones(len(found), bool)
    least = max(8, len(pixels) // 50_000)
    while free.any() and len(chosen) < COLOURS:
        leader = int(np.flatnonzero(free)[0])
        near = free & (np.linalg.norm(labs - labs[leader], axis=1) < APART)
        if totals[near].sum() >= least or not chosen:
            chosen.append(leader)
        free &= ~near
    return found[chosen]


def _core(rgb: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels that are like a neighbour on one side at least; thin strokes have them, edges do not."""
    signed = rgb.astype(np.int16)
    found = np.zeros(rgb.shape[:2], bool)
    across = np.abs(np.diff(signed, axis=1)).max(axis=2) <= FLAT
    down = np.abs(np.diff(signed, axis=0)).max(axis=2) <= FLAT
    found[:, 1:] |= across
    found[:, :-1] |= across
    found[1:] |= down
    found[:-1] |= down
    return found


def _nearest(rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the place of each pixel's nearest colour in CIELAB."""
    codes = rgb.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    cells, places = np.unique(codes >> 2 & 0x3F3F3F, return_inverse=True)  # 64 levels of each channel
    middles = np.stack([cells >> 16, cells >> 8 & 63, cells & 63], 1).astype(np.uint8) * 4 + 2
    labs, targets = lab(middles), lab(colours)
    nearest = np.empty(len(cells), np.uint8)
    for start in range(0, len(cells), 16_384):
        some = labs[start : start + 16_384, None] - targets
        nearest[start : start + 16_384] = (some**2).sum(axis=2).argmin(axis=1)
    return nearest[places.reshape(rgb.shape[:2])]


def _settled(rgb: np.ndarray, colours: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Pixels on an edge are mixtures and may look like a third colour: they take the nearer one of a neighbour's.

    Neighbours count where they are of their own colour without a doubt.
    """
    own = colours.astype(np.int16)
    sure = np.abs(rgb.astype(np.int16) - own[labels]).max(axis=2) <= 2 * FLAT
    sure &= _core(rgb)
    best, least = labels.copy(), np.full(labels.shape, 1 << 20, np.int32)
    height, width = labels.shape
    padded, certain = np.pad(labels, 1, mode="edge"), np.pad(sure, 1)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            if dy == dx == 1:
                continue
            there = padded[dy : dy + height, dx : dx + width]
            usable = certain[dy : dy + height, dx : dx + width] & ~sure
            distance = ((rgb.astype(np.int32) - own[there]) ** 2).sum(axis=2)
            better = usable & (distance < least)
            best[better], least[better] = there[better], distance[better]
    return best


def _connected(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(ids, colour, boxes, area) of the pieces that are large enough; 0 is the outside."""
    ids = connected(labels.astype(np.int32) + 1, connectivity=2, background=0).astype(np.int32)
    area = np.bincount(ids.ravel())
    keep = np.flatnonzero(area >= 3)
    keep = keep[keep > 0]
    if len(keep) > MOST_PIECES:
        keep = np.sort(keep[np.argsort(-area[keep], kind="stable")[:MOST_PIECES]])
    renumbered = np.zeros(len(area), np.int32)
    renumbered[keep] = np.arange(1, len(keep) + 1)
    ids = renumbered[ids]
    boxes = np.zeros((len(keep) + 1, 4), np.int64)
    for place, found in enumerate(ndimage.find_objects(ids), start=1):
        rows, columns = found
        boxes[place] = columns.start, rows.start, columns.stop, rows.stop
    colour = np.zeros(len(keep) + 1, np.int64)
    seen, first = np.unique(ids.ravel(), return_index=True)
    colour[seen] = labels.ravel()[first]
    return ids, colour, boxes, np.concatenate([[0], area[keep]])


def _parents(ids: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """For each piece the neighbour that it shares most of its border with, among those whose box holds its own."""
    count = len(boxes)
    pairs = []
    for a, b in ((ids[:, :-1], ids[:, 1:]), (ids[:-1], ids[1:])):
        edge = (a != b) & (a > 0) & (b > 0)
        one, other = a[edge].astype(np.int64), b[edge].astype(np.int64)
        pairs += [one * count + other, other * count + one]
    codes, lengths = np.unique(np.concatenate(pairs), return_counts=True)
    child, around = codes // count, codes % count
    inner, outer = boxes[child], boxes[around]
    holds = (outer[:, :2] <= inner[:, :2]).all(axis=1) & (outer[:, 2:] >= inner[:, 2:]).all(axis=1)
    holds &= (outer != inner).any(axis=1)
    child, around, lengths = child[holds], around[holds], lengths[holds]
    parent = np.zeros(count, np.int64)
    order = np.argsort(lengths, kind="stable")  # the longest border is written last
    parent[child[order]] = around[order]
    return parent
