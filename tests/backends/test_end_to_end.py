"""A whole point in one process."""

import numpy as np
import pytest

from paretobench.backends import get
from paretobench.backends.end_to_end import PARTS, halves, preprocess
from paretobench.domain import Runtime, Workload
from paretobench.errors import InvalidSamplesError
from tests.backends.test_llms import TINY

CONVNEXT = {"builder": "timm", "architecture": "convnext_atto", "options": {}}


def whole(prefill="torch", passes=1, n_tokens=4, encode="torch", precision="fp32"):
    subject = {
        "encoder": CONVNEXT,
        "resolution_px": 64,
        "passes": passes,
        "llm": TINY,
        "n_tokens": n_tokens,
    }
    parts = {
        "encode": Runtime(encode, "fp32").spec(),
        "prefill": Runtime(prefill, precision).spec(),
    }
    return Workload("end_to_end", "whole", subject, Runtime("end_to_end", "fp32+fp32", parts))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def session(workload, root):
    backend = get("end_to_end")
    assert backend.refuses(workload) is None
    return backend.load(workload, backend.prepare(workload, root))


@pytest.mark.parametrize("prefill", ["torch", "mlx"])
@pytest.mark.parametrize(("passes", "n_tokens"), [(1, 4), (1, 9), (1, 2), (5, 20)])
def test_a_photograph_becomes_a_first_token(prefill, passes, n_tokens, root):
    """With as many positions as visual tokens, with text behind them, with fewer, and tiled."""
    pytest.importorskip("torch")
    if prefill == "mlx":
        pytest.importorskip("mlx.core", exc_type=ImportError)
    running = session(whole(prefill, passes, n_tokens), root)
    running.renew_input()
    running.run()
    running.run()
    assert 0 <= running.first_token < TINY["vocab_size"]
    assert running.facts["parts"] == list(PARTS)
    assert len(running.facts["parts_s"]) == 2
    assert all(seconds > 0 for parts in running.facts["parts_s"] for seconds in parts)
    assert {"encode", "prefill", "projector"} <= set(running.facts)
    running.close()


def test_openvino_encodes_and_torch_prefills_in_one_process(root):
    pytest.importorskip("openvino")
    running = session(whole("torch", encode="openvino"), root)
    running.run()
    assert running.facts["encode"]["precision_read_back"] == "f32"
    assert running.facts["prefill"]["attention"] == "sdpa"


@pytest.mark.parametrize("prefill", ["llamacpp", "openvino"])
@pytest.mark.parametrize("n_tokens", [4, 9])
def test_openvino_encodes_and_a_quantising_runtime_prefills_in_one_process(prefill, n_tokens, root):
    """Two thread pools side by side; the logits are those of the language model alone."""
    pytest.importorskip("openvino")
    pytest.importorskip("xllamacpp" if prefill == "llamacpp" else "nncf")
    workload = whole(prefill, n_tokens=n_tokens, encode="openvino", precision="int8")
    running = session(workload, root)
    running.run()
    logits = running.llm.output().copy()
    assert running.first_token == int(logits.argmax())

    half = halves(workload)[1]
    alone = get(prefill).load(half, get(prefill).prepare(half, root))
    alone.set_embeddings(seen_by(running.llm))
    alone.run()
    assert np.allclose(alone.output(), logits, rtol=1e-3, atol=1e-3 * np.abs(logits).max())
    alone.close()
    running.close()


def seen_by(llm):
    """The embeddings that a session's last run took: [1, tokens, hidden]."""
    tensor = getattr(llm, "_tensor", None)
    return llm._embeddings[np.newaxis] if tensor is None else tensor.data.copy()


def test_its_halves_are_the_workloads_that_are_timed_alone():
    encode, prefill = halves(whole())
    alone = Workload(
        "encode", "x", {"encoder": CONVNEXT, "resolution_px": 64}, Runtime("torch", "fp32")
    )
    assert encode.key == alone.key
    assert prefill.subject == {"llm": TINY, "n_tokens": 4, "inputs": "embeddings"}


def test_what_a_half_refuses_is_refused():
    workload = whole(encode="mlx")
    assert get("end_to_end").refuses(workload) == get("mlx").refuses(halves(workload)[0])
    assert get("end_to_end").available().is_available


def test_a_result_that_is_not_finite_is_refused(root):
    pytest.importorskip("torch")
    running = session(whole(), root)
    running.run()
    running.llm.result = running.llm.result * float("nan")
    with pytest.raises(InvalidSamplesError, match="not finite"):
        running.renew_input()


@pytest.mark.parametrize("passes", [1, 2, 3, 5, 10])
def test_there_are_as_many_tiles_as_passes_and_each_is_normalised(passes):
    photograph = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    tiles = preprocess(photograph, passes, 32)
    assert [tile.shape for tile in tiles] == [(1, 3, 32, 32)] * passes
    assert all(tile.dtype == np.float32 and tile.flags.c_contiguous for tile in tiles)
    assert all(-2 < float(tile.mean()) < 2 for tile in tiles)
