"""The models, tilings and devices that YAML files describe, as domain objects.

Reads the bundled `sweeps/` and the user's own folder with a plain YAML reader, so that a
report or a listing needs no Hydra. `composition` converts its composed nodes with the same
functions, so a file means the same either way.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from paretobench.config import checking
from paretobench.config.read_off import is_read_off, timm_encoder
from paretobench.domain import (
    Encoder,
    EncoderPart,
    LanguageModel,
    Resolutions,
    Tiling,
    VisionLanguageModel,
)
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.planning.tiling_options import check_options
from paretobench.resources import sweeps_folder

T = TypeVar("T", Encoder, LanguageModel, Tiling, Resolutions, VisionLanguageModel)

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Catalogue:
    """Everything that has a name: what `sweeps/encoder`, `llm` and `tiling` hold."""

    encoders: Mapping[str, Encoder]
    llms: Mapping[str, LanguageModel]
    tilings: Mapping[str, Tiling]


def folders(user_sweeps: Path | None = None) -> list[Path]:
    """The folders of groups: the bundled one, and after it the user's, whose files win.

    The user's is the given one, else `./sweeps`, if it exists. In a checkout of this project
    `./sweeps` is the bundled folder, which is not the user's.
    """
    own = (user_sweeps or Path("sweeps")).resolve()
    is_bundled = own == sweeps_folder().resolve()
    return [sweeps_folder(), *([own] if own.is_dir() and not is_bundled else [])]


def load_catalogue(user_sweeps: Path | None = None) -> Catalogue:
    """Read every encoder, language model and tiling; the user's files win over bundled ones.

    Args:
        user_sweeps: a folder with the groups `encoder/`, `llm/`, `tiling/`; `./sweeps` if None.

    Raises:
        ConfigError: if a file is no YAML, or lacks a field, or has one too many.
    """
    files = group_files(folders(user_sweeps), "encoder")
    find = _finder(files)
    llms, tilings = yaml_group("llm", user_sweeps), yaml_group("tiling", user_sweeps)
    return Catalogue(
        {name: find(name) for name in files},
        {name: language_model(data, name, at) for name, data, at in llms},
        {name: tiling(data, name, at) for name, data, at in tilings},
    )


def load_vlms(user_sweeps: Path | None = None) -> dict[str, VisionLanguageModel]:
    """Read every vision-language model of `sweeps/vlm`; the user's files win over bundled ones.

    Raises:
        ConfigError: if a file is no YAML, or lacks a field, or has one too many.
    """
    return {
        name: _build(VisionLanguageModel, {"name": name, **data}, at)
        for name, data, at in yaml_group("vlm", user_sweeps)
    }


def find_encoder(name: str, user_sweeps: Path | None = None) -> Encoder:
    """One encoder by name, without reading the others.

    Raises:
        UnknownNameError: if no file in `encoder/` has that name.
        ConfigError: if the file is not a valid encoder, or timm has none of that name.
    """
    if is_read_off(name):
        return encoder(timm_encoder(name), name, name, find_encoder)
    return _finder(group_files(folders(user_sweeps), "encoder"))(name)


def encoder(data: Mapping[str, Any], name: str, at: str, find: Callable[[str], Encoder]) -> Encoder:
    """An encoder from its YAML; `find` resolves the names in `parts`.

    Raises:
        ConfigError: naming the file `at` and the field that is wrong.
    """
    values = dict(data)
    if isinstance(allowed := values.get("resolutions"), Mapping):
        values["resolutions"] = _build(Resolutions, allowed, f"{at}, resolutions")
    values["parts"] = tuple(_part(part, at, find) for part in values.get("parts") or ())
    return _build(Encoder, {"name": name, **values}, at)


def language_model(data: Mapping[str, Any], name: str, at: str) -> LanguageModel:
    """A language model from its YAML.

    Raises:
        ConfigError: naming the file `at` and the field that is wrong.
    """
    return _build(LanguageModel, {"name": name, **data}, at)


def tiling(data: Mapping[str, Any], name: str, at: str) -> Tiling:
    """A tiling from its YAML.

    Raises:
        ConfigError: naming the file `at` and the field that is wrong.
    """
    found = _build(Tiling, {"name": name, **data}, at)
    check_options(found)
    return found


def _finder(files: Mapping[str, Path]) -> Callable[[str], Encoder]:
    """Finds encoders by name, reading each file once; a system's parts are found on the way."""

    @cache
    def find(name: str) -> Encoder:
        if name not in files:
            raise UnknownNameError("encoder", name, files)
        path = files[name]
        return encoder(_merged(path, files), name, shown_path(path), find)

    return find


def _part(data: Mapping[str, Any], at: str, find: Callable[[str], Encoder]) -> EncoderPart:
    try:
        return EncoderPart(find(data["encoder"]), data["resolution_px"], data.get("passes", 1))
    except (KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"{at}: a part is {{encoder: NAME, resolution_px: N}}, not {data!r}"
        ) from None


def group_files(searched: Sequence[Path], group: str) -> dict[str, Path]:
    """The files of a group by name, a later folder's winning."""
    found: dict[str, Path] = {}
    for folder in searched:
        found |= {path.stem: path for path in sorted((folder / group).glob("*.yaml"))}
    return found


def _merged(path: Path, siblings: Mapping[str, Path]) -> Mapping[str, Any]:
    """A file on top of those of its group that its `defaults` name, as Hydra merges them."""
    own = dict(read_yaml(path))
    merged: dict[str, Any] = {}
    for name in own.pop("defaults", None) or ():
        if name != "_self_":
            if name not in siblings or siblings[name] == path:
                raise UnknownNameError(f"{path.parent.name} in {shown_path(path)}", name, siblings)
            merged |= _merged(siblings[name], siblings)
    return merged | own


def yaml_group(
    group: str, user_sweeps: Path | None
) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Name, content and path of every file in a group; the user's files win over bundled ones."""
    files = group_files(folders(user_sweeps), group)
    for name, path in files.items():
        yield name, _merged(path, files), shown_path(path)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """One YAML file as a mapping.

    Raises:
        ConfigError: with file, line and what the reader expected there.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except yaml.YAMLError as error:
        raise broken_yaml(error, shown_path(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {shown_path(path)}: {error}") from None
    if not isinstance(data, Mapping):
        raise ConfigError(f"{shown_path(path)} must hold `name: value` lines, not {data!r}")
    return data


def broken_yaml(error: yaml.YAMLError, path: str = "") -> ConfigError:
    """A YAML syntax error as file, line and problem."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = path or (shown_path(Path(mark.name)) if mark else "a YAML file")
    line = f", line {mark.line + 1}" if mark else ""
    return ConfigError(f"{where}{line} is not valid YAML: {problem or error}")


def shown_path(path: Path) -> str:
    """A path as the user would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _build(kind: type[T], data: Mapping[str, Any], at: str) -> T:
    """Construct `kind`, checking that each field is known, present and of its type."""
    known = {field.name: field for field in fields(kind) if not field.metadata.get("set_by")}
    for name in data:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            guess = f"; did you mean {near[0]!r}?" if near else f". Fields: {', '.join(known)}"
            raise ConfigError(f"{at}: unknown field {name!r}{guess}")
    values: dict[str, Any] = {}
    for name, value in data.items():
        annotation = str(known[name].type)
        if wanted := checking.wanted(value, annotation):
            raise ConfigError(f"{at}: {name} must be {wanted}, not {value!r}")
        values[name] = tuple(value) if annotation.startswith("tuple") else value
    required = [
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    ]
    if missing := [name for name in required if name not in values]:
        raise ConfigError(f"{at} lacks {', '.join(missing)}")
    return kind(**values)
