"""Which runtime encodes and which prefills: a device profile turned into a decision.

`auto` takes, for each model, the runtime on which the probe of its family (`probes`) was fastest on
this machine, of those that can run it in the precision asked for. Where nothing was timed
(`choose=listed`, a plan before the first sweep, another machine) the first installed runtime of an
order decides. The orders are those in which the runtimes finished when the same networks were run
on one machine (batch 1, 2 threads, a server processor with AVX512-BF16 and AMX; milliseconds):

    encoder      openvino bf16   torch bf16   openvino fp32   onnxruntime fp32   torch fp32
    FastViTHD@512          155          253             289                332          585
    ViT-L/14@336           517          881             900               1007         2209

    prefill: torch bf16 took a quarter to a third of the time of mlx fp32 on that processor;
    on two AVX2 cores without bf16 llama.cpp took 0.36 to 0.78 of torch fp32's, at half its memory.

On a GPU torch is the only runtime here; on Apple silicon Core ML and MLX are those of the FastVLM
paper. Nothing is timed there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from paretobench import backends
from paretobench.backends import hardware, probes
from paretobench.backends.coreml import convert_elsewhere
from paretobench.backends.hardware import Hardware
from paretobench.backends.probes import Half, Timings
from paretobench.domain import Device, Runtime, Workload
from paretobench.errors import BackendMissingError
from paretobench.installation import install_command
from paretobench.units import milliseconds

HALVES: tuple[Half, Half] = ("encode", "prefill")

_MAC_PROFILES = {
    ("fp16", "cpu_and_ne"): "apple",
    ("fp16", "all"): "apple_all",
    ("fp16", "cpu_and_gpu"): "apple_gpu",
    ("fp16", "cpu_only"): "apple_cpu",
    ("int8", "cpu_and_ne"): "apple_int8",
    ("int4", "cpu_and_ne"): "apple_int4",
}
"""Precision and compute units of an encoder in Core ML, and the bundled profile that has them."""

_OTHER_PROFILES = ("auto", "cpu", "cuda", "mlx_cpu", "torch")
"""Bundled profiles that are not for a Mac: with `device.encode.backend=coreml` on top of one of
them, its name alone would build something else."""


def choose_device(
    request: Mapping[str, Any], machine: Hardware | None = None, timings: Timings | None = None
) -> Device:
    """Decide what `auto` leaves open and check that the rest can run here.

    Args:
        request: `name`, `encode`, `prefill`, `executor`, as in `sweeps/device/`; each half
            with `backend`, `precision`, `options`, `precisions` where a grid names some,
            `models` (by name, `spec` and `precision`) where a grid is known, `runs_network`
            where weights are shared or a checkpoint's, and `decodes` where tokens are decoded.
        machine: what to decide for; this machine if None.
        timings: of probes here; where they are missing the listed order decides.

    Raises:
        BackendMissingError: if a runtime is not installed or not for this machine; nothing
            has been built then.
        UnknownNameError: if there is no such backend.
    """
    machine, timings = machine or hardware.detect(), timings or Timings()
    encoder = _Choice("encode", request, machine, timings)
    llm = _Choice("prefill", request, machine, timings)
    encode, why_encode = encoder.choose()
    prefill, why_prefill = llm.choose()
    return Device(
        request["name"],
        encode,
        prefill,
        "; ".join(sentence for sentence in (why_encode, why_prefill) if sentence),
        request.get("executor", "local"),
        llm.fallbacks(prefill),
        encoder.ranked,
        llm.ranked,
    )


def wanted_probes(request: Mapping[str, Any], machine: Hardware | None = None) -> list[Workload]:
    """The probes by which the runtimes of a request's models are ranked; none where one runtime
    alone can run them, where they were named, and on a GPU or a Mac, which have a runtime each.

    Args:
        request, machine: as for `choose_device`.
    """
    machine = machine or hardware.detect()
    if machine.is_apple_silicon or _has_usable_cuda(machine):
        return []
    found: dict[str, Workload] = {}
    for half in HALVES:
        choice = _Choice(half, request, machine, Timings())
        for name, able in choice.ranked.items():
            probed = [choice.probe(name, runtime) for runtime in able]
            found |= {one.key: one for one in probed} if len(probed) > 1 else {}
    return list(found.values())


def order(half: Half, machine: Hardware) -> tuple[str, ...]:
    """The runtimes for one half on such a machine, fastest first; see the module."""
    if machine.is_apple_silicon:
        return ("coreml", "torch") if half == "encode" else ("mlx", "torch")
    if _has_usable_cuda(machine):
        return ("torch",)
    if half == "prefill":
        first = ("torch", "llamacpp") if machine.has_fast_bf16 else ("llamacpp", "torch")
        return (*first, "openvino", "mlx")
    rest = ("torch", "onnxruntime") if machine.has_fast_bf16 else ("onnxruntime", "torch")
    return ("openvino", *rest)


ABLE = {"runs_network": ("torch", "mlx"), "decodes": ("torch", "mlx", "llamacpp")}
"""Runtimes that can share weights between layers and time a checkpoint's own, and that decode."""

TIE = 0.03
"""Probes within this of the fastest count as equal, and the list's order decides: what two
processes of one probe differ by."""

FALLBACKS = ("fp16", "int8", "int4")
"""Weights that llama.cpp takes where others need too much memory, widest first."""


class _Choice:
    """The choice of one half's runtime.

    Args:
        request, machine, timings: as for `choose_device`.

    Attributes:
        ranked: for each model whose runtime is open, the installed runtimes that can run it, the
            fastest first.

    Raises:
        BackendMissingError: if there are such models and nothing is installed.
    """

    def __init__(
        self, half: Half, request: Mapping[str, Any], machine: Hardware, timings: Timings
    ) -> None:
        self._half, self._request, self._machine, self._timings = half, request, machine, timings
        self._requested = requested = request[half]
        self._backend = requested.get("backend", "auto")
        self._precision = requested.get("precision", "auto")
        self._precisions: Sequence[str] = requested.get("precisions", ())
        self._options: Mapping[str, Any] = requested.get("options") or {}
        self._models = requested.get("models", {}) if self._backend == "auto" else {}
        able = self._able_by_model()
        self.ranked = {name: self._ranked(name, runtimes) for name, runtimes in able.items()}

    def choose(self) -> tuple[Runtime, str]:
        """The runtime, and why: of several for different models, the one that most have."""
        half, name, why = self._half, self._backend, ""
        if numbers := self._why_ranked():
            firsts = [runtimes[0] for runtimes in self.ranked.values()]
            runtime = max(firsts, key=firsts.count)
            return runtime, f"{half}, probes timed on {self._timings.where}: {numbers}"
        if alone := self._alone():
            return alone, f"{alone} {half}s: of those installed it alone can run these models"
        if name == "auto":
            name, why = self._installed(self._precisions)[0], self._why_listed()
        else:
            _require(name, self._profile(), self._options, self._machine)
        runtime, reason = self._runtime(name, self._precision)
        if why and reason:
            why = f"{why}, in {runtime.precision} because {reason}"
        return runtime, f"{name} {half}s: {why}" if why else ""

    def fallbacks(self, chosen: Runtime) -> tuple[Runtime, ...]:
        """What prefills a language model that does not fit, where the user chose nothing."""
        is_open = self._backend == "auto" and self._precision == "auto"
        is_open = is_open and not self._requested.get("runs_network")
        is_here = backends.get("llamacpp").available().is_available
        if not is_open or not is_here or chosen.options.get("device") != "cpu":
            return ()
        options = {**self._options, "device": "cpu"}
        return tuple(Runtime("llamacpp", precision, options) for precision in FALLBACKS)

    def probe(self, model: str, runtime: Runtime) -> Workload:
        """What stands for a model on a runtime."""
        return probes.workload(self._half, self._family(model), runtime)

    def _family(self, model: str) -> str:
        return probes.family_of(self._half, self._models[model]["spec"])

    def _alone(self) -> Runtime | None:
        """The one runtime that can run any of the models, where several are installed."""
        able = [runtime for runtimes in self.ranked.values() for runtime in runtimes]
        if not able or any(runtime != able[0] for runtime in able):
            return None
        return able[0] if len(self._installed(self._precisions)) > 1 else None

    def _listed(self, precisions: Sequence[str]) -> tuple[str, ...]:
        """The order of the list, without runtimes that cannot do what is asked for."""
        names = order(self._half, self._machine)
        for wanted, able_names in ABLE.items():
            if self._requested.get(wanted):
                names = tuple(name for name in names if name in able_names)
        able = tuple(name for name in names if all(self._has(name, each) for each in precisions))
        return able or names

    def _has(self, name: str, precision: str) -> bool:
        """Whether a runtime can run the half in a precision, as far as it is known beforehand."""
        example = probes.workload(self._half, "ViT", Runtime(name, precision))
        return backends.get(name).refuses(example) is None

    def _installed(self, precisions: Sequence[str]) -> list[str]:
        """The installed runtimes of the list, in its order.

        Raises:
            BackendMissingError: if there is none.
        """
        names = self._listed(precisions)
        installed = [name for name in names if backends.get(name).available().is_available]
        if not installed:
            machine = self._machine
            extra = "apple" if machine.is_apple_silicon else "cuda" if machine.has_cuda else "cpu"
            raise BackendMissingError(
                f"nothing that can {self._half} is installed (looked for {', '.join(names)}); "
                f"{install_command(extra)}"
            )
        return installed

    def _why_listed(self) -> str:
        names = self._listed(self._precisions)
        if len(names) == 1:
            return "the runtime for this GPU"
        installed = self._installed(self._precisions)
        missing = [name for name in names if name not in installed]
        rest = f" ({', '.join(missing)} not installed)" if missing else ""
        return f"the first installed in the list {', '.join(names)}{rest}"

    def _runtime(self, name: str, precision: str) -> tuple[Runtime, str]:
        """A backend with the request's options, and why it has its precision if `auto` takes it."""
        options, reason = dict(self._options), ""
        _set_device(name, options, self._machine)
        if precision == "auto":
            precision, reason = auto_precision(name, options, self._machine)
        return Runtime(name, precision, options), reason

    def _able_by_model(self) -> dict[str, list[Runtime]]:
        """The installed runtimes that can run each model, in the list's order, each in the model's
        precision, else the half's, else the one that `auto` takes there."""
        found: dict[str, list[Runtime]] = {}
        names = self._installed(()) if self._models else []
        for model, given in self._models.items():
            for name in names:
                runtime, _ = self._runtime(name, given["precision"] or self._precision)
                if backends.refusal(probes.example(self._half, given["spec"], runtime)) is None:
                    found.setdefault(model, []).append(runtime)
        return found

    def _seconds(self, model: str, runtimes: Sequence[Runtime]) -> list[float | None]:
        """What the probes for a model took on its runtimes; empty unless all were tried."""
        keys = [self.probe(model, runtime).key for runtime in runtimes]
        seconds = self._timings.seconds
        return [seconds[key] for key in keys] if all(key in seconds for key in keys) else []

    def _ranked(self, model: str, runtimes: Sequence[Runtime]) -> tuple[Runtime, ...]:
        """By their probes' seconds where all were tried; else in the given order."""
        seconds = self._seconds(model, runtimes)
        if not seconds:
            return tuple(runtimes)
        limit = min((one for one in seconds if one is not None), default=0.0) * (1.0 + TIE)
        rank = [math.inf if one is None else 0.0 if one <= limit else one for one in seconds]
        ordered = sorted(zip(rank, runtimes, strict=True), key=lambda pair: pair[0])
        return tuple(runtime for _, runtime in ordered)

    def _why_ranked(self) -> str:
        """The numbers by which runtimes were ranked, family by family; empty where none were."""
        shown: list[str] = []
        for model, runtimes in self.ranked.items():
            seconds = self._seconds(model, runtimes)
            if len(seconds) > 1:
                times = map(_timed, runtimes, seconds)
                shown.append(f"{self._family(model)}: {', '.join(times)}")
        return "; ".join(dict.fromkeys(shown))

    def _profile(self) -> str:
        """The profile that a message names: the request's, or the Mac's that fits its encoder."""
        own = str(self._request["name"])
        if self._backend != "coreml" or own not in _OTHER_PROFILES:
            return own
        requested = self._request["encode"]
        precision = requested.get("precision", "auto")
        units = str((requested.get("options") or {}).get("compute_units", "cpu_and_ne"))
        return _MAC_PROFILES.get(("fp16" if precision == "auto" else precision, units), "apple")


def _timed(runtime: Runtime, seconds: float | None) -> str:
    return f"{runtime} cannot" if seconds is None else f"{runtime} {milliseconds(seconds)} ms"


def _require(name: str, profile: str, options: Mapping[str, Any], machine: Hardware) -> None:
    """Refuse a runtime that was asked for by name and cannot run here."""
    state = backends.get(name).available()
    device = str(options.get("device", ""))
    if name == "coreml" and not machine.is_apple_silicon:
        raise BackendMissingError(
            f"device={profile} needs a Mac with Apple silicon, and this is {machine.system} "
            f"{machine.machine}: {convert_elsewhere(profile)}"
        )
    if device.startswith("cuda"):
        _require_cuda(profile, machine)
    if device in ("gpu", "mps") and not machine.is_apple_silicon:
        raise BackendMissingError(
            f"device={profile} asks for Apple's GPU, and this is {machine.system} "
            f"{machine.machine}; device=auto takes what this machine has"
        )
    if not state.is_available:
        raise BackendMissingError(f"device={profile} needs {name}: {state.reason}")


def _require_cuda(profile: str, machine: Hardware) -> None:
    if not machine.has_cuda:
        raise BackendMissingError(
            f"device={profile} needs an NVIDIA GPU with its driver, and none is loaded here; "
            "device=auto takes what this machine has"
        )
    if not hardware.torch_was_built_for_cuda():
        version = hardware.version_of("torch") or "that is not installed"
        raise BackendMissingError(
            f"device={profile} needs a torch with CUDA, not torch {version}: "
            f"{install_command('cuda')}"
        )


def _set_device(name: str, options: dict[str, Any], machine: Hardware) -> None:
    """Spell out where a runtime runs, so that equal choices have equal workload keys."""
    if name == "coreml" or "device" in options:
        return
    options["device"] = "cpu"
    if machine.is_apple_silicon and name in ("torch", "mlx"):
        options["device"] = "mps" if name == "torch" else "gpu"
    elif name == "torch" and _has_usable_cuda(machine):
        options["device"] = "cuda"


def auto_precision(name: str, options: Mapping[str, Any], machine: Hardware) -> tuple[str, str]:
    """The precision for `auto`, and why."""
    device = str(options.get("device", ""))
    if name == "coreml" or device in ("mps", "gpu"):
        return "fp16", "the FastVLM paper ran MLX so, and the Neural Engine knows no other"
    if device.startswith("cuda"):
        return "bf16", "tensor cores run it at twice the rate of fp32 or more"
    if name in ("openvino", "torch") and machine.has_fast_bf16:
        return "bf16", f"the processor has {machine.bf16_feature}"
    if name == "llamacpp":
        return "fp16", "that is the highest it has"
    if name in ("mlx", "onnxruntime"):
        return "fp32", f"{name} has fast kernels for nothing else on a CPU"
    return "fp32", "the processor has no bf16 instructions"


def _has_usable_cuda(machine: Hardware) -> bool:
    return machine.has_cuda and hardware.torch_was_built_for_cuda()
