"""Whether a grid's file defines points, before anything is composed from it.

A misspelt key, a missing header or a list where a mapping belongs would leave the root's default
sweep in force, and its plan would look like an answer. Each fault is reported with file and
line. Values of axes are checked by `parsed_overrides`, which knows what they may name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from paretobench.config.axes import TYPED
from paretobench.config.catalogue import broken_yaml, shown_path
from paretobench.errors import ConfigError

HEADER = "# @package _global_"
"""Hydra's line that puts a file's content at the root, where `hydra.sweeper` is."""

SWEEPER_KEYS = ("params", "blocks")
"""What a grid lists below `hydra.sweeper`."""

_HEADER = re.compile(r"^\s*#\s*@package\s+_global_\s*$", re.MULTILINE)
_Pairs = Iterator[tuple[str, yaml.Node, yaml.Node]]


def check_grid(path: Path) -> None:
    """Refuse a grid's file that defines no points.

    Raises:
        ConfigError: with file and line, and what belongs there.
    """
    text = path.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise broken_yaml(error, shown_path(path)) from None
    if root is None:
        raise ConfigError(
            f"{shown_path(path)} is empty, so it defines no points;\n"
            "'paretobench init mine' writes a grid to start from"
        )
    content = {key: value for key, _, value in _pairs(root, "a grid", path)}
    if not _HEADER.search(text):
        raise ConfigError(
            f"{shown_path(path)} lacks its header, so it defines no points;\n"
            f"its first line must be {HEADER}"
        )
    has_points = _check_hydra(content.get("hydra"), path)
    if not has_points and "defaults" not in content:
        raise ConfigError(
            f"{shown_path(path)} defines no points: it has neither hydra.sweeper.blocks\n"
            "nor hydra.sweeper.params; 'paretobench init mine' writes a grid to start from"
        )


def _check_hydra(node: yaml.Node | None, path: Path) -> bool:
    """Check what is below `hydra:`; returns whether it lists any axis."""
    if node is None:
        return False
    has_points = False
    for key, at, value in _pairs(node, "hydra", path):
        _check_key(key, at, ("sweeper",), "hydra", path)
        for name, mark, part in _pairs(value, "hydra.sweeper", path):
            _check_key(name, mark, SWEEPER_KEYS, "hydra.sweeper", path)
            has_points |= _check_axes(part, path) if name == "params" else _check_blocks(part, path)
    return has_points


def _check_blocks(node: yaml.Node, path: Path) -> bool:
    if not isinstance(node, yaml.SequenceNode):
        form = "`- {encoder: [...], resolution: [...]}`"
        raise _wrong(node, path, f"hydra.sweeper.blocks must be a list: {form}")
    found = [_check_axes(block, path, "a block") for block in node.value]
    return any(found)


def _check_axes(node: yaml.Node, path: Path, what: str = "hydra.sweeper.params") -> bool:
    for key, at, _ in _pairs(node, what, path):
        if key not in TYPED:
            near = difflib.get_close_matches(key, TYPED, n=1, cutoff=0.5)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            known = f"a grid's axes are {', '.join(TYPED)}"
            raise _wrong(at, path, f"{known}; {key!r} is none of them{guess}")
    return bool(node.value)


def _check_key(key: str, at: yaml.Node, known: tuple[str, ...], where: str, path: Path) -> None:
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        guess = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
        raise _wrong(at, path, f"unknown key {key!r} in {where}{guess}")


def _pairs(node: yaml.Node, what: str, path: Path) -> _Pairs:
    """Key, key's node and value's node of a mapping.

    Raises:
        ConfigError: if the node is none.
    """
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(node, path, f"{what} must be a mapping of `name: value` lines")
    for key, value in node.value:
        yield str(key.value), key, value


def _wrong(node: Any, path: Path, problem: str) -> ConfigError:
    return ConfigError(f"{shown_path(path)}, line {node.start_mark.line + 1}: {problem}")
