"""The CLIP tower against open_clip and transformers, the cutting of pictures against LLaVA-NeXT; same weights.

The LLaVA-NeXT side is transformers' own: its PIL image processor, grid choice, unpadding and packing.
Pixels are uint8 on both sides and must be equal, not close: both resize with PIL's bicubic filter.
"""

from __future__ import annotations

import copy

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlavaNextConfig
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_next.modeling_llava_next import (
    LlavaNextForConditionalGeneration,
    get_anyres_image_grid_shape,
    image_size_to_num_patches,
    unpad_image,
)

from encoders.clip import ClipEncoder, ImageTransform, best_grid, open_clip_settings
from encoders.config import ClipConfig
from projector.build import ProjectorConfig, build_projector, kept_region, token_count

torch.set_num_threads(1)

GRIDS = ((1, 2), (2, 1), (2, 2), (1, 3), (3, 1))
SIZE, PATCH = 24, 4
PINPOINTS = [[rows * SIZE, columns * SIZE] for rows, columns in GRIDS]
# (width, height): 1:3 to 3:1, odd ones, exact fits, one-pixel steps around them, far larger and far smaller
PICTURES = [
    (24, 24), (48, 48), (48, 24), (24, 48), (72, 24), (24, 72), (47, 48), (49, 48), (48, 47), (48, 49),
    (100, 100), (101, 99), (99, 101), (150, 50), (50, 150), (151, 51), (51, 151), (149, 50), (37, 91), (91, 37),
    (64, 48), (48, 64), (333, 250), (250, 333), (640, 427), (427, 640), (200, 67), (67, 200), (31, 29), (7, 5),
    (5, 15), (13, 5), (123, 41), (257, 127), (127, 257), (71, 73),
]  # fmt: skip


def small(**changes: object) -> ClipConfig:
    sizes: dict = {"image_size": SIZE, "patch_size": PATCH}
    return ClipConfig(**(sizes | {"width": 32, "layers": 3, "head_width": 16, "embed_dim": 24} | changes))


def noise_tiles(config: ClipConfig, count: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    shape = (count, 3, config.image_size, config.image_size)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def randomise(model: nn.Module, seed: int = 0) -> None:
    """Every parameter away from its start, biases and norms included, so that a lost one shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            ones = 1.0 if p.dim() == 1 and name.endswith("weight") else 0.0
            p.copy_(torch.randn(p.shape, generator=generator) * 0.15 + ones)


def normalised(config: ClipConfig, tiles: torch.Tensor) -> torch.Tensor:
    """As the preprocessing of CLIP states it: to 0..1, then per channel."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (config.image_mean, config.image_std))
    return (tiles / 255.0 - mean) / std


def difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


# --- the tower, against open_clip ---


def penultimate_by_hook(visual: nn.Module, pixels: torch.Tensor, block: int = -2) -> torch.Tensor:
    """What a block hands on in open_clip's own full forward pass, class token dropped."""
    seen: list[torch.Tensor] = []
    handle = visual.transformer.resblocks[block].register_forward_hook(lambda module, args, out: seen.append(out))
    visual(pixels)
    handle.remove()
    (states,) = seen
    assert states.shape[0] == len(pixels)  # batch first
    return states[:, 1:]


VARIANTS = {
    "plain": {},
    "quick_gelu": {"quick_gelu": True},
    "no_ln_pre": {"no_ln_pre": True},
    "mean pooled": {"pool_type": "avg"},
    "last block": {"feature_layer": -1},
    "first block": {"feature_layer": -3},
    "wide mlp, one head": {"mlp_ratio": 2.5, "head_width": 32},
    "other colours": {"image_mean": (0.5, 0.4, 0.3), "image_std": (0.2, 0.5, 0.9)},
}


@pytest.mark.parametrize("variant", list(VARIANTS))
@torch.no_grad()
def test_features_are_open_clips_block_outputs(variant: str) -> None:
    config = small(**VARIANTS[variant])
    encoder = ClipEncoder(config).eval()
    randomise(encoder)
    # open_clip's own builder, from the settings that we would write for it
    theirs = open_clip.model._build_vision_tower(config.embed_dim, open_clip_settings(config), config.quick_gelu).eval()
    theirs.load_state_dict(encoder.visual.state_dict(), strict=True)
    tiles = noise_tiles(config)
    pixels = normalised(config, tiles)
    features = encoder(tiles, torch.tensor([36, 36, 36]))
    assert difference(features.values, penultimate_by_hook(theirs, pixels, config.feature_layer)) <= 1e-5
    assert features.lengths.tolist() == [36, 36, 36] and features.values.shape[2] == encoder.output_dim
    assert difference(encoder.visual(pixels), theirs(pixels)) <= 1e-5  # the contrastive head of pretraining


@torch.no_grad()
def test_variants_differ() -> None:
    """Were quick_gelu and no_ln_pre ignored on both sides, the parity would not notice."""
    found = {}
    for name in ("plain", "quick_gelu", "first block", "other colours"):
        encoder = ClipEncoder(small(**VARIANTS[name])).eval()
        randomise(encoder)
        found[name] = encoder(noise_tiles(encoder.config), torch.tensor([36] * 3)).values
    for name in ("quick_gelu", "first block", "other colours"):
        assert difference(found[name], found["plain"]) > 1e-3, name
    assert not [n for n, _ in ClipEncoder(small(no_ln_pre=True)).named_parameters() if "ln_pre" in n]


@pytest.mark.parametrize("name", ["ViT-B-32-quickgelu", "ViT-L-14-336", "ViT-L-14-CLIPA"])
@torch.no_grad()
def test_a_named_open_clip_model_scaled_down(name: str) -> None:
    """A whole `open_clip.CLIP` of a published configuration, smaller; features from `encode_image`."""
    described = copy.deepcopy(open_clip.get_model_config(name))
    vision = described["vision_cfg"]
    patch = vision["patch_size"]
    vision |= {"image_size": 3 * patch, "width": 64, "layers": 3, "head_width": 16}
    described["text_cfg"] |= {"width": 32, "layers": 1, "heads": 2, "vocab_size": 60, "context_length": 8}
    described["embed_dim"] = 16
    model = open_clip.CLIP(**described).eval()
    randomise(model)
    config = ClipConfig(
        image_size=3 * patch, patch_size=patch, width=64, layers=3, head_width=16, embed_dim=16,
        quick_gelu=described.get("quick_gelu", False), no_ln_pre=vision.get("no_ln_pre", False),
        pool_type=vision.get("pool_type", "tok"),
    )  # fmt: skip
    encoder = ClipEncoder(config).eval()
    encoder.visual.load_state_dict(model.visual.state_dict(), strict=True)
    tiles = noise_tiles(config, 2)
    seen: list[torch.Tensor] = []
    model.visual.transformer.resblocks[-2].register_forward_hook(lambda module, args, out: seen.append(out))
    model.encode_image(normalised(config, tiles))
    assert difference(encoder(tiles, torch.tensor([9, 9])).values, seen[0][:, 1:]) <= 1e-5


@pytest.mark.parametrize("trained", [True, False])
def test_features_are_the_same_while_training(trained: bool) -> None:
    """There positions stand before rows, which must not be seen from outside, nor mix the pictures of a batch."""
    config = small()
    tower = ClipEncoder(config).requires_grad_(trained)
    randomise(tower)
    tiles, lengths = noise_tiles(config), torch.full((3,), config.side**2)
    training = tower(tiles, lengths).values
    assert tower.training and training.requires_grad is trained
    with torch.inference_mode():
        resting = tower.eval()(tiles, lengths).values
        alone = torch.cat([tower(tile[None], lengths[:1]).values for tile in tiles])
    torch.testing.assert_close(training.detach(), resting, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(alone, resting, rtol=1e-4, atol=1e-5)
    back = tower.train()(tiles, lengths).values
    assert torch.equal(back, training)


def test_normalise_by_hand() -> None:
    config = small()
    encoder = ClipEncoder(config)
    tiles = noise_tiles(config)
    torch.testing.assert_close(encoder.normalise(tiles), normalised(config, tiles), rtol=1e-5, atol=1e-5)
    assert not {"mean", "std"} & set(encoder.state_dict())


# --- the tower, against transformers ---


def copy_to_transformers(visual: nn.Module, target: CLIPVisionModel) -> None:
    """open_clip's names -> transformers'; every parameter of the target is written once."""
    state = {k: v.detach() for k, v in visual.state_dict().items()}
    found = {
        "embeddings.class_embedding": state["class_embedding"],
        "embeddings.patch_embedding.weight": state["conv1.weight"],
        "embeddings.position_embedding.weight": state["positional_embedding"],
    }
    for end in ("weight", "bias"):
        found[f"pre_layrnorm.{end}"] = state[f"ln_pre.{end}"]
        found[f"post_layernorm.{end}"] = state[f"ln_post.{end}"]
        for i in range(len(visual.transformer.resblocks)):
            ours, theirs = f"transformer.resblocks.{i}", f"encoder.layers.{i}"
            q, k, v = state[f"{ours}.attn.in_proj_{end}"].chunk(3)
            found |= {f"{theirs}.self_attn.{n}_proj.{end}": x for n, x in zip("qkv", (q, k, v), strict=True)}
            found[f"{theirs}.self_attn.out_proj.{end}"] = state[f"{ours}.attn.out_proj.{end}"]
            found[f"{theirs}.layer_norm1.{end}"] = state[f"{ours}.ln_1.{end}"]
            found[f"{theirs}.layer_norm2.{end}"] = state[f"{ours}.ln_2.{end}"]
            found[f"{theirs}.mlp.fc1.{end}"] = state[f"{ours}.mlp.c_fc.{end}"]
            found[f"{theirs}.mlp.fc2.{end}"] = state[f"{ours}.mlp.c_proj.{end}"]
    parameters = dict(target.named_parameters())
    assert parameters.keys() == found.keys()
    with torch.no_grad():
        for name, value in found.items():
            parameters[name].copy_(value)


def reference_vision(config: ClipConfig) -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=config.width, intermediate_size=int(config.width * config.mlp_ratio),
        num_hidden_layers=config.layers, num_attention_heads=config.width // config.head_width,
        image_size=config.image_size, patch_size=config.patch_size, projection_dim=config.embed_dim,
        hidden_act="quick_gelu" if config.quick_gelu else "gelu", layer_norm_eps=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("layer", [-1, -2, -3])
@torch.no_grad()
def test_features_are_hidden_states_of_transformers(layer: int, quick: bool) -> None:
    config = small(feature_layer=layer, quick_gelu=quick)
    encoder = ClipEncoder(config).eval()
    randomise(encoder)
    theirs = CLIPVisionModel(reference_vision(config)).eval()
    copy_to_transformers(encoder.visual, theirs)
    tiles = noise_tiles(config)
    states = theirs(normalised(config, tiles), output_hidden_states=True).hidden_states
    assert len(states) == config.layers + 1
    assert difference(encoder(tiles, torch.tensor([36] * 3)).values, states[layer][:, 1:]) <= 1e-5


# --- cutting, against LLaVA-NeXT ---


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """Large, with detail in all channels; each test takes it at the size it wants."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((400, 400), Image.Resampling.NEAREST)


@pytest.fixture(scope="module")
def their_processor() -> LlavaNextImageProcessorPil:
    side = {"height": SIZE, "width": SIZE}
    return LlavaNextImageProcessorPil(
        size=side, crop_size=side, image_grid_pinpoints=PINPOINTS, do_rescale=False, do_normalize=False
    )


@pytest.mark.parametrize("size", PICTURES, ids=str)
def test_tiles_are_those_of_llava_next_to_the_pixel(
    size: tuple[int, int], picture: Image.Image, their_processor: LlavaNextImageProcessorPil
) -> None:
    image = picture.resize(size)
    found = ImageTransform(small(grids=GRIDS))(image)
    theirs = their_processor(image, return_tensors="np")
    expected = theirs["pixel_values"][0]
    assert found.inputs.dtype == torch.uint8 and found.inputs.is_contiguous()
    np.testing.assert_array_equal(found.inputs.numpy(), expected.astype(np.uint8))
    assert found.layout[2:] == tuple(theirs["image_sizes"][0]) == (size[1], size[0])
    assert found.lengths.tolist() == [36] * len(expected)


@pytest.mark.parametrize("grids", [GRIDS, GRIDS[::-1], ((1, 1), *GRIDS), ((2, 3), (3, 2), (4, 1)), ((2, 2),)], ids=str)
def test_grid_is_that_of_llava_next(grids: tuple[tuple[int, int], ...]) -> None:
    pinpoints = [[rows * SIZE, columns * SIZE] for rows, columns in grids]
    config = small(grids=grids)
    for width, height in PICTURES:
        rows, columns = best_grid(width, height, config)
        assert (rows, columns) == get_anyres_image_grid_shape((height, width), pinpoints, SIZE), (width, height)
        assert rows * columns + 1 == image_size_to_num_patches((height, width), pinpoints, SIZE)


@pytest.mark.parametrize("side", [1, 2, 3, 6, 8, 24])
def test_kept_region_is_that_of_unpad_image(side: int) -> None:
    """Also for grids that no picture of that shape would be given, and for the most extreme pictures."""
    for width, height in [*PICTURES, (300, 1), (1, 300), (1, 1), (999, 1000)]:
        for rows, columns in GRIDS:
            sheet = torch.arange(rows * side * columns * side).view(1, rows * side, columns * side)
            top, bottom, left, right = kept_region(rows * side, columns * side, height, width)
            expected = unpad_image(sheet, (height, width))
            assert torch.equal(sheet[:, top:bottom, left:right], expected), (width, height, rows, columns)


def index_projector() -> nn.Module:
    """An image projector that hands its one-channel input through: GELU of a large number is that number."""
    projector = build_projector(ProjectorConfig("image_mlp", 1), 1, 1)
    with torch.no_grad():
        for linear, bias in ((projector.linear_1, 1000.0), (projector.linear_2, -1000.0)):
            linear.weight.fill_(1)
            linear.bias.fill_(bias)
        projector.newline.fill_(-1)
    return projector


def llava_next(**vision: int) -> LlavaNextForConditionalGeneration:
    return LlavaNextForConditionalGeneration(
        LlavaNextConfig(
            vision_config=CLIPVisionConfig(
                **({"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
                    "image_size": SIZE, "patch_size": PATCH} | vision),
            ),
            text_config=LlamaConfig(
                hidden_size=32, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=50,
                bos_token_id=None, eos_token_id=None, pad_token_id=None,
            ),
            image_grid_pinpoints=PINPOINTS, image_token_index=49, vision_feature_layer=-2,
        )
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def their_model() -> LlavaNextForConditionalGeneration:
    return llava_next()


@pytest.mark.parametrize("size", PICTURES, ids=str)
@torch.no_grad()
def test_token_order_and_count_are_those_of_llava_next(
    size: tuple[int, int], picture: Image.Image, their_model: LlavaNextForConditionalGeneration
) -> None:
    """Every feature is its own index, the newline -1: equal means same tokens, same places."""
    item = ImageTransform(small(grids=GRIDS))(picture.resize(size))
    features = torch.arange(float(len(item.inputs) * 36)).view(-1, 36, 1)
    found = index_projector()(features, item.lengths, [item.layout])
    packed, lengths = their_model.model.pack_image_features(
        [features], torch.tensor([[size[1], size[0]]]), "default", image_newline=torch.tensor([-1.0])
    )
    assert torch.equal(found, packed[0])
    count = token_count(ProjectorConfig("image_mlp", 1), item.lengths.tolist(), item.layout)
    assert count == int(lengths[0]) == len(found)


@torch.no_grad()
def test_several_pictures_at_once_keep_their_order(
    picture: Image.Image, their_model: LlavaNextForConditionalGeneration
) -> None:
    transform = ImageTransform(small(grids=GRIDS))
    items = [transform(picture.resize(size)) for size in PICTURES]
    total = sum(len(i.inputs) for i in items)
    features = torch.arange(float(total * 36)).view(-1, 36, 1)
    found = index_projector()(features, torch.cat([i.lengths for i in items]), [i.layout for i in items])
    packed, _ = their_model.model.pack_image_features(
        features.split([len(i.inputs) for i in items]), [(h, w) for w, h in PICTURES], "default",
        image_newline=torch.tensor([-1.0]),
    )  # fmt: skip
    assert torch.equal(found, torch.cat(packed))


@pytest.mark.parametrize("size", [(24, 24), (101, 99), (151, 51), (50, 150), (91, 37)], ids=str)
@torch.no_grad()
def test_the_whole_way_from_pixels_to_tokens_is_llava_nexts(
    size: tuple[int, int], picture: Image.Image, their_processor: LlavaNextImageProcessorPil
) -> None:
    """Transform, tower, projector and packing together, on the weights of one random LLaVA-NeXT."""
    config = small(grids=GRIDS, quick_gelu=True)
    encoder = ClipEncoder(config).eval()
    randomise(encoder)
    their_vision = reference_vision(config).to_dict()
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act")
    theirs = llava_next(**{n: their_vision[n] for n in names})
    copy_to_transformers(encoder.visual, theirs.model.vision_tower)
    projector = build_projector(ProjectorConfig("image_mlp", 32), 32, 32)
    projector.load_state_dict(theirs.model.multi_modal_projector.state_dict() | {"newline": theirs.model.image_newline})

    image = picture.resize(size)
    item = ImageTransform(config)(image)
    features = encoder(item.inputs, item.lengths)
    found = projector(features.values, features.lengths, [item.layout])

    inputs = their_processor(image, return_tensors="pt", do_rescale=True, do_normalize=True)
    expected = theirs.model.get_image_features(
        inputs["pixel_values"], inputs["image_sizes"], vision_feature_layer=-2, vision_feature_select_strategy="default"
    ).pooler_output
    assert difference(found, torch.cat(list(expected))) <= 1e-4


def test_no_grids_is_the_overview_alone(picture: Image.Image) -> None:
    """LLaVA-1.5's one square, without a newline; `layout` keeps the picture's own size."""
    image = picture.resize((90, 31))
    item = ImageTransform(small())(image)
    assert item.inputs.shape == (1, 3, SIZE, SIZE) and item.layout == (0, 0, 31, 90)
    squeezed = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    np.testing.assert_array_equal(item.inputs[0].numpy(), squeezed)
    found = index_projector()(torch.arange(36.0).view(1, 36, 1), item.lengths, [item.layout])
    assert found[:, 0].tolist() == list(range(36))
    assert token_count(ProjectorConfig("image_mlp", 1), [36], item.layout) == 36


def test_tiles_join_to_the_picture_on_black() -> None:
    """A white 2:1 picture in a 2 x 2 grid: black bands above and below, and nothing else black."""
    item = ImageTransform(small(grids=((2, 2),)))(Image.new("RGB", (96, 48), "white"))
    sheet = item.inputs[1:].view(2, 2, 3, SIZE, SIZE).permute(2, 0, 3, 1, 4).reshape(3, 48, 48)
    assert (sheet[:, 12:36] == 255).all() and (sheet[:, :12] == 0).all() and (sheet[:, 36:] == 0).all()
    assert (item.inputs[0] == 255).all()
    assert kept_region(12, 12, 48, 96) == (3, 9, 0, 12)


def test_transform_keeps_no_state_between_calls(picture: Image.Image) -> None:
    transform = ImageTransform(small(grids=GRIDS))
    first = transform(picture.resize((91, 37)))
    transform(picture.resize((37, 91)))
    again = transform(picture.resize((91, 37)))
    assert torch.equal(first.inputs, again.inputs) and first.layout == again.layout
