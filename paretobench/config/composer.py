"""The composed nodes of any combination of choices, with as few compositions as possible.

Hydra composes a configuration in some 50 ms, so composing each of 1,000 points takes a minute.
A point differs from its neighbours only in the nodes `encoder`, `llm` and `tiling` and in the
value `resolution`. Where nothing but its own file decides such a node, the node of another
choice is that choice's file: one composition and one file per name then give the same points as
a composition per point, which a test holds them to. Where an override or a grid reaches into
such a node (`encoder.options.x=1`), Hydra composes every combination.

Hydra is used through its Compose API alone; docs/architecture.md says what that leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from paretobench.config import read_off
from paretobench.config.axes import AxisCombination
from paretobench.config.groups import ROOT, Groups
from paretobench.config.parsed_overrides import ParsedOverrides, as_config_error
from paretobench.config.search_path import searched_first
from paretobench.domain import content_key
from paretobench.errors import ConfigError, UnknownNameError

NODES = ("encoder", "llm", "tiling")
"""The nodes of a configuration that make a point, with `resolution`."""


@contextmanager
def hydra_session(groups: Groups) -> Iterator[None]:
    """While inside, Hydra composes from the folders of `groups`.

    Hydra's own errors become a ConfigError that names what the user wrote, and its state is
    afterwards what it was: a notebook may be using Hydra itself.
    """
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        bundled, *own = (folder.absolute() for folder in groups.folders)
        with (
            searched_first(tuple(own)),
            initialize_config_dir(str(bundled), job_name="paretobench", version_base="1.3"),
        ):
            yield
    except Exception as error:
        raise as_config_error(error) from error
    finally:
        GlobalHydra.instance().hydra = outer  # leaving the session made another instance


class Composer:
    """The composed configurations of one command line; use it inside a `hydra_session`."""

    def __init__(self, groups: Groups, parsed: ParsedOverrides) -> None:
        self._groups = groups
        self._parsed = parsed
        self._cache: dict[tuple[str, ...], DictConfig] = {}

    def full(self, **chosen: str) -> DictConfig:
        """Hydra's own composition of these choices."""
        files = {axis: name for axis, name in chosen.items() if not read_off.is_read_off(name)}
        overrides = [*self._parsed.fixed, *(f"{axis}={name}" for axis, name in files.items())]
        return compose(ROOT, overrides, return_hydra_config=True)

    @cached_property
    def first(self) -> dict[str, str]:
        """The first of each choice: what an option that only this one has belongs to."""
        return {axis: self._parsed.axes[axis][0] for axis in NODES if axis in self._parsed.axes}

    @cached_property
    def base(self) -> DictConfig:
        """The composition that all others are measured against: the first of each choice."""
        first = dict(self.first)
        profiles = [name for name in self._parsed.devices if name in self._groups.members("device")]
        if profiles:  # so that an option which only this profile has can be overridden
            first["device"] = profiles[0]
        return self.full(**first)

    def node(self, axis: str, row: AxisCombination) -> Mapping[str, Any]:
        """The composed node `axis` of the combination in `row`."""
        if read_off.is_read_off(name := getattr(row, axis)):
            self._require_untouched(axis, name)
            readers = {"encoder": read_off.timm_encoder, "llm": read_off.language_model_of}
            return readers[axis](name) if axis in readers else self._token_rule(name)
        if self.is_own_file(axis, getattr(row, axis)):
            return self._groups.content(f"{axis}/{getattr(row, axis)}")
        choice = {name: getattr(row, name) for name in NODES}
        key = tuple(choice.values())
        if key not in self._cache:
            self._cache[key] = self.full(**choice)
        composed = plain(self._cache[key][axis])
        return composed if axis in self._untouched else self._renamed(axis, choice[axis], composed)

    def _token_rule(self, name: str) -> Mapping[str, Any]:
        """The fields of a tiling `vlm/NAME`: a vision-language model's own rule, under its name."""
        system, known = name.removeprefix(read_off.RULE), self._groups.members("vlm")
        if system not in known:
            raise UnknownNameError("vlm", system, known)
        data = self._groups.content(f"vlm/{system}")
        options = {"rule": data["rule"], **data.get("options", {})}
        said = {field: data[field] for field in ("label", "source") if field in data}
        return {"name": system, "scheme": "image_rule", "options": options, **said}

    def _renamed(self, axis: str, name: str, composed: dict[str, Any]) -> dict[str, Any]:
        """A changed model under a name of its own, such as `fastvithd~3f9a1c`, unless the
        user gave one: scores of the published model are not scores of this one."""
        if "name" in composed or composed == self._groups.content(f"{axis}/{name}"):
            return composed
        return {"name": f"{name}~{content_key(composed)[:6]}", **composed}

    def is_own_file(self, axis: str, name: str) -> bool:
        """Whether nothing but the file `axis/name` decides that node."""
        is_file = not read_off.is_read_off(name)
        return is_file and axis in self._untouched and self._groups.is_plain(f"{axis}/{name}")

    def _require_untouched(self, axis: str, name: str) -> None:
        """Refuse to change a field of a model that has no YAML."""
        if any(word.lstrip("+~").startswith(f"{axis}.") for word in self._parsed.fixed):
            raise ConfigError(
                f"{axis}={name} has no YAML, so its fields cannot be overridden;"
                f" write sweeps/{axis}/NAME.yaml with the change"
            )

    @cached_property
    def _untouched(self) -> set[str]:
        """Axes that neither an override nor a grid reaches into."""
        found = set()
        for axis in NODES:
            path = f"{axis}/{self.base.hydra.runtime.choices[axis]}"
            composed = OmegaConf.to_container(self.base[axis], resolve=False)
            is_named = any(word.lstrip("+~").startswith(f"{axis}.") for word in self._parsed.fixed)
            is_plain = self._groups.is_plain(path)
            if not is_named and is_plain and composed == self._groups.content(path):
                found.add(axis)
        return found


def plain(node: DictConfig) -> dict[str, Any]:
    """A node as plain Python values, interpolations resolved.

    Raises:
        ConfigError: if it is no mapping.
    """
    found = OmegaConf.to_container(node, resolve=True)
    if not isinstance(found, dict):
        raise ConfigError(f"a configuration must hold `name: value` lines, not {found!r}")
    return {str(key): value for key, value in found.items()}
