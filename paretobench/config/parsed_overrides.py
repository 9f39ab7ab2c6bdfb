"""Overrides read and checked; a wrong one is refused with what the user wrote.

Hydra's messages name its own machinery; these name what the user wrote, what is allowed and
what to write instead, in three lines at most.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, QuotedString
from hydra.errors import HydraException, MissingConfigException, OverrideParseException

from paretobench.config import images
from paretobench.config.axes import PRECISIONS, TYPED
from paretobench.config.catalogue import broken_yaml
from paretobench.config.groups import Groups
from paretobench.config.read_off import READ_OFF_PREFIX
from paretobench.errors import ConfigError, ParetobenchError, UnknownNameError

NOUNS = {"llm": "language model"}
"""What a group's members are called, where the group's name does not say it."""


@dataclass(frozen=True)
class ParsedOverrides:
    """A command line, split: `axes` make rows, `devices` share them, `fixed` goes to Hydra as it
    is, the choice of a `grid` among it."""

    axes: dict[str, list[str]]
    fixed: tuple[str, ...]
    devices: tuple[str, ...] = ()
    grid: str = ""


def read(overrides: Sequence[str], groups: Groups, keys: Sequence[str]) -> ParsedOverrides:
    """Parse and check overrides.

    Args:
        overrides: as typed: `+grid=smoke`, `encoder=a,b`, `resolution=range(256,1025,256)`.
        groups: what may be chosen.
        keys: the names in the root of `config.yaml`.

    Raises:
        ConfigError: for a word that cannot be read, an unknown key, a list where one value
            belongs, or a group member that does not exist.
    """
    axes: dict[str, list[str]] = {}
    fixed: list[str] = []
    devices: list[str] = []
    grid = ""
    for override in _parsed(overrides):
        _check_key(override, groups, keys)
        if override.key_or_group in TYPED:
            axes[override.key_or_group] = _members(override, groups)
        elif override.key_or_group == "device":
            devices = list(dict.fromkeys(choices(override, groups)))
        else:
            _check_single(override)
            _check_members(override.key_or_group, [_text(override.value())], groups)
            fixed.append(str(override.input_line))
            if override.key_or_group == "grid":
                grid = _text(override.value())
    return ParsedOverrides(axes, tuple(fixed), tuple(devices), grid)


def axis_values(axis: str, value: Any, groups: Groups) -> list[str]:
    """The values of one axis in a grid file: a list, a single value or Hydra's sweep syntax.

    Raises:
        ConfigError: if `axis` is none, or a value names nothing.
    """
    if axis not in TYPED:
        raise ConfigError(f"a grid's axes are {', '.join(TYPED)}; {axis!r} is none of them")
    if not isinstance(value, list):
        (override,) = _parsed([f"{axis}={value}"])
        return _members(override, groups)
    found = [_as_known(axis, str(item), groups) for item in value]
    _check_members(axis, found, groups)
    return found


def choices(override: Override, groups: Groups) -> list[str]:
    """All values of an override: `a,b`, `[a, b]`, `range()`, `glob()`, `choice()` or one value.

    Raises:
        ConfigError: for `interval()`.
    """
    if isinstance(glob := override.value(), Glob):
        return list(glob.filter(groups.members(override.key_or_group)))
    if override.is_sweep_override():
        if not override.is_discrete_sweep():
            raise ConfigError(f"{override.input_line}: an interval has no end of values; list them")
        return [text.strip("'\"") for text in override.sweep_string_iterator()]
    if isinstance(value := override.value(), list):
        return [_text(item) for item in value]
    return [_text(value)]


def pixels(text: str) -> int:
    """A resolution as typed.

    Raises:
        ConfigError: if it is no positive whole number.
    """
    if re.fullmatch(r"\d+\s*[x×,*]\s*\d+", text):
        raise ConfigError(
            f"resolution={text}: a resolution is one side of a square, such as 1024.\n"
            "An image that is no square is another axis: image=1024x768"
        )
    if not text.isdecimal() or int(text) == 0:
        raise ConfigError(f"resolution={text} must be a whole number of pixels, such as 512")
    return int(text)


def as_config_error(error: Exception) -> ParetobenchError:
    """Any error of Hydra, OmegaConf or YAML as a ConfigError of at most three lines."""
    if isinstance(error, ParetobenchError):
        return error
    if isinstance(error, yaml.YAMLError):
        return broken_yaml(error)
    if isinstance(error, MissingConfigException) and error.options:
        group, _, name = (error.missing_cfg_file or "").rpartition("/")
        return UnknownNameError(group or "file", name, error.options)
    if match := re.search(r"Could not override '([^']+)'", str(error)):
        return ConfigError(
            f"unknown override {match.group(1)!r}; 'paretobench sweep --cfg job' prints every name"
        )
    cause = error.__cause__
    lines = [*str(error).splitlines(), *(str(cause).splitlines() if cause else [])]
    lines = [line.strip() for line in lines if line.strip() and "full_key" not in line]
    return ConfigError("\n".join(lines[:3]) or repr(error))


def _parsed(overrides: Sequence[str]) -> list[Override]:
    parser, parsed = OverridesParser.create(), []
    for override in overrides:
        try:
            parsed += parser.parse_overrides([override])
        except (OverrideParseException, HydraException) as error:
            raise _unreadable(override, error) from None
    return parsed


def _unreadable(override: str, error: Exception) -> ConfigError:
    """What is wrong with a word that Hydra's grammar does not accept."""
    if strange := re.search(r"[^\x20-\x7e]", override):
        return ConfigError(
            f"{override}: {strange[0]!r} cannot be read; a name is letters a to z, digits and _,\n"
            "and any other text is quoted twice, for the shell and for Hydra: 'name=\"...\"'"
        )
    reason = str(error).splitlines()[0].removeprefix("LexerNoViableAltException: ")
    return ConfigError(f"{reason}; write NAME=VALUE, such as encoder=fastvithd")


def _members(override: Override, groups: Groups) -> list[str]:
    """All values of an axis' override; there is at least one, and each exists."""
    axis = override.key_or_group
    found = [_as_known(axis, name, groups) for name in choices(override, groups)]
    if not found:
        known = ", ".join(groups.members(axis)) or "numbers of pixels"
        raise ConfigError(f"{override.input_line}: nothing matches; there are {known}")
    _check_members(axis, found, groups)
    return found


def _text(value: Any) -> str:
    return str(value.text) if isinstance(value, QuotedString) else str(value)


def _check_key(override: Override, groups: Groups, keys: Sequence[str]) -> None:
    """Refuse a key that is in neither the root nor the groups."""
    typed = override.key_or_group
    first = typed.replace("/", ".").split(".")[0]
    known = {*keys, *groups.names(), *(group.split("/")[0] for group in groups.names())}
    if first == "hydra":
        _check_hydra_key(override)
        return
    if first not in known:
        near = difflib.get_close_matches(first, known, n=1, cutoff=0.5)
        guess = f"; did you mean {near[0]}={override.value()}?" if near else ""
        raise ConfigError(
            f"unknown override {override.input_line!r}{guess}\nKnown: {', '.join(sorted(known))}."
        )
    if override.is_delete():
        raise ConfigError(f"{override.input_line}: {typed} cannot be removed, only set")
    is_added = override.is_add() or override.is_force_add()
    if first == "grid" and not is_added:
        raise ConfigError(f"a grid is added: write +{override.input_line}")
    if typed in keys and typed != "grid" and override.is_add():
        raise ConfigError(f"{typed} is always there: write {str(override.input_line).lstrip('+')}")


def _check_hydra_key(override: Override) -> None:
    """Refuse a setting of Hydra's that would have no effect: Hydra composes, and runs nothing."""
    if not str(override.key_or_group).startswith("hydra.sweeper."):
        raise ConfigError(
            f"{override.input_line} would have no effect: Hydra composes here, and runs nothing;\n"
            "of its settings, hydra.sweeper.params and hydra.sweeper.blocks are read.\n"
            "executor/accuracy= and executor/conversion= choose where jobs run."
        )


def _check_single(override: Override) -> None:
    if override.is_sweep_override():
        raise ConfigError(
            f"{override.input_line}: only {', '.join(TYPED)}, device can be lists;"
            " run the command once for each value"
        )


def _as_known(group: str, name: str, groups: Groups) -> str:
    """The member that a name means whatever its case and dashes; the name itself if none does.

    `FastViTHD` is `fastvithd`, `qwen2-0.5b` is `qwen2_0_5b`.
    """
    members = groups.members(group)
    alike = [member for member in members if _plain(member) == _plain(name)]
    return alike[0] if name not in members and len(alike) == 1 else name


def _plain(name: str) -> str:
    return re.sub(r"[-. ]", "_", name.lower())


def _check_members(group: str, names: Sequence[str], groups: Groups) -> None:
    """Refuse a group member that does not exist; `resolution` and settings are no groups."""
    if group.endswith("precision") and group in TYPED:
        for name in names:
            if name not in PRECISIONS:
                raise UnknownNameError(group, name, PRECISIONS)
        return
    if group == images.GROUP:
        for name in names:
            images.check_image(name, groups)
        return
    members = groups.members(group)
    for name in names if members else ():
        if name.startswith(READ_OFF_PREFIX.get(group, ":")):
            continue
        if name not in members and name != "None":
            raise UnknownNameError(NOUNS.get(group, group), name, members)
