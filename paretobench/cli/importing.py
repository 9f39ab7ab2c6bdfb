"""One import: every file below the paths, each read as what its content says, all accounted for.

Scores are read before the database is opened, so that a refused file leaves none behind. What came
in is held against what was there: a later version replaces an earlier one, two checkpoints at one
place are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from paretobench.accuracy import finding, importers
from paretobench.accuracy.accounting import ImportAccount, ImportEntry, Outcome, PlacedScore
from paretobench.accuracy.current_scores import Contest, sort_out
from paretobench.accuracy.finding import Found
from paretobench.accuracy.lmms import importer
from paretobench.accuracy.lmms.results import read_json
from paretobench.cli import import_tool_timings, import_xcode
from paretobench.errors import DataError, ParetobenchError
from paretobench.units import counted, percent

if TYPE_CHECKING:
    from paretobench.domain.records import Score
    from paretobench.measure.tool_timings import ToolTimings
    from paretobench.store import Store

BATCH = 20_000
"""Scores in one transaction: a million need fifty, and none holds more than some 100 MB."""


@dataclass(frozen=True)
class ImportRequest:
    """What the user asked: the place as far as it was said, and how to read."""

    place: Mapping[str, Any] = field(default_factory=dict)
    mapping: Path | None = None
    protocol: str = "lmms"
    signer: str | None = None


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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        on_progress: called now and then with how many scores went in.
    """

    def __init__(
        self,
        destination: Destination,
        request: ImportRequest,
        on_progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._destination, self._request, self._progress = destination, request, on_progress
        self._now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        self._stored: list[_Stored] = []
        self._logs: list[Path] = []
        self.account = ImportAccount()
        self.notes: list[str] = []
        self.contests: list[Contest] = []

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
            if self._request.signer:
                signers = Path(self._request.signer)
                came = bundle.import_bundle(self._destination.store, path, signers)
                self._note_import(path, "", "new" if any(came.new.values()) else "known", str(came))
            elif xcode_reports.is_report(path):
                self._take_report(path)
            elif (timings := tool_timings.read_timings(path)) is not None:
                self._take_timings(path, timings)
            elif imports.kind_of(path) is not None:
                union = imports.import_file(self._destination.store, path)
                is_new = any(union.new.values())
                self._note_import(path, "", "new" if is_new else "known", str(union))
            else:
                return self._kind_of_scores(found)
        except ParetobenchError as error:
            self._refuse(found, str(error))
        return None

    def _take_report(self, path: Path) -> None:
        for task, outcome, detail in import_xcode.import_report(
            lambda: self._destination.store, path, self._request.place
        ):
            self._note_import(path, task, outcome, detail)

    def _take_timings(self, path: Path, found: ToolTimings) -> None:
        for what, reason in found.refused:
            self.account.add([ImportEntry(path.as_posix(), what, "skipped", reason)])
        if not found.stages:
            return
        for task, outcome, detail in import_tool_timings.import_timings(
            lambda: self._destination.store, path, found, self._request.place
        ):
            self._note_import(path, task, outcome, detail)

    def _kind_of_scores(self, found: Found) -> str | None:
        kind = finding.kind_of(found.path)
        if kind is None:
            self._refuse(found, NO_KIND)
        return kind

    def _note_import(self, path: Path, task: str, outcome: Outcome, detail: str) -> None:
        self._destination.is_kept = True
        self.account.add([ImportEntry(path.as_posix(), task, outcome, detail)])

    def _refuse(self, found: Found, reason: str) -> None:
        outcome: Outcome = "refused" if found.is_named else "skipped"
        self.account.add([ImportEntry(found.path.as_posix(), "", outcome, reason)])

    def _read_results(self, paths: Sequence[Path]) -> None:
        if not paths:
            return
        from paretobench.measure.tool_timings import throughput_refusals

        place = import_xcode.without_report_options(self._request.place)
        imported = importer.import_results(
            paths, place, self._request.mapping, self._request.protocol
        )
        self.account.add(imported.entries)
        for path in paths:
            data = read_json(path)
            for what, reason in throughput_refusals(data if isinstance(data, dict) else {}):
                self.account.add([ImportEntry(path.as_posix(), what, "skipped", reason)])
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
            self.account.add([ImportEntry(path.as_posix(), "", "refused", str(error))])

    def _store_scores(self, scores: Iterable[PlacedScore]) -> None:
        waiting = iter(scores)
        while batch := list(islice(waiting, BATCH)):
            dated = [
                each.score if each.score.dated else replace(each.score, dated=self._now)
                for each in batch
            ]
            store = self._destination.store
            known = store.known_scores(score.key for score in dated)
            store.add_scores(dated)
            self._destination.is_kept = True
            for each, score in zip(batch, dated, strict=True):
                outcome: Outcome = (
                    "known" if score.key in known else "partial" if score.is_partial else "new"
                )
                stored = _Stored(each.path, each.task, score.key, outcome, each.remarks)
                self._stored.append(stored)
            self._progress(len(self._stored))

    def _account_for_logs(self, results: Sequence[Path]) -> None:
        """A log is read with its result file; one without is named."""
        folders = {path.parent for path in results}
        for log in self._logs:
            with_results = log.parent in folders
            detail = "samples of a result beside it" if with_results else "no result file beside it"
            self.account.add(
                [ImportEntry(log.as_posix(), "", "skipped", f"a sample log; {detail}")]
            )

    def _judge(self) -> None:
        """Enter what was stored, with what it replaced or was replaced by, and name contests."""
        touched = {stored.key for stored in self._stored}
        replaced: dict[str, str] = {}
        replaces: dict[str, str] = {}
        if touched:
            sorted_scores = sort_out(self._destination.store.crowded_scores())
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
            self.account.add([ImportEntry(stored.path, stored.task, outcome, detail)])


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
