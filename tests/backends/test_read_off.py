"""What is read off a timm network, against what its authors publish; and one real pass."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from paretobench.backends.models import encoders, n_parameters, read_off
from paretobench.config.catalogue import encoder
from paretobench.errors import UnsupportedError

PUBLISHED = {
    # family: architecture, px, stride, tokens, channels
    "FastViT": [("fastvit_mci0", 256, 32, 64, 1024), ("fastvit_mci3", 256, 64, 16, 3072)],
    "SigLIP": [
        ("vit_base_patch16_siglip_512", 512, 16, 1024, 768),
        ("vit_so400m_patch14_siglip_gap_384", 384, 14, 729, 1152),
    ],
    "PE": [
        ("vit_pe_core_small_patch16_384", 384, 16, 576, 384),
        ("vit_pe_lang_large_patch14_448", 448, 14, 1024, 1024),
    ],
    "AIMv2": [("aimv2_large_patch14_224", 224, 14, 256, 1024)],
    "DINOv3": [
        ("vit_small_patch16_dinov3", 256, 16, 256, 384),
        ("vit_base_patch16_dinov3", 256, 16, 256, 768),
    ],
    "RADIO": [("vit_base_patch16_radio_v3", 512, 16, 1024, 768)],
    "ConvNeXt": [("convnext_base", 224, 32, 49, 1024)],
    "Swin": [("swin_tiny_patch4_window7_224", 224, 32, 49, 768)],
    "EVA-02": [("eva02_base_patch16_clip_224", 224, 16, 196, 768)],
    "RepViT": [("repvit_m1_0", 224, 32, 49, 448)],
    "Hiera": [("hiera_tiny_224", 224, 32, 49, 768)],
}
CASES = [case for cases in PUBLISHED.values() for case in cases]


def test_the_cases_are_15_encoders_of_8_families_at_least():
    assert len(CASES) >= 15 and len(PUBLISHED) >= 8


def check(name: str, px: int, stride: int, tokens: int, channels: int):
    found = encoder(read_off.describe(name), f"timm/{name}", name, lambda _: None)
    assert found.sweep_resolutions_px == (px,)
    assert (found.token_stride_px, found.tokens(px), found.output_channels) == (
        stride, tokens, channels,
    )  # fmt: skip
    assert found.resolutions.accepts(px) and found.source
    return found


@pytest.mark.parametrize("case", [CASES[0], CASES[11]], ids=lambda case: case[0])
def test_stride_tokens_and_channels_are_those_of_the_network(case):
    check(*case)


@pytest.mark.heavy
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_read_off_encoder_runs_with_its_tokens_and_parameters(case):
    found = check(*case)
    px = case[1]
    network = encoders.create_on_meta(found.spec(), px)
    assert n_parameters(network) == found.parameters
    built = encoders.build(found.spec(), px)
    with torch.no_grad():
        tokens = built(torch.randn(1, 3, px, px))
    assert tuple(tokens.shape) == (1, found.tokens(px), found.output_channels)
    assert torch.isfinite(tokens).all()


def test_an_architecture_that_timm_does_not_have_is_answered_with_the_nearest():
    with pytest.raises(UnsupportedError, match="fastvit_mci0"):
        read_off.describe("fastvit_mc0")


def test_a_pattern_lists_its_candidates():
    found = read_off.answer(["fastvit_mci?", "no_such_*"])
    assert "fastvit_mci4" in found["fastvit_mci?"]["candidates"]
    assert found["no_such_*"] == {"candidates": []}
