"""One import: every file below the paths, each read as what its content says, all accounted for.

Scores are read before the database is opened, so that a refused file leaves none behind. What came
in is held against what was there: a later version replaces an earlier one, two checkpoints at one
place are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.accuracy import finding, importers
from paretobench.accuracy.accounting import ImportAccount, ImportEntry, Outcome, PlacedScore
from paretobench.accuracy.current_scores import Contest, sort_out
from paretobench.accuracy.finding import Found
from paretobench.accuracy.lmms import importer
from paretobench.accuracy.lmms.results import read_json
from paretobench.cli import import_timings
from paretobench.errors import DataError, ParetobenchError
from paretobench.units import counted, percent

if TYPE_CHECKING:
    from paretobench.domain.records import Score
    from paretobench.measure.tool_timings import ToolTimings
    from paretobench.store import Store
    from paretobench.store.merge import UnionCounts

BATCH = 20_000
"""Scores in one transaction: a million need fifty, and none holds more than some 100 MB."""


class Destination:
    """The database, opened when the first thing goes in; taken back if nothing did."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._was_there = self._path.exists()
        self._store: Store | None = None
        self.is_kept = False

    @property
    def store(self) -> Store:
        """The open database."""
        from paretobench.store import Store

        if self._store is None:
            self._store = Store.open(self._path)
        return self._store

    def __enter__(self) -> Destination:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is None:
            return
        self._store.close()
        if not self._was_there and not self.is_kept:
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is kept of one score after it went in: enough for its entry."""

    path: str
    task: str
    key: str
    outcome: Outcome
    remarks: tuple[str, ...]


class Import:
    """Reads paths into a database and keeps the account.

    Args:
        place: which point the results belong to, as far as it was said.
        mapping: a YAML file that places many results.
        protocol: scoring rules of lmms-eval results.
        signer: a file of allowed signers; bundles alone are then taken.
        on_progress: called now and then with how many scores went in.
    """

    def __init__(
        self,
        destination: Destination,
        place: Mapping[str, Any],
        mapping: str | None,
        protocol: str,
        signer: str | None,
        on_progress: Callable[[int], None],
    ) -> None:
        self._destination, self._progress = destination, on_progress
        self._place, self._protocol = place, protocol
        self._mapping = Path(mapping) if mapping else None
        self._signers = Path(signer) if signer else None
        self._now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        self._stored: list[_Stored] = []
        self._logs: list[Path] = []
        self.account = ImportAccount()
        self.notes: list[str] = []
        self.contests: list[Contest] = []

    @property
    def _store(self) -> Store:
        return self._destination.store

    def read(self, paths: Sequence[Path]) -> None:
        """Everything below the paths."""
        results: list[Path] = []
        tables: list[Path] = []
        for found in finding.walk(paths, whole=(".mlperf",)):
            kind = self._take(found)
            if kind in ("lmms-eval results", "VLMEvalKit scores"):
                results.append(found.path)
            elif kind == "scores table":
                tables.append(found.path)
            elif kind == "sample log":
                self._logs.append(found.path)
        self._read_results(results)
        for path in tables:
            self._read_table(path)
        self._account_for_logs(results)
        self._judge()

    def _take(self, found: Found) -> str | None:
        """Import what is no score file at once; returns the kind of a score file."""
        from paretobench.measure import tool_timings, xcode_reports
        from paretobench.store import bundle, imports

        path = found.path
        if found.problem:
            self._refuse(found, found.problem)
            return None
        try:
            if self._signers:
                self._note_union(path, bundle.import_bundle(self._store, path, self._signers))
            elif xcode_reports.is_report(path):
                self._note(path, import_timings.import_report(self._destination, path, self._place))
            elif (timings := tool_timings.read_timings(path)) is not None:
                self._take_timings(path, timings)
            elif imports.kind_of(path) is not None:
                self._note_union(path, imports.import_file(self._store, path))
            elif (kind := finding.kind_of(path)) is not None:
                return kind
            else:
                self._refuse(found, NO_KIND)
        except ParetobenchError as error:
            self._refuse(found, str(error))
        return None

    def _take_timings(self, path: Path, found: ToolTimings) -> None:
        for what, reason in found.refused:
            self._enter(path, what, "skipped", reason)
        if found.stages:
            self._note(
                path,
                import_timings.import_timings(self._destination, path, found, self._place),
            )

    def _note_union(self, path: Path, union: UnionCounts) -> None:
        self._note(path, [("", "new" if any(union.new.values()) else "known", str(union))])

    def _note(self, path: Path, found: Iterable[tuple[str, Outcome, str]]) -> None:
        """Enter what went into the database."""
        for task, outcome, detail in found:
            self._destination.is_kept = True
            self._enter(path, task, outcome, detail)

    def _refuse(self, found: Found, reason: str) -> None:
        self._enter(found.path, "", "refused" if found.is_named else "skipped", reason)

    def _enter(self, path: Path | str, task: str, outcome: Outcome, detail: str) -> None:
        name = path if isinstance(path, str) else path.as_posix()
        self.account.add([ImportEntry(name, task, outcome, detail)])

    def _read_results(self, paths: Sequence[Path]) -> None:
        if not paths:
            return
        from paretobench.measure.tool_timings import throughput_refusals

        place = import_timings.without_report_options(self._place)
        imported = importer.import_results(paths, place, self._mapping, self._protocol)
        self.account.add(imported.entries)
        for path in paths:
            data = read_json(path)
            for what, reason in throughput_refusals(data if isinstance(data, dict) else {}):
                self._enter(path, what, "skipped", reason)
        self.notes += imported.notes
        self._store_scores(imported.found)

    def _read_table(self, path: Path) -> None:
        def scores() -> Iterator[PlacedScore]:
            for found in importers.stream_scores_csv(path, self._now):
                if isinstance(found, ImportEntry):
                    self.account.add([found])
                else:
                    yield found

        try:
            self._store_scores(scores())
        except DataError as error:
            self._enter(path, "", "refused", str(error))

    def _store_scores(self, scores: Iterable[PlacedScore]) -> None:
        waiting = iter(scores)
        while batch := list(islice(waiting, BATCH)):
            dated = [
                one.score if one.score.dated else replace(one.score, dated=self._now)
                for one in batch
            ]
            store = self._store
            known = store.known_scores(score.key for score in dated)
            store.add_scores(dated)
            self._destination.is_kept = True
            for one, score in zip(batch, dated, strict=True):
                outcome: Outcome = (
                    "known" if score.key in known else "partial" if score.is_partial else "new"
                )
                self._stored.append(_Stored(one.path, one.task, score.key, outcome, one.remarks))
            self._progress(len(self._stored))

    def _account_for_logs(self, results: Sequence[Path]) -> None:
        """A log is read with its result file; one without is named."""
        folders = {path.parent for path in results}
        for log in self._logs:
            with_results = log.parent in folders
            detail = "samples of a result beside it" if with_results else "no result file beside it"
            self._enter(log, "", "skipped", f"a sample log; {detail}")

    def _judge(self) -> None:
        """Enter what was stored, with what it replaced or was replaced by, and name contests."""
        touched = {stored.key for stored in self._stored}
        replaced: dict[str, str] = {}
        replaces: dict[str, str] = {}
        if touched:
            sorted_scores = sort_out(self._store.crowded_scores())
            for old, new in sorted_scores.replaced:
                replaced[old.key] = f"{percent(new.value)} % of {_when(new)} counts"
                replaces[new.key] = f"replaces {percent(old.value)} % of {_when(old)}"
            self.contests = [
                contest
                for contest in sorted_scores.contests
                if any(score.key in touched for _, score in contest.candidates)
            ]
        for stored in self._stored:
            outcome = "replaced" if stored.key in replaced else stored.outcome
            words = (replaced.get(stored.key), replaces.get(stored.key), *stored.remarks)
            detail = "; ".join(word for word in words if word)
            self._enter(stored.path, stored.task, outcome, detail)


NO_KIND = (
    "no result of lmms-eval or VLMEvalKit, no scores table, no timing report, no paretobench\n"
    "database, bundle or spool file; docs/accuracy.md lists what is read"
)
"""Why a file is left alone."""


def _when(score: Score) -> str:
    return f"{score.source.title}, {score.dated[:10] or 'undated'}"


def summary(account: ImportAccount) -> str:
    """The counts in one line: `3 scores: 2 new, 1 known; 1 skipped`."""
    counts = account.counts
    came = {name: counts[name] for name in ("new", "known", "replaced", "partial")}
    left = {name: counts[name] for name in ("skipped", "refused")}
    parts = ", ".join(f"{count} {name}" for name, count in came.items() if count or name == "new")
    tail = "".join(f"; {count} {name}" for name, count in left.items() if count)
    return f"{counted(sum(came.values()), 'entry', 'entries')}: {parts}{tail}"
