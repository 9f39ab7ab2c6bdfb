"""Names in files as the catalogue's."""

from __future__ import annotations

import pytest

from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.names import Names, benchmark, known_names, settled
from paretobench.accuracy.weights import weights_text
from paretobench.errors import DataError


@pytest.fixture(scope="module")
def names() -> Names:
    return known_names()


@pytest.mark.parametrize(
    ("encoder", "llm", "tiling"),
    [
        ("FastViTHD", "Qwen2-0.5B", "static"),
        ("fastvithd", "qwen2-0.5b", "none"),
        ("FASTVIT-HD", "Qwen2 0.5B", "None"),
    ],
)
def test_labels_case_and_dashes_are_taken_for_names(
    names: Names, encoder: str, llm: str, tiling: str
) -> None:
    found, odd = settled(ScorePoint(encoder, 1024, llm, tiling), names)
    assert (found.encoder, found.llm, found.tiling) == ("fastvithd", "qwen2_0_5b", "none")
    assert odd == ()


def test_every_catalogue_name_and_label_is_itself(names: Names) -> None:
    for name, encoder in names.encoders.items():
        for written in (name, encoder.label):
            found, _ = settled(ScorePoint(written, 1024, "qwen2_7b"), names)
            assert found.encoder == name


def test_an_unknown_name_is_kept_with_a_warning_and_the_nearest(names: Names) -> None:
    found, odd = settled(ScorePoint("fastvithdd", 1024, "gpt"), names)
    assert found.encoder == "fastvithdd"
    assert "no encoder 'fastvithdd' is known here; the nearest is 'fastvithd'" in odd
    assert any(warning.startswith("no language model 'gpt'") for warning in odd)


@pytest.mark.parametrize("side", [0, -512])
def test_a_resolution_below_1_is_refused(names: Names, side: int) -> None:
    with pytest.raises(DataError, match="no number of pixels above 0"):
        settled(ScorePoint("fastvithd", side, "qwen2_7b"), names)


@pytest.mark.parametrize(
    ("written", "name"), [("Avg-5", "avg5"), ("SeedBench image", "seedbench_image"), ("GQA", "gqa")]
)
def test_a_benchmark_is_known_by_its_label(written: str, name: str) -> None:
    assert benchmark(written) == (name, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pretrained=m,load_in_4bit=True", "quantised: int4"),
        ("pretrained=org/model-AWQ", "quantised: int4"),
        ("pretrained=org/model-q8_0", "quantised: int8"),
        ("pretrained=org/model,load_in_8bit=True", "quantised: int8"),
        ("pretrained=org/model_pruned_0.3", "pruned: pruned_0.3"),
        ("pretrained=org/llava-fastvithd_7b_stage3,load_in_4bit=False", ""),
        ("q4ever-model", ""),
    ],
)
def test_a_checkpoint_s_name_says_what_its_weights_are(text: str, words: str) -> None:
    assert weights_text(text) == words
