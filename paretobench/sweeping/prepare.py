"""From a request to a sweep that is ready: the device decided, the plan made, nothing run.

What the store already holds for this environment is subtracted; what failed before is left
out unless it is to be retried.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from paretobench.backends.artifact_index import ArtifactIndex
from paretobench.backends.hardware import usable_memory_bytes
from paretobench.backends.probes import rate_key
from paretobench.domain import Device, Runtime, Workload
from paretobench.domain.records import CellSummary, Environment, Process
from paretobench.errors import BackendMissingError, ExecutorError, ParetobenchError
from paretobench.planning.cost import Machine, PastMeasurement, Rates
from paretobench.planning.estimate import Estimator
from paretobench.planning.foreseeing import Foresight
from paretobench.planning.plan import Plan, cheapest_of, plan_grid, price, within_horizon
from paretobench.planning.stopping import CellPlan, cell_plan
from paretobench.remote.places import MeasuringDevice, measuring_device
from paretobench.resources import cache_folder
from paretobench.store import Store
from paretobench.sweeping.asking import foreseen
from paretobench.sweeping.budget import budget_of
from paretobench.units import counted

if TYPE_CHECKING:
    from paretobench.config import DeviceRequest, Request
    from paretobench.domain.checkpoint import Checkpoint

Announce = Callable[[str], None]
FEWEST_CHECKED, MOST_CHECKED = 3, 5
"""How many points `check=front` measures end to end: more than a few say nothing new about a
sum, and each costs a process that loads both models."""


@dataclass(frozen=True)
class EstimateAccuracy:
    """How the plan's estimates of device time held in past sweeps of an environment.

    Attributes:
        ratios: device time taken over device time estimated, the newest sweep first.
    """

    ratios: tuple[float, ...] = ()

    def likely_s(self, estimated_s: float) -> float:
        """An estimate times what past ones were off by: the middle of them.

        >>> EstimateAccuracy((1.5, 2.0, 3.0)).likely_s(60.0), EstimateAccuracy().likely_s(60.0)
        (120.0, 60.0)
        """
        return estimated_s * (statistics.median(self.ratios) if self.ratios else 1.0)

    def __str__(self) -> str:
        if not self.ratios:
            return "no past sweep here to judge the estimate by"
        low, high = min(self.ratios), max(self.ratios)
        span = f"{low:.2g}" if len(self.ratios) == 1 else f"{low:.2g} to {high:.2g}"
        return f"{counted(len(self.ratios), 'past sweep')} here took {span} times the estimate"


RECORD_SWEEPS = 10
"""So many of the newest sweeps say how well estimates hold; older ones had older estimates."""


def estimate_accuracy(store: Store | None, environment: Environment) -> EstimateAccuracy:
    """What past sweeps of an environment took, against what was planned; those that a budget, an
    answer or a person ended say nothing about a whole one."""
    ratios = []
    for sweep in store.sweeps() if store is not None else ():
        estimated_s = float(sweep.summary.get("estimated_s", 0.0))
        taken_s = float(sweep.summary.get("measured_s", 0.0))
        is_whole = sweep.exit_status == 0 and "decision" not in sweep.summary
        is_here = sweep.environment_key == environment.key
        if is_here and is_whole and estimated_s > 0 and taken_s > 0:
            ratios.append(taken_s / estimated_s)
    return EstimateAccuracy(tuple(ratios[:RECORD_SWEEPS]))


@dataclass(frozen=True)
class PlannedSweep:
    """What one device will do in a sweep that has not started: what `plan` and `dry_run` show.

    Attributes:
        machine: what estimates need to know of it.
        is_made: whether a workload's artifact is there already, as far as is known.
        foresight: what a question or a budget probably does; None where rounds go over everything.
        began_at: when its preparation began, by `time.monotonic`; None if that is not known.
    """

    request: Request
    device: Device
    environment: Environment
    plan: Plan
    site: MeasuringDevice
    asked: DeviceRequest
    record: EstimateAccuracy
    machine: Machine
    is_made: Callable[[Workload], bool]
    foresight: Foresight | None = None
    began_at: float | None = None

    @property
    def besides_s(self) -> float:
        """Seconds that the sweep takes besides its parts: what a budget keeps, or an estimate."""
        settings = self.request.settings
        if settings.budget_s is None:
            return self.plan.besides_s
        return budget_of(settings).reserved_s


@dataclass(frozen=True)
class Described:
    """What a device answered.

    Attributes:
        can_run: whether the device can measure; a plan for a machine elsewhere can be made
            without it.
    """

    device: Device
    environment: Environment
    can_run: bool = True


def prepare(
    request: Request,
    store: Store | None,
    must_run: bool = True,
    announce: Announce = lambda _: None,
) -> tuple[list[PlannedSweep], dict[str, str]]:
    """Plan a request on each of its devices against what a store holds; before a sweep, runtimes
    that were never timed there are timed on small networks (`measure.runtime_timing`).

    Args:
        store: None plans as if nothing had been measured.
        must_run: whether a single device has to be able to run here. A plan for another machine,
            or with the core alone installed, does not need it: `device.why` then says so.
        announce: takes lines about what is timed before the plan.

    Returns:
        What can be carried out, and why other devices cannot take part, by name.

    Raises:
        ConfigError: if a user's YAML states other parameters than its network has.
        BackendMissingError: if the only device has to run here and cannot.
        ExecutorError: if the only device is elsewhere and cannot be used, or none of several can.
    """
    from paretobench.config import refuse_wrong_parameters

    began_at = monotonic()
    if must_run:
        refuse_wrong_parameters(request.points)
    is_alone = len(request.devices) == 1
    sites = {asked.name: measuring_device(asked, is_alone) for asked in request.devices}

    def close_all() -> None:
        for site in sites.values():
            site.close()

    def described(asked: DeviceRequest) -> Described | ParetobenchError:
        return _answer(request, asked, sites[asked.name], must_run, announce)

    prepared, missing = [], {}
    try:
        answers = on_each(request.devices, described, close_all)
        for asked, answer in zip(request.devices, answers, strict=True):
            try:
                if isinstance(answer, ParetobenchError):
                    raise answer
                planned = plan_on(request, asked, sites[asked.name], answer, store)
                prepared.append(replace(planned, began_at=began_at))
            except ParetobenchError as error:
                if is_alone:
                    raise
                sites[asked.name].close()
                missing[asked.name] = str(error)
        if not prepared:
            raise ExecutorError("none of the devices can be used:\n" + "\n".join(missing.values()))
    except BaseException:
        close_all()
        raise
    return prepared, missing


def _answer(
    request: Request,
    asked: DeviceRequest,
    site: MeasuringDevice,
    must_run: bool,
    announce: Announce,
) -> Described | ParetobenchError:
    """What a device says of itself, or why it cannot be used. Runtimes may be timed for that before
    a sweep, not before a dry run."""
    from paretobench.measure.environment import fingerprint
    from paretobench.measure.runtime_timing import Permission

    settings = request.settings
    may_time = must_run and not settings.dry_run
    permission = Permission(announce, settings.wait) if may_time else None
    try:
        return Described(*site.describe(asked, permission))
    except BackendMissingError as missing:
        if must_run:
            return missing
        return Described(_device_as_requested(asked, str(missing)), fingerprint(), can_run=False)
    except ParetobenchError as error:
        return error


Item = TypeVar("Item")
Answer = TypeVar("Answer")


def on_each(
    items: Sequence[Item], act: Callable[[Item], Answer], give_up: Callable[[], None]
) -> list[Answer]:
    """`act` on every item at the same time, each in a thread of its own; a single one in this
    thread.

    Args:
        give_up: called when this is interrupted, so that the threads end.
    """
    if len(items) == 1:
        return [act(items[0])]
    with ThreadPoolExecutor(len(items)) as pool:
        try:
            return list(pool.map(act, items))
        except BaseException:
            give_up()
            raise


def plan_on(
    request: Request,
    asked: DeviceRequest,
    site: MeasuringDevice,
    found: Described,
    store: Store | None,
) -> PlannedSweep:
    """The plan of one device, with what its site refuses left out."""
    device, environment = found.device, found.environment
    settings = request.settings
    machine = machine_of(environment, asked)
    grid = plan_grid(
        request.points,
        request.refused,
        device,
        machine,
        prompt_tokens=settings.prefilled_text,
        weights=settings.weights,
        checkpoints=_checkpoints(request),
        decode=settings.decode,
    )
    if found.can_run:
        grid = grid.without(site.refusals(grid.workloads))
    rules = cell_plan(settings.fidelity, settings.precision_goal)
    known = known_cells(store, environment)
    failed: set[str] = set()
    if store is not None and not settings.retry_failed:
        failed = {failure.workload_key for failure in store.failures(environment.key)}
    is_made: Callable[[Workload], bool] = lambda _: bool(known)  # noqa: E731
    if asked.executor == "local":
        is_made = ArtifactIndex(cache_folder())
    rates = Rates(machine, _past(store, known), _probed(environment, grid.workloads))
    estimator = Estimator(rates, rules, is_made)
    checks = MOST_CHECKED if settings.check == "front" else int(settings.check)
    grid = within_horizon(grid, estimator, known, settings.horizon_s)
    done = finished(known, rules, cheapest_of(grid))
    plan = price(grid, estimator, done, failed, checks)
    record = estimate_accuracy(store, environment)
    planned = PlannedSweep(
        request, device, environment, plan, site, asked, record, machine, is_made
    )
    if not settings.is_decided:
        return planned
    in_plan = {one.workload.key for one in plan.workloads}
    measured = {key: cells for key, cells in known.items() if key in in_plan}
    return replace(planned, foresight=foreseen(planned, store, measured))


def _checkpoints(request: Request) -> dict[str, Checkpoint]:
    """The checkpoints that are timed themselves, by the keys of their points."""
    if request.settings.weights != "checkpoint":
        return {}
    from paretobench.accuracy.lmms.checkpoints import timed

    return timed(request.points, Path(request.settings.checkpoints))


def _device_as_requested(requested: DeviceRequest, why: str) -> Device:
    """The device in the request's own words, for a plan that cannot be carried out here.

    An open precision counts as 16 bits, which is what every device profile would choose where
    it is fast: a plan for elsewhere refuses nothing for this machine's lack of memory in fp32.
    """

    def runtime(half: Mapping[str, Any]) -> Runtime:
        precision = "bf16" if half["precision"] == "auto" else half["precision"]
        return Runtime(half["backend"], precision, dict(half.get("options") or {}))

    return Device(
        requested.name,
        runtime(requested.encode),
        runtime(requested.prefill),
        "cannot run here: " + why,
    )


def machine_of(environment: Environment, asked: DeviceRequest) -> Machine:
    """What the plan needs to know of the machine: what it has, or less if the inventory says."""
    observed = environment.observed
    memory = int(observed.get("memory_bytes") or usable_memory_bytes())
    limit_gib = asked.place.limits.memory_gib if asked.place else None
    if limit_gib is not None:
        memory = min(memory, round(limit_gib * 2**30))
    gflops = observed.get("gflops")
    return Machine(memory) if gflops is None else Machine(memory, float(gflops))


def _probed(environment: Environment, workloads: Iterable[Workload]) -> dict[str, float]:
    """By workload, the rate at which a small network of its family ran on its runtime there."""
    rows = environment.observed.get("probes", ())
    rates = {row["probe"]: row["gflops"] for row in rows if row["gflops"]}
    found = {one.key: rates.get(rate_key(one)) for one in workloads if one.kind != "decode"}
    return {key: rate for key, rate in found.items() if rate is not None}


def known_cells(
    store: Store | None, environment: Environment, workload_keys: Iterable[str] | None = None
) -> dict[str, list[CellSummary]]:
    """An environment's cells by workload, in the order of their starts; none without a store.

    Samples stay where they are: a device may have a million cells, and a decision needs medians.
    """
    cells: dict[str, list[CellSummary]] = {}
    if store is not None:
        for cell in store.cell_summaries(environment.key, workload_keys):
            cells.setdefault(cell.workload_key, []).append(cell)
    return cells


def finished(
    known: Mapping[str, Sequence[Process]], rules: CellPlan, cheapest: Collection[str] = ()
) -> set[str]:
    """Workloads that need no further process under the fidelity's rule."""
    from paretobench.measure.harness import needs_more

    return {key for key, cells in known.items() if not needs_more(cells, rules, key in cheapest)}


def _past(store: Store | None, known: Mapping[str, Sequence[CellSummary]]) -> list[PastMeasurement]:
    """The newest cell of each workload; what it spent besides its runs takes its samples."""
    from paretobench.analysis.stats import cell_median

    if store is None or not known:
        return []
    workloads = store.workloads(known)
    newest = store.cells_by_key(cells[-1].key for cells in known.values())
    return [
        PastMeasurement(workloads[cell.workload_key], cell_median(cell), cell.overhead_s)
        for cell in newest
    ]
