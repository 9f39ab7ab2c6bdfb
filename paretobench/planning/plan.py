"""From points to the distinct workloads that must be measured. Pure.

TTFT is a sum, so a grid of points needs each encoder at each tile size once and each
language model at each token count once: the cost grows with the sum of the axes, not with
their product. What the store already holds is subtracted. A point that cannot run is
refused with the reason; it is never dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from paretobench.domain import (
    DECODE_STEPS,
    Device,
    Encoder,
    EncoderInput,
    GridPoint,
    ImageSize,
    LanguageModel,
    Runtime,
    TilePlan,
    Workload,
    decode_workload,
    encode_workload,
    prefill_workload,
)
from paretobench.domain.checkpoint import Checkpoint
from paretobench.errors import PlanError
from paretobench.planning.cost import (
    Cost,
    Machine,
    decode_cost,
    encode_bytes,
    encode_cost,
    prefill_bytes,
    prefill_cost,
)
from paretobench.planning.estimate import Estimator, Expected
from paretobench.planning.planned import PlannedImage, PlannedPoint
from paretobench.planning.stopping import cheapest
from paretobench.planning.tiling import plan_images
from paretobench.units import counted, duration, gibibytes

MEMORY_SHARE = 0.7
"""Share of the memory that weights and activations may take where a precision is chosen: the rest
is the system's and other programs'. Our choice."""

State = Literal["pending", "done", "failed"]


@dataclass(frozen=True)
class Refusal:
    """A configuration that was asked for and cannot run, with the reason.

    Attributes:
        planned: its tiles and parts, where it could exist: a report predicts their latencies.
    """

    encoder: str
    resolution_px: int
    llm: str
    tiling: str
    reason: str
    planned: PlannedPoint | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Its names and the reason."""
        names = ("encoder", "resolution_px", "llm", "tiling", "reason")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        tiling = "" if self.tiling == "none" else f" {self.tiling}"
        return f"{self.encoder}@{self.resolution_px}{tiling} + {self.llm}: {self.reason}"


@dataclass(frozen=True)
class PlannedWorkload:
    """A distinct workload, how often it is used, and what it is expected to take.

    Attributes:
        expected: seconds of one run, one process, all its processes.
    """

    workload: Workload
    uses: int
    state: State
    expected: Expected
    peak_memory_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The workload as a cell reads it, with the estimates beside."""
        return self.workload.to_json() | {
            "uses": self.uses,
            "state": self.state,
            "estimated_latency_s": self.expected.latency_s,
            "estimated_wall_s": self.expected.wall_s,
            "estimated_peak_memory_bytes": self.peak_memory_bytes,
        }


@dataclass(frozen=True)
class Plan:
    """Points, their distinct workloads and what was refused.

    Attributes:
        besides_s: estimate of what a sweep takes besides the workloads: making artifacts,
            checking sums end to end, the report.
        cheapest: keys of the workloads that get their least number of processes whatever the
            budget.
    """

    points: tuple[PlannedPoint, ...]
    workloads: tuple[PlannedWorkload, ...]
    refused: tuple[Refusal, ...]
    besides_s: float = 0.0
    cheapest: frozenset[str] = frozenset()

    @property
    def pending(self) -> tuple[PlannedWorkload, ...]:
        """What must still be measured, in the order of first use."""
        return tuple(one for one in self.workloads if one.state == "pending")

    @property
    def estimated_s(self) -> float:
        """Seconds that what is pending is expected to take, with all that a sweep takes besides."""
        return sum(one.expected.wall_s for one in self.pending) + self.besides_s

    @property
    def summary(self) -> str:
        """What is asked for, what that takes instead of each point's parts apart, what is left."""
        states = Counter(one.state for one in self.workloads)
        apart = sum(len(one.workloads) for point in self.points for one in point.images)
        shared = f"{counted(len(self.workloads), 'workload')} instead of {apart}"
        left = f"{states['done']} already measured, {states['pending']} to go"
        failed = f", {states['failed']} failed before" if states["failed"] else ""
        time = f", about {duration(self.estimated_s)}" if self.pending else ""
        refused = f"; {counted(len(self.refused), 'point')} refused" if self.refused else ""
        return f"{counted(len(self.points), 'point')}, {shared}: {left}{failed}{time}{refused}"

    def to_json(self) -> dict[str, Any]:
        """`{"points": [...], "workloads": [...], "refused": [...]}`."""
        return {
            "points": [point.to_json() for point in self.points],
            "workloads": [workload.to_json() for workload in self.workloads],
            "refused": [refusal.to_json() for refusal in self.refused],
        }


@dataclass(frozen=True)
class PlannedGrid:
    """A grid on a device before anything is estimated.

    Attributes:
        results: what became of each configuration that was asked for, in order.
    """

    results: tuple[PlannedPoint | Refusal, ...]

    @property
    def points(self) -> tuple[PlannedPoint, ...]:
        """The points that can be measured."""
        return tuple(one for one in self.results if isinstance(one, PlannedPoint))

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The configurations that cannot."""
        return tuple(one for one in self.results if isinstance(one, Refusal))

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """The distinct workloads of all points, in the order of first use."""
        found = {one.key: one for point in self.points for one in point.workloads}
        return tuple(found.values())

    def without(self, reasons: Mapping[str, str]) -> PlannedGrid:
        """The grid with points refused that need a workload which their device refuses.

        Args:
            reasons: by a workload's key.
        """
        return self.screened(
            lambda one: next((reasons[w.key] for w in one.workloads if w.key in reasons), None)
        )

    def screened(self, reason_against: Callable[[PlannedPoint], str | None]) -> PlannedGrid:
        """The grid with points refused against which there is a reason."""

        def kept(one: PlannedPoint | Refusal) -> PlannedPoint | Refusal:
            if isinstance(one, Refusal) or (reason := reason_against(one)) is None:
                return one
            return _refusal(one.point, reason, one)

        return PlannedGrid(tuple(map(kept, self.results)))


def plan_grid(
    points: Iterable[GridPoint],
    refused: Iterable[Refusal],
    device: Device,
    machine: Machine,
    *,
    prompt_tokens: int = 0,
    weights: str = "full",
    checkpoints: Mapping[str, Checkpoint] | None = None,
    decode: bool = False,
) -> PlannedGrid:
    """The workloads of a grid on a device; what its memory cannot hold is refused.

    Args:
        points: the grid, in order.
        refused: what was refused before, kept in the plan.
        device: decided runtimes; none of them `auto`.
        machine: memory that must hold each workload.
        prompt_tokens: text that is prefilled beside an image: what protocol `full` adds.
        weights: `shared` measures language models with one block's weights in all layers.
        checkpoints: by a point's key, checkpoints whose own weights are timed for it.
        decode: whether the time per output token is measured too.
    """
    device = _with_weights(device, weights)
    planner = _Planner(device, machine, prompt_tokens, checkpoints or {}, decode)
    return PlannedGrid((*refused, *map(planner.point, points)))


def cheapest_of(grid: PlannedGrid) -> frozenset[str]:
    """The workloads that get their least number of processes whatever the budget, by key.

    By operations, not by seconds, so that a plan names the same ones before and after measuring.
    """
    costs, _ = costs_of(grid.points)
    operations = {key: cost.flops for key, (_, cost) in costs.items()}
    groups = {key: (one.runtime.backend, one.kind) for key, (one, _) in costs.items()}
    return cheapest(operations, groups)


def price(
    grid: PlannedGrid,
    estimator: Estimator,
    done: Collection[str] = (),
    failed: Collection[str] = (),
    checks: int = 0,
) -> Plan:
    """The plan of a grid: distinct workloads, encodes before prefills, with their estimates.

    Args:
        estimator: of seconds; see `estimate`.
        done: keys of workloads that the store holds for this environment.
        failed: keys of workloads that failed here before and are not retried.
        checks: how many points will be measured end to end.
    """

    def state_of(key: str) -> State:
        if key in done:
            return "done"
        return "failed" if key in failed else "pending"

    points = grid.points
    costs, uses = costs_of(points)
    least = cheapest_of(grid)
    expected = {key: estimator.workload(*priced, key in least) for key, priced in costs.items()}
    ordered = sorted(costs.items(), key=lambda item: item[1][0].kind != "encode")
    workloads = tuple(
        PlannedWorkload(workload, uses[key], state_of(key), expected[key], cost.peak_bytes)
        for key, (workload, cost) in ordered
    )
    pending = [costs[one.workload.key] for one in workloads if one.state == "pending"]
    if not pending:
        return Plan(points, workloads, grid.refused)
    pairs = [
        (expected[one.encodes[0][0].key], one.encodes[0][1], expected[one.prefill.key])
        for one in (planned.images[0] for planned in points)
    ]
    besides_s = estimator.besides_s(pending, pairs, checks)
    return Plan(points, workloads, grid.refused, besides_s, least)


def within_horizon(
    grid: PlannedGrid, estimator: Estimator, measured: Collection[str], horizon_s: float
) -> PlannedGrid:
    """The grid with points refused that are predicted to take too long to their first token.

    Args:
        estimator: predicts the latency of each part.
        measured: keys of workloads with a measurement; a point of which all parts have one stays.
        horizon_s: seconds to the first token.
    """
    costs, _ = costs_of(grid.points)
    latency_s = {key: estimator.rates.seconds(*priced) for key, priced in costs.items()}

    def too_slow(one: PlannedPoint) -> str | None:
        if all(part.key in measured for part in one.workloads):
            return None
        parts = (*one.encodes, *one.prefills)
        ttft_s = sum(times * latency_s[part.key] for part, times in parts) / one.image_count
        if ttft_s <= horizon_s:
            return None
        return (
            f"the plan expected a TTFT of {ttft_s:.0f} s, beyond horizon={horizon_s:g}s; "
            "a larger horizon measures it"
        )

    return grid.screened(too_slow)


def _with_weights(device: Device, weights: str) -> Device:
    if weights != "shared":
        return device

    def shared(runtime: Runtime) -> Runtime:
        return replace(runtime, options={**runtime.options, "weights": weights})

    llms = {name: tuple(map(shared, each)) for name, each in device.llms.items()}
    return replace(device, prefill=shared(device.prefill), llms=llms)


def _refusal(point: GridPoint, reason: str, planned: PlannedPoint | None = None) -> Refusal:
    return Refusal(*point.names, reason, planned)


def _in_precision(runtime: Runtime, precision: str) -> Runtime:
    return replace(runtime, precision=precision) if precision else runtime


@dataclass
class _Planner:
    """Turns points into planned points; each distinct workload is made and checked once."""

    device: Device
    machine: Machine
    prompt_tokens: int
    checkpoints: Mapping[str, Checkpoint]
    decodes: bool
    made: dict[tuple[str, str, EncoderInput | int], Workload] = field(default_factory=dict)
    too_large: dict[str, str] = field(default_factory=dict)

    def point(self, point: GridPoint) -> PlannedPoint | Refusal:
        """Plan one point, or refuse it with the reason."""
        try:
            sizes = plan_images(point.encoder, point.resolution_px, point.tiling)
            images = tuple(self._image(point, *one) for one in sizes)
        except PlanError as error:
            return _refusal(point, str(error))
        needed = [each.key for one in images for each in one.workloads]
        reasons = [self.too_large[key] for key in needed if key in self.too_large]
        if checkpoint := self.checkpoints.get(point.key):
            images = tuple(one.of(checkpoint) for one in images)
        planned = PlannedPoint(point, images)
        return _refusal(point, reasons[0], planned) if reasons else planned

    def _image(self, point: GridPoint, size: ImageSize, tiles: TilePlan) -> PlannedImage:
        parts = [
            (part.encoder, EncoderInput.square(part.resolution_px, part.passes))
            for part in point.encoder.parts
        ]
        seen = parts or [(point.encoder, one) for one in tiles.inputs]
        encodes = tuple((self._encode(encoder, one), one.passes) for encoder, one in seen)
        prefill = self._prefill(point.llm, tiles.prefill_tokens + self.prompt_tokens)
        decode = self._decode(point.llm, prefill) if self.decodes else None
        return PlannedImage(size, tiles, encodes, prefill, decode)

    def _encode(self, encoder: Encoder, seen: EncoderInput) -> Workload:
        own = _in_precision(self.device.encode, encoder.precision)
        candidates = self.device.encoders.get(encoder.name, (own,))
        runtime = self._fitting(candidates, lambda one: encode_bytes(encoder, seen, one))

        def make() -> Workload:
            workload = encode_workload(encoder, seen, runtime)
            needed = encode_bytes(encoder, seen, runtime)
            self._check_memory(
                workload, f"{encoder.label}@{seen.size} in {runtime.precision}", needed
            )
            return workload

        return self._once(("encode", encoder.name, replace(seen, passes=1)), make)

    def _prefill(self, llm: LanguageModel, n_tokens: int) -> Workload:
        def make() -> Workload:
            runtime = self._runtime_for(llm, n_tokens)
            if n_tokens > llm.max_positions:
                raise PlanError(
                    f"{n_tokens} tokens exceed the {llm.max_positions} positions of {llm.label};"
                    " use fewer tiles or a lower resolution"
                )
            needed = prefill_bytes(llm, n_tokens, runtime)
            what = llm.label if llm.precision else f"{llm.label} in {runtime.precision}"
            workload = prefill_workload(llm, n_tokens, runtime)
            self._check_memory(workload, what, needed, self._hint(llm, n_tokens, runtime))
            return workload

        return self._once(("prefill", llm.name, n_tokens), make)

    def _runtime_for(self, llm: LanguageModel, n_tokens: int) -> Runtime:
        """The fastest of the device's runtimes that leaves memory for other programs, or the
        first fallback that does."""
        own = _in_precision(self.device.prefill, llm.precision)
        candidates = self.device.llms.get(llm.name, (own,))
        if not llm.precision:
            candidates = (*candidates, *self.device.fallbacks)
        return self._fitting(candidates, lambda one: prefill_bytes(llm, n_tokens, one))

    def _fitting(self, candidates: Sequence[Runtime], needed: Callable[[Runtime], int]) -> Runtime:
        """The first that fits into most of the memory, else into all of it, else the first."""
        sizes = [needed(runtime) for runtime in candidates]
        for share in (MEMORY_SHARE, 1.0):
            for runtime, size in zip(candidates, sizes, strict=True):
                if size <= share * self.machine.memory_bytes:
                    return runtime
        return candidates[0]

    def _hint(self, llm: LanguageModel, n_tokens: int, runtime: Runtime) -> str:
        """What would measure a language model that does not fit."""
        if runtime.options.get("weights") == "shared":
            return ""
        small = Runtime("llamacpp", "int4")
        shared = "weights=shared measures it with one block's weights"
        if prefill_bytes(llm, n_tokens, small) > self.machine.memory_bytes:
            return f"; {shared}"
        return f"; device.prefill.backend=llamacpp precision=int4 measures it, or {shared}"

    def _decode(self, llm: LanguageModel, prefill: Workload) -> Workload:
        """The tokens behind a prefill, on its runtime."""
        n_tokens = int(prefill.subject["n_tokens"])

        def make() -> Workload:
            if n_tokens + DECODE_STEPS > llm.max_positions:
                raise PlanError(
                    f"{n_tokens} tokens and {DECODE_STEPS} of an answer exceed the"
                    f" {llm.max_positions} positions of {llm.label}"
                )
            return decode_workload(llm, n_tokens, prefill.runtime)

        return self._once(("decode", llm.name, n_tokens), make)

    def _once(
        self, key: tuple[str, str, EncoderInput | int], make: Callable[[], Workload]
    ) -> Workload:
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def _check_memory(self, workload: Workload, what: str, needed: int, hint: str = "") -> None:
        """Note that a workload does not fit; its points are refused and keep it as a part."""
        if needed > self.machine.memory_bytes:
            self.too_large[workload.key] = (
                f"{what} needs {gibibytes(needed)} and {self.machine.name} has"
                f" {gibibytes(self.machine.memory_bytes)}{hint}"
            )


def costs_of(
    points: Iterable[PlannedPoint],
) -> tuple[dict[str, tuple[Workload, Cost]], Counter[str]]:
    """Each distinct workload with its cost, in the order of first use; and how often used."""
    found: dict[str, tuple[Workload, Cost]] = {}
    uses: Counter[str] = Counter()
    for planned in points:
        uses.update(workload.key for workload in planned.workloads)
        for image in planned.images:
            for workload, cost in _priced(planned.point, image):
                found.setdefault(workload.key, (workload, cost))
    return found, uses


def _priced(point: GridPoint, image: PlannedImage) -> Iterator[tuple[Workload, Cost]]:
    """The workloads of one image with their costs."""
    several = len(image.encodes)
    encoders = [part.encoder for part in point.encoder.parts] or [point.encoder] * several
    for encoder, (workload, _) in zip(encoders, image.encodes, strict=True):
        seen = EncoderInput.of(workload.subject)
        yield workload, encode_cost(encoder, seen, workload.runtime)
    n_tokens = int(image.prefill.subject["n_tokens"])
    yield image.prefill, prefill_cost(point.llm, n_tokens, image.prefill.runtime)
    if decode := image.decode:
        yield decode, decode_cost(point.llm, n_tokens, decode.runtime)
