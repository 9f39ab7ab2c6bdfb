"""What is known, as a value: a database's points or the published ones, and questions to them.

    results = paretobench.open("results/paretobench.db")
    results.points()                    # a DataFrame, a row per point and recipe
    results.best(under_s=0.2)           # the answer for each recipe, with its probability

Every number comes from `report.view`, like those of figures and tables. Latencies are seconds,
scores fractions in [0, 1], sizes bytes; column names end in their unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.api.databases import DATABASE, open_store, require_database
from paretobench.errors import DataError, StoreError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from paretobench.api.answers import Answers
    from paretobench.api.comparison import Comparisons
    from paretobench.api.next_steps import Suggestions
    from paretobench.api.plots import Plots
    from paretobench.report.view.rows import Row, View
    from paretobench.store import Store

ALL = "all"
"""The recipe's name that means every recipe."""


@dataclass(frozen=True, repr=False)
class Results:
    """The points of one database, or the published ones; made by `open` and `published`.

    Attributes:
        database: the file; None for the published points.
        sweep: name or key of one sweep; None for the newest.
        environment: key of one environment, or the beginning of one; None for
            the sweep's own, or without a sweep for all, each with a front of its own.
        recipe: one training recipe; `all` keeps each on a front of its own.
        benchmark: what accuracy means, such as `avg5` or `textvqa`.
        mix_protocols: whether scores of different scoring rules may share a front, marked.
    """

    database: Path | None = None
    sweep: str | None = None
    environment: str | None = None
    recipe: str = ALL
    benchmark: str = "avg5"
    mix_protocols: bool = False

    @cached_property
    def view(self) -> View:
        """The rows that figures and tables are drawn from, read once.

        Raises:
            ConfigError: if there is no database yet.
            StoreError: if it cannot be read, or no environment has the key.
            UnknownNameError: if there is no such sweep, recipe or benchmark.
        """
        if self.database is None:
            from paretobench.report.view.published import published_view

            return published_view(self.benchmark, self.recipe)
        from paretobench.report.view.environments import everywhere_view
        from paretobench.report.view.stored import stored_view

        with open_store(self.database) as store:
            key = _environment_key(store, self.environment)
            options: dict[str, Any] = {
                "benchmark": self.benchmark,
                "recipe": self.recipe,
                "mix_protocols": self.mix_protocols,
            }
            if self.sweep is None and key is None:
                return everywhere_view(store, **options)
            return stored_view(store, self.sweep, key, **options)

    def points(self) -> pd.DataFrame:
        """Every point, a row for each recipe with a score, one without a score otherwise.

        Columns are those of `paretobench export --format csv`; units end their names.
        """
        return _frame(self.view)

    def front(self, recipe: str | None = None, under_s: float | None = None) -> pd.DataFrame:
        """The points that no other point of their recipe and environment beats.

        Args:
            recipe: one recipe's front only.
            under_s: leave out what takes longer, in seconds.
        """
        view = self.of_recipe(recipe)
        rows = tuple(
            row
            for row in view.rows
            if row.front.is_on
            and (under_s is None or (row.ttft is not None and row.ttft.value <= under_s))
        )
        return _frame(replace(view, rows=rows))

    def best(
        self,
        under_s: float | None = None,
        at_least: float | None = None,
        where: Sequence[str] = (),
        answer_tokens: int = 0,
    ) -> Answers:
        """The best point under a latency budget or above an accuracy, for each recipe.

        Args:
            under_s: time to first token allowed, in seconds.
            at_least: accuracy to reach, a fraction in [0, 1].
            where: further conditions, such as `peak_memory<4GiB` or `textvqa>=60`.
            answer_tokens: judge by the time to an answer of so many tokens instead of the first.

        Raises:
            ConfigError: if nothing is asked for, or a condition cannot be read.
            DataError: if no point has both a TTFT and a score.
        """
        from paretobench.api.answers import answer

        return answer(self.view, under_s, at_least, where, answer_tokens)

    def next(self, under_s: float | None = None, count: int = 3) -> Suggestions:
        """What to score, train or measure next, for each recipe, and what it is expected to bring.

        Points without a score are predicted from the scores of all recipes, whichever is asked for.

        Args:
            under_s: the answer in question is the best within this limit; by default the front.
            count: points and parts to name of each recipe.

        Raises:
            ConfigError: if the limit or the count is not positive.
            DataError: if no point has both a TTFT and a score.
        """
        from paretobench.api.next_steps import suggestions

        only = None if self.recipe == ALL else self.recipe
        return suggestions(replace(self, recipe=ALL).view, under_s, only, count)

    def compare(self, candidate: str, baseline: str) -> Comparisons:
        """Two encoders, sweeps or databases: speed-ups at equal accuracy, gains, BD-TTFT.

        Args:
            candidate, baseline: an encoder (name, label or family), a sweep, or a database file.

        Raises:
            UnknownNameError: if a side is none of these.
            DataError: if no recipe has a TTFT and a score on both sides.
        """
        from paretobench.api.comparison import compare

        return compare(self, candidate, baseline)

    def samples(self, point: str) -> pd.DataFrame:
        """Every timed run of the workloads whose names contain a text, such as `fastvithd@512`.

        Columns: workload, cell, started_at, status, sample (from 0), seconds.

        Raises:
            DataError: if these are published points, which have no samples.
            UnknownNameError: if nothing measured has that name.
        """
        import pandas as pd

        if self.database is None:
            raise DataError("published points have no samples; open a database of your own")
        with open_store(self.database) as store:
            workloads = store.workloads()
            named = {k: w for k, w in workloads.items() if point.lower() in w.label.lower()}
            if not named:
                labels = {workload.label for workload in workloads.values()}
                raise UnknownNameError("workload", point, labels)
            rows = [
                (named[cell.workload_key].label, cell.key, cell.started_at, cell.status,
                 index, seconds)
                for cell in store.cells(workload_keys=named)
                for index, seconds in enumerate(cell.samples_s)
            ]  # fmt: skip
        names = ["workload", "cell", "started_at", "status", "sample", "seconds"]
        return pd.DataFrame(rows, columns=names)

    @property
    def plot(self) -> Plots:
        """Figures on axes of your own, such as `plot.pareto(recipe="llava-1.5", ax=ax)`."""
        from paretobench.api.plots import Plots

        return Plots(self)

    def rows_of(self, side: str) -> Sequence[Row]:
        """The rows of one encoder, by its name, label or family, whatever their case."""
        return [row for row in self.view.rows if side.lower() in _spellings(row)]

    def of_recipe(self, recipe: str | None) -> View:
        """The view of one recipe; all of it where none is named."""
        if recipe is None:
            return self.view
        known = {row.recipe for row in self.view.rows if row.recipe}
        if recipe not in known:
            raise UnknownNameError("recipe", recipe, known)
        return self.view.where(recipe=recipe)

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.points().to_html(max_rows=20)}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        origin = str(self.database) if self.database else "the published tables"
        return f"{self.view.points} points of {origin}"


def open_results(
    database: str | Path = DATABASE,
    sweep: str | None = None,
    environment: str | None = None,
    recipe: str = ALL,
    benchmark: str = "avg5",
    mix_protocols: bool = False,
) -> Results:
    """The results that a database holds; the file is read when a question is asked.

    Args:
        database: a file that `paretobench sweep` or `import` wrote.
        sweep, environment, recipe, benchmark, mix_protocols: see `Results`.

    Raises:
        ConfigError: if there is no such file.
    """
    path = Path(database)
    require_database(path)
    return Results(path, sweep, environment, recipe, benchmark, mix_protocols)


def published(recipe: str = ALL, benchmark: str = "avg5") -> Results:
    """The points that the FastVLM paper and the works it cites published; needs no database."""
    return Results(None, recipe=recipe, benchmark=benchmark)


def _environment_key(store: Store, prefix: str | None) -> str | None:
    if prefix is None:
        return None
    found = [each for each in store.environments() if each.key.startswith(prefix)]
    if len(found) == 1:
        return found[0].key
    many = "several environments begin" if found else "no environment begins"
    known = ", ".join(each.key[:12] for each in store.environments())
    raise StoreError(f"{many} with {prefix!r}; there are: {known}")


def _spellings(row: Row) -> set[str]:
    return {row.encoder.lower(), row.encoder_label.lower(), row.family.lower()}


def _frame(view: View) -> pd.DataFrame:
    import pandas as pd

    from paretobench.report.tables import records
    from paretobench.report.tables.columns import tidy_fields

    return pd.DataFrame(records(view), columns=[field.name for field in tidy_fields(view)])
