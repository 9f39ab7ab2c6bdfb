"""Rows about accuracy: scores, each with the source it came from, and what scoring took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from paretobench.domain.records import Score, Source, TaskRun
from paretobench.errors import DataError
from paretobench.store.database import Database, Row, where


class ScoreRows(Database):
    """Scores, sources and the runs of their tasks."""

    def add_sources(self, sources: Iterable[Source]) -> int:
        """Store sources; returns how many were new."""
        rows = [(source.key, *(getattr(source, name) for name in _SOURCE)) for source in sources]
        return self._insert("source", rows)

    def add_scores(self, scores: Iterable[Score]) -> int:
        """Store scores with their sources; returns how many were new.

        Raises:
            DataError: if a score is no fraction in [0, 1].
        """
        scores = list(scores)
        for score in scores:
            if not 0.0 <= score.value <= 1.0:
                raise DataError(
                    f"the score {score.value} of {score.encoder}@{score.resolution_px} on "
                    f"{score.benchmark} is not between 0 and 1.\n"
                    "Scores are fractions: divide percent by 100."
                )
        rows = [
            (
                score.key,
                *(getattr(score, name) for name in _BEFORE_SOURCE),
                score.source.key,
                *(getattr(score, name) for name in _AFTER_SOURCE),
            )
            for score in scores
        ]
        with self.transaction():
            self.add_sources(score.source for score in scores)
            return self._insert("score", rows)

    def known_scores(self, keys: Iterable[str]) -> set[str]:
        """Those of these keys that are stored."""
        clause, parameters = where(key=list(keys))
        return {row["key"] for row in self._rows(f"SELECT key FROM score{clause}", parameters)}

    def scores(
        self,
        encoder: str | Iterable[str] | None = None,
        benchmark: str | Iterable[str] | None = None,
        recipe: str | Iterable[str] | None = None,
    ) -> list[Score]:
        """Scores with their sources; None means any, a collection any of it."""
        clause, parameters = where(encoder=encoder, benchmark=benchmark, recipe=recipe)
        order = "encoder, resolution_px, llm, tiling, recipe, benchmark, key"
        return self._scores(f"SELECT * FROM score{clause} ORDER BY {order}", parameters)

    def _scores(self, sql: str, parameters: Sequence[Any] = ()) -> list[Score]:
        rows = self._rows(sql, parameters)
        sources = self._sources() if rows else {}
        return [_score(row, sources) for row in rows]

    def stream_scores(self) -> Iterator[Score]:
        """Every score as it is read, in the order of `scores`: a database may hold a million."""
        columns = ", ".join(f's."{name}" AS source_{name}' for name in _SOURCE)
        order = "encoder, resolution_px, llm, tiling, recipe, benchmark, score.key"
        found = self._connection.execute(
            f"SELECT score.*, {columns} FROM score JOIN source AS s ON s.key = source_key"
            f" ORDER BY {order}"
        )
        for row in found:
            source = Source(**{name: row[f"source_{name}"] for name in _SOURCE})
            yield _score(row, {row["source_key"]: source})

    def score_count(self) -> int:
        """How many scores there are."""
        (row,) = self._rows("SELECT count(*) AS n FROM score")
        return int(row["n"])

    def superseded_keys(self) -> set[str]:
        """Keys of the partial scores whose whole is stored too (`without_superseded`)."""
        of = "SELECT checkpoint FROM score WHERE is_partial = 1 AND checkpoint <> ''"
        found = self._scores(f"SELECT * FROM score WHERE checkpoint IN ({of})")
        return {s.key for s in found} - {s.key for s in without_superseded(found)}

    def crowded_scores(self) -> list[Score]:
        """Whole scores of one's own that differ from another at the same place."""
        place = "encoder, resolution_px, llm, tiling, recipe, benchmark, protocol"
        crowded = (
            f"SELECT {place} FROM score WHERE is_partial = 0 GROUP BY {place}"
            " HAVING count(*) > 1 AND max(value) > min(value)"
        )
        found = self._scores(
            f"SELECT * FROM score WHERE is_partial = 0 AND ({place}) IN ({crowded}) ORDER BY key"
        )
        return [score for score in found if score.source.kind in ("measured", "imported")]

    def sources(self) -> list[Source]:
        """Every source, by title, version, table and row."""
        return list(self._sources().values())

    def _sources(self) -> dict[str, Source]:
        """By the key that is stored, so that scores find theirs even if it was edited by hand."""
        rows = self._rows('SELECT * FROM source ORDER BY title, version, "table", row, key')
        return {row["key"]: Source(**{name: row[name] for name in _SOURCE}) for row in rows}

    def add_task_runs(self, runs: Iterable[TaskRun]) -> int:
        """Store what the scoring of tasks took; returns how many were new."""
        rows = [(run.key, *(getattr(run, name) for name in _TASK_RUN)) for run in runs]
        return self._insert("task_run", rows)

    def task_runs(self) -> list[TaskRun]:
        """What every scored task took, by task and point."""
        order = "task, encoder, resolution_px, llm, tiling, key"
        return [
            TaskRun(**_fields(row, _TASK_RUN))
            for row in self._rows(f"SELECT * FROM task_run ORDER BY {order}")
        ]

    def disagreements(self) -> list[list[Score]]:
        """Scores of one source that contradict one another: all is alike but the value.

        Both are kept; which is right is for a person to say.
        """
        groups: dict[tuple[object, ...], list[Score]] = defaultdict(list)
        for score in self.scores():
            same = (getattr(score, name) for name in _BEFORE_SOURCE if name != "value")
            tail = (score.source.key, score.harness, score.protocol, score.checkpoint)
            groups[(*same, *tail, score.is_partial)].append(score)
        return [group for group in groups.values() if len({s.value for s in group}) > 1]


def without_superseded(scores: Iterable[Score]) -> list[Score]:
    """Scores without the partial ones whose whole is among them, in their order.

    A job that was killed leaves the mean of the tasks it had finished; the one that went on
    leaves the mean of all. Both stay in the store; readers use the second. They belong
    together if the same harness scored the same checkpoint at the same point by the same rules;
    a mean of members (which has no `n`) has the rules of the members that it has, so theirs are
    not compared.
    """
    found = list(scores)
    wholes = {key for score in found if not score.is_partial for key in _shared(score)}

    def is_superseded(score: Score) -> bool:
        with_rules, without_rules = _shared(score)
        wanted = without_rules if score.n is None else with_rules
        return score.is_partial and bool(score.checkpoint) and wanted in wholes

    return [score for score in found if not is_superseded(score)]


def _shared(score: Score) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What a part and its whole have in common: with the rules, and without."""
    names = ("encoder", "resolution_px", "llm", "tiling", "recipe", "benchmark")
    common = (*(getattr(score, name) for name in names), score.harness, score.checkpoint)
    return (*common, score.protocol), common


_SOURCE = ["kind", "title", "version", "table", "row", "provenance", "url", "sha256", "note"]
_BEFORE_SOURCE = ["encoder", "resolution_px", "llm", "tiling", "recipe", "benchmark", "value"]
_AFTER_SOURCE = [
    *("standard_error", "n", "harness", "protocol", "checkpoint", "is_partial", "dated"),
]

_TASK_RUN = [
    *("checkpoint", "encoder", "resolution_px", "llm", "tiling", "task"),
    *("n", "wall_s", "load_s", "processes", "executor", "is_partial", "sha256"),
]


def _score(row: Row, sources: dict[str, Source]) -> Score:
    fields = _fields(row, (*_BEFORE_SOURCE, *_AFTER_SOURCE))
    return Score(**fields, source=sources[row["source_key"]])


def _fields(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """Columns by name; SQLite has no booleans, and a key is hashed over them."""
    return {name: row[name] for name in names} | {"is_partial": bool(row["is_partial"])}
