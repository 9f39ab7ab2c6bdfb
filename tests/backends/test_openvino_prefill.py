"""OpenVINO's prefill against torch on the same weights, in every precision."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("openvino")
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from paretobench.backends import get, hardware  # noqa: E402
from paretobench.backends.models import torch_llm  # noqa: E402
from paretobench.domain import Runtime, Workload, prefill_workload  # noqa: E402
from tests.backends.gguf_reference import last_logits  # noqa: E402
from tests.backends.test_llamacpp import SMALL, TRUE_WIDTHS, distance  # noqa: E402

SPEC = SMALL | {"n_layers": 3}
WITHIN = {"fp32": 1e-4, "bf16": 0.03, "fp16": 2e-3, "int8": 0.06, "int4": 0.06}
"""Relative distance of the logits to torch in fp32, besides what rounding the weights to 8 or 4
bits does by itself: beside such weights activations are bf16, or 8 bits, by OpenVINO's choice."""

STEPS = {"int8": (127, 0), "int4": (7, 128)}
"""Steps on each side of zero, and how many weights share a scale; 0 for a row."""


def small(precision="fp32", n_tokens=17, spec=SPEC, inputs="embeddings", **options):
    subject = {"llm": spec, "n_tokens": n_tokens, "inputs": inputs}
    return Workload("prefill", "small", subject, Runtime("openvino", precision, options))


def session(workload, root):
    backend = get("openvino")
    return backend.load(workload, backend.prepare(workload, root))


def embeddings(n_tokens, width):
    return np.random.default_rng(1).standard_normal((1, n_tokens, width), np.float32) * 0.02


def expected_logits(spec, visual):
    return last_logits(torch_llm.build(spec), inputs_embeds=torch.from_numpy(visual))


def rounded_logits(spec, visual, precision):
    """torch's logits with every layer's weights rounded in the format's plainest form."""
    model = torch_llm.build(spec)
    steps, group = STEPS[precision]
    for layer in model.model.layers:
        for module in layer.modules():
            if isinstance(module, torch.nn.Linear):
                weights = module.weight.data
                grouped = weights.view(len(weights), -1, group or weights.shape[1])
                scale = grouped.abs().amax(-1, keepdim=True) / steps
                module.weight.data = ((grouped / scale).round() * scale).view_as(weights)
    return last_logits(model, inputs_embeds=torch.from_numpy(visual))


def allowed(spec, visual, precision):
    """How far the logits may lie from torch's on weights that were not rounded."""
    if precision not in STEPS:
        return WITHIN[precision]
    expected = expected_logits(spec, visual)
    rounding = distance(rounded_logits(spec, visual, precision), expected)
    return rounding + WITHIN[precision]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One artifact store for all tests: a graph is made once."""
    return tmp_path_factory.mktemp("artifacts")


@pytest.mark.parametrize("precision", WITHIN)
def test_logits_are_those_of_torch_as_closely_as_the_weights_are_kept(precision, root):
    if precision == "bf16" and not hardware.detect().has_fast_bf16:
        pytest.skip("this processor has no bf16 instructions")
    if precision in ("int8", "int4"):
        pytest.importorskip("nncf")
    running = session(small(precision), root)
    visual = embeddings(17, 256)
    running.set_embeddings(visual)
    running.run()
    assert distance(running.output()[0], expected_logits(SPEC, visual)) < allowed(
        SPEC, visual, precision
    )
    running.close()


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_other_architectures_give_the_logits_of_torch(architecture, root):
    spec = SPEC | {"architecture": architecture, "attention_bias": False, "tied_embeddings": True}
    running = session(small(spec=spec), root)
    visual = embeddings(17, 256)
    running.set_embeddings(visual)
    running.run()
    assert distance(running.output()[0], expected_logits(spec, visual)) < WITHIN["fp32"]
    running.close()


def test_one_graph_serves_every_length(root):
    backend = get("openvino")
    short = backend.prepare(small(n_tokens=5), root)
    assert backend.prepare(small(n_tokens=40), root).path == short.path
    running = backend.load(small(n_tokens=40), short)
    visual = embeddings(40, 256)
    running.set_embeddings(visual)
    running.run()
    assert distance(running.output()[0], expected_logits(SPEC, visual)) < WITHIN["fp32"]
    running.close()


def test_keys_and_values_of_every_layer_are_results(root):
    """Else the plugin could leave out work that a cache needs."""
    running = session(small(), root)
    running.run()
    shapes = [tuple(tensor.shape) for tensor in running.request.output_tensors[1:]]
    assert shapes == [(1, SPEC["n_kv_heads"], 17, SPEC["head_dim"])] * 2 * SPEC["n_layers"]
    running.close()


def test_a_session_says_what_activations_were_computed_in(root):
    running = session(small(threads=1), root)
    assert running.facts["precision_read_back"] == "f32"
    assert running.facts["threads"] == 1
    running.close()


@pytest.mark.parametrize(
    ("workload", "named"),
    [
        (small("int2"), "int2"),
        (small(inputs="ids"), "ids"),
        (small(weights="shared"), "int4"),
        (small(spec=SPEC | {"architecture": "phi3"}), "phi3"),
        (small(device="gpu"), "gpu"),
    ],
)
def test_what_it_cannot_prefill_is_refused_by_name(workload, named):
    assert named in get("openvino").refuses(workload)


@pytest.mark.heavy
@pytest.mark.parametrize(("llm", "precision"), TRUE_WIDTHS)
def test_models_of_true_width_give_the_logits_of_torch(llm, precision, root):
    running = session(prefill_workload(llm, 32, Runtime("openvino", precision)), root)
    visual = embeddings(32, llm.hidden_size)
    running.set_embeddings(visual)
    running.run()
    found = running.output()[0].copy()
    running.close()
    far = distance(found, expected_logits(llm.spec(), visual))
    assert far < allowed(llm.spec(), visual, precision)
