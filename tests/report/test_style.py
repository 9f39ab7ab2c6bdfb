from __future__ import annotations

import itertools

import numpy as np
import pytest

from paretobench.report.style import DARK_PALETTE, PALETTE, Style, luminance

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for
# Simulation of Color Vision Deficiency", IEEE TVCG 15 (6), 2009: severity 1.0.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of `#rrggbb` as seen through a 3x3 matrix on linear RGB."""
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    x, y, z = XYZ @ np.clip(sight @ linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("palette", [PALETTE, DARK_PALETTE], ids=["light", "dark"])
def test_no_two_families_look_alike_to_a_colour_blind_reader(
    palette: tuple[str, ...], sight: str
) -> None:
    seen = [lab(colour, SIGHT[sight]) for colour in palette]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 20, f"nearest pair is {nearest:.1f} apart; 2.3 is just noticeable"


@pytest.mark.parametrize("colour", PALETTE)
def test_a_label_in_a_family_s_colour_can_be_read_on_white(colour: str) -> None:
    assert 1.05 / (luminance(Style().readable(colour)) + 0.05) >= 4.5


def test_a_family_keeps_its_colour_when_another_joins() -> None:
    alone = Style().colour_of(["FastViTHD", "ViT"])
    joined = Style().colour_of(["Something else", "ViT", "FastViTHD"])
    assert alone["FastViTHD"] == joined["FastViTHD"]
    assert alone["ViT"] == joined["ViT"]


def test_a_house_colour_wins_and_is_given_to_nobody_else() -> None:
    colours = Style(colours={"ViT": PALETTE[0]}).colour_of(["FastViTHD", "ViT"])
    assert colours["ViT"] == PALETTE[0]
    assert colours["FastViTHD"] != PALETTE[0]


def test_importing_the_report_does_not_import_matplotlib_or_a_framework() -> None:
    import subprocess
    import sys

    code = (
        "import sys, paretobench.report, paretobench.report.style; "
        "print([n for n in ('matplotlib', 'torch', 'pandas', 'hydra') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
