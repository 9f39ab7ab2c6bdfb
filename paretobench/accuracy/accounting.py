"""What became of every file and task of an import: one entry each, and the counts over all.

An import that loses something without a word is worse than one that fails: every file that was
looked at and every task in it has an entry with what became of it and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from paretobench.domain.records import Score

Outcome = Literal["new", "known", "replaced", "partial", "skipped", "refused"]

CAME_IN = ("new", "known", "replaced", "partial")
"""Outcomes of what is in the store now."""

SHOWN_OF_A_KIND = 5
"""Entries of one file, task and outcome that are listed one by one; the rest is counted."""


@dataclass(frozen=True)
class ImportEntry:
    """What became of one task (or line, or measurement) of one file; `count` of them alike."""

    path: str
    task: str
    outcome: Outcome
    detail: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class PlacedScore:
    """One score to store, the file and task it came from, and what is odd about it."""

    path: str
    task: str
    score: Score
    remarks: tuple[str, ...] = ()


@dataclass
class ImportAccount:
    """The entries of one import, in order; alike ones are counted, not repeated."""

    _entries: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    _kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, entries: Iterable[ImportEntry]) -> None:
        """Take entries; of many that differ in their detail alone the first few are kept."""
        for entry in entries:
            kind = (entry.path, entry.task, entry.outcome)
            key = (*kind, entry.detail)
            if key not in self._entries:
                self._kinds[kind] += 1
                if self._kinds[kind] > SHOWN_OF_A_KIND:
                    key = (*kind, "and more of the same kind")
            self._entries[key] = self._entries.get(key, 0) + entry.count

    @property
    def entries(self) -> list[ImportEntry]:
        """The entries in the order of their first appearance."""
        return [ImportEntry(p, t, o, d, n) for (p, t, o, d), n in self._entries.items()]  # type: ignore[arg-type]

    @property
    def counts(self) -> Counter[str]:
        """How many of each outcome."""
        found: Counter[str] = Counter()
        for (_, _, outcome, _), count in self._entries.items():
            found[outcome] += count
        return found

    @property
    def is_failed(self) -> bool:
        """Nothing came in."""
        return not any(outcome in CAME_IN for _, _, outcome, _ in self._entries)
