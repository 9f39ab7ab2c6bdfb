"""Does the decider answer in less time, and is it right? Replayed on worlds whose truth is known.

A world is a grid whose parts have a true latency, and a bank of processes: the nth process of a
part always takes the same, whoever starts it, and no process is used twice. Methods replay it:

    decider    `planning.deciding`, until it says that the answer is known
    standard   every part as `fidelity=standard` repeats it          (a)
    rigorous   every part as `fidelity=rigorous` repeats it          (b)
    scored     parts of scored points in mirrored random rounds      (c), and
    all        all parts in such rounds, until the answer is known by the decider's own rule
    oracle     knows the truth: in the decider's order until what is estimated is right; of a limit,
               one process of what it takes to show the answer       (d)

Layouts:
    example    the committed example: its points, scores of all recipes, costs; latencies within
               the errors of its own measurement, so its own close calls
    moved      the same with latencies moved by a third
    crowded    the same grid with all 48 points scored under one recipe, rivals everywhere
    made up    54 points of three encoders and three LLMs (`front_calibration.true_world`), spread
               out or tight
    tied       crowded, and encoders take times that differ by 2 % at most
Processes:
    bank       real ones, from `benchmarks/data/processes.json` (see `collect_bank.py`; left out
               where there is no such file): each part gets the deviations of one real part of its
               kind, in random order, none twice
    real       real ones, from the example database, whose parts have two or three processes: their
               deviations from their part's mean, of all parts of a kind together, with repetition
    quiet 1 %, noisy 3.6 %, unequal 0.5 to 4 %, drift of 3 % over 300 s, bimodal (30 % of processes
    5 % slower), outliers (t with 3 degrees of freedom, and one in fifty half as slow again),
    contention (one in five is disturbed, costs more and does not count; one in fifty is 3 to 10 %
    slow and nobody sees it)

Right is a set whose every judgement is (`in`, `out`, `tied`), give or take the question's
indifference of 1 %. Seconds are device seconds with loading. Nothing here depends on the machine.

    python benchmarks/decide.py front [--worlds 40] [--kind NAME]
    python benchmarks/decide.py limit [--worlds 40] [--kind NAME]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from front_calibration import SPREAD_OUT, TIGHT, true_world

from paretobench.analysis import stats
from paretobench.analysis.next_steps import attained
from paretobench.planning.choices import AnswerState, Start
from paretobench.planning.claims import running_ratios
from paretobench.planning.deciding import MOST_PROCESSES, Decider
from paretobench.planning.question import (
    Candidate,
    CandidatePart,
    Inquiry,
    PartRecord,
    Question,
)
from paretobench.planning.stopping import CellPlan, cell_plan
from paretobench.report.view.stored import stored_view
from paretobench.store import Store

# Written down before the first run.
OF_SCORED, OF_ALL = 0.4, 0.2
"""Device seconds of the decider until the answer is known over those of rounds (c), and over all
parts in rounds, at most."""
WRONG = 0.05
"""Wrong answers among those called known, at most, over all kinds; no kind surely more."""

EXAMPLE = Path(__file__).parents[1] / "results" / "examples" / "qwen2_family_cpu.db"
BANK = Path(__file__).parent / "data" / "processes.json"
ATTEMPTS = 60
"""Processes in a part's bank."""
OWN_ERROR, MOVED, PREDICTED = 0.02, 0.3, 0.25
"""How far latencies lie from the example's (by its own errors, and moved), and predictions from
latencies, as logarithms."""
DISTURBED, DISTURBED_COST, UNSEEN = 0.2, 1.3, 0.02
DRIFT, DRIFT_S = 0.03, 300.0

Deviations = Callable[[str, np.random.Generator], np.ndarray]
"""Log deviations of a part's processes from its latency; the part's group is given."""


@dataclass(frozen=True)
class World:
    """A grid with its truth and every process that could be started.

    Attributes:
        true_s, cost_s: by part.
        medians_s: by part, shape [attempts].
        is_disturbed: by part, which attempts do not count.
        drift: by how much the machine is slower once it is warm.
    """

    candidates: tuple[Candidate, ...]
    parts: tuple[CandidatePart, ...]
    true_s: Mapping[str, float]
    cost_s: Mapping[str, float]
    medians_s: Mapping[str, np.ndarray]
    is_disturbed: Mapping[str, np.ndarray]
    drift: float = 0.0

    def total_s(self, candidate: Candidate) -> float:
        """The true TTFT on the warm machine."""
        warm = 1 + self.drift
        return warm * sum(n * self.true_s[key] for key, n in candidate.passes.items())


@dataclass
class Replay:
    """A world while one method measures it."""

    world: World
    records: dict[str, PartRecord] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    spent_s: float = 0.0
    confirming_s: float = 0.0

    def run(self, key: str, is_confirmation: bool = False) -> None:
        """One process of a part that counts; those that were disturbed before it cost more."""
        before_s = self.spent_s
        self._count(key, is_confirmation)
        self.confirming_s += (self.spent_s - before_s) * is_confirmation

    def _count(self, key: str, is_confirmation: bool) -> None:
        world = self.world
        while True:
            n = self.attempts.get(key, 0)
            self.attempts[key] = n + 1
            slower = 1 + world.drift * min(self.spent_s / DRIFT_S, 1.0)
            cost_s = world.cost_s[key]
            if n + 1 < ATTEMPTS and world.is_disturbed[key][n]:
                self.spent_s += DISTURBED_COST * cost_s
                continue
            self.spent_s += cost_s
            before = self.records.get(key, PartRecord((), cost_s))
            median_s = float(world.medians_s[key][n]) * slower
            confirmed = before.confirmations + is_confirmation
            self.records[key] = PartRecord((*before.medians_s, median_s), cost_s, confirmed)
            return


@dataclass(frozen=True)
class Run:
    """What one method came to.

    Attributes:
        seconds: device seconds until it stopped.
        known_s: the same without the processes that confirm an answer that is known: only the
            decider has these, since what it publishes was measured after the answer was chosen.
        is_known: it says that the answer is known.
        is_right: every judgement is right.
        regret: what its members lack in attained accuracy, or within the limit.
        off: by how much its members' latencies are off, as logarithms, shape [members, 2]: of all
            their processes, and of the confirming ones alone. Only the decider has these.
    """

    seconds: float
    known_s: float
    is_known: bool
    is_right: bool
    regret: float
    off: tuple[tuple[float, float], ...] = ()


def judge(world: World, question: Question, state: AnswerState, replay: Replay) -> Run:
    """The state of an answer against the truth."""
    scored = list(state.candidates.candidates)
    totals_s = np.array([world.total_s(one) for one in scored])
    slack, tie = question.indifference, math.log1p(question.tie)
    is_right = state.unmeasured == 0 or question.until == "best"
    for recipe in state.candidates.recipes:
        rows = state.candidates.eligible(recipe)
        heights = state.candidates.accuracies(recipe, rows)
        if question.under_s is not None:
            ratios = dict(zip(rows, np.log(totals_s[rows] / question.under_s), strict=True))
        else:
            ratios = dict(zip(rows, running_ratios(totals_s[None, rows], heights)[0], strict=True))
        for one in state.judgements.all:
            if one.recipe == recipe:
                ratio = ratios[one.candidate]
                holds = {
                    "in": ratio < math.log1p(slack),
                    "out": ratio > math.log1p(-slack),
                    "tied": abs(ratio) <= tie,
                }
                is_right &= bool(holds[one.place])
    known = state.probability >= question.confidence
    return Run(
        replay.spent_s,
        replay.spent_s - replay.confirming_s,
        known,
        is_right,
        regret(question, state, totals_s),
    )


def regret(question: Question, state: AnswerState, totals_s: np.ndarray) -> float:
    """What the members lack against the truth, in accuracy; the mean over recipes."""
    lost = []
    for recipe in state.candidates.recipes:
        rows = np.array(state.candidates.eligible(recipe))
        heights = state.candidates.accuracies(recipe, list(rows))
        said = {
            o.candidate for o in state.judgements.all if o.recipe == recipe and o.place != "out"
        }
        is_member = np.array([row in said for row in rows])
        if question.under_s is not None:
            fits = totals_s[rows] <= question.under_s * (1 + question.indifference)
            best = max(heights[fits], default=0.0)
            lost.append(max(0.0, best - max(heights[fits & is_member], default=0.0)))
            continue
        ends = float(totals_s.min()), float(totals_s.max()), float(heights.min())
        chosen = np.where(is_member, heights, heights.min())
        both = (attained(totals_s[None, rows], each[None], *ends)[0] for each in (heights, chosen))
        lost.append(float(np.subtract(*both)))
    return float(np.mean(lost)) if lost else 0.0


def decided(world: World, inquiry: Inquiry) -> tuple[Run, float]:
    """The decider's run, and the seconds at which an oracle would have stopped it."""
    decider, replay = Decider(inquiry, cell_plan("standard")), Replay(world)
    oracle_s = math.nan
    while isinstance(choice := decider.decide(replay.records), Start):
        replay.run(choice.parts[0], choice.phase == "confirming")
        if math.isnan(oracle_s) and is_estimated_right(world, inquiry, replay.records):
            oracle_s = replay.spent_s
    state = decider.standing(replay.records)
    run = judge(world, inquiry.question, state, replay)
    off = tuple(members_off(world, state, replay.records)) if choice.is_answered else ()
    return replace(run, is_known=choice.is_answered, off=off), min(oracle_s, run.seconds)


def members_off(
    world: World, state: AnswerState, records: Mapping[str, PartRecord]
) -> Iterator[tuple[float, float]]:
    """The latencies of an answer's members over the truth, as logarithms: a winner's curse, if
    there is one, is below 0 for all processes and not for those that confirm it."""

    def seconds(key: str, last: int = 0) -> float:
        return math.exp(np.mean(np.log(records[key].medians_s[-last:])))

    for row in state.judgements.members:
        one = state.candidates.candidates[row]
        again = {key: records[key].confirmations for key in one.passes}
        if all(again.values()):
            every = sum(n * seconds(key) for key, n in one.passes.items())
            alone = sum(n * seconds(key, again[key]) for key, n in one.passes.items())
            true_s = world.total_s(one)
            yield math.log(every / true_s), math.log(alone / true_s)


def is_estimated_right(world: World, inquiry: Inquiry, records: Mapping[str, PartRecord]) -> bool:
    """Whether the front of the geometric means is the true one, give or take the indifference."""
    scored = [one for one in inquiry.candidates if one.accuracies]
    if any(key not in records for one in scored for key in one.passes):
        return False
    means = {key: math.exp(np.mean(np.log(r.medians_s))) for key, r in records.items()}
    found = np.array([sum(n * means[key] for key, n in one.passes.items()) for one in scored])
    true = np.array([world.total_s(one) for one in scored])
    slack = inquiry.question.indifference
    for recipe in {name for one in scored for name in one.accuracies}:
        rows = [i for i, one in enumerate(scored) if recipe in one.accuracies]
        heights = np.array([scored[i].accuracies[recipe] for i in rows])
        ours, truth = (running_ratios(each[None, rows], heights)[0] for each in (found, true))
        if (np.where(ours <= 0, truth, -truth) > math.log1p(slack)).any():
            return False
    return True


def in_rounds(world: World, inquiry: Inquiry, keys: Sequence[str]) -> Run:
    """Mirrored random rounds over some parts, until the answer is known after two of them."""
    decider, replay = Decider(inquiry, cell_plan("standard")), Replay(world)
    rng = random.Random(inquiry.seed)
    order = list(keys)
    for index in range(MOST_PROCESSES):
        if index % 2 == 0:
            rng.shuffle(order)
        for key in order if index % 2 == 0 else order[::-1]:
            replay.run(key)
        state = decider.standing(replay.records)
        if index and state.probability >= inquiry.question.confidence:
            break
    return judge(world, inquiry.question, state, replay)


def by_fidelity(world: World, inquiry: Inquiry, plan: CellPlan) -> Run:
    """Every part as a fidelity repeats it."""
    decider, replay = Decider(inquiry, plan), Replay(world)
    for part in inquiry.parts:
        while True:
            record = replay.records.get(part.key, PartRecord((), 0.0))
            spent_s = len(record.medians_s) * record.process_s
            if not plan.decide(record.medians_s, spent_s, False).needs_more:
                break
            replay.run(part.key)
    return judge(world, inquiry.question, decider.standing(replay.records), replay)


def shown_by_oracle(world: World, inquiry: Inquiry) -> float:
    """Seconds of one process of what shows the best within a limit to somebody who knows it."""
    limit_s, needed = inquiry.question.under_s, set[str]()
    assert limit_s is not None
    for recipe in {name for one in inquiry.candidates for name in one.accuracies}:
        among = [one for one in inquiry.candidates if recipe in one.accuracies]
        for one in sorted(among, key=lambda each: -each.accuracies[recipe]):
            if world.total_s(one) <= limit_s:
                needed |= set(one.passes)
                break
            alone = [k for k, n in one.passes.items() if n * world.true_s[k] > limit_s]
            cheapest = min(alone, key=lambda k: world.cost_s[k], default=None)
            needed |= {cheapest} if cheapest else set(one.passes)
    return sum(world.cost_s[key] for key in needed)


# Layouts: candidates, parts with a group, true latencies and costs.


@dataclass(frozen=True)
class Layout:
    """A grid before its processes: what is asked about, and how long things really take."""

    candidates: tuple[Candidate, ...]
    groups: Mapping[str, str]
    true_s: Mapping[str, float]
    cost_s: Mapping[str, float]


def example() -> Layout:
    """The example database's points with the scores of all recipes, and its costs."""
    with Store.open(EXAMPLE, read_only=True) as store:
        view, cells, workloads = stored_view(store), store.cells(), store.workloads()
        cost_s: dict[str, list[float]] = {}
        for cell in cells:
            cost_s.setdefault(cell.workload_key, []).append(cell.wall_s)
        points = store.points()
    known = {row.identity: row for row in view.rows}
    seconds = {}
    candidates = {}
    keys_of = {
        (p.encoder, p.resolution_px, p.llm, p.tiling): {
            link.role: link.workload_key for link in p.links
        }
        for p in points
    }
    for identity, row in known.items():
        encode, prefill = (keys_of[identity][role] for role in ("encode", "prefill"))
        seconds[encode], seconds[prefill] = row.encode.value, row.prefill.value  # type: ignore[union-attr]
        heights = {
            each.recipe: each.score.value
            for each in view.rows
            if each.identity == identity and each.score is not None
        }
        passes = {encode: row.passes or 1, prefill: 1}
        candidates[identity] = Candidate(str(row), passes, heights)
    groups = {key: workloads[key].kind for key in seconds}
    costs = {key: float(np.mean(cost_s[key])) for key in seconds}
    return Layout(tuple(candidates.values()), groups, seconds, costs)


def moved(layout: Layout, rng: np.random.Generator, by: float = MOVED) -> Layout:
    """The same grid with other latencies."""
    true_s = {key: s * math.exp(rng.normal(0, by)) for key, s in layout.true_s.items()}
    return replace(layout, true_s=true_s)


def crowded(layout: Layout, rng: np.random.Generator, tied: bool = False) -> Layout:
    """Every point scored: a trend in log TTFT, and a scatter that makes rivals everywhere."""
    layout = moved(layout, rng, 0.0 if tied else MOVED)
    if tied:  # encoders of about the same time, within 2 %
        true_s = {
            key: _rounded(s) * math.exp(rng.uniform(-0.01, 0.01))
            for key, s in layout.true_s.items()
        }
        layout = replace(layout, true_s=true_s)
    heights = []
    for one in layout.candidates:
        total_s = sum(n * layout.true_s[key] for key, n in one.passes.items())
        heights.append(0.5 + 0.03 * math.log(total_s) + rng.normal(0, 0.01))
    scored = tuple(
        replace(one, accuracies={"made up": height})
        for one, height in zip(layout.candidates, heights, strict=True)
    )
    return replace(layout, candidates=scored)


def _rounded(seconds: float) -> float:
    """The nearest power of two: many parts then take the same time."""
    return float(2.0 ** round(math.log2(seconds)))


def made_up(scatter: float) -> Callable[[np.random.Generator], Layout]:
    """54 points of `front_calibration`, costs as processes of such latencies have them."""

    def make(rng: np.random.Generator) -> Layout:
        points = true_world(rng, scatter)
        parts = {part.workload: part for point in points for part in point.parts}
        return Layout(
            tuple(
                Candidate(
                    point.name,
                    {part.workload: part.passes for part in point.parts},
                    {"made up": point.accuracy},
                )
                for point in points
            ),
            {key: "encode" if key.startswith("e") else "prefill" for key in parts},
            {key: part.seconds for key, part in parts.items()},
            {key: 5.0 + 6 * part.seconds for key, part in parts.items()},
        )

    return make


# Processes: deviations from the latency, as logarithms.


def normal(sd: float) -> Deviations:
    """Every process off by so much."""
    return lambda group, rng: rng.normal(0, sd, ATTEMPTS)


def unequal(group: str, rng: np.random.Generator) -> np.ndarray:
    """Parts of unequal spread."""
    return rng.normal(0, math.exp(rng.uniform(math.log(0.005), math.log(0.04))), ATTEMPTS)


def bimodal(group: str, rng: np.random.Generator) -> np.ndarray:
    """Three in ten processes 5 % slower; the latency is the geometric mean."""
    slow = math.log(1.05) * (rng.random(ATTEMPTS) < 0.3)
    return rng.normal(0, 0.005, ATTEMPTS) + slow - 0.3 * math.log(1.05)


def outliers(group: str, rng: np.random.Generator) -> np.ndarray:
    """Heavy tails, and one process in fifty half as slow again."""
    slow = math.log(1.5) * (rng.random(ATTEMPTS) < 0.02)
    return np.asarray(0.01 * rng.standard_t(3, ATTEMPTS) + slow)


def contended(group: str, rng: np.random.Generator) -> np.ndarray:
    """One process in fifty slow, and nobody saw why."""
    slow = np.log(rng.uniform(1.03, 1.10, ATTEMPTS)) * (rng.random(ATTEMPTS) < UNSEEN)
    return np.asarray(rng.normal(0, 0.01, ATTEMPTS) + slow)


def banked() -> Deviations:
    """Real processes of one part of the same kind, in random order, none twice."""
    data = json.loads(BANK.read_text(encoding="utf-8"))
    kinds: dict[str, list[np.ndarray]] = {}
    for part in data["parts"]:
        logs = np.log(part["medians_s"])
        kinds.setdefault(part["kind"], []).append(logs - logs.mean())

    def draw(group: str, rng: np.random.Generator) -> np.ndarray:
        own = kinds[group]
        return np.asarray(rng.permutation(own[rng.integers(len(own))]))

    return draw


def real() -> Deviations:
    """Deviations of the example's processes from their part's mean, as wide as of one process."""
    found: dict[str, list[float]] = {}
    with Store.open(EXAMPLE, read_only=True) as store:
        workloads, logs = store.workloads(), dict[str, list[float]]()
        for cell in store.cells():
            if cell.status != "disturbed":
                logs.setdefault(cell.workload_key, []).append(math.log(stats.cell_median(cell)))
    for key, own in logs.items():
        if len(own) > 1:
            widen = math.sqrt(len(own) / (len(own) - 1))
            deviations = (np.array(own) - np.mean(own)) * widen
            found.setdefault(workloads[key].kind, []).extend(deviations.tolist())
    return lambda group, rng: rng.choice(found[group], ATTEMPTS) * rng.choice((-1, 1), ATTEMPTS)


def world_of(
    layout: Layout,
    deviations: Deviations,
    rng: np.random.Generator,
    drift: float = 0.0,
    disturbed: float = 0.0,
) -> World:
    """A layout with its processes, and predictions that are off."""
    parts = tuple(
        CandidatePart(
            key,
            layout.groups[key],
            seconds * math.exp(rng.normal(0, PREDICTED)),
            layout.cost_s[key] * math.exp(rng.normal(0, PREDICTED)),
        )
        for key, seconds in layout.true_s.items()
    )
    medians_s = {
        key: seconds * np.exp(deviations(layout.groups[key], rng))
        for key, seconds in layout.true_s.items()
    }
    is_disturbed = {key: rng.random(ATTEMPTS) < disturbed for key in layout.true_s}
    return World(
        layout.candidates, parts, layout.true_s, layout.cost_s, medians_s, is_disturbed, drift
    )


Kinds = Mapping[str, Callable[[np.random.Generator], World]]


def kinds() -> Kinds:
    """Every kind of world by its name."""
    grid = example()

    def on(
        layout: Callable[[np.random.Generator], Layout], deviations: Deviations, **more: float
    ) -> Callable[[np.random.Generator], World]:
        return lambda rng: world_of(layout(rng), deviations, rng, **more)

    def itself(rng: np.random.Generator) -> Layout:
        return moved(grid, rng, OWN_ERROR)

    def shifted(rng: np.random.Generator) -> Layout:
        return moved(grid, rng)

    def rivals(rng: np.random.Generator) -> Layout:
        return crowded(grid, rng)

    def ties(rng: np.random.Generator) -> Layout:
        return crowded(grid, rng, tied=True)

    found = {
        "example, real": on(itself, real()),
        "example, quiet": on(itself, normal(0.01)),
        "example, noisy": on(itself, normal(0.036)),
        "example, unequal": on(itself, unequal),
        "example, drift": on(itself, normal(0.01), drift=DRIFT),
        "example, bimodal": on(itself, bimodal),
        "example, outliers": on(itself, outliers),
        "example, contention": on(itself, contended, disturbed=DISTURBED),
        "moved, noisy": on(shifted, normal(0.036)),
        "crowded, real": on(rivals, real()),
        "crowded, noisy": on(rivals, normal(0.036)),
        "crowded, contention": on(rivals, contended, disturbed=DISTURBED),
        "spread out, quiet": on(made_up(SPREAD_OUT), normal(0.01)),
        "tight, quiet": on(made_up(TIGHT), normal(0.01)),
        "tied, quiet": on(ties, normal(0.01)),
    }
    if BANK.exists():
        found["example, bank"] = on(itself, banked())
        found["crowded, bank"] = on(rivals, banked())
    return found


# Runs and their summary.


@dataclass(frozen=True)
class Case:
    """One world under one question: every method's run, and the oracle's seconds."""

    runs: Mapping[str, Run]
    oracle_s: float


def cases(
    make: Callable[[np.random.Generator], World], is_limit: bool, worlds: int
) -> Iterator[Case]:
    """Worlds of one kind, all methods on each."""
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        world = make(rng)
        question = Question("front")
        if is_limit:
            totals = sorted(world.total_s(one) for one in world.candidates if one.accuracies)
            low, high = totals[0], totals[-1]
            limit_s = math.exp(rng.uniform(math.log(low * 1.05), math.log(high * 0.95)))
            question = Question("best", under_s=limit_s)
        inquiry = Inquiry(question, world.candidates, world.parts, seed)
        scored = sorted({key for one in world.candidates if one.accuracies for key in one.passes})
        run, oracle_s = decided(world, inquiry)
        yield Case(
            {
                "decider": run,
                "standard": by_fidelity(world, inquiry, cell_plan("standard")),
                "rigorous": by_fidelity(world, inquiry, cell_plan("rigorous")),
                "scored": in_rounds(world, inquiry, scored),
                "all": in_rounds(world, inquiry, [part.key for part in world.parts]),
            },
            shown_by_oracle(world, inquiry) if is_limit else oracle_s,
        )


def clopper_pearson(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share.

    >>> [round(end, 3) for end in clopper_pearson(0, 60)]
    [0.0, 0.06]
    """
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


@dataclass
class Total:
    """What is added up over kinds."""

    seconds: dict[str, float] = field(default_factory=dict)
    known: int = 0
    wrong: int = 0
    off: list[tuple[float, float]] = field(default_factory=list)


def shown(name: str, found: Sequence[Case]) -> str:
    """A kind's line in the table."""
    mean = {
        method: float(np.mean([case.runs[method].seconds for case in found]))
        for method in found[0].runs
    }
    ours = [case.runs["decider"] for case in found]
    known_s = float(np.mean([run.known_s for run in ours]))
    right, n = sum(run.is_right for run in ours), len(ours)
    known = [run for run in ours if run.is_known]
    wrong = sum(not run.is_right for run in known)
    low, high = clopper_pearson(right, n)
    known_by = {m: sum(c.runs[m].is_known for c in found) / n for m in ("standard", "rigorous")}
    return (
        f"| {name} | {known_s:.0f} (+{mean['decider'] - known_s:.0f}) | "
        f"{mean['scored']:.0f} | {mean['all']:.0f} | "
        f"{mean['standard']:.0f} ({known_by['standard']:.0%}) | "
        f"{mean['rigorous']:.0f} ({known_by['rigorous']:.0%}) | "
        f"{np.mean([case.oracle_s for case in found]):.0f} | "
        f"{known_s / mean['scored']:.2f} | {known_s / mean['all']:.2f} | "
        f"{right / n:.0%} ({low:.0%} to {high:.0%}) | {len(known)} | {wrong} | "
        f"{100 * np.mean([run.regret for run in ours]):.3f} |"
    )


def main() -> int:
    """Print a line for each kind; 0 if all thresholds are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question", choices=["front", "limit"])
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--kind", action="append", help="beginning of a kind's name; several")
    options = parser.parse_args()
    print(
        "| worlds | decider s (+ confirming) | (c) scored s | all s | standard s (known) | "
        "rigorous s (known) | oracle s | over (c) | over all | right | known | wrong | "
        "regret, points |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    total, missed = Total(), []
    for name, make in kinds().items():
        if options.kind and not any(name.startswith(each) for each in options.kind):
            continue
        found = list(cases(make, options.question == "limit", options.worlds))
        print(shown(name, found), flush=True)
        known = [case.runs["decider"] for case in found if case.runs["decider"].is_known]
        wrong = sum(not run.is_right for run in known)
        if known and clopper_pearson(wrong, len(known))[0] > WRONG:
            missed.append(f"{name}: {wrong} of {len(known)} wrong")
        total.known, total.wrong = total.known + len(known), total.wrong + wrong
        total.off += [pair for run in known for pair in run.off]
        for method in found[0].runs:
            seconds = sum(case.runs[method].known_s for case in found)
            total.seconds[method] = total.seconds.get(method, 0.0) + seconds
    of_scored, of_all = (total.seconds["decider"] / total.seconds[m] for m in ("scored", "all"))
    low, high = clopper_pearson(total.wrong, total.known)
    share = total.wrong / max(total.known, 1)
    print(f"decider over (c): {of_scored:.2f}, over all: {of_all:.2f}")
    print(f"wrong of known: {total.wrong} of {total.known}, {share:.1%} ({low:.1%} to {high:.1%})")
    for which, name in enumerate(("all processes", "confirming ones alone") if total.off else ()):
        off = np.array(total.off)[:, which]
        print(
            f"members' latencies by {name}: off by {np.mean(off):+.2%} on average, "
            f"{np.sqrt(np.mean(off**2)):.2%} root mean square, of {len(off)}"
        )
    missed += [f"over (c) {of_scored:.2f} > {OF_SCORED}"] if of_scored > OF_SCORED else []
    missed += [f"over all {of_all:.2f} > {OF_ALL}"] if of_all > OF_ALL else []
    missed += [f"wrong {share:.1%} > {WRONG:.0%}"] if share > WRONG else []
    print("thresholds met" if not missed else "missed: " + "; ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
