"""Projectors by small literal examples, against transformers, and the number of tokens for any size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig
from transformers.models.llava.modeling_llava import LlavaMultiModalProjector

from projector.build import Layout, ProjectorConfig, build_projector, kept_region, token_count
from projector.downsample import pixel_shuffle, stack_frames

torch.set_num_threads(1)
NO_TILES: Layout = (0, 0, 10, 10)


# --- shortening ---


def test_pixel_shuffle_literally() -> None:
    """A 4 x 4 sheet of patches -> 2 x 2 tokens; each holds its block in reading order."""
    sheet = torch.tensor([
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
        [12, 13, 14, 15],
    ])  # fmt: skip
    expected = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    assert pixel_shuffle(sheet.reshape(1, 16, 1), 2)[0].tolist() == expected


def test_pixel_shuffle_keeps_channels_together_and_tiles_apart() -> None:
    values = torch.tensor([[[0, 100], [1, 101], [2, 102], [3, 103]], [[4, 104], [5, 105], [6, 106], [7, 107]]])
    assert pixel_shuffle(values, 2).tolist() == [[[0, 100, 1, 101, 2, 102, 3, 103]], [[4, 104, 5, 105, 6, 106, 7, 107]]]
    assert pixel_shuffle(values, 1) is values


def test_stack_frames_literally() -> None:
    """Five frames by two: the last stack is filled with a zero frame."""
    values = torch.tensor([[[1, 10], [2, 20], [3, 30], [4, 40], [5, 50]]])
    assert stack_frames(values, 2).tolist() == [[[1, 10, 2, 20], [3, 30, 4, 40], [5, 50, 0, 0]]]
    assert stack_frames(values, 5).tolist() == [[[1, 10, 2, 20, 3, 30, 4, 40, 5, 50]]]
    assert stack_frames(values, 1).tolist() == values.tolist()


# --- image ---


@torch.no_grad()
def test_image_mlp_is_llavas_projector() -> None:
    theirs = LlavaMultiModalProjector(
        LlavaConfig(
            vision_config=CLIPVisionConfig(hidden_size=12, num_attention_heads=1),
            text_config=LlamaConfig(hidden_size=20, num_attention_heads=2),
        )
    )
    torch.manual_seed(0)
    for parameter in theirs.parameters():
        parameter.normal_()
    ours = build_projector(ProjectorConfig("image_mlp", 20), 12, 20)
    missing = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert missing.missing_keys == ["newline"] and not missing.unexpected_keys
    values = torch.randn(3, 9, 12)
    found = ours(values, torch.full((3,), 9), [NO_TILES] * 3)
    torch.testing.assert_close(found, theirs(values).flatten(0, 1))


@torch.no_grad()
def test_newline_after_each_kept_row_literally() -> None:
    """A 2:1 picture in a 2 x 2 grid of 2 x 2 patches: overview, then the two middle rows of the sheet."""
    projector = pass_through()
    values = torch.arange(20.0).view(5, 4, 1)  # overview 0..3, tiles 4..7, 8..11, 12..15, 16..19
    found = projector(values, torch.full((5,), 4), [(2, 2, 50, 100)])
    # the sheet:  4  5  8  9 / 6  7 10 11 / 12 13 16 17 / 14 15 18 19
    assert found[:, 0].tolist() == [0, 1, 2, 3, 6, 7, 10, 11, -1, 12, 13, 16, 17, -1]


def pass_through() -> torch.nn.Module:
    """One channel in, the same out (GELU of a large number is that number); newline -1."""
    projector = build_projector(ProjectorConfig("image_mlp", 1), 1, 1)
    with torch.no_grad():
        for linear, bias in ((projector.linear_1, 1000.0), (projector.linear_2, -1000.0)):
            linear.weight.fill_(1)
            linear.bias.fill_(bias)
        projector.newline.fill_(-1)
    return projector


SIDES = st.integers(1, 6)


@st.composite
def pictures(draw: st.DrawFn) -> Layout:
    rows, columns = draw(st.sampled_from([(0, 0), (1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 3), (4, 1)]))
    return rows, columns, draw(st.integers(1, 3000)), draw(st.integers(1, 3000))


@settings(max_examples=150, deadline=None)
@given(st.lists(pictures(), min_size=1, max_size=4), SIDES, st.sampled_from([1, 2, 3]))
@torch.no_grad()
def test_image_tokens_are_as_many_as_announced(layouts: list[Layout], side: int, factor: int) -> None:
    patches = (side * factor) ** 2
    config = ProjectorConfig("image_mlp", 3, factor)
    projector = build_projector(config, 2, 4)
    tiles = [1 + rows * columns for rows, columns, _, _ in layouts]
    values = torch.zeros(sum(tiles), patches, 2)
    lengths = torch.full((len(values),), patches)
    announced = [token_count(config, [patches] * n, layout) for n, layout in zip(tiles, layouts, strict=True)]
    emitted = projector(values, lengths, layouts)
    assert emitted.shape == (sum(announced), 4)
    assert announced == [token_count(config, [patches], layout) for layout in layouts]


@settings(max_examples=300, deadline=None)
@given(pictures().filter(lambda layout: layout[0] > 0), st.integers(1, 30))
def test_kept_region_is_centred_inside_and_spans_one_side(layout: Layout, side: int) -> None:
    rows, columns, height, width = layout
    rows, columns = rows * side, columns * side
    top, bottom, left, right = kept_region(rows, columns, height, width)
    assert 0 <= top <= bottom <= rows and 0 <= left <= right <= columns
    assert top == rows - bottom and left == columns - right
    assert (top, bottom) == (0, rows) or (left, right) == (0, columns)
    # what is kept has the picture's shape, to a patch on each side
    if left == 0 and right == columns:
        assert abs((bottom - top) - height * columns / width) < 2 or bottom - top == rows
    else:
        assert abs((right - left) - width * rows / height) < 2


# --- audio ---


def audio(stack: int = 4) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_projector(ProjectorConfig("audio_swiglu", 6, stack), 3, 5)


@pytest.mark.parametrize("stack", [1, 3, 4, 8])
@torch.no_grad()
def test_content_of_the_padding_does_not_matter(stack: int) -> None:
    projector = audio(stack)
    lengths = torch.tensor([10, 7, 1, 12])
    values = torch.randn(4, 12, 3)
    expected = projector(values, lengths, [NO_TILES] * 4)
    other = values.clone()
    other[torch.arange(12) >= lengths[:, None]] = 1e4
    assert torch.equal(projector(other, lengths, [NO_TILES] * 4), expected)
    inside = values.clone()
    inside[0, 9] += 1
    assert not torch.equal(projector(inside, lengths, [NO_TILES] * 4), expected)


@torch.no_grad()
def test_audio_projector_by_hand() -> None:
    """Ultravox: stack, RMSNorm, SwiGLU, RMSNorm, linear; windows one after the other."""
    projector = audio(2)
    for parameter in projector.parameters():
        parameter.normal_()
    values, lengths = torch.randn(2, 5, 3), torch.tensor([3, 4])
    zero = torch.zeros(3)
    stacks = torch.stack([
        torch.cat([values[0, 0], values[0, 1]]), torch.cat([values[0, 2], zero]),
        torch.cat([values[1, 0], values[1, 1]]), torch.cat([values[1, 2], values[1, 3]]),
    ])  # fmt: skip

    def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight

    gate, up = (norm(stacks, projector.norm_in.weight) @ projector.gate_up.weight.T).split(6, dim=-1)
    hidden = norm(F.silu(gate) * up, projector.norm_mid.weight)
    found = projector(values, lengths, [NO_TILES] * 2)
    torch.testing.assert_close(found, hidden @ projector.out.weight.T, rtol=1e-4, atol=1e-4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 16))
@torch.no_grad()
def test_audio_tokens_are_as_many_as_announced(lengths: list[int], stack: int) -> None:
    config = ProjectorConfig("audio_swiglu", 2, stack)
    projector = build_projector(config, 1, 2)
    emitted = projector(torch.zeros(len(lengths), 60, 1), torch.tensor(lengths), [NO_TILES])
    assert len(emitted) == token_count(config, lengths, NO_TILES)


def test_sizes_out_of_range_are_refused() -> None:
    for hidden, factor in ((0, 1), (1 << 17, 1), (8, 0), (8, 65)):
        with pytest.raises(ValueError, match="out of range"):
            ProjectorConfig("image_mlp", hidden, factor)
