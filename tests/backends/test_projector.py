"""The projectors beside runtimes that hold a whole language model."""

import numpy as np
import pytest

from paretobench.backends.projector import NumpyProjector, OpenVINOProjector

TOKENS = np.random.default_rng(0).standard_normal((1, 16, 48), np.float32)


def test_openvinos_gives_what_numpys_gives():
    pytest.importorskip("openvino")
    pytest.importorskip("threadpoolctl")
    expected = NumpyProjector(48, 32)(TOKENS)
    found = OpenVINOProjector(48, 32, {"INFERENCE_PRECISION_HINT": "f32"})(TOKENS)
    assert found.shape == (1, 16, 32)
    assert np.allclose(found, expected, atol=1e-5)


def test_numpys_blas_has_one_thread_while_it_runs_and_all_of_them_after(monkeypatch):
    controller = pytest.importorskip("threadpoolctl").ThreadpoolController

    def threads():
        pools = controller().select(user_api="blas").info()
        return {pool["filepath"]: pool["num_threads"] for pool in pools}

    from scipy import special

    before, during, erf = threads(), [], special.erf
    if not before:
        pytest.skip("numpy's BLAS is none that threadpoolctl knows")
    monkeypatch.setattr(special, "erf", lambda values: during.append(threads()) or erf(values))
    NumpyProjector(48, 32)(TOKENS)
    assert [set(one.values()) for one in during] == [{1}]
    assert threads() == before
