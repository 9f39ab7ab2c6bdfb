"""From a request to a sweep that is ready: the device decided, the plan made, nothing run.

What the store already holds for this environment is subtracted; what failed before is left
out unless it is to be retried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench import backends
from paretobench.cost import Machine, Past
from paretobench.domain import Device, Runtime, Workload
from paretobench.effort import Effort
from paretobench.errors import BackendMissingError
from paretobench.measure.timing import CellPlan, cell_plan
from paretobench.plan import Plan, make_plan
from paretobench.records import Cell, Environment
from paretobench.store import Store

if TYPE_CHECKING:
    from paretobench.checkpoint import Checkpoint
    from paretobench.config import Request

FEWEST_CHECKED, MOST_CHECKED = 3, 5
"""How many points `check=front` measures end to end: more than a few say nothing new about a
sum, and each costs a process that loads both models."""


@dataclass(frozen=True)
class Prepared:
    """A sweep that is planned and has not started: what `plan` and `dry_run` show."""

    request: Request
    device: Device
    environment: Environment
    plan: Plan


def prepare(request: Request, store: Store | None, must_run: bool = True) -> Prepared:
    """Plan a request against what a store holds; runs nothing.

    Args:
        store: None plans as if nothing had been measured.
        must_run: whether the device has to be able to run here. A plan for another machine,
            or with the core alone installed, does not need it: `device.why` then says so.

    Raises:
        BackendMissingError: if the device has to run here and cannot.
    """
    from paretobench.measure.environment import fingerprint

    device, refuses = _device(request, must_run)
    environment = fingerprint()
    settings = request.settings
    rules = cell_plan(settings.fidelity, settings.precision_goal)  # type: ignore[arg-type]
    known = known_cells(store, environment)
    failed: set[str] = set()
    if store is not None and not settings.retry_failed:
        failed = {failure.workload_key for failure in store.failures(environment.key)}
    plan = make_plan(
        request.points,
        request.refused,
        device,
        machine_of(environment),
        done=finished(known, rules),
        failed=failed,
        refuses=refuses,
        past=_past(store, known),
        effort=_effort(rules),
        protocol=settings.protocol,
        weights=settings.weights,
        checkpoints=_checkpoints(request),
        checks=MOST_CHECKED if settings.check == "front" else int(settings.check),
    )
    return Prepared(request, device, environment, plan)


def _device(request: Request, must_run: bool) -> tuple[Device, Callable[[Workload], str | None]]:
    """The device, and what its backends say against a workload."""
    from paretobench.backends.choose import choose_device

    try:
        device = choose_device(asdict(request.device))
    except BackendMissingError as missing:
        if must_run:
            raise
        return _as_asked(request, str(missing)), lambda _: None
    return device, reason_against


def reason_against(workload: Workload) -> str | None:
    """What speaks against a workload on the backend that it is meant for."""
    backend = workload.runtime.backend
    if workload.checkpoint and backend != "torch":
        return f"{backend} does not time a checkpoint's own weights; choose device=torch or cuda"
    return backends.get(backend).refuses(workload)


def _checkpoints(request: Request) -> dict[str, Checkpoint]:
    """The checkpoints that are timed themselves, by the keys of their points."""
    if request.settings.weights != "checkpoint":
        return {}
    from paretobench.accuracy.lmms.checkpoints import timed

    return timed(request.points, Path(request.settings.checkpoints))


def _as_asked(request: Request, why: str) -> Device:
    """The device in the request's own words, for a plan that cannot be carried out here.

    An open precision counts as 16 bits, which is what every device profile would choose where
    it is fast: a plan for elsewhere refuses nothing for this machine's lack of memory in fp32.
    """

    def runtime(half: Mapping[str, Any]) -> Runtime:
        precision = "bf16" if half["precision"] == "auto" else half["precision"]
        return Runtime(half["backend"], precision, dict(half.get("options") or {}))

    wish = request.device
    return Device(
        wish.name, runtime(wish.encode), runtime(wish.prefill), f"not to be run here: {why}"
    )


def machine_of(environment: Environment) -> Machine:
    """What the plan needs to know of the machine."""
    import psutil

    observed = environment.observed
    memory = int(observed.get("memory_bytes") or psutil.virtual_memory().total)
    gflops = observed.get("gflops")
    return Machine(memory) if gflops is None else Machine(memory, float(gflops))


def known_cells(store: Store | None, environment: Environment) -> dict[str, list[Cell]]:
    """The cells of an environment by workload; none without a store."""
    cells: dict[str, list[Cell]] = {}
    if store is not None:
        for cell in store.cells(environment.key):
            cells.setdefault(cell.workload_key, []).append(cell)
    return cells


def finished(known: dict[str, list[Cell]], rules: CellPlan) -> set[str]:
    """Workloads that want no further process under the fidelity's rule."""
    from paretobench.measure.harness import wants_more

    return {key for key, cells in known.items() if not wants_more(cells, rules)}


def _past(store: Store | None, known: dict[str, list[Cell]]) -> list[Past]:
    from paretobench.analysis.stats import cell_median

    if store is None or not known:
        return []
    workloads = store.workloads(known)
    return [
        Past(workloads[key], cell_median(cells[-1]), cells[-1].overhead_s)
        for key, cells in known.items()
    ]


def _effort(rules: CellPlan) -> Effort:
    sampling = rules.sampling
    return Effort(
        min_cells=rules.min_cells,
        max_cells=rules.max_cells,
        budget_s=rules.budget_s,
        budget_limit_s=rules.budget_limit_s,
        warmup_limit_s=sampling.warmup_limit_s,
        slow_run_s=sampling.slow_run_s,
        sample_s=sampling.sample_s,
        share=sampling.share,
        sample_limit_s=sampling.sample_limit_s,
        min_samples=sampling.min_samples,
        min_slow_samples=sampling.min_slow_samples,
    )
