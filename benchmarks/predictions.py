"""How well predictions hold: parts that were measured, each predicted as if it had not been.

For every database and basis the table has the median error, the share of 90 % intervals that hold
the measurement, and how wide they are:

    one size      the part alone is left out: other sizes of its model remain
    one model     every size of its model is left out: its family or the measured rate remain
    one family    every model of its family is left out
    larger half   sizes above the median of its model are left out: extrapolation
    nothing       what the plan computes before anything was measured
    both parts    of each point in turn both parts are left out; error of its TTFT

Environments never teach one another: the last lines try parts of each database against the
measurements of each other one.

    python benchmarks/predictions.py results/examples/qwen2_family_cpu.db [DATABASE...]
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from paretobench.analysis.prediction import (
    PartWork,
    Prediction,
    Predictor,
    TimedPart,
    total,
)
from paretobench.domain.records import Environment
from paretobench.report.view.predictions import Models, computed_part, timed_parts
from paretobench.store import Store
from paretobench.units import percent

Tried = Sequence[tuple[float, Prediction]]
"""Measured seconds and what was predicted."""


def main(paths: Sequence[str]) -> None:
    """Print the table of each database, then what each says of the others."""
    taught: dict[str, list[TimedPart]] = {}
    print("| database | left out | parts of | by | n | median error | in 90 % | half-width |")
    print("|---|---|---|---|---:|---:|---:|---:|")
    for path in paths:
        with Store.open(path, read_only=True) as store:
            environment = store.environments()[0]
            timed = timed_parts(store, store.cell_summaries(environment.key), Models())
            lines = [*_parts(list(timed.values())), *_computed(store, timed, environment)]
            lines.append(("both parts", "TTFT", "", _points(store, timed)))
        taught[path] = list(timed.values())
        for left_out, kind, basis, tried in lines:
            print(f"| {Path(path).stem} | {left_out} | {kind} | {basis} | {_figures(tried)} |")
    for path, tried_parts in taught.items():
        for other in (name for name in taught if name != path):
            found = [Predictor(taught[other]).predict(one.part) for one in tried_parts]
            said = sum(one is not None for one in found)
            print(f"{Path(other).stem} predicts {said} of {len(found)} parts of {Path(path).stem}")


def _parts(timed: Sequence[TimedPart]) -> list[tuple[str, str, str, Tried]]:
    """Every way of leaving parts out, by kind and basis."""
    middle = {
        one.part.model: statistics.median(
            o.part.gflop for o in timed if o.part.model == one.part.model
        )
        for one in timed
    }
    ways: dict[str, Callable[[PartWork, PartWork], bool]] = {
        "one size": lambda part, other: part == other,
        "one model": lambda part, other: part.model == other.model,
        "one family": lambda part, other: part.family == other.family,
        "larger half": lambda part, other: (
            part.model == other.model and other.gflop > middle[other.model]
        ),
    }
    lines = []
    for name, is_left_out in ways.items():
        tried = leave_out(timed, is_left_out)
        if name == "larger half":
            tried = [(one, p) for one, p in tried if one.part.gflop > middle[one.part.model]]
        lines += _by_basis(name, tried)
    return lines


def leave_out(
    timed: Sequence[TimedPart], is_left_out: Callable[[PartWork, PartWork], bool]
) -> list[tuple[TimedPart, Prediction]]:
    """Each measured part with its prediction from what remains without some; those that get one.

    Args:
        is_left_out: whether the second part is left out while the first is predicted.
    """
    found = []
    for one in timed:
        rest = [o for o in timed if o is not one and not is_left_out(one.part, o.part)]
        predicted = Predictor(rest).predict(one.part)
        if predicted is not None:
            found.append((one, predicted))
    return found


def _computed(
    store: Store, timed: dict[str, TimedPart], environment: Environment
) -> list[tuple[str, str, str, Tried]]:
    """Measured parts with what would be computed for them had nothing been measured."""
    models, workloads, found = Models(), store.workloads(timed), []
    for key, part in timed.items():
        cost = models.cost(workloads[key])
        predicted = computed_part(workloads[key], cost, environment) if cost else None
        found += [(part, predicted)] if predicted else []
    return _by_basis("nothing", found)


def _by_basis(
    name: str, tried: Sequence[tuple[TimedPart, Prediction]]
) -> list[tuple[str, str, str, Tried]]:
    groups: dict[tuple[str, str], list[tuple[float, Prediction]]] = {}
    for one, predicted in tried:
        key = (one.part.kind, predicted.basis)
        groups.setdefault(key, []).append((one.latency_s, predicted))
    return [(name, kind, basis, found) for (kind, basis), found in sorted(groups.items())]


def _points(store: Store, timed: dict[str, TimedPart]) -> Tried:
    """Every point's TTFT with each of its parts predicted."""
    alone = {id(one): p for one, p in leave_out([*timed.values()], lambda one, other: False)}
    predicted = {key: alone[id(one)] for key, one in timed.items() if id(one) in alone}
    tried = []
    for point in store.points():
        links = [link for link in point.links if link.role in ("encode", "prefill")]
        if all(link.workload_key in predicted for link in links):
            measured = sum(link.passes * timed[link.workload_key].latency_s for link in links)
            terms = [(float(link.passes), predicted[link.workload_key]) for link in links]
            tried.append((measured, total(terms)))
    return tried


def _figures(tried: Tried) -> str:
    errors = [abs(predicted.latency_s / measured - 1) for measured, predicted in tried]
    inside = [predicted.low_s <= measured <= predicted.high_s for measured, predicted in tried]
    widths = [math.sqrt(predicted.high_s / predicted.low_s) - 1 for _, predicted in tried]
    middle = statistics.median
    share = percent(sum(inside) / len(inside), 0)
    return (
        f"{len(tried)} | {percent(middle(errors))} % | {share} % | {percent(middle(widths), 0)} %"
    )


if __name__ == "__main__":
    main(sys.argv[1:] or ["results/examples/qwen2_family_cpu.db"])
