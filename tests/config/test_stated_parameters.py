"""A user's YAML that states other parameters than its network has is refused before a sweep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.config import load_catalogue, refuse_wrong_parameters, stated_parameters
from paretobench.domain import Encoder, GridPoint, LanguageModel, Resolutions
from paretobench.errors import ConfigError

pytest.importorskip("torch")

TINY = Encoder(
    "tiny", "Tiny", "Tiny", "vit_tiny_patch16_224", 16, "floor", 5487552, 192,
    Resolutions(16, 16, 512, "the patch grid has to be whole"), (32, 64),
)  # fmt: skip
SMALL = LanguageModel(
    "small", "Small", "Small", "1M", "qwen2", 64, 2, 4, 2, 128, 512, 2048, 107072,
    attention_bias=True, tied_embeddings=True,
)  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARETOBENCH_CACHE", str(tmp_path))
    return tmp_path


def test_both_numbers_are_named_and_a_right_one_passes(cache: Path) -> None:
    refuse_wrong_parameters([GridPoint(TINY, 32, SMALL)])
    for wrong, built in (
        (GridPoint(replace(TINY, parameters=22_000_000), 32, SMALL), 5487552),
        (GridPoint(TINY, 32, replace(SMALL, parameters=1_000_000)), 107072),
    ):
        with pytest.raises(ConfigError, match="its YAML states parameters") as caught:
            refuse_wrong_parameters([wrong])
        assert str(built) in str(caught.value)
    assert len(list((cache / "parameters").iterdir())) == 2, "each is counted once"


def test_what_cannot_be_built_says_why() -> None:
    unknown = replace(TINY, architecture="vit_nano")
    with pytest.raises(ConfigError, match=r"encoder=tiny cannot be built: .*'vit_nano'"):
        refuse_wrong_parameters([GridPoint(unknown, 32, SMALL)])


def test_bundled_models_are_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stated_parameters, "count_parameters", lambda *_: pytest.fail("built"))
    bundled = load_catalogue()
    point = GridPoint(bundled.encoders["fastvithd"], 512, bundled.llms["qwen2_0_5b"])
    refuse_wrong_parameters([point])
