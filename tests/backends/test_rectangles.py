"""Encoders of timm on rectangles, in every runtime that has them."""

import numpy as np
import pytest

from paretobench.backends import get
from paretobench.backends.artifact_index import ArtifactIndex
from paretobench.domain import EncoderInput, Runtime, Workload

WIDE = EncoderInput(96, 64)
TINY_VIT = {"builder": "timm", "architecture": "test_vit", "options": {}}
TINY_CONVOLUTIONS = {"builder": "timm", "architecture": "convnext_atto", "options": {}}


def encode(spec, seen, backend):
    subject = {"encoder": spec, **seen.subject()}
    return Workload("encode", "tiny", subject, Runtime(backend, "fp32"))


def tokens(workload, root):
    backend = get(workload.runtime.backend)
    running = backend.load(workload, backend.prepare(workload, root))
    pixels = np.random.default_rng(0).standard_normal((1, 3, 64, 96), np.float32)
    running.set_input(pixels)
    running.run()
    return running.output().copy()


@pytest.mark.parametrize(("spec", "count"), [(TINY_VIT, 6 * 4), (TINY_CONVOLUTIONS, 3 * 2)])
def test_a_rectangle_has_the_tokens_of_its_grid(spec, count, tmp_path):
    workload = encode(spec, WIDE, "torch")
    assert tokens(workload, tmp_path).shape[1] == count
    assert ArtifactIndex(tmp_path)(workload)
    assert not ArtifactIndex(tmp_path)(encode(spec, EncoderInput(64, 96), "torch"))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_converted_encoders_agree_with_torch_on_a_rectangle(backend, tmp_path):
    pytest.importorskip(backend)
    found = tokens(encode(TINY_CONVOLUTIONS, WIDE, backend), tmp_path)
    expected = tokens(encode(TINY_CONVOLUTIONS, WIDE, "torch"), tmp_path)
    assert np.allclose(found, expected, atol=0.02 * np.abs(expected).max())
