"""The verb duel: two builds or settings on this machine, in turn."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_table, say, warn
from paretobench.cli.options import as_json
from paretobench.cli.streams import exit_status
from paretobench.domain import Workload
from paretobench.errors import ConfigError
from paretobench.resources import cache_folder
from paretobench.units import MISSING, counted, duration, milliseconds

if TYPE_CHECKING:
    from paretobench.analysis.duel import FalseAlarms
    from paretobench.measure.duel import DuelRun

SEED = 0
"""Seed of the replays that give an A/A run's false-alarm rate."""


@click.command("duel")
@click.argument("a", shell_complete=completion.files)
@click.argument("b", shell_complete=completion.files)
@click.argument("specs", nargs=-1, required=True, type=click.File("r"))
@click.option(
    "--detect",
    type=click.FloatRange(0.001, 0.5),
    default=0.03,
    show_default=True,
    help="Relative difference to find; rounds are added until it can be resolved.",
)
@as_json
def duel_command(a: str, b: str, specs: tuple[Any, ...], detect: float, as_json: bool) -> int:
    """Time two builds or settings in turn, and say which is faster.

    A and B are a virtual environment or interpreter, NAME=VALUE for an environment variable,
    precision=bf16 or another name=value for the runtime, '.' for this interpreter as it is, or
    several of these with commas. SPECS hold workloads as 'paretobench plan --json' prints them.

    Each round starts a fresh process of either side, in an order that the next round mirrors;
    what both share in a round cancels. With A equal to B the rate of false alarms is printed.
    Ctrl-C ends it with the rounds so far.
    """
    import numpy as np

    from paretobench.analysis.duel import false_alarms
    from paretobench.measure.duel import duel, parse_side

    workloads = [workload for spec in specs for workload in _workloads(spec)]
    sides = parse_side(a), parse_side(b)
    runs = duel(workloads, *sides, cache_folder(), detect, progress=say)
    alarms = None
    if a == b:
        rng = np.random.default_rng(SEED)
        alarms = false_alarms([run.pairs for run in runs], rng, detect=detect)
    if as_json:
        emit_json(_answer(a, b, detect, runs, alarms))
    else:
        _print(a, b, runs, alarms)
    stop = runs[-1].stop
    if stop is not None:
        return exit_status(stop)
    return 1 if any(run.failure for run in runs) else 0


def _workloads(spec: Any) -> list[Workload]:
    """The workloads of a file: one, or all of a plan."""
    try:
        data = json.load(spec)
        listed = data.get("workloads", [data])
        found = [Workload.from_json(one.get("workload", one)) for one in listed]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{spec.name} holds no workload ({error!r});\n"
            "'paretobench plan +grid=smoke --json > smoke.json' writes some"
        ) from error
    if not found:
        raise ConfigError(f"{spec.name} holds no workload; its plan is empty")
    return found


def _answer(
    a: str, b: str, detect: float, runs: list[DuelRun], alarms: FalseAlarms | None
) -> dict[str, Any]:
    from paretobench.analysis.duel import ratio_of, verdict_of

    found = []
    for run in runs:
        ratio = ratio_of(run.pairs)
        found.append(
            {
                "workload": run.workload.to_json(),
                "b_over_a": None if ratio is None else vars(ratio),
                "verdict": verdict_of(run.pairs),
                "pairs_s": run.pairs,
                "dropped": run.dropped,
                "wall_s": run.wall_s,
                "failure": run.failure,
                "cells": [[cell.to_json() for cell in both] for both in run.cells],
            }
        )
    rate = None if alarms is None else vars(alarms)
    return {"a": a, "b": b, "detect": detect, "workloads": found, "false_alarms": rate}


def _print(a: str, b: str, runs: list[DuelRun], alarms: FalseAlarms | None) -> None:
    from paretobench.analysis.duel import ratio_of, verdict_of

    rows = []
    for run in runs:
        ratio = ratio_of(run.pairs)
        text = MISSING
        if ratio is not None and ratio.low is not None and ratio.high is not None:
            text = f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        sides = list(zip(*run.pairs, strict=True))
        medians = [milliseconds(median(side)) for side in sides] or [MISSING, MISSING]
        rounds = f"{len(run.pairs)}" + (f" (+{run.dropped} dropped)" if run.dropped else "")
        rows.append((run.workload.label, *medians, text, rounds, verdict_of(run.pairs)))
    title = f"A: {a}   B: {b}"
    heads = ("workload", "A ms", "B ms", "B / A [95%]", "rounds", "verdict")
    print_table(title, heads, rows)
    spent = sum(run.wall_s for run in runs)
    say(
        f"{counted(sum(2 * len(r.cells) for r in runs), 'process', 'processes')}, {duration(spent)}"
    )
    for run in runs:
        if run.failure:
            warn(f"{run.workload.label}: {run.failure}")
    if alarms is not None and alarms.replays:
        say(
            f"A and B are the same: in {alarms.replays} replays of these rounds with the sides "
            f"named at random {alarms.rate:.1%} found a difference"
        )
