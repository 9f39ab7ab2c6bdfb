"""Import of scores that lmms-eval or VLMEvalKit wrote.

Files in, placed scores out, with an entry for every file and task that gave none. Results of one
folder and one checkpoint belong together, so that their suite means are made; of several runs of
one task the newest counts there. The same file twice makes the same scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench.accuracy import suites
from paretobench.accuracy.accounting import ImportEntry, PlacedScore
from paretobench.accuracy.lmms import items, placing, scoring, vlmevalkit
from paretobench.accuracy.lmms import results as results_
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.scoring import Value
from paretobench.accuracy.names import Names, benchmark, known_names, settled
from paretobench.domain.records import SourceKind
from paretobench.errors import ConfigError, DataError
from paretobench.units import percent


@dataclass
class ImportedScores:
    """What was read: scores to store, and an entry for each file or task that gave none.

    `notes` are about several files at once, such as two checkpoints with the same answers.
    """

    found: list[PlacedScore] = field(default_factory=list)
    entries: list[ImportEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_results(
    files: Sequence[Path],
    flags: Mapping[str, Any] | None = None,
    mapping: Path | None = None,
    protocol: str = "lmms",
) -> ImportedScores:
    """The scores in result files of lmms-eval and VLMEvalKit; a bad file costs no other.

    Args:
        files: result files, known by their content.
        flags: encoder, resolution_px, llm, tiling, recipe as far as the user said them.
        mapping: a mapping file (see `placing`).
        protocol: `lmms`, or `llava` to score GQA, TextVQA and POPE from the logged samples.

    Raises:
        ConfigError: if the mapping file or the protocol is wrong.
    """
    scoring.check_protocol(protocol)
    rules = placing.read_mapping(mapping) if mapping else []
    reading = _Reading(flags or {}, rules, protocol, known_names())
    for path in files:
        reading.read(path)
    return reading.finish()


@dataclass(frozen=True)
class _Checkpoint:
    """Results that belong together: one folder, one place, one set of arguments."""

    place: ScorePoint
    folder: Path
    is_own: bool
    about: str
    odd: tuple[str, ...]


@dataclass
class _Reading:
    """Files read one by one, their results gathered by checkpoint until all are read."""

    flags: Mapping[str, Any]
    rules: Sequence[placing.Rule]
    protocol: str
    names: Names
    runs: dict[_Checkpoint, list[TaskResult]] = field(default_factory=lambda: defaultdict(list))
    tables: dict[_Checkpoint, list[Value]] = field(default_factory=lambda: defaultdict(list))
    done: ImportedScores = field(default_factory=ImportedScores)

    def read(self, path: Path) -> None:
        """Take one file; what is wrong with it becomes an entry."""
        try:
            if results_.is_result_file(path):
                self._read_lmms(path)
            else:
                self._read_vlmevalkit(path)
        except (DataError, OSError) as error:
            self._refuse(path, "", str(error))

    def _read_lmms(self, path: Path) -> None:
        file = results_.read_file(path)
        for task, reason in file.skipped:
            self.done.entries.append(ImportEntry(path.as_posix(), task, "skipped", reason))
        for result in file.results:
            checkpoint = self._checkpoint(result, path.parent.parent)
            if checkpoint is not None:
                self.runs[checkpoint].append(result)

    def _read_vlmevalkit(self, path: Path) -> None:
        values, problems = vlmevalkit.read_values(path)
        for name, reason in problems:
            self.done.entries.append(ImportEntry(path.as_posix(), name, "skipped", reason))
        for value in values:
            checkpoint = self._checkpoint(value.results[0], path.parent)
            if checkpoint is not None:
                self.tables[checkpoint].append(value)

    def _checkpoint(self, result: TaskResult, folder: Path) -> _Checkpoint | None:
        texts = _texts(result)
        try:
            found = placing.place(texts, self.flags, self.rules)
            place, odd = settled(found, self.names)
        except (DataError, ConfigError) as error:
            self._refuse(result.path, result.task, str(error))
            return None
        return _Checkpoint(place, folder, bool(result.own), " ".join(texts[1:]), odd)

    def _refuse(self, path: Path, task: str, reason: str) -> None:
        self.done.entries.append(ImportEntry(path.as_posix(), task, "refused", reason))

    def finish(self) -> ImportedScores:
        """Score what was gathered."""
        for checkpoint, results in self.runs.items():
            newest, older = _newest(results)
            values = self._values(newest)
            self._keep(checkpoint, [*values, *scoring.suite_values(values)])
            self._keep(checkpoint, self._values(older))
        for checkpoint, tables in self.tables.items():
            self._keep(checkpoint, [*tables, *scoring.suite_values(tables)])
        self.done.notes += _same_answers(self.runs)
        return self.done

    def _values(self, results: Sequence[TaskResult]) -> list[Value]:
        """The values of one checkpoint's tasks; a task that cannot be scored costs no other."""
        found: list[Value] = []
        for group in scoring.scored_together(results, self.protocol):
            try:
                found += scoring.values(group, self.protocol)
            except DataError as error:
                for result in group:
                    self._refuse(result.path, result.task, str(error))
        return found

    def _keep(self, checkpoint: _Checkpoint, values: Sequence[Value]) -> None:
        kind: SourceKind = "measured" if checkpoint.is_own else "imported"
        scores = scoring.to_scores(values, checkpoint.place, kind)
        for value, score in zip(values, scores, strict=True):
            first = value.results[0]
            task = first.task if len({r.task for r in value.results}) == 1 else value.benchmark
            remarks = tuple(dict.fromkeys(remark for r in value.results for remark in r.remarks))
            said = (_shown(value), *checkpoint.odd, *remarks, value.note, *_unknown(value))
            odd = tuple(filter(None, said))
            self.done.found.append(PlacedScore(first.path.as_posix(), task, score, odd))


def _newest(results: Sequence[TaskResult]) -> tuple[list[TaskResult], list[TaskResult]]:
    """The newest result of each task, and the older ones."""
    kept = {result.task: result for result in sorted(results, key=lambda result: result.dated)}
    newest = [result for result in results if kept[result.task] is result]
    return newest, [result for result in results if kept[result.task] is not result]


def _texts(result: TaskResult) -> list[str]:
    named = str(result.own.get("checkpoint_name") or "")
    return [result.path.as_posix(), named, result.model, result.model_args]


def _shown(value: Value) -> str:
    """The score as people write it; sums are in the note."""
    row = suites.BENCHMARKS.get(value.benchmark)
    return "" if row is not None and row.is_sum else f"{percent(value.value)} %"


def _unknown(value: Value) -> tuple[str, ...]:
    if any(result.harness == vlmevalkit.HARNESS for result in value.results):
        return ()
    warning = benchmark(value.benchmark.partition("/")[0])[1]
    return (f"{warning}; kept under its own name",) if warning else ()


def _same_answers(runs: Mapping[_Checkpoint, Iterable[TaskResult]]) -> list[str]:
    """Tasks on which two checkpoints answered letter for letter the same."""
    answered: dict[tuple[str, int], tuple[str, _Checkpoint]] = {}
    notes = []
    for checkpoint, results in runs.items():
        for result in results:
            try:
                given = tuple((sample.item, sample.answer) for sample in result.samples)
            except DataError:
                continue  # said already, where it is scored
            if len(given) < items.FEWEST_ALIKE:
                continue
            key = (result.task, hash(given))
            other, owner = answered.setdefault(key, (result.path.as_posix(), checkpoint))
            if owner.about != checkpoint.about:
                notes.append(
                    f"{result.task}: all {len(given)} answers in {result.path.as_posix()} are "
                    f"letter for letter those in {other}, of another checkpoint; was a cache of "
                    "responses on that does not know which weights gave them?"
                )
    return notes
