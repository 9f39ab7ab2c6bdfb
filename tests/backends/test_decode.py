"""Decode sessions generate what the libraries' own loops generate, one run after the other."""

import numpy as np
import pytest

from paretobench.backends import get
from paretobench.domain import Runtime, Workload
from tests.backends.test_llms import TINY, session

torch = pytest.importorskip("torch")


def tiny(backend, steps=5, n_tokens=9, **spec):
    subject = {"llm": {**TINY, **spec}, "n_tokens": n_tokens, "inputs": "ids", "steps": steps}
    return Workload("decode", "tiny", subject, Runtime(backend, "fp32", {"device": "cpu"}))


def test_torch_decodes_the_tokens_of_its_own_generate(tmp_path):
    decode = session(tiny("torch"), tmp_path)
    decode.renew_input()
    prompt = decode._inputs["input_ids"]
    decode.run()
    wanted = decode.network.generate(prompt, max_new_tokens=6, min_new_tokens=6, do_sample=False)
    first = int(decode._first[0, 0])
    found = [first, *(tokens[0][0] for tokens in decode.generated)]
    assert found == wanted[0, prompt.shape[1] :].tolist()
    assert decode.facts["steps"] == 5
    decode.close()


def test_mlx_decodes_the_tokens_of_its_own_generator(tmp_path):
    pytest.importorskip("mlx.core", exc_type=ImportError)
    from mlx_lm.generate import generate_step

    decode = session(tiny("mlx"), tmp_path)
    decode.renew_input()
    decode.run()
    steps = generate_step(decode._ids[0], decode.model, max_tokens=6)
    wanted = [int(token) for token, _ in steps]
    found = [int(decode._first[0].item()), *(tokens[0] for tokens in decode.generated)]
    assert found == wanted
    decode.close()


def test_llamacpp_decodes_the_tokens_of_torch_on_its_files_weights(tmp_path):
    pytest.importorskip("gguf")
    pytest.importorskip("xllamacpp")
    from paretobench.backends.models import gguf_file
    from tests.backends.gguf_reference import torch_model
    from tests.backends.test_llamacpp import SMALL

    subject = {"llm": SMALL, "n_tokens": 9, "inputs": "ids", "steps": 5}
    workload = Workload("decode", "small", subject, Runtime("llamacpp", "fp16"))
    backend = get("llamacpp")
    assert backend.refuses(workload) is None
    prepared = backend.prepare(workload, tmp_path)
    decode = backend.load(workload, prepared)
    decode.run()
    first = decode.generated
    decode.run()
    assert decode.generated == first  # each run continues the same context
    prompt = torch.from_numpy(decode._ids[None].astype("int64"))
    network = torch_model(SMALL, prepared.path / gguf_file.FILE)
    wanted = network.generate(prompt, max_new_tokens=6, min_new_tokens=6, do_sample=False)
    assert [decode._first, *first] == wanted[0, 9:].tolist()
    decode.renew_input()
    decode.run()
    assert decode.generated != first
    decode.close()


@pytest.mark.parametrize("backend", ["torch", "llamacpp"])
def test_a_prefill_in_chunks_has_the_logits_of_one_step(backend, tmp_path):
    spec = TINY
    if backend == "llamacpp":
        pytest.importorskip("gguf")
        pytest.importorskip("xllamacpp")
        from tests.backends.test_llamacpp import SMALL

        spec = SMALL
    precision = "fp32" if spec is TINY else "fp16"
    found = []
    ids = np.arange(1, 18)[None]
    for options in ({}, {"prefill_step_size": 5}):
        subject = {"llm": spec, "n_tokens": 17, "inputs": "ids"}
        runtime = Runtime(backend, precision, {"device": "cpu", **options})
        workload = Workload("prefill", "tiny", subject, runtime)
        running = session(workload, tmp_path)
        running.set_ids(ids)
        running.run()
        found.append(running.output())
        assert running.facts["prefill_step_size"] == options.get("prefill_step_size", 17)
        running.close()
    assert np.allclose(*found, atol=1e-3 * np.abs(found[0]).max())


@pytest.mark.parametrize(
    ("backend", "options", "said"),
    [
        ("torch", {"prefill_step_size": 0}, "whole number"),
        ("torch", {"prefill_step_size": 512, "mode": "compile"}, "mode=eager"),
        ("mlx", {"prefill_step_size": 512}, "prefill_mode=cache_prompt"),
        ("openvino", {"prefill_step_size": 512}, "openvino knows no"),
    ],
)
def test_chunks_that_a_runtime_cannot_make_are_refused(backend, options, said):
    subject = {"llm": {**TINY, "architecture": "qwen2"}, "n_tokens": 8}
    workload = Workload("prefill", "tiny", subject, Runtime(backend, "fp32", options))
    assert said in (get(backend).refuses(workload) or "")


@pytest.mark.parametrize("backend", ["torch", "mlx"])
def test_every_run_continues_a_cache_of_the_workloads_length(backend, tmp_path):
    if backend == "mlx":
        pytest.importorskip("mlx.core", exc_type=ImportError)
    decode = session(tiny(backend), tmp_path)
    for _ in range(2):
        decode.renew_input()
        decode.run()
        assert len(decode.generated) == 5
        assert np.isfinite(decode.output()).all()
    decode.close()


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "coreml"])
def test_runtimes_that_do_not_decode_say_so(backend):
    assert "decode" in get(backend).refuses(tiny(backend))
