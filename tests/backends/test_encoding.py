"""Encoders in every runtime: they agree with torch, say what they used, and refuse the rest."""

import re
import subprocess
import sys

import numpy as np
import pytest

from paretobench.backends import PreparedArtifact, get, hardware
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload
from paretobench.errors import (
    BackendMissingError,
    InvalidSamplesError,
    OutOfMemoryError,
    UnsupportedError,
)

FASTVITHD = load_catalogue().encoders["fastvithd"]
HAS_BF16 = hardware.detect().has_fast_bf16
SMALL = {
    "encoder": {"builder": "timm", "architecture": "convnext_atto", "options": {}},
    "resolution_px": 64,
}


def small(backend, precision="fp32", **options):
    return Workload("encode", "small", SMALL, Runtime(backend, precision, options))


def session(workload, root):
    backend = get(workload.runtime.backend)
    assert backend.refuses(workload) is None
    return backend.load(workload, backend.prepare(workload, root))


def run_on(running, pixels):
    running.set_input(pixels)
    running.run()
    return running.output().copy()


def pixels_of(resolution_px, seed=0):
    shape = (1, 3, resolution_px, resolution_px)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def decibels(signal, found):
    """Signal to noise: 20 dB is 10 % off, 60 dB is 0.1 %."""
    noise = np.linalg.norm(signal - found)
    return 20 * np.log10(np.linalg.norm(signal) / max(noise, 1e-30))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.heavy
def test_fastvithd_at_its_true_size_agrees_between_openvino_and_torch(root):
    pytest.importorskip("openvino")
    pixels = pixels_of(256)
    reference = run_on(
        session(encode_workload(FASTVITHD, 256, Runtime("torch", "fp32")), root), pixels
    )
    assert reference.shape == (1, 16, 3072)
    precisions = {"fp32": 40.0} | ({"bf16": 20.0} if HAS_BF16 else {})
    for precision, least in precisions.items():
        running = session(encode_workload(FASTVITHD, 256, Runtime("openvino", precision)), root)
        assert decibels(reference, run_on(running, pixels)) > least
        assert running.facts["precision"] == precision


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "torch"])
def test_every_runtime_gives_the_tokens_of_the_same_weights(backend, root):
    pytest.importorskip(backend)
    import torch

    from paretobench.backends.models import encoders

    pixels = pixels_of(64)
    with torch.inference_mode():
        reference = encoders.build(SMALL["encoder"], 64)(torch.from_numpy(pixels)).numpy()
    found = run_on(session(small(backend), root), pixels)
    assert found.shape == reference.shape == (1, 4, 320)
    assert decibels(reference, found) > 50


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "torch"])
def test_every_run_has_a_new_input(backend, root):
    pytest.importorskip(backend)
    running = session(small(backend), root)
    outputs = []
    for _ in range(2):
        running.renew_input()
        running.run()
        outputs.append(running.output().copy())
    assert not np.array_equal(outputs[0], outputs[1])
    running.close()


def test_openvino_runs_the_precision_it_was_asked_for_and_says_so(root):
    pytest.importorskip("openvino")
    for precision, read_back in (("fp32", "f32"), ("bf16", "bf16")):
        if precision == "bf16" and not HAS_BF16:
            continue
        facts = session(small("openvino", precision, threads=1), root).facts
        assert facts["precision_read_back"] == read_back
        assert facts["threads"] == 1


def test_openvino_refuses_to_run_in_another_precision_than_was_asked(root, monkeypatch):
    pytest.importorskip("openvino")
    from paretobench.backends.openvino_compile import import_openvino

    openvino = import_openvino()
    honest = openvino.CompiledModel.get_property

    def of_another_processor(compiled, name):
        asked = name == "INFERENCE_PRECISION_HINT"
        return openvino.Type.f16 if asked else honest(compiled, name)

    monkeypatch.setattr(openvino.CompiledModel, "get_property", of_another_processor)
    with pytest.raises(UnsupportedError, match="asked openvino for f32, it would run f16"):
        session(small("openvino"), root)


def test_a_cell_with_a_prepared_graph_imports_no_training_framework(root):
    pytest.importorskip("openvino")
    prepared = get("openvino").prepare(small("openvino"), root)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from paretobench.backends import get\n"
        "from paretobench.domain import Runtime, Workload\n"
        f"workload = Workload('encode', 'small', {SMALL!r}, Runtime('openvino', 'fp32'))\n"
        "backend = get('openvino')\n"
        f"prepared = backend.prepare(workload, Path({str(root)!r}))\n"
        "running = backend.load(workload, prepared)\n"
        "running.run()\n"
        "heavy = {'torch', 'timm', 'openvino_telemetry.main'}\n"
        "print(prepared.path, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{prepared.path} []"


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_graph_made_elsewhere_is_used_where_it_cannot_be_made(backend, tmp_path, monkeypatch):
    pytest.importorskip(backend)
    found = get(backend)
    made = found.prepare(small(backend), tmp_path)
    version_of = hardware.version_of
    monkeypatch.setattr(hardware, "is_installed", lambda module: False)
    monkeypatch.setattr(
        hardware, "version_of", lambda name: "" if name in ("torch", "timm") else version_of(name)
    )
    assert found.prepare(small(backend), tmp_path).path == made.path
    with pytest.raises(BackendMissingError, match=r"pip install '.*\[cpu\]'"):
        found.prepare(small(backend), tmp_path / "empty")


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (small("openvino", "int8"), "openvino encodes in fp32, bf16, fp16 here, not int8"),
        (small("openvino", device="gpu"), "on device=cpu here, not gpu"),
        (small("onnxruntime", "bf16"), "onnxruntime runs fp32 here, not bf16"),
        (small("onnxruntime", device="mps"), "on device=cpu or cuda here, not mps"),
        (small("torch", "int4"), "torch runs fp32, bf16, fp16 here, not int4"),
        (small("torch", device="tpu"), "cpu, cuda or mps, not tpu"),
        (small("mlx"), "mlx times prefill and decode"),
        (Workload("end_to_end", "p", {}, Runtime("openvino", "fp32")), "openvino times encode"),
        (Workload("prefill", "p", {}, Runtime("onnxruntime", "fp32")), "onnxruntime encodes only"),
        (Workload("end_to_end", "e", {}, Runtime("mlx", "fp32")), "mlx times prefill and decode"),
        (Workload("prefill", "p", {}, Runtime("mlx", "fp8")), "not fp8"),
        (
            Workload("prefill", "p", {}, Runtime("mlx", "fp32", {"prefill_mode": "slow"})),
            "prefill_mode=forward or cache_prompt, not slow",
        ),
    ],
)
def test_what_a_backend_cannot_run_is_refused_with_the_reason(workload, reason):
    assert reason in (get(workload.runtime.backend).refuses(workload) or "")


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_bf16_is_refused_where_it_would_be_emulated(backend, monkeypatch):
    plain = hardware.Hardware("Linux", "x86_64", has_fast_bf16=False, has_cuda=False)
    monkeypatch.setattr(hardware, "detect", lambda: plain)
    assert "no bf16 instructions" in (get(backend).refuses(small(backend, "bf16")) or "")


def test_a_graph_must_be_prepared():
    for name in ("openvino", "onnxruntime"):
        with pytest.raises(UnsupportedError, match="needs a prepared graph"):
            get(name).load(small(name), PreparedArtifact())


def test_a_missing_runtime_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(hardware, "version_of", lambda distribution: "")
    for name in ("openvino", "onnxruntime", "torch", "mlx"):
        state = get(name).available()
        assert not state.is_available
        assert re.search(r"pip install '.*\[(cpu|apple)\]'", state.reason)


def test_memory_that_runs_out_is_one_error_whoever_reports_it():
    from paretobench.backends.inputs import memory_failures

    for error in (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate"),
        MemoryError(),
    ):
        with (
            pytest.raises(OutOfMemoryError, match="ViT does not fit in memory"),
            memory_failures("ViT"),
        ):
            raise error
    with pytest.raises(RuntimeError, match="shape mismatch"), memory_failures("ViT"):
        raise RuntimeError("shape mismatch")


def test_values_that_are_not_finite_are_refused_with_what_to_do():
    from paretobench.backends.inputs import check_finite

    check_finite(np.ones(3), "fine")
    with pytest.raises(InvalidSamplesError, match=r"not finite.*precision=fp32"):
        check_finite(np.array([1.0, np.inf]), "broken")
