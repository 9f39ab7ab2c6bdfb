"""Two checkpoints on the same questions: the paired difference of every benchmark both answered.

A side is a folder or file of lmms-eval results, or a checkpoint that was scored here, by its
name, its folder or the first digits of its content hash. Most of the spread between two
checkpoints is that of the questions; on the same questions it cancels, so that an interval on
the differences separates them where the two scores' own intervals overlap.

Where the two did not answer the same items, only the shared ones count, and a note says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paretobench.accuracy import suites
from paretobench.accuracy.lmms import items
from paretobench.accuracy.lmms import results as results_
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.samples import Sample
from paretobench.analysis.items import Difference, mean_difference, paired_difference
from paretobench.errors import DataError
from paretobench.units import counted

FEWEST_DIGITS = 6
"""Of a content hash that names a checkpoint: shorter ones may be a word."""


@dataclass(frozen=True)
class Paired:
    """One benchmark on both sides.

    Attributes:
        a, b: mean item score of each side on the shared items, in [0, 1].
        difference: A minus B over them.
        notes: what keeps the two from being the same exam.
    """

    benchmark: str
    a: float
    b: float
    difference: Difference
    notes: tuple[str, ...] = ()


def runs_of(side: str, kept: Path) -> list[TaskResult]:
    """The task results that a side names; empty if it names none.

    Args:
        side: a folder or file of results, or a checkpoint scored here: name, folder or hash.
        kept: where `paretobench score` keeps its finished tasks.

    Raises:
        DataError: if a result file cannot be read, or the results are of several checkpoints.
    """
    path = Path(side)
    if path.is_dir() and any(results_.result_files(path)):
        return _of_one_checkpoint(results_.read_results(path), side)
    if path.is_file() and results_.is_result_file(path):
        return results_.read_results(path)
    if not kept.is_dir() or not any(results_.result_files(kept)):
        return []
    found = [run for run in results_.read_results(kept) if _is_named(run, side)]
    return _of_one_checkpoint(found, side)


def _is_named(run: TaskResult, side: str) -> bool:
    digest, name = str(run.own.get("checkpoint") or ""), str(run.own.get("checkpoint_name") or "")
    is_digest = len(side) >= FEWEST_DIGITS and digest.startswith(side.lower())
    return is_digest or (name != "" and name in (side, Path(side).name))


def _of_one_checkpoint(found: Sequence[TaskResult], side: str) -> list[TaskResult]:
    """The results, if one checkpoint gave them all: else a difference would belong to no
    checkpoint."""
    sources = {str(run.own.get("checkpoint") or run.model_args or run.model) for run in found}
    if len(sources) > 1:
        listed = "; ".join(sorted(each[:60] for each in sources))
        raise DataError(
            f"{side} holds results of {len(sources)} checkpoints ({listed});\n"
            "name the folder or file of one of them, or a longer piece of its hash"
        )
    return list(found)


def compare_runs(
    a: Sequence[TaskResult], b: Sequence[TaskResult], protocol: str = "lmms"
) -> tuple[list[Paired], list[str]]:
    """Every benchmark that both sides answered, and what could not be compared.

    A suite comes after its members if all of them are there; its parts count as independent.

    Args:
        a, b: task results of one checkpoint each.
        protocol: the rules both are scored by: `lmms` or `llava`.

    Returns:
        The comparisons, and one line for each task that only one side has or that has no
        samples.

    Raises:
        DataError: if nothing at all can be compared.
    """
    ours, theirs = results_.by_task(a), results_.by_task(b)
    found: list[Paired] = []
    problems = [f"{task}: only one side has it" for task in sorted(ours.keys() ^ theirs.keys())]
    for task in [task for task in ours if task in theirs]:
        for benchmark in _benchmarks(task):
            try:
                found.append(_paired(ours[task], theirs[task], benchmark, protocol))
            except DataError as error:
                problems.append(f"{benchmark}: {error}")
    if not found:
        raise DataError("\n".join(["no benchmark can be compared item by item", *problems[:2]]))
    return found + _suites(found), problems


def _benchmarks(task: str) -> list[str]:
    """The benchmarks that a task answers; one that is not in the list is its own."""
    return [row.name for row in suites.of_task(task)] or [task]


def _paired(
    ours: Sequence[TaskResult], theirs: Sequence[TaskResult], benchmark: str, protocol: str
) -> Paired:
    a, b = (_item_scores(runs, benchmark, protocol) for runs in (ours, theirs))
    mine, yours = (_samples(runs) for runs in (ours, theirs))
    # Where the right answer differs, it is a question of another data set.
    both = a.keys() & b.keys()
    changed = [item for item in both if str(mine[item].target) != str(yours[item].target)]
    for item in changed:
        del a[item], b[item]
    try:
        difference = paired_difference(b, a, items.images_of(mine.values()))
    except ValueError as error:
        raise DataError(str(error)) from error
    widening = _widening(difference, benchmark)
    difference = replace(difference, standard_error=difference.standard_error * widening)
    common = a.keys() & b.keys()
    return Paired(
        benchmark,
        math.fsum(a[item] for item in common) / len(common),
        math.fsum(b[item] for item in common) / len(common),
        difference,
        _notes(benchmark, difference, len(changed), [(mine[i], yours[i]) for i in sorted(common)]),
    )


def _item_scores(runs: Sequence[TaskResult], benchmark: str, protocol: str) -> dict[str, float]:
    scored: dict[str, float] = {}
    for run in runs:
        scored |= items.item_scores(run, benchmark, protocol)
    return scored


def _samples(runs: Iterable[TaskResult]) -> dict[str, Sample]:
    return {sample.item: sample for run in runs for sample in run.samples}


def _widening(difference: Difference, benchmark: str) -> float:
    """The root of the design effect of shared images, where the logs do not name them; else 1."""
    row = suites.BENCHMARKS.get(benchmark)
    return 1.0 if difference.images or row is None else row.widening


def _notes(
    benchmark: str, difference: Difference, changed: int, common: Sequence[tuple[Sample, Sample]]
) -> tuple[str, ...]:
    """What a reader must know before believing the difference."""
    is_alike = len(common) >= items.FEWEST_ALIKE and all(a.answer == b.answer for a, b in common)
    widening = _widening(difference, benchmark)
    prompts = sum(bool(a.prompt) and bool(b.prompt) and a.prompt != b.prompt for a, b in common)
    parts = (
        f"not the same items: {counted(difference.only_one, 'item')} only one side answered, "
        "left out"
        if difference.only_one
        else "",
        f"not the same data: {counted(changed, 'item')} with another right answer, left out"
        if changed
        else "",
        f"not the same prompts: {prompts} of {len(common)} differ" if prompts else "",
        "share of right answers, not F1" if benchmark == "pope" else "",
        f"all {len(common)} answers are letter for letter the same: was a cache of responses on "
        "that does not know which weights gave them?"
        if is_alike
        else "",
        "the logs do not name the images, which items share: the interval is "
        f"{widening:.1f} times that of independent items"
        if widening > 1
        else "",
    )
    return tuple(part for part in parts if part)


def _suites(found: Sequence[Paired]) -> list[Paired]:
    """The suites of which every member was compared."""
    by_name: Mapping[str, Paired] = {each.benchmark: each for each in found}
    means = []
    for suite in suites.SUITES.values():
        members = [by_name[name] for name in suite.members if name in by_name]
        if len(members) < len(suite.members):
            continue
        notes = dict.fromkeys(note for each in members for note in each.notes)
        means.append(
            Paired(
                suite.name,
                math.fsum(each.a for each in members) / len(members),
                math.fsum(each.b for each in members) / len(members),
                mean_difference([each.difference for each in members]),
                tuple(f"a member has: {note}" for note in notes),
            )
        )
    return means
