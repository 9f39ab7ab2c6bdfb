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
