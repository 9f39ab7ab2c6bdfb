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
_EXTRA = {"coreml": "apple"}

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
    encoders = _ranked_by_model("encode", request["encode"], machine, timings)
    llms = _ranked_by_model("prefill", request["prefill"], machine, timings)
    encode, why_encode = _choose(request, "encode", machine, encoders, timings)
    prefill, why_prefill = _choose(request, "prefill", machine, llms, timings)
    return Device(
        request["name"],
        encode,
        prefill,
        "; ".join(sentence for sentence in (why_encode, why_prefill) if sentence),
        request.get("executor", "local"),
        _fallbacks(request["prefill"], prefill, machine),
        encoders,
        llms,
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
        models = _open_models(request[half])
        for name, able in _able_by_model(half, request[half], machine).items():
            family = probes.family_of(half, models[name]["spec"])
            probed = [probes.workload(half, family, runtime) for runtime in able]
            found |= {one.key: one for one in probed} if len(probed) > 1 else {}
    return list(found.values())


def order(half: Half, machine: Hardware) -> tuple[str, ...]:
    """The runtimes for one half on such a machine, fastest first; see the module."""
    if machine.is_apple_silicon:
        return ("coreml", "torch") if half == "encode" else ("mlx", "torch")
    if _has_usable_cuda(machine):
        return ("torch",)
    if half == "prefill":
        quantised = ("llamacpp", "openvino")
        return ("torch", *quantised, "mlx") if machine.has_fast_bf16 else (
            "llamacpp", "torch", "openvino", "mlx")  # fmt: skip
    if machine.has_fast_bf16:
        return ("openvino", "torch", "onnxruntime")
    return ("openvino", "onnxruntime", "torch")


def _choose(
    request: Mapping[str, Any],
    half: Half,
    machine: Hardware,
    ranked: Mapping[str, tuple[Runtime, ...]],
    timings: Timings,
) -> tuple[Runtime, str]:
    """A half's runtime, and why: of several for different models, the one that most have."""
    requested = request[half]
    if numbers := _why_ranked(half, requested, machine, ranked, timings):
        firsts = [runtimes[0] for runtimes in ranked.values()]
        runtime = max(firsts, key=firsts.count)
        return runtime, f"{half}, probes timed on {timings.where}: {numbers}"
    if alone := _alone(half, requested, machine, ranked):
        return alone, f"{alone} {half}s: of those installed it alone can run these models"
    name, precision = requested.get("backend", "auto"), requested.get("precision", "auto")
    options = dict(requested.get("options") or {})
    why = ""
    if name == "auto":
        name = _installed(half, machine, requested)[0]
        why = _why_listed(half, machine, requested)
    else:
        _require(name, _profile(request, name), options, machine)
    _set_device(name, options, machine)
    if precision == "auto":
        precision, reason = _precision(name, options, machine)
        why = f"{why}, in {precision} because {reason}" if why else ""
    runtime = Runtime(name, precision, options)
    return runtime, f"{name} {half}s: {why}" if why else ""


def _alone(
    half: Half,
    requested: Mapping[str, Any],
    machine: Hardware,
    ranked: Mapping[str, tuple[Runtime, ...]],
) -> Runtime | None:
    """The one runtime that can run any of the models, where several are installed; else None."""
    able = [runtime for runtimes in ranked.values() for runtime in runtimes]
    if not able or any(runtime != able[0] for runtime in able):
        return None
    return able[0] if len(_installed(half, machine, requested)) > 1 else None


ABLE = {"runs_network": ("torch", "mlx"), "decodes": ("torch", "mlx", "llamacpp")}
"""Runtimes that can share weights between layers and time a checkpoint's own, and that decode."""


def _listed(half: Half, machine: Hardware, requested: Mapping[str, Any]) -> tuple[str, ...]:
    """The order of the list, without runtimes that cannot do what is asked for."""
    names = order(half, machine)
    for wanted, able_names in ABLE.items():
        if requested.get(wanted):
            names = tuple(name for name in names if name in able_names)
    if precisions := requested.get("precisions", ()):
        able = [name for name in names if all(_has(name, half, each) for each in precisions)]
        names = tuple(able) or names
    return names


def _installed(half: Half, machine: Hardware, requested: Mapping[str, Any]) -> list[str]:
    """The installed runtimes of the list, in its order.

    Raises:
        BackendMissingError: if there is none.
    """
    names = _listed(half, machine, requested)
    installed = [name for name in names if backends.get(name).available().is_available]
    if not installed:
        raise BackendMissingError(
            f"nothing that can {half} is installed (looked for {', '.join(names)}); "
            f"{_pip(names[0], machine)}"
        )
    return installed


def _why_listed(half: Half, machine: Hardware, requested: Mapping[str, Any]) -> str:
    names = _listed(half, machine, requested)
    if len(names) == 1:
        return "the runtime for this GPU"
    installed = _installed(half, machine, requested)
    missing = [name for name in names if name not in installed]
    rest = f" ({', '.join(missing)} not installed)" if missing else ""
    return f"the first installed in the list {', '.join(names)}{rest}"


def _open_models(requested: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The models whose runtime is left open, by name."""
    if requested.get("backend", "auto") != "auto":
        return {}
    models: Mapping[str, Mapping[str, Any]] = requested.get("models", {})
    return models


def _able(
    half: Half,
    requested: Mapping[str, Any],
    model: Mapping[str, Any],
    names: Sequence[str],
    machine: Hardware,
) -> list[Runtime]:
    """Of some backends, those that can run a model, in their order, each in the model's precision,
    else the half's, else the one that `auto` takes there."""
    found = []
    for name in names:
        options = dict(requested.get("options") or {})
        _set_device(name, options, machine)
        precision = model["precision"] or requested.get("precision", "auto")
        if precision == "auto":
            precision, _ = _precision(name, options, machine)
        runtime = Runtime(name, precision, options)
        if backends.refusal(probes.example(half, model["spec"], runtime)) is None:
            found.append(runtime)
    return found


def _able_by_model(
    half: Half, requested: Mapping[str, Any], machine: Hardware
) -> dict[str, list[Runtime]]:
    """For each model whose runtime is open, the installed runtimes that can run it."""
    models = _open_models(requested)
    if not models:
        return {}
    names = _installed(half, machine, {**requested, "precisions": ()})
    able = {name: _able(half, requested, model, names, machine) for name, model in models.items()}
    return {name: runtimes for name, runtimes in able.items() if runtimes}


TIE = 0.03
"""Probes within this of the fastest count as equal, and the list's order decides: what two
processes of one probe differ by."""


def _ranked_by_model(
    half: Half, requested: Mapping[str, Any], machine: Hardware, timings: Timings
) -> dict[str, tuple[Runtime, ...]]:
    """The runtimes of each model whose runtime is open, the fastest first."""
    models = _open_models(requested)
    return {
        name: tuple(_ranked(half, probes.family_of(half, models[name]["spec"]), able, timings))
        for name, able in _able_by_model(half, requested, machine).items()
    }


def _ranked(
    half: Half, family: str, runtimes: Sequence[Runtime], timings: Timings
) -> list[Runtime]:
    """By their probes' seconds where all were tried; else in the given order."""
    keys = [probes.workload(half, family, runtime).key for runtime in runtimes]
    if any(key not in timings.seconds for key in keys):
        return list(runtimes)
    seconds = [timings.seconds[key] for key in keys]
    known = [one for one in seconds if one is not None]
    limit = min(known, default=0.0) * (1.0 + TIE)
    rank = [math.inf if one is None else 0.0 if one <= limit else one for one in seconds]
    return [runtimes[i] for i in sorted(range(len(runtimes)), key=lambda i: rank[i])]


def _why_ranked(
    half: Half,
    requested: Mapping[str, Any],
    machine: Hardware,
    ranked: Mapping[str, tuple[Runtime, ...]],
    timings: Timings,
) -> str:
    """The numbers by which runtimes were ranked, family by family; empty where none were timed."""
    models = _open_models(requested)
    shown: list[str] = []
    for name, runtimes in ranked.items():
        family = probes.family_of(half, models[name]["spec"])
        keys = [probes.workload(half, family, runtime).key for runtime in runtimes]
        if len(keys) > 1 and all(key in timings.seconds for key in keys):
            pairs = zip(runtimes, keys, strict=True)
            times = (_timed(runtime, timings.seconds[key]) for runtime, key in pairs)
            shown.append(f"{family}: {', '.join(times)}")
    return "; ".join(dict.fromkeys(shown))


def _timed(runtime: Runtime, seconds: float | None) -> str:
    return f"{runtime} cannot" if seconds is None else f"{runtime} {milliseconds(seconds)} ms"


def _has(name: str, half: Half, precision: str) -> bool:
    """Whether a runtime can run one half in a precision, as far as it is known beforehand."""
    example = probes.workload(half, "ViT", Runtime(name, precision))
    return backends.get(name).refuses(example) is None


FALLBACKS = ("fp16", "int8", "int4")
"""Weights that llama.cpp takes where others need too much memory, widest first."""


def _fallbacks(
    requested: Mapping[str, Any], chosen: Runtime, machine: Hardware
) -> tuple[Runtime, ...]:
    """What prefills a language model that does not fit, where the user chose nothing."""
    is_open = (
        requested.get("backend", "auto") == "auto" and requested.get("precision", "auto") == "auto"
    )
    is_here = backends.get("llamacpp").available().is_available
    is_open = is_open and not requested.get("runs_network")
    if not is_open or not is_here or chosen.options.get("device") != "cpu":
        return ()
    options = {**dict(requested.get("options") or {}), "device": "cpu"}
    return tuple(Runtime("llamacpp", precision, options) for precision in FALLBACKS)


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


def _profile(request: Mapping[str, Any], backend: str) -> str:
    """The profile that a message names: the request's own, or the Mac's that fits its encoder."""
    own = str(request["name"])
    if backend != "coreml" or own not in _OTHER_PROFILES:
        return own
    requested = request["encode"]
    precision = requested.get("precision", "auto")
    units = str((requested.get("options") or {}).get("compute_units", "cpu_and_ne"))
    return _MAC_PROFILES.get(("fp16" if precision == "auto" else precision, units), "apple")


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


def _precision(name: str, options: Mapping[str, Any], machine: Hardware) -> tuple[str, str]:
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


def precision_of(name: str) -> str:
    """The precision that `auto` takes for a runtime on this machine's processor."""
    return _precision(name, {"device": "cpu"}, hardware.detect())[0]


def _has_usable_cuda(machine: Hardware) -> bool:
    return machine.has_cuda and hardware.torch_was_built_for_cuda()


def _pip(name: str, machine: Hardware) -> str:
    extra = "apple" if machine.is_apple_silicon else "cuda" if machine.has_cuda else "cpu"
    return install_command(_EXTRA.get(name, extra))
