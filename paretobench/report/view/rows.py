"""The view: one plain table that every figure, table and page of a report draws from.

Frozen values and the few questions that all of them ask (which panels there are, which rows
have a score, who is on which front). Nothing here reads a store or a file: `from_store` and
`from_published` make views, `figures` and `tables` show them. Because there is no second way
to a number, a figure and a table cannot disagree.

Latencies are seconds, scores fractions in [0, 1]; `units` turns them into text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from paretobench.accuracy import suites
from paretobench.analysis.front import front_mask
from paretobench.domain.records import Estimate, Source
from paretobench.errors import UnknownNameError

if TYPE_CHECKING:
    from paretobench.analysis.levels import Audit
    from paretobench.analysis.prediction import Prediction
    from paretobench.domain.records import PublishedLatency, Score
    from paretobench.planning.plan import Refusal
    from paretobench.store import StoredPoint

Identity = tuple[str, int, str, str]
"""The four names that make a point: encoder, resolution, LLM, tiling."""

FrontClass = Literal["", "on", "ambiguous", "off", "unknown"]
LatencySource = Literal["", "measured", "predicted", "published", "digitised", "imported"]

DAGGER = "\N{DAGGER}"
"""The mark of a row with a caution, on plots, in tables and in footers."""

HEADLINE = "avg5"
"""The benchmark on the y axis unless another is asked for: the paper's Avg-5."""


def benchmark_label(name: str) -> str:
    """How a benchmark is written for people; an unknown one keeps its name.

    >>> benchmark_label('avg5'), benchmark_label('my_benchmark')
    ('Avg-5', 'my_benchmark')
    """
    try:
        return suites.benchmark(name).label
    except UnknownNameError:
        return name


@dataclass(frozen=True)
class Accuracy:
    """One score as shown: a fraction, how sure it is, and where it comes from.

    Attributes:
        provenance: `printed`, `derived`, `digitised`, `measured` or `imported`.
        sources: where it comes from; several for a mean that was taken here.
        is_error_assumed: the source states no error; it follows from item counts and the
            spread between trainings.
        protocol: whose scoring rules, such as `lmms`; `mixed` for a suite after the paper.
        checkpoint: content hash of the scored weights, where it is known.
        conditions: what the source says of the run: precision, input, empty answers.
    """

    benchmark: str
    value: float
    standard_error: float | None = None
    n: int | None = None
    provenance: str = ""
    sources: tuple[Source, ...] = ()
    is_error_assumed: bool = False
    protocol: str = ""
    checkpoint: str = ""
    conditions: str = ""

    @property
    def source(self) -> str:
        """The citation, such as `FastVLM v1, Table 6, R3`."""
        cited = "; ".join(dict.fromkeys(source.cite() for source in self.sources))
        n = len(self.sources)
        return f"mean of {n} tasks: {cited}" if n > 1 else cited


@dataclass(frozen=True)
class Caution:
    """Why a row does not quite compare with its neighbours.

    Attributes:
        kind: what is odd: `weights` or `input` (score and latency are not of one model), `rules`
            (of scoring), `placement` (Core ML ran a part elsewhere), `sum` (timed in one piece
            it took another time).
        text: the reason, fit to print.
    """

    kind: Literal["weights", "input", "rules", "placement", "sum"]
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Runs:
    """What one part's estimate rests on: its timed runs by process, thinned.

    Attributes:
        part: `encode`, `prefill`, or another role in the point.
        processes: seconds of some runs of each process shown, fastest first: the fastest, the
            slowest, and those at even ranks between them.
        total: timed runs that there are, of all processes.
        total_processes: processes that there are.
    """

    part: str
    processes: tuple[tuple[float, ...], ...]
    total: int
    total_processes: int


@dataclass(frozen=True)
class OnePiece:
    """A point timed in one process, against the sum of its separately timed parts.

    Attributes:
        ratio: its time over the sum, with the 95 % interval.
        rounds: rounds that both have in common; 0 where they were measured at different times.
        beside: what it does and the sum leaves out, with seconds.
        halves: encode and prefill inside it, each over its time alone.
    """

    ratio: Estimate
    rounds: int = 0
    beside: tuple[tuple[str, float], ...] = ()
    halves: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class FrontPlace:
    """Where a row is relative to the fronts of its panel (same recipe and environment).

    Attributes:
        is_on: non-dominated among all rows of the panel.
        is_on_family: non-dominated among the rows of its encoder family.
        probability: of being on the front, from both uncertainties.
        verdict: what that probability says; empty where there is none.
    """

    is_on: bool = False
    is_on_family: bool = False
    verdict: FrontClass = ""
    probability: float | None = None


@dataclass(frozen=True)
class Placement:
    """Shares of an encoder that Core ML ran off the Neural Engine, 0 to 1."""

    operations: float | None
    cost: float | None


@dataclass(frozen=True)
class Row:
    """One point under one recipe (or without a score): everything a report says about it.

    Attributes:
        encode: one encoder pass; `encode_total` is that times `passes`.
        ttft: `passes x encode + prefill`, under the view's protocol; None with a `reason`.
        predicted: what `ttft` would be, where a part is not measured. It is kept apart, so that no
            front, claim or answer can take it for a measurement.
        ttft_p90: what nine in ten of the point's images stay within, where it is a mean over
            several sizes.
        end_to_end: the same point timed in one piece, where that was checked; `one_piece` sets it
            against the sum.
        tpot: time per output token behind the point's context, where decode was measured.
        encode_key, prefill_key: what was timed, by workload and environment: rows with the same key
            share that number and its error. Empty where the parts do not make up the TTFT.
        latency_from: where a published latency comes from.
        recipe: how the scored model was trained; empty without a score.
        front: where it is relative to the fronts of its panel.
        placement: where Core ML ran the encoder; None for other runtimes.
        reason: why there is no TTFT (a refusal or a failure).
        hint: what would supply a score, where there is none.
        labels: what a reader must know, such as `shared weights`.
        timed_checkpoint: content hash of the weights that were timed; empty for random ones.
        runs: the timed runs behind its parts, where they were measured here.
        cautions: why it does not quite compare with its neighbours; marked with a dagger.
    """

    encoder: str
    encoder_label: str
    family: str
    resolution_px: int
    llm: str
    llm_label: str
    size_label: str
    tiling: str = "none"
    tiling_label: str = ""
    passes: int | None = None
    visual_tokens: int | None = None
    newline_tokens: int = 0
    encoder_parameters: float | None = None
    encode: Estimate | None = None
    encode_total: Estimate | None = None
    prefill: Estimate | None = None
    ttft: Estimate | None = None
    predicted: Prediction | None = None
    ttft_p90: Estimate | None = None
    end_to_end: Estimate | None = None
    one_piece: OnePiece | None = None
    tpot: Estimate | None = None
    encode_backend: str = ""
    encode_precision: str = ""
    prefill_backend: str = ""
    prefill_precision: str = ""
    encode_key: str = ""
    prefill_key: str = ""
    latency_source: LatencySource = ""
    latency_from: Source | None = None
    environment: str = ""
    fidelity: str = ""
    peak_memory_bytes: int | None = None
    recipe: str = ""
    score: Accuracy | None = None
    task_scores: tuple[Accuracy, ...] = ()
    front: FrontPlace = FrontPlace()
    reason: str = ""
    hint: str = ""
    labels: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    timed_checkpoint: str = ""
    placement: Placement | None = None
    runs: tuple[Runs, ...] = ()

    @property
    def identity(self) -> Identity:
        """The four names that make a point; rows of several recipes share it."""
        return (self.encoder, self.resolution_px, self.llm, self.tiling)

    def as_judged(self) -> Row:
        """The row with the TTFT that an answer goes by: the time in one piece where that
        contradicts the sum and is longer, else the sum."""
        is_contradicted = any(caution.kind == "sum" for caution in self.cautions)
        if not is_contradicted or self.ttft is None or self.end_to_end is None:
            return self
        if self.end_to_end.value <= self.ttft.value:
            return self
        return replace(self, ttft=self.end_to_end, encode_key="", prefill_key="")

    @property
    def is_scored(self) -> bool:
        """Whether it can be on a plot of accuracy against TTFT."""
        return self.ttft is not None and self.score is not None

    @property
    def is_disturbed(self) -> bool:
        """Whether its TTFT is of a machine that was never quiet: it can be on no front."""
        return self.ttft is not None and self.ttft.is_disturbed

    @property
    def is_of_one_checkpoint(self) -> bool:
        """Whether its latency and its score are of the same weights, by content hash."""
        timed = self.timed_checkpoint
        return bool(timed) and self.score is not None and self.score.checkpoint == timed

    @property
    def is_measured(self) -> bool:
        """Whether its latency was measured by this tool."""
        return self.latency_source == "measured"

    @property
    def latency_citation(self) -> str:
        """Where its latency comes from, in a few words."""
        return self.latency_from.cite() if self.latency_from else self.latency_source

    @property
    def point_label(self) -> str:
        """The text beside its marker: the resolution, and the tiling if there is one.

        >>> Row('v', 'V', 'V', 1024, 'q', 'Q', '7B', 'grid_2x2', '2x2').point_label
        '1024 2x2'
        >>> Row('v', 'V', 'V', 1024, 'q', 'Q', '7B',
        ...     cautions=(Caution('weights', 'other weights'),)).point_label
        '1024†'
        """
        has_tiling = self.tiling not in ("", "none")
        tiling = f" {self.tiling_label or self.tiling}" if has_tiling else ""
        return f"{self.resolution_px}{tiling}{DAGGER if self.cautions else ''}"

    def __str__(self) -> str:
        return f"{self.encoder_label}@{self.point_label} + {self.llm_label}"


@dataclass(frozen=True)
class MissingResult:
    """A point or a workload that has no measurement: `kind` says refused or how it failed."""

    what: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Statistics:
    """What a sweep cost and what reuse saved.

    Attributes:
        parts: encode and prefill parts of all points, had each been measured for itself.
        workloads: distinct workloads among them.
        cells: fresh processes that the estimates rest on.
        samples: timed runs kept in them.
        measuring_s: wall seconds of all these processes.
        product_s: estimated wall seconds without reuse, at the same cost per workload.
    """

    points: int
    parts: int
    workloads: int
    cells: int = 0
    samples: int = 0
    measuring_s: float = 0.0
    product_s: float = 0.0


@dataclass(frozen=True)
class CanaryReading:
    """The canary around one cell: seconds of the fixed kernel before and after it."""

    at: str
    workload: str
    before_s: float | None
    after_s: float | None
    status: str = "ok"


@dataclass(frozen=True)
class Panel:
    """Rows that may share a front: one recipe, one environment."""

    recipe: str
    environment: str
    rows: tuple[Row, ...]

    @property
    def undisturbed(self) -> tuple[Row, ...]:
        """The rows that were measured on a quiet machine: those that an answer may name."""
        return tuple(row for row in self.rows if not row.is_disturbed)

    @property
    def judged(self) -> tuple[Row, ...]:
        """The undisturbed rows, each with the time that an answer goes by."""
        return tuple(row.as_judged() for row in self.undisturbed)


@dataclass(frozen=True)
class View:
    """Everything a report shows.

    Attributes:
        name: the sweep's name, used for the report's folder.
        protocol: `paper` or `full`, and what it covers, as text.
        command: the command that makes this report again.
        date: ISO date of the report's data (the last measurement), not of drawing.
        sources: citations of every published or imported number in it.
        notes: sentences a reader must know, such as reduced fidelity.
        versions: what was installed, by the name of the environment.
        audits: what workloads measured with `fidelity=audit` say beyond a median.
    """

    rows: tuple[Row, ...]
    name: str = "report"
    title: str = ""
    protocol: str = ""
    environment: str = ""
    command: str = ""
    date: str = ""
    benchmark: str = HEADLINE
    sources: tuple[str, ...] = ()
    refusals: tuple[MissingResult, ...] = ()
    failures: tuple[MissingResult, ...] = ()
    notes: tuple[str, ...] = ()
    statistics: Statistics | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    readings: tuple[CanaryReading, ...] = ()
    audits: tuple[Audit, ...] = ()

    @property
    def scored(self) -> tuple[Row, ...]:
        """Rows with both a TTFT and a score."""
        return tuple(row for row in self.rows if row.is_scored)

    @property
    def unscored(self) -> tuple[Row, ...]:
        """Rows with a TTFT and no score."""
        return tuple(row for row in self.rows if row.ttft is not None and row.score is None)

    @property
    def untimed(self) -> tuple[Row, ...]:
        """Rows without a TTFT; each has a reason."""
        return tuple(row for row in self.rows if row.ttft is None)

    @property
    def predicted(self) -> tuple[Row, ...]:
        """Rows with a predicted TTFT in place of a measured one."""
        return tuple(row for row in self.rows if row.predicted is not None)

    @property
    def points(self) -> int:
        """How many distinct points there are, whatever the number of recipes."""
        return len({row.identity for row in self.rows})

    def panels(self) -> tuple[Panel, ...]:
        """Scored rows by recipe and environment, the panel with most rows first."""
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in self.scored:
            groups.setdefault((row.recipe, row.environment), []).append(row)
        panels = [Panel(*key, tuple(rows)) for key, rows in groups.items()]
        return tuple(sorted(panels, key=lambda panel: -len(panel.rows)))

    def where(self, recipe: str | None = None, llm: str | None = None) -> View:
        """The same view with only the rows of one recipe or one LLM; unscored rows stay out."""
        kept = (
            row
            for row in self.rows
            if (recipe is None or row.recipe == recipe) and (llm is None or row.llm == llm)
        )
        return with_fronts(replace(self, rows=tuple(kept)))


def identity_of(named: Score | PublishedLatency | Refusal | StoredPoint) -> Identity:
    """The four names of anything that has them."""
    return (named.encoder, named.resolution_px, named.llm, named.tiling)


def with_fronts(view: View) -> View:
    """The view with the place of each row on its fronts set within each panel."""
    overall: set[int] = set()
    family: set[int] = set()
    for panel in view.panels():
        overall |= _front_ids(panel.rows)
        for name in {row.family for row in panel.rows}:
            family |= _front_ids(row for row in panel.rows if row.family == name)
    rows = tuple(_with_membership(row, id(row) in overall, id(row) in family) for row in view.rows)
    return replace(view, rows=rows)


def _with_membership(row: Row, is_on: bool, is_on_family: bool) -> Row:
    """The row with these flags; itself where it has them, as most rows of a large view do."""
    if (row.front.is_on, row.front.is_on_family) == (is_on, is_on_family):
        return row
    return replace(row, front=replace(row.front, is_on=is_on, is_on_family=is_on_family))


def _front_ids(rows: Iterable[Row]) -> set[int]:
    listed = [row for row in rows if row.is_scored and not row.is_disturbed]
    values = [(row.ttft.value, row.score.value) for row in listed if row.ttft and row.score]
    return {id(row) for row, kept in zip(listed, front_mask(values), strict=True) if kept}
