"""How long a sweep will take: processes, what each costs besides its runs, artifacts, checks.

Only estimates, for the plan and for the time left; nothing here decides when the harness
stops. What this machine did before counts first; the constants are used until there is
something. They were measured on two server cores with memory that is touched for the first
time at 0.5 GB/s (a virtual machine); a laptop loads faster, and its second sweep is estimated
from its first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from paretobench.domain import Workload, canonical_json
from paretobench.planning.cost import Cost, Machine, Rates
from paretobench.planning.stopping import CellPlan, cell_plan, check_fidelity

SWEEP_S = 12.0
"""A sweep besides its processes: the machine's fingerprint, the report."""


@dataclass(frozen=True)
class Loading:
    """What a process of a backend costs before its first run.

    Attributes:
        startup_s: interpreter, framework, both canaries and the pause between them.
        per_weight_s: compiling or copying, per weight.
    """

    startup_s: float
    per_weight_s: float


LOADING: Mapping[str, Loading] = {
    "openvino": Loading(1.9, 4.5e-9),
    "onnxruntime": Loading(1.9, 4.5e-9),
    "llamacpp": Loading(1.9, 2e-10),
    "torch": Loading(5.0, 0.0),
    "mlx": Loading(4.0, 2e-9),
    "coreml": Loading(4.0, 4.5e-9),
}
"""By backend. torch maps prepared weights into memory, which is free, up to `MAPPED_SHARE`."""

OTHER_LOADING = Loading(4.0, 4.5e-9)

MAPPED_SHARE = 0.25
"""Share of memory up to which torch's weights are mapped from a file; larger ones are made in
each process (see `backends.models.weights`)."""

MADE_BYTES_PER_S = 0.5e9
"""How fast weights are made in memory that was not used before: 15.2 GB in 30 s, measured."""

EXPORT_S, EXPORT_PER_WEIGHT_S = 4.0, 1.2e-8
"""Exporting an encoder to a runtime's own format: a start, and its weights; measured."""

LLM_EXPORT_PER_WEIGHT_S = {"int8": 4e-8, "int4": 4e-8}
LLM_EXPORT_WIDE_PER_WEIGHT_S = 2.5e-8
"""Exporting a language model to OpenVINO: built, converted, saved, and compressed by nncf where its
weights are in 8 or 4 bits. Two cores of an AMD EPYC beside other programs, seconds for 0.5 and 1.5
billion weights: 20 and 38 in bf16, 32 and 66 in int4."""

WRITTEN_BYTES_PER_S = 0.25e9
"""How fast a language model's weights are made, written and hashed, once per machine."""


@dataclass(frozen=True)
class Expected:
    """What one workload is expected to take: a run, all before the first run, its processes."""

    latency_s: float
    overhead_s: float
    cell_s: float
    wall_s: float


@dataclass(frozen=True)
class Estimator:
    """Expected times on one machine.

    Attributes:
        rule: how much each workload is repeated.
        is_prepared: whether a workload's artifact is there already.
    """

    rates: Rates
    rule: CellPlan
    is_prepared: Callable[[Workload], bool] = lambda _: True

    def workload(self, workload: Workload, cost: Cost, is_cheapest: bool = False) -> Expected:
        """All processes of a workload; `is_cheapest` as in `stopping.CellPlan.decide`."""
        latency_s = self.rates.seconds(workload, cost)
        overhead_s = self.rates.overhead_s(workload)
        if overhead_s is None:
            overhead_s = loading_s(workload, cost, self.rates.machine)
        cell_s = self.rule.sampling.expected_s(latency_s, overhead_s)
        wall_s = self.rule.expected_s(cell_s, is_cheapest)
        return Expected(latency_s, overhead_s, cell_s, wall_s)

    def end_to_end_s(self, encode: Expected, passes: int, prefill: Expected) -> float:
        """All processes of one point's check, each loading and running both halves, and those of
        the parts in the same rounds."""
        overhead_s = encode.overhead_s + prefill.overhead_s
        latency_s = passes * encode.latency_s + prefill.latency_s
        rule = cell_plan(check_fidelity(self.rule.fidelity))
        cell_s = rule.sampling.expected_s(latency_s, overhead_s)
        rounds = rule.expected_cells([], 0.0, cell_s)
        parts_s = (rule.sampling.expected_s(p.latency_s, p.overhead_s) for p in (encode, prefill))
        return rounds * (cell_s + sum(parts_s))

    def besides_s(
        self,
        pending: Iterable[tuple[Workload, Cost]],
        points: Sequence[tuple[Expected, int, Expected]],
        checks: int,
    ) -> float:
        """What a sweep takes besides its workloads' processes.

        Args:
            pending: what has to be measured.
            points: encode, passes and prefill of each.
            checks: how many of the points are measured end to end. Which ones is known only
                from the measurements, so these are average ones.
        """
        each = [self.end_to_end_s(*point) for point in points]
        checking_s = min(checks, len(each)) * sum(each) / len(each) if each else 0.0
        return SWEEP_S + self._making_s(pending) + checking_s

    def _making_s(self, pending: Iterable[tuple[Workload, Cost]]) -> float:
        """Artifacts: one per encoder and size; a language model's serves all its lengths."""
        made: dict[str, float] = {}
        for workload, cost in pending:
            if not self.is_prepared(workload):
                made[artifact_name(workload)] = preparation_s(workload, cost, self.rates.machine)
        return sum(made.values())


def artifact_name(workload: Workload) -> str:
    """What two workloads share that are served by the same artifact."""
    return canonical_json([workload.artifact_subject, workload.runtime.spec()])


def loading_s(workload: Workload, cost: Cost, machine: Machine) -> float:
    """Seconds of a process before its first run, where nothing is known from before."""
    backend = workload.runtime.backend
    known = LOADING.get(backend, OTHER_LOADING)
    made_s = 0.0
    if backend == "torch" and not _is_mapped(cost, machine):
        made_s = cost.weights_bytes / MADE_BYTES_PER_S
    return known.startup_s + cost.weights * known.per_weight_s + made_s


def preparation_s(workload: Workload, cost: Cost, machine: Machine) -> float:
    """Seconds of making a workload's artifact, once per machine; nothing if it needs none."""
    if workload.runtime.backend == "torch":
        if not _is_mapped(cost, machine):
            return 0.0
        return cost.weights_bytes / WRITTEN_BYTES_PER_S
    if workload.runtime.backend == "llamacpp":
        return cost.weights_bytes / WRITTEN_BYTES_PER_S
    if workload.runtime.backend == "openvino" and workload.kind == "prefill":
        precision = workload.runtime.precision
        rate_s = LLM_EXPORT_PER_WEIGHT_S.get(precision, LLM_EXPORT_WIDE_PER_WEIGHT_S)
        return EXPORT_S + cost.weights * rate_s
    if workload.kind == "encode":
        return EXPORT_S + cost.weights * EXPORT_PER_WEIGHT_S
    return 0.0


def _is_mapped(cost: Cost, machine: Machine) -> bool:
    return cost.weights_bytes <= MAPPED_SHARE * machine.memory_bytes
