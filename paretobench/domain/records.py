"""What is known about points and workloads: cells, measurements, scores, sources, failures.

These are the rows of the store as frozen values. Everything is in seconds, bytes and
fractions. Statistics over them live in `analysis`, their SQL in `store`.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from paretobench.domain import content_key
from paretobench.domain.contention import Contention

Fidelity = Literal["quick", "standard", "rigorous", "audit"]
SourceKind = Literal["measured", "published", "digitised", "imported"]
CellStatus = Literal["ok", "unjudged", "suspect", "disturbed"]
FailureKind = Literal["unsupported", "out_of_memory", "timed_out", "crashed", "invalid"]
Provenance = Literal["printed", "derived", "digitised"]


def now() -> str:
    """The time as records have it: ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Environment:
    """What makes two latencies comparable.

    `identity` is hashed into the fingerprint: it holds what stays put between two runs on an
    unchanged machine (chip, cores, memory, OS build, governor, package versions, allocator
    settings, power source). `observed` holds what is worth knowing but moves by itself
    (measured GFLOP/s, free memory, load, clock).
    """

    identity: Mapping[str, Any]
    observed: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The fingerprint: SHA-256 of `identity`."""
        return content_key(dict(self.identity))

    @property
    def label(self) -> str:
        """Chip and operating system, for titles and footers."""
        chip, system = self.identity.get("chip", "unknown chip"), self.identity.get("os", "")
        return f"{chip}, {system}" if system else str(chip)


@dataclass(frozen=True)
class Cell:
    """One fresh process that timed one workload: the unit of repetition.

    Attributes:
        key: unique; the content key of everything below, so an import cannot double it.
        workload_key, environment_key: what was timed, where.
        started_at: ISO 8601 in UTC.
        round_index: which randomised round of its sweep it belonged to.
        load_s: from the start of loading to a session that can run (no compile or conversion).
        first_run_s: the cold first run.
        warmup_s: discarded runs, in order.
        samples_s: kept runs, in order, every one of them.
        canary_before_s, canary_after_s: the fixed kernel before and after; None if not run.
        wall_s: the whole process, from spawn to exit.
        peak_memory_bytes: high-water mark of the process.
        energy_j: energy per run where the machine measures it, else None.
        status: `ok`; `unjudged` if this machine's canaries scatter too much to judge by;
            `suspect` if the canary moved or the samples contradict one another (kept, and repeated
            once); `disturbed` if other programs left too few samples that count.
        facts: what the session reported: precision actually used, threads, BLAS, weights.
        contention: what other programs did meanwhile; None in cells from before it was read.
    """

    workload_key: str
    environment_key: str
    started_at: str
    fidelity: Fidelity
    round_index: int
    load_s: float
    first_run_s: float
    warmup_s: tuple[float, ...]
    samples_s: tuple[float, ...]
    canary_before_s: float | None
    canary_after_s: float | None
    wall_s: float
    peak_memory_bytes: int | None
    energy_j: float | None = None
    status: CellStatus = "ok"
    sweep_key: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    contention: Contention | None = None

    @property
    def phase(self) -> str | None:
        """What a sweep's question started it for; None where nothing was asked."""
        return self.facts.get("phase")

    @property
    def counted_s(self) -> tuple[float, ...]:
        """The samples that count; all of them if every one was disturbed."""
        if self.contention is None:
            return self.samples_s
        return self.contention.counted(self.samples_s) or self.samples_s

    @property
    def median_s(self) -> float | None:
        """Median of the samples that count; None if there are none."""
        counted = self.counted_s
        return statistics.median(counted) if counted else None

    @property
    def work_s(self) -> float:
        """Seconds in the first run, the warm-up and the samples."""
        return self.first_run_s + sum(self.warmup_s) + sum(self.samples_s)

    @property
    def overhead_s(self) -> float:
        """Seconds of everything else: starting, loading, new inputs, canaries, ending."""
        return self.wall_s - self.work_s

    @cached_property
    def key(self) -> str:
        """Content key of the cell."""
        return content_key(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON; the spool file's and the bundle's form.

        Contention is left out where there is none, so that older cells keep their keys.
        """
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.contention is None:
            del data["contention"]
        else:
            data["contention"] = self.contention.to_json()
        # A whole number of seconds must hash as the store gives it back: as a float.
        seconds = ("load_s", "first_run_s", "canary_before_s", "canary_after_s", "wall_s")
        for name in (*seconds, "energy_j"):
            data[name] = None if data[name] is None else float(data[name])
        return data | {
            "warmup_s": [float(run) for run in self.warmup_s],
            "samples_s": [float(run) for run in self.samples_s],
            "facts": dict(self.facts),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Cell:
        """Inverse of `to_json`; unknown names are refused by the constructor."""
        fields = dict(data)
        fields.pop("key", None)
        fields["warmup_s"] = tuple(fields["warmup_s"])
        fields["samples_s"] = tuple(fields["samples_s"])
        if fields.get("contention") is not None:
            fields["contention"] = Contention.from_json(fields["contention"])
        return Cell(**fields)


@dataclass(frozen=True, slots=True)
class CellSummary:
    """A cell without its samples: all that estimates and drift plots need, for many cells.

    Attributes:
        median_s: median of the samples that count; None if there are none.
        sample_count: how many count.
        phase: what a sweep's question started it for.
    """

    key: str
    workload_key: str
    environment_key: str
    sweep_key: str | None
    started_at: str
    fidelity: str
    round_index: int
    status: str
    median_s: float | None
    sample_count: int
    load_s: float
    first_run_s: float
    canary_before_s: float | None
    canary_after_s: float | None
    wall_s: float
    peak_memory_bytes: int | None
    energy_j: float | None
    phase: str | None


Process = Cell | CellSummary
"""What decisions about repetition are made from: their median, status, round and time."""


@dataclass(frozen=True)
class Estimate:
    """A point, its 95 % interval and what it rests on. All in the unit of `value`.

    `low` and `high` are None where the data do not determine them (one process); `method` says how
    the interval was made (`t on log cell medians`, `pooled`, `unknown`), `n` counts processes.
    `log_sd` is the spread of one process on the log scale, `log_se` the standard error of
    `log(value)` with its degrees of freedom `df`: what draws need. `is_disturbed` says that the
    machine was never quiet: the ends are then the fastest and slowest samples seen, and nothing
    is concluded from them.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    log_sd: float | None = None
    labels: tuple[str, ...] = ()
    log_se: float | None = None
    df: float | None = None
    is_disturbed: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it has an interval that comparisons may rest on."""
        return self.low is not None and not self.is_disturbed


@dataclass(frozen=True)
class Measurement:
    """The cells of one workload in one environment, and their estimate."""

    workload_key: str
    environment_key: str
    latency: Estimate
    fidelity: Fidelity
    cells: int
    samples: int
    first_run_s: float
    load_s: float
    peak_memory_bytes: int | None
    energy_j: float | None = None


@dataclass(frozen=True)
class Source:
    """Where a number comes from. The key is its content, so importing twice changes nothing."""

    kind: SourceKind
    title: str
    version: str = ""
    table: str = ""
    row: str = ""
    provenance: Provenance | None = None
    url: str = ""
    sha256: str = ""
    note: str = ""

    @cached_property
    def key(self) -> str:
        """Content key."""
        return content_key({name: getattr(self, name) for name in self.__dataclass_fields__})

    @property
    def document(self) -> str:
        """The work that the number is from: `FastVLM v1`."""
        return f"{self.title} {self.version}".strip()

    @property
    def place(self) -> str:
        """Where in the document, without the row of a table: `Table 6`."""
        return self.table or self.row

    def cite(self) -> str:
        """A citation in a few words: `FastVLM v1, Table 6, R3`."""
        parts = [self.document, self.table, self.row]
        return ", ".join(part for part in parts if part) + (
            " (digitised)" if self.kind == "digitised" else ""
        )


@dataclass(frozen=True)
class Score:
    """One benchmark's accuracy of one trained configuration, as a fraction in [0, 1].

    Attributes:
        benchmark: `gqa`, `textvqa`, `pope`, `docvqa`, `seedbench_image`, `avg5`, ...
        recipe: how it was trained: `llava15`, `15m_1.1m`, `15m_11.9m`.
        harness, protocol: who scored it and by which rules (`llava`, `lmms`, `mixed`).
        standard_error: None where the source gives none.
        n: items scored; None if unknown.
        dated: when the result was written, else imported, ISO 8601; of two versions of one
            result the later one counts. Not part of the key: the same file is the same score.
    """

    encoder: str
    resolution_px: int
    llm: str
    tiling: str
    recipe: str
    benchmark: str
    value: float
    source: Source
    standard_error: float | None = None
    n: int | None = None
    harness: str = ""
    protocol: str = ""
    checkpoint: str = ""
    is_partial: bool = False
    dated: str = ""

    @property
    def point(self) -> tuple[str, int, str, str]:
        """The names of the grid point that it belongs to."""
        return (self.encoder, self.resolution_px, self.llm, self.tiling)

    @cached_property
    def key(self) -> str:
        """Content key, the source's key included; `dated` is not."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "dated"}
        error = None if self.standard_error is None else float(self.standard_error)
        numbers = {"value": float(self.value), "standard_error": error}
        return content_key(data | numbers | {"source": self.source.key})


@dataclass(frozen=True)
class TaskRun:
    """What scoring one task of one checkpoint took; the estimate of the next rests on it.

    Attributes:
        checkpoint: its content hash.
        task: lmms-eval's name.
        n: items answered.
        wall_s: from the task's start to its result, the loading of the model left out.
        load_s: loading before the first task of that process; None if it was not recorded.
        processes: that shared the items; one per GPU.
        executor: which engine ran it: `local` for the sweep's own machine, `slurm:gpu`.
        is_partial: only part of the task's items were scored.
        sha256: of the result file, so that a second scoring is a second row.
    """

    checkpoint: str
    encoder: str
    resolution_px: int
    llm: str
    tiling: str
    task: str
    n: int
    wall_s: float
    load_s: float | None = None
    processes: int = 1
    executor: str = "local"
    is_partial: bool = False
    sha256: str = ""

    @cached_property
    def key(self) -> str:
        """Content key."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        load_s = None if self.load_s is None else float(self.load_s)
        return content_key(data | {"wall_s": float(self.wall_s), "load_s": load_s})


@dataclass(frozen=True)
class Failure:
    """Why a workload has no measurement; stored as a row, retried only when asked."""

    workload_key: str
    environment_key: str
    kind: FailureKind
    reason: str
    at: str
    sweep_key: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Content key."""
        return content_key(asdict(self))


@dataclass(frozen=True)
class PublishedValue:
    """One number of a published table, in the unit the table prints.

    Attributes:
        paper_version: `v1`, `v2`, `cvpr`, `model card`.
        table: the file's name in `results/published`, such as `v1_table6`.
        row, column: its place in that table.
        part: which of several, for a system of several encoders; 0 otherwise.
        unit: `percent`, `points`, `ms`, `M` (millions), `tokens`, `px`, `count`.
        series: values of different series are never joined.
        harness: what scored it; empty for what is no score.
    """

    paper_version: str
    table: str
    row: str
    column: str
    value: float
    unit: str
    provenance: Provenance
    series: str
    harness: str = ""
    part: int = 0


@dataclass(frozen=True)
class PublishedLatency:
    """A latency that others measured, placed by the same four names as a point.

    Attributes:
        system: how its authors call it.
        encoder, resolution_px, llm, tiling: catalogue names; `llm` is empty where the table
            times the encoder alone.
        visual_tokens: tokens prefilled; None where not stated.
        encode_s: encoder time per image, all passes and all encoders summed; None if not stated.
        prefill_s: prefill of the visual tokens; None if not stated.
        ttft_s: as printed, else the sum of the parts, else None.
        series: `table9`, `table4`, `fig1a`, ...: two series are never joined.
    """

    system: str
    encoder: str
    resolution_px: int
    llm: str
    tiling: str
    visual_tokens: int | None
    encode_s: float | None
    prefill_s: float | None
    ttft_s: float | None
    series: str
    source: Source
    device: str = "Apple M1 Max"
