"""The view of everything a database holds, whatever machine it was measured on.

Rows of different environments are listed side by side, each with a front of its own. A point that
one machine has timed is not listed as missing because another one has not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from paretobench.report.view.rows import Row, View
from paretobench.report.view.stored import stored_view
from paretobench.store import Store
from paretobench.units import counted


def everywhere_view(store: Store, **options: Any) -> View:
    """Every point in every environment that timed any; with one environment, its view.

    Args:
        options: passed to `stored_view`.

    Raises:
        StoreError: if the database holds no environment.
    """
    environments = store.environments()
    if len(environments) < 2:
        return stored_view(store, **options)
    labels = [each.label for each in environments]
    names = told_apart(labels, [f"{each.label}, {each.key[:6]}" for each in environments])
    views = {
        name: stored_view(store, environment_key=each.key, **options)
        for name, each in zip(names, environments, strict=True)
    }
    timed = {name: view for name, view in views.items() if any(r.ttft for r in view.rows)}
    if len(timed) < 2:
        return next(iter(timed.values()), next(iter(views.values())))
    whole = joined(timed)
    return replace(whole, command=whole.command.partition(" --environment ")[0])


def told_apart(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """The names, of which those that occur more than once give way to the longer ones.

    >>> told_apart(["a", "b", "a"], ["a 1", "b 2", "a 3"])
    ['a 1', 'b', 'a 3']
    """
    counts = Counter(names)
    return [name if counts[name] == 1 else long for name, long in zip(names, longer, strict=True)]


def joined(views: Mapping[str, View]) -> View:
    """Views of several environments or devices as one, each row under its own name."""
    some = next(iter(views.values()))
    rows = [
        replace(row, environment=name)
        for name, view in views.items()
        for row in view.rows
        if row.ttft is not None
    ]
    known = {row.identity for row in rows}
    missing: dict[tuple[object, ...], Row] = {}
    for view in views.values():
        for row in view.rows:
            if row.identity not in known:
                missing.setdefault((row.identity, row.recipe), replace(row, environment=""))
    readings = [reading for view in views.values() for reading in view.readings]
    everything = (*rows, *missing.values())
    points = len({row.identity for row in everything})
    return replace(
        some,
        rows=everything,
        title=f"{some.name}: {counted(points, 'point')} on {counted(len(views), 'environment')}",
        environment="; ".join(view.environment for view in views.values()),
        date=max(view.date for view in views.values()),
        sources=_distinct([view.sources for view in views.values()]),
        refusals=_distinct([view.refusals for view in views.values()]),
        failures=_distinct([view.failures for view in views.values()]),
        notes=_distinct([view.notes for view in views.values()]),
        statistics=None,  # reuse is counted within one environment
        readings=tuple(sorted(readings, key=lambda reading: reading.at)),
        versions={name: text for view in views.values() for name, text in view.versions.items()},
    )


def _distinct(lists: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
