"""How long a sweep will take: processes, what each costs besides its runs, artifacts, checks.

Only estimates, for the plan and for the time left; nothing here decides when the harness
stops. What this machine did before counts first; the constants stand in until there is
something. They were measured on two server cores with memory that is touched for the first
time at 0.5 GB/s (a virtual machine); a laptop loads faster, and its second sweep is estimated
from its first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from paretobench.domain import Workload, canonical_json
from paretobench.planning.cost import Cost, Machine, Rates

ADAPTIVE_CELLS = 8
"""Processes that a rule without a time budget takes: 20 over the 2.3 to 2.6 times that
stopping at 1 % saved in simulation."""

COLD_RUN = 1.7
"""The first run of a process over a later one: median of 40 workloads, measured."""

WARMUP_RUNS = 7
"""Runs until a process counts as warm, where the time limit does not come first: median of 40
workloads, measured; two windows of three are the least."""

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
"""How fast weights are made in memory that nobody has touched: 15.2 GB in 30 s, measured."""

EXPORT_S, EXPORT_PER_WEIGHT_S = 4.0, 1.2e-8
"""Exporting an encoder to a runtime's own format: a start, and its weights; measured."""

LLM_EXPORT_PER_WEIGHT_S = 4e-8
"""Exporting a language model to OpenVINO: built, converted, compressed and saved; 20 s for 0.5
billion weights, measured."""

WRITTEN_BYTES_PER_S = 0.25e9
"""How fast a language model's weights are made, written and hashed, once per machine."""


@dataclass(frozen=True)
class Effort:
    """How much one workload is repeated, for the estimate of wall time.

    The fields are those of the harness' plan; the defaults are its `standard` level.

    Attributes:
        min_cells, max_cells: fresh processes.
        budget_s: processes beyond `min_cells` must fit into this.
        budget_limit_s: processes beyond the first must fit into this.
        warmup_limit_s, slow_run_s, sample_s, share, sample_limit_s, min_samples,
            min_slow_samples: as in `measure.timing.SamplingPlan`.
    """

    min_cells: int = 2
    max_cells: int = 5
    budget_s: float = 20.0
    budget_limit_s: float = 30.0
    warmup_limit_s: float = 2.0
    slow_run_s: float = 2.0
    sample_s: float = 1.5
    share: float = 0.7
    sample_limit_s: float = 2.5
    min_samples: int = 5
    min_slow_samples: int = 2

    def cell_s(self, latency_s: float, overhead_s: float) -> float:
        """Seconds of one process.

        >>> Effort().cell_s(0.01, 2.0), Effort().cell_s(10.0, 30.0)
        (4.587, 67.0)
        """
        first_s = COLD_RUN * latency_s
        warmup_s = 0.0
        if first_s < self.slow_run_s:
            warmup_s = min(WARMUP_RUNS * latency_s, self.warmup_limit_s + latency_s)
        least = self.min_slow_samples if latency_s >= self.slow_run_s else self.min_samples
        target_s = self.share / (1.0 - self.share) * overhead_s - first_s - warmup_s
        target_s = min(max(target_s, self.sample_s), self.sample_limit_s)
        return round(overhead_s + first_s + warmup_s + max(target_s, least * latency_s), 9)

    def wall_s(self, cell_s: float) -> float:
        """Seconds of all processes of one workload.

        >>> effort = Effort(min_cells=2, budget_s=30, budget_limit_s=60)
        >>> effort.wall_s(10.0), effort.wall_s(25.0), effort.wall_s(50.0)
        (30.0, 50.0, 50.0)
        """
        if math.isinf(self.budget_s):
            return cell_s * min(self.max_cells, max(self.min_cells, ADAPTIVE_CELLS))
        least = self.min_cells if self.min_cells * cell_s <= self.budget_limit_s else 1
        return cell_s * max(least, min(self.max_cells, int(self.budget_s / cell_s)))


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
        is_prepared: whether a workload's artifact is there already.
    """

    rates: Rates
    effort: Effort
    is_prepared: Callable[[Workload], bool] = lambda _: True

    def workload(self, workload: Workload, cost: Cost) -> Expected:
        """All processes of a workload."""
        latency_s = self.rates.seconds(workload, cost)
        overhead_s = self.rates.overhead_s(workload)
        if overhead_s is None:
            overhead_s = loading_s(workload, cost, self.rates.machine)
        cell_s = self.effort.cell_s(latency_s, overhead_s)
        return Expected(latency_s, overhead_s, cell_s, self.effort.wall_s(cell_s))

    def end_to_end_s(self, encode: Expected, passes: int, prefill: Expected) -> float:
        """All processes of one point's check: both halves are loaded and run in each, at the
        level `standard` or below it."""
        overhead_s = encode.overhead_s + prefill.overhead_s
        latency_s = passes * encode.latency_s + prefill.latency_s
        effort = min(self.effort, Effort(), key=lambda one: one.max_cells)
        return effort.wall_s(effort.cell_s(latency_s, overhead_s))

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
                what = canonical_json([workload.artifact_subject, workload.runtime.spec()])
                made[what] = preparation_s(workload, cost, self.rates.machine)
        return sum(made.values())


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
        return EXPORT_S + cost.weights * LLM_EXPORT_PER_WEIGHT_S
    if workload.kind == "encode":
        return EXPORT_S + cost.weights * EXPORT_PER_WEIGHT_S
    return 0.0


def _is_mapped(cost: Cost, machine: Machine) -> bool:
    return cost.weights_bytes <= MAPPED_SHARE * machine.memory_bytes
