"""What a plan may take as made."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.backends import openvino
from paretobench.backends.artifact_index import ArtifactIndex
from paretobench.backends.artifacts import ArtifactStore, Recipe
from paretobench.backends.inputs import EncodeSubject
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, encode_workload, prefill_workload

CATALOGUE = load_catalogue()
ENCODER, LLM = CATALOGUE.encoders["fastvit"], CATALOGUE.llms["qwen2_0_5b"]


def keep(root: Path, recipe: Recipe) -> None:
    def make(folder: Path) -> dict[str, object]:
        (folder / "file").write_bytes(b"content")
        return {}

    ArtifactStore(root).get(recipe, make)


def encode(px: int, backend: str = "openvino"):
    return encode_workload(ENCODER, px, Runtime(backend, "bf16"))


def prefill(n_tokens: int, precision: str = "bf16"):
    return prefill_workload(LLM, n_tokens, Runtime("torch", precision))


def test_an_exported_encoder_is_made_at_its_size_and_for_its_runtime_alone(tmp_path: Path) -> None:
    keep(tmp_path, openvino._recipe(EncodeSubject.of(encode(256))))
    made = ArtifactIndex(tmp_path)
    assert made(encode(256))
    assert not made(encode(512)) and not made(encode(256, "onnxruntime"))


def test_a_language_models_weights_serve_every_length_in_their_precision(tmp_path: Path) -> None:
    subject = {"kind": "llm", "llm": prefill(16).subject["llm"], "precision": "bf16", "weights": 1}
    keep(tmp_path, Recipe("weights", subject, {"torch": "1"}))
    made = ArtifactIndex(tmp_path)
    assert made(prefill(16)) and made(prefill(1024))
    assert not made(prefill(16, "fp32"))


@pytest.mark.parametrize("backend", ["mlx", "never heard of"])
def test_a_backend_that_keeps_nothing_has_nothing_to_make(tmp_path: Path, backend: str) -> None:
    assert ArtifactIndex(tmp_path / "missing")(encode(256, backend))


def test_an_artifact_of_no_model_is_passed_over(tmp_path: Path) -> None:
    keep(tmp_path, Recipe("coreml_compiled", {"package": "abc"}, {"system": "1"}))
    assert not ArtifactIndex(tmp_path)(encode(256))
