"""llama.cpp's prefill against torch on the same weights, in every format and both inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("gguf")
pytest.importorskip("xllamacpp")
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from paretobench.backends import get, llama_library  # noqa: E402
from paretobench.backends.models import gguf_file  # noqa: E402
from paretobench.config import load_catalogue  # noqa: E402
from paretobench.domain import Runtime, Workload, prefill_workload  # noqa: E402
from paretobench.errors import BackendMissingError  # noqa: E402
from tests.backends.gguf_reference import (  # noqa: E402
    last_logits,
    round_activations,
    torch_model,
)

SMALL = {
    "architecture": "qwen2",
    "hidden_size": 256,
    "n_layers": 8,
    "n_heads": 4,
    "n_kv_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 1000,
    "max_positions": 512,
    "rope_theta": 1e6,
    "norm_epsilon": 1e-6,
    "attention_bias": True,
    "tied_embeddings": False,
    "head_dim": 64,
    "options": {},
}
FP16_DISTANCE = 0.003
"""Relative distance of logits to torch in fp32 on the same weights where activations are rounded
to fp16 as well."""

ACTIVATION_BLOCK = {"int8": 32, "int4": 256}
ACTIVATION_SHARE = 1.6
"""Beside quantised weights llama.cpp rounds activations to 8 bits. The same rounding in torch moves
logits by a distance of its own; llama.cpp's may lie so many of them from torch's unrounded ones."""


def small(precision="fp16", n_tokens=17, inputs="embeddings", spec=SMALL, **options):
    subject = {"llm": spec, "n_tokens": n_tokens, "inputs": inputs}
    return Workload("prefill", "small", subject, Runtime("llamacpp", precision, options))


def session(workload, root):
    backend = get("llamacpp")
    assert backend.refuses(workload) is None
    prepared = backend.prepare(workload, root)
    return backend.load(workload, prepared), prepared.path / gguf_file.FILE


def distance(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def allowed(precision, reference, visual, expected):
    """How far logits may lie from torch's: as far as the format's own rounding takes them."""
    if precision == "fp16":
        return FP16_DISTANCE
    round_activations(reference, ACTIVATION_BLOCK[precision])
    rounded = last_logits(reference, inputs_embeds=torch.from_numpy(visual))
    return ACTIVATION_SHARE * distance(rounded, expected)


@pytest.mark.parametrize("architecture", gguf_file.ARCHITECTURES)
@pytest.mark.parametrize("precision", gguf_file.FORMATS)
def test_logits_are_those_of_torch_on_the_files_weights(architecture, precision, tmp_path):
    has_bias = architecture == "qwen2"
    spec = SMALL | {"architecture": architecture, "attention_bias": has_bias}
    running, path = session(small(precision, spec=spec), tmp_path)
    reference = torch_model(spec, path)
    visual = np.random.default_rng(1).standard_normal((1, 17, 256), np.float32) * 0.02
    running.set_embeddings(visual)
    running.run()
    expected = last_logits(reference, inputs_embeds=torch.from_numpy(visual))
    assert distance(running.output()[0], expected) < allowed(precision, reference, visual, expected)
    running.close()


def test_token_ids_give_the_logits_of_torch(tmp_path):
    running, path = session(small(inputs="ids"), tmp_path)
    ids = np.random.default_rng(1).integers(0, 1000, (1, 17))
    running.set_ids(ids)
    running.run()
    expected = last_logits(torch_model(SMALL, path), input_ids=torch.from_numpy(ids))
    assert distance(running.output()[0], expected) < FP16_DISTANCE
    running.close()


def test_a_second_run_starts_from_an_empty_cache_and_a_new_input_gives_another_result(tmp_path):
    running, _ = session(small("int8"), tmp_path)
    running.run()
    first = running.output()
    running.run()
    assert np.array_equal(first, running.output())
    running.renew_input()
    running.run()
    assert not np.allclose(first, running.output())
    running.close()


def test_one_file_serves_every_length_and_each_precision_has_its_own(tmp_path):
    backend = get("llamacpp")
    short = backend.prepare(small("int4", 16), tmp_path)
    assert backend.prepare(small("int4", 64), tmp_path).path == short.path
    assert backend.prepare(small("int8", 16), tmp_path).path != short.path


def test_weights_are_as_large_as_the_format_says(tmp_path):
    """Bytes of a weight: F16 2, Q8_0 34 in 32; Q4_K_M between 4.5 and 6.6 bits."""
    llm = load_catalogue().llms["qwen2_7b"].spec()
    n_weights = 7_615_616_512
    sizes = {precision: gguf_file.size_bytes(llm, precision) for precision in gguf_file.FORMATS}
    assert sizes["fp16"] / n_weights == pytest.approx(2, rel=1e-3)
    assert sizes["int8"] / n_weights == pytest.approx(34 / 32, rel=1e-3)
    assert 4.68e9 < sizes["int4"] + 6e6 < 4.69e9  # what Qwen publishes as Q4_K_M has 4.68 GB
    running, path = session(small("int4"), tmp_path)
    assert path.stat().st_size == pytest.approx(gguf_file.size_bytes(SMALL, "int4"), rel=0.01)
    assert running.facts["weights_bytes"] == gguf_file.size_bytes(SMALL, "int4")
    running.close()


def test_a_row_that_256_does_not_divide_falls_back_as_in_llama_cpp():
    llm = load_catalogue().llms["qwen2_0_5b"].spec()  # 896 columns
    types = {one.name: one.type for one in gguf_file.tensors(llm, "int4")}
    assert types["token_embd.weight"] == "Q8_0"
    assert types["blk.5.attn_q.weight"] == "Q5_0"
    assert types["blk.0.ffn_down.weight"] == "Q6_K"
    assert types["blk.3.ffn_down.weight"] == "Q4_K"


def test_no_two_layers_have_the_same_weights(tmp_path):
    import gguf

    path = tmp_path / gguf_file.FILE
    gguf_file.write(SMALL, "int4", path)
    contents = [
        bytes(tensor.data)
        for tensor in gguf.GGUFReader(path).tensors
        if tensor.name.endswith(("attn_output.weight", "ffn_up.weight"))
    ]
    assert len(set(contents)) == len(contents) == 2 * SMALL["n_layers"]


@pytest.mark.parametrize(
    ("workload", "named"),
    [
        (small("bf16"), "bf16"),
        (small(device="cuda"), "cuda"),
        (small(weights="shared"), "int4"),
        (small(spec=SMALL | {"architecture": "phi3"}), "phi3"),
    ],
)
def test_what_it_cannot_run_is_refused_by_name(workload, named):
    assert named in get("llamacpp").refuses(workload)


def test_another_interface_of_the_library_is_refused_before_anything_is_called(monkeypatch):
    defaults = llama_library.library().llama_context_default_params()
    defaults.n_batch = 77
    with pytest.raises(BackendMissingError, match=llama_library.PINNED):
        llama_library._check_interface(defaults)


def test_threads_are_recorded_and_obeyed(tmp_path):
    running, _ = session(small(threads=1), tmp_path)
    assert running.facts["threads"] == 1
    running.close()


def blocks_of_7b():
    """Two of the 28 blocks of Qwen2-7B at their true width, with a fifth of its vocabulary: in
    fp32, for torch, the whole model needs 29 GiB."""
    llm = load_catalogue().llms["qwen2_7b"]
    return replace(llm, n_layers=2, vocab_size=32768)


TRUE_WIDTHS = [
    *(pytest.param(load_catalogue().llms[name], each, id=f"{name} {each}")
      for name in ("qwen2_0_5b", "qwen2_1_5b") for each in ("fp16", "int8", "int4")),
    pytest.param(blocks_of_7b(), "int4", id="blocks of qwen2_7b int4"),
]  # fmt: skip


@pytest.mark.heavy
@pytest.mark.parametrize(("llm", "precision"), TRUE_WIDTHS)
def test_models_of_true_width_give_the_logits_of_torch(llm, precision, tmp_path):
    running, path = session(prefill_workload(llm, 32, Runtime("llamacpp", precision)), tmp_path)
    visual = np.random.default_rng(1).standard_normal((1, 32, llm.hidden_size), np.float32) * 0.02
    running.set_embeddings(visual)
    running.run()
    found = running.output()[0]
    running.close()
    reference = torch_model(llm.spec(), path)
    expected = last_logits(reference, inputs_embeds=torch.from_numpy(visual))
    assert distance(found, expected) < allowed(precision, reference, visual, expected)
