"""Does latency depend on what the weights are? Random against trained-like, for each runtime.

    python benchmarks/weights.py [--encoder fastvithd@512] [--rounds 60] [--runtimes torch openvino]

The tool times models with random weights, on the premise that a dense network takes as long
whatever its numbers are. Here one network is timed with five sets of weights in turn, in mirrored
rounds: random ones, and the same with a spectrum that falls as that of trained layers does, with a
few output channels 50 times larger, with a third of them zero, and with denormal numbers. The
counter-example is a mixture of experts, where the router's weights decide which experts run: there
the premise is false, and the paired ratio shows it.

Exit status 1 if a dense network's ratio to random weights is more than 3 % off for sure (by its
95 % interval), or the router's is not.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from paretobench.analysis.stats import estimate
from paretobench.backends.models import encoders
from paretobench.backends.onnxruntime import OPSET
from paretobench.config import load_catalogue

ALLOWED = 0.03
"""Largest ratio to random weights, less one, that counts as none."""

EXPERTS, WIDTH, TOKENS = 16, 512, 256
"""The mixture of experts: each token runs one of these."""

Run = Callable[[], Any]


def spectrum(weight: torch.Tensor) -> torch.Tensor:
    """The same norm with singular values that fall as 1 / k."""
    flat = weight.reshape(weight.shape[0], -1).float()
    u, s, v = torch.linalg.svd(flat, full_matrices=False)
    falling = 1.0 / torch.arange(1, len(s) + 1)
    falling *= s.norm() / falling.norm()
    return ((u * falling) @ v).reshape(weight.shape)


def outliers(weight: torch.Tensor) -> torch.Tensor:
    """One output channel in a hundred 50 times larger, as in large language models."""
    changed = weight.clone()
    changed[::100] *= 50.0
    return changed


def zeros(weight: torch.Tensor) -> torch.Tensor:
    """A third of the weights zero."""
    return weight * (torch.rand_like(weight) > 1 / 3)


def denormals(weight: torch.Tensor) -> torch.Tensor:
    """One weight in ten below the smallest normal number."""
    return torch.where(torch.rand_like(weight) < 0.1, torch.full_like(weight, 1e-40), weight)


CHANGES: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "random": lambda weight: weight,
    "falling spectrum": spectrum,
    "outlier channels": outliers,
    "a third zero": zeros,
    "denormals": denormals,
}


def network(encoder: str, change: Callable[[torch.Tensor], torch.Tensor]) -> tuple[nn.Module, int]:
    """The encoder with its matrices changed, and its side in pixels."""
    name, _, px = encoder.partition("@")
    torch.manual_seed(0)
    built = encoders.build(load_catalogue().encoders[name].spec(), int(px))
    with torch.no_grad():
        for weight in built.parameters():
            if weight.ndim >= 2:
                weight.copy_(change(weight.detach()))
    return built, int(px)


def torch_run(model: nn.Module, px: int) -> Run:
    """One eager run."""
    pixels = torch.randn(1, 3, px, px)

    def run() -> Any:
        with torch.inference_mode():
            return model(pixels)

    return run


def openvino_run(model: nn.Module, px: int) -> Run:
    """One run of the converted graph."""
    import openvino

    pixels = torch.randn(1, 3, px, px)
    graph = openvino.convert_model(model, example_input=pixels)
    compiled = openvino.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request, given = compiled.create_infer_request(), pixels.numpy()
    return lambda: request.infer([given])


def onnxruntime_run(model: nn.Module, px: int) -> Run:
    """One run of the exported graph."""
    import onnxruntime

    pixels = torch.randn(1, 3, px, px)
    program = torch.onnx.export(
        model, (pixels,), dynamo=True, opset_version=OPSET, input_names=["pixels"], verbose=False
    )
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        program.save(f"{folder}/encoder.onnx", external_data=True)
        session = onnxruntime.InferenceSession(
            f"{folder}/encoder.onnx", providers=["CPUExecutionProvider"]
        )
    given = {"pixels": pixels.numpy()}
    return lambda: session.run(None, given)


RUNTIMES: Mapping[str, Callable[[nn.Module, int], Run]] = {
    "torch": torch_run,
    "openvino": openvino_run,
    "onnxruntime": onnxruntime_run,
}


def experts_run(skew: float) -> Run:
    """A mixture of experts whose router prefers the first by `skew`; each token runs one."""
    torch.manual_seed(0)
    router = torch.randn(WIDTH, EXPERTS)
    first = torch.randn(EXPERTS, WIDTH, 4 * WIDTH) * 0.02
    second = torch.randn(EXPERTS, 4 * WIDTH, WIDTH) * 0.02
    tokens = torch.randn(TOKENS, WIDTH)

    def run() -> Any:
        with torch.inference_mode():
            scores = tokens @ router
            scores[:, 0] += skew
            chosen = scores.argmax(dim=1)
            out = torch.empty_like(tokens)
            for expert in chosen.unique().tolist():
                mine = chosen == expert
                out[mine] = torch.relu(tokens[mine] @ first[expert]) @ second[expert]
            return out

    return run


def ratios(runs: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Seconds of each by round, in an order that the next round mirrors."""
    names = list(runs)
    for run in runs.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in names}
    for index in range(rounds):
        for name in names if index % 2 == 0 else names[::-1]:
            samples = []
            for _ in range(3):
                start = time.perf_counter()
                runs[name]()
                samples.append(time.perf_counter() - start)
            found[name].append(float(np.median(samples)))
    return found


def report(title: str, found: Mapping[str, list[float]], base: str) -> dict[str, float]:
    """Print each paired ratio to the base; returns those that are off for sure."""
    print(title)
    off = {}
    for name, seconds in found.items():
        if name == base:
            continue
        ratio = estimate([a / b for a, b in zip(seconds, found[base], strict=True)])
        assert ratio.low is not None and ratio.high is not None, "one round has no interval"
        if ratio.low > 1 + ALLOWED or ratio.high < 1 - ALLOWED:
            off[name] = ratio.value
        print(f"  {name:20} {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]", flush=True)
    return off


def main() -> int:
    """Print every ratio; returns 1 if the premise does not hold, or the counter-example does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", default="fastvithd@512")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--runtimes", nargs="+", choices=RUNTIMES, default=list(RUNTIMES))
    given = parser.parse_args()
    failed = []
    for runtime in given.runtimes:
        runs = {
            name: RUNTIMES[runtime](*network(given.encoder, change))
            for name, change in CHANGES.items()
        }
        off = report(f"{given.encoder}, {runtime} fp32", ratios(runs, given.rounds), "random")
        failed += [f"{runtime}, {name}: {ratio:.3f}" for name, ratio in off.items()]
    routed = {"even": experts_run(0.0), "all to one expert": experts_run(1e6)}
    if not report("mixture of experts, torch fp32", ratios(routed, given.rounds), "even"):
        failed.append("routing made no difference")
    for text in failed:
        print(f"does not hold: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
