"""Colours: clusters that eyes would tell apart, names of a published list, WCAG 2.1 contrast.

Shapes: n colours, (n, 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from coloraide import Color
from coloraide.css import color_names
from scipy.cluster.hierarchy import fcluster, linkage
from skimage.color import deltaE_ciede2000, rgb2lab

RGB = tuple[int, int, int]

AA, AAA, AA_LARGE, AAA_LARGE = 4.5, 7.0, 3.0, 4.5
"""Least contrast ratios of text (WCAG 2.1, success criteria 1.4.3 and 1.4.6)."""
CLOSE = 4.5
"""CIEDE2000 distance up to which two shades are one colour of a design."""
LIKE = 35.0
"""CIEDE2000 distance up to which a colour may be called by a name."""
FAINTER, NEAR = 0.1, 5.0
"""A colour with less than this share of one that is nearer than this is its noise."""
FLAT = 8
"""Levels of a channel by which neighbours may differ where an area is flat: JPEG noise stays below."""
PART, DOT = 0.02, 20
"""A colour is one, too, that covers this share of all but the largest, with so many pixels."""
MOST_BINS = 700
MAX_SAMPLES = 1_000_000


@dataclass(frozen=True)
class Cluster:
    """Shades that are one colour: the most common of them, and the share of the picture that they cover."""

    rgb: RGB
    share: float


def lab(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 -> CIELAB, float64."""
    found: np.ndarray = rgb2lab(np.asarray(rgb, np.uint8) / 255.0)
    return found


def difference(a: RGB, b: RGB) -> float:
    """CIEDE2000."""
    return float(deltaE_ciede2000(lab(np.array(a)), lab(np.array(b))))


def hex_of(rgb: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def contrast(a: RGB, b: RGB) -> float:
    """The WCAG 2.1 contrast ratio, 1 to 21."""
    return float(Color(hex_of(a)).contrast(hex_of(b), method="wcag21"))


@cache
def _named() -> tuple[tuple[str, ...], np.ndarray]:
    names = sorted(name for name in color_names.name2val_map if name != "transparent")
    rgb = np.array([[round(255 * v) for v in Color(name).coords()] for name in names], np.uint8)
    _, first = np.unique(rgb, axis=0, return_index=True)  # aqua is cyan, fuchsia magenta, grey gray
    kept = sorted(first)
    return tuple(names[i] for i in kept), lab(rgb[kept])


def name_of(rgb: RGB) -> str:
    """The nearest of the colour names of CSS, by CIEDE2000."""
    names, labs = _named()
    return names[int(deltaE_ciede2000(lab(np.array([rgb])), labs).argmin())]


def called(name: str, among: Sequence[RGB]) -> int | None:
    """Which of the colours somebody means who says a name of CSS; None where none is like it, or there is no such."""
    name = name.strip(" .").lower().replace("grey", "gray").replace(" ", "")
    if name not in color_names.name2val_map or not among:
        return None
    target = lab(np.array([[round(255 * v) for v in Color(name).coords()]], np.uint8))
    distances = deltaE_ciede2000(target, lab(np.array(among)))
    best = int(distances.argmin())
    return best if distances[best] <= LIKE else None


def passing(text: RGB, background: RGB, ratio: float = AA) -> RGB | None:
    """The colour nearest to `text` (CIEDE2000) of its hue that has the ratio: itself, a darker, or a lighter one.

    None where even black and white have not; up to 4.58 one of them always has.
    """
    if contrast(text, background) >= ratio:
        return text
    found = [one for end in (0.0, 1.0) if (one := _towards(text, background, ratio, end))]
    return min(found, key=lambda one: difference(one, text), default=None)


def _towards(text: RGB, background: RGB, ratio: float, end: float) -> RGB | None:
    """The first colour on the way to black (0) or white (1) in OKLCH that passes."""
    start = Color(hex_of(text)).convert("oklch")
    lightness = start["lightness"]

    def at(part: float) -> RGB:
        one = start.clone().set("lightness", lightness + (end - lightness) * part)
        one.set("chroma", start["chroma"] * (1 - part**4))  # at the very ends there is no colour left
        r, g, b = (round(255 * v) for v in one.convert("srgb").fit(method="oklch-chroma").coords())
        return r, g, b

    if contrast(at(1), background) < ratio:
        return None
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (low, middle) if contrast(at(middle), background) >= ratio else (middle, high)
    return at(high)


def flat(rgb: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels that look like those to the right and below, or to the left and above: no edge is here."""
    signed = rgb.astype(np.int16)
    across = np.abs(np.diff(signed, axis=1)).max(axis=2) <= FLAT  # (H, W - 1)
    down = np.abs(np.diff(signed, axis=0)).max(axis=2) <= FLAT  # (H - 1, W)
    found = np.ones(rgb.shape[:2], bool)
    found[:, 1:] &= across
    found[:, :-1] &= across
    found[1:] &= down
    found[:-1] &= down
    return found


def palette(rgb: np.ndarray, count: int | None = None, least: float = 0.001, most: int = 32) -> list[Cluster]:
    """The colours of a picture (H, W, 3), by share. Edges do not count: their shades are mixtures.

    Args:
        count: so many colours at most, near ones taken together.
        least: share of a colour that is still one, where `count` does not say how many.
    """
    step = int(np.ceil(np.sqrt(rgb.shape[0] * rgb.shape[1] / MAX_SAMPLES)))
    rgb = rgb[::step, ::step]
    inside = flat(rgb)
    design = inside.mean() > 0.2  # a photograph is flat nowhere, and its shades run into each other
    modes, counts = _bins(rgb[inside] if design else rgb.reshape(-1, 3))
    clusters = _clusters(modes, counts, CLOSE if design else 4 * CLOSE)
    shares = np.array([counts[members].sum() for members in clusters]) / counts.sum()
    order = np.argsort(-shares, kind="stable")
    rest = max(1e-9, 1 - float(shares[order[0]]))  # of a few dots on much paper each counts
    large = (shares >= least) | ((shares >= PART * rest) & (shares * counts.sum() >= DOT))
    kept = [int(i) for i in order if count is not None or large[i]][: max(most, count or 0)]
    found = _without_noise([(_mode(modes, counts, clusters[i]), float(shares[i]), modes[clusters[i]]) for i in kept])
    return _fewer(found, count) if count is not None and len(found) > count else found


def _bins(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) pixels -> the most common shade of each 8-level-wide cell, and how many pixels the cell has."""
    codes = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    shades, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shades, counts = shades[order], counts[order]
    _, first, cells = np.unique(shades & 0xF8F8F8, return_index=True, return_inverse=True)
    totals = np.bincount(cells, counts).astype(np.int64)
    keep = np.argsort(-totals, kind="stable")[:MOST_BINS]
    modes = shades[first[keep]]
    return np.stack([modes >> 16, modes >> 8 & 255, modes & 255], 1).astype(np.uint8), totals[keep]


def _clusters(modes: np.ndarray, counts: np.ndarray, distance: float) -> list[np.ndarray]:
    """Indices of shades that are within `distance` of each other (complete linkage by CIEDE2000)."""
    if len(modes) == 1:
        return [np.array([0])]
    groups = fcluster(linkage(_distances(modes), "complete"), distance, "distance")
    return [np.flatnonzero(groups == group) for group in np.unique(groups)]


def _without_noise(found: list[tuple[RGB, float, np.ndarray]]) -> list[Cluster]:
    """Of (colour, share, shades) by share: those whose every shade may be noise of a larger one are added to it."""
    kept: list[Cluster] = []
    for rgb, share, shades in found:
        labs = lab(shades)
        larger = [i for i, other in enumerate(kept)
                  if share < FAINTER * other.share
                  and deltaE_ciede2000(labs, lab(np.array([other.rgb]))).max() < NEAR]  # fmt: skip
        if larger:
            kept[larger[0]] = Cluster(kept[larger[0]].rgb, kept[larger[0]].share + share)
        else:
            kept.append(Cluster(rgb, share))
    return kept


def _distances(shades: np.ndarray) -> np.ndarray:
    """CIEDE2000 of each pair, as scipy's condensed matrices have them."""
    labs, (first, second) = lab(shades), np.triu_indices(len(shades), 1)
    found: np.ndarray = deltaE_ciede2000(labs[first], labs[second])
    return found


def _mode(modes: np.ndarray, counts: np.ndarray, members: np.ndarray) -> RGB:
    r, g, b = modes[members[int(counts[members].argmax())]].tolist()
    return r, g, b


def _fewer(found: list[Cluster], count: int) -> list[Cluster]:
    """Near colours taken together until `count` are left; each group is its most common colour."""
    groups = fcluster(linkage(_distances(np.array([one.rgb for one in found])), "average"), count, "maxclust")
    merged = []
    for group in np.unique(groups):
        members = [one for one, other in zip(found, groups, strict=True) if other == group]
        merged.append(Cluster(max(members, key=lambda one: one.share).rgb, sum(one.share for one in members)))
    return sorted(merged, key=lambda one: -one.share)
