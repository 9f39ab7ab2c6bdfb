"""What the shell offers after TAB: names of the catalogue, settings and their words.

Reads names of files alone, neither their content nor Hydra, because a shell waits for it.
bash hands over `+grid=qw` as three words, `+grid`, `=` and `qw`; zsh and fish as one. The
script that a shell loads is click's own; docs/completion.md says how to load it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import click
from click.shell_completion import CompletionItem

GROUPS = (
    *("vlm", "encoder", "llm", "tiling", "image", "device", "accuracy"),
    *("executor/latency", "executor/accuracy", "executor/conversion"),
)
"""Groups that are chosen with NAME=; a grid is added with +grid=."""

AXES = ("vlm", "encoder", "llm", "tiling", "image", "device")
"""Groups whose values may be a list with commas."""


def names(group: str) -> list[str]:
    """Every member of a group, the user's own in `./sweeps` included.

    >>> "fastvithd" in names("encoder")
    True
    """
    from paretobench.config.groups import Groups

    return Groups().members(group)


def override_values() -> dict[str, list[str]]:
    """What may be left of `=`, and the values that are known to its right.

    >>> override_values()["fidelity"]
    ['quick', 'standard', 'rigorous', 'audit']
    """
    from paretobench.config.settings import CHOICES, Settings

    known: dict[str, list[str]] = {"+grid": names("grid")}
    known |= {group: names(group) for group in GROUPS}
    known["resolution"] = []
    for setting in fields(Settings):
        words = ["true", "false"] if setting.type == "bool" else CHOICES.get(setting.name, ())
        known.setdefault(setting.name, list(words))
    return known


def overrides(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions of one Hydra override, after the words that `ctx` holds already."""
    known = override_values()
    before = list(ctx.params.get(param.name or "") or ())
    if before and before[-1] == "=":
        before.pop()
        key = before.pop() if before else ""
        return _items(_with_list(key, known.get(key, ()), incomplete))
    if not incomplete and before and before[-1] in known:
        return _items(known[before[-1]])
    key, equals, value = incomplete.partition("=")
    if equals:
        return _items(f"{key}={text}" for text in _with_list(key, known.get(key, ()), value))
    keys = [name for name in known if name.startswith(key)]
    if len(keys) == 1 and known[keys[0]]:
        return _items(f"{keys[0]}={text}" for text in known[keys[0]])
    return _items(f"{name}=" for name in keys)


def member_of(
    group: str,
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """A completer for an option or argument that takes one name of a group."""

    def complete(_ctx: Any, _param: Any, incomplete: str) -> list[CompletionItem]:
        return _items(name for name in names(group) if name.startswith(incomplete))

    return complete


def files(_ctx: Any, _param: Any, incomplete: str) -> list[CompletionItem]:
    """Leave a file's name to the shell."""
    return [CompletionItem(incomplete, type="file")]


def _with_list(key: str, values: Iterable[str], typed: str) -> list[str]:
    """Values that go on from `typed`; in a list, from what follows its last comma."""
    done, comma, begun = typed.rpartition(",") if key in AXES else ("", "", typed)
    taken = set(done.split(","))
    return [done + comma + v for v in values if v.startswith(begun) and v not in taken]


def _items(values: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(value) for value in values]
