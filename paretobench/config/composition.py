"""Composing a request through Hydra, at the cost of one composition for a whole grid.

Hydra composes a configuration in some 100 ms, so composing each of 1,000 points takes
minutes. A point differs from its neighbours only in the nodes `encoder`, `llm` and `tiling`
and in the value `resolution`. Where nothing but its own file decides such a node, the node
of another choice is that choice's file: one composition and one file per name then give the
same points as a composition per point, which a test holds them to. Where an override or a
grid reaches into such a node (`encoder.options.x=1`), Hydra composes every combination.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from paretobench.config import catalogue, read_off, request
from paretobench.config import parsed_overrides as words
from paretobench.config.axes import AxisCombination, rows
from paretobench.config.inventory import load_inventory
from paretobench.config.search_path import register, search_path
from paretobench.domain import Encoder, GridPoint, LanguageModel, Tiling, content_key
from paretobench.errors import ConfigError, PlanError, UnknownNameError
from paretobench.planning.plan import Refusal
from paretobench.planning.tiling import plan_tiles
from paretobench.resources import sweeps_folder

ROOT = "config"
"""The root configuration's file, `sweeps/config.yaml`."""

_NODES = ("encoder", "llm", "tiling")
_OUTSIDE_SETTINGS = (*_NODES, "resolution", "device", "accuracy", "executor", "hydra", "grid")


def expand(overrides: Sequence[str], user_sweeps: Path | None) -> request.Request:
    """See `paretobench.config.expand`."""
    with hydra_loader(user_sweeps) as loader:
        return compose_request(overrides, loader, user_sweeps)


def check(overrides: Sequence[str], user_sweeps: Path | None) -> None:
    """Read the overrides and compose nothing, so that a typing error is answered at once.

    Raises:
        ConfigError: if a word is wrong.
    """
    with hydra_loader(user_sweeps) as loader:
        read_wish(overrides, loader)


def read_wish(overrides: Sequence[str], loader: ConfigLoader) -> words.ParsedOverrides:
    """The overrides, checked against the root file and the groups.

    Raises:
        ConfigError: if a word is wrong.
    """
    root = [key for key in Files(loader).content(ROOT) if key not in ("defaults", "hydra")]
    return words.read(overrides, loader, [*root, *_NODES, "device", "accuracy", "executor"])


def compose_request(
    overrides: Sequence[str], loader: ConfigLoader, user_sweeps: Path | None
) -> request.Request:
    """Expand overrides with a loader that Hydra has prepared.

    Raises:
        ConfigError: if the words are wrong, or if no point is left.
    """
    wish = read_wish(overrides, loader)
    composer = Composer(loader, wish)
    base = composer.base
    chosen = rows(_blocks(base, loader), wish.axes, base.hydra.runtime.choices)
    points, refused = _points(chosen, composer, user_sweeps)
    if not points:
        raise _nothing_left(refused)
    plain = _plain(OmegaConf.masked_copy(base, [key for key in base if key != "hydra"]))
    made = request.settings(_settings(plain))
    devices = tuple(_devices(composer, wish, made.inventory, plain["executor"]["latency"]["name"]))
    return request.Request(
        made.name,
        tuple(points),
        tuple(refused),
        devices,
        made,
        tuple(overrides),
        plain["executor"],
    )


def _devices(
    composer: Composer, wish: words.ParsedOverrides, inventory: str, latency: str
) -> Iterator[request.DeviceRequest]:
    """The devices asked for: profiles by their own names, machines with their profiles."""
    if not wish.devices:
        name = composer.base.hydra.runtime.choices.device
        yield request.reached(request.device_request(_plain(composer.base.device), name), latency)
        return
    places = load_inventory(inventory, composer.profiles)
    for name in wish.devices:
        place = places.get(name)
        if place is None and name not in composer.profiles:
            raise UnknownNameError("device", name, {*composer.profiles, *places})
        node = _plain(composer.full(device=place.profile if place else name).device)
        chosen = request.device_request(node, name)
        yield request.reached(chosen, latency, place)


class Files:
    """Config files without composition, each read once."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._read: dict[str, tuple[dict[str, Any], bool]] = {}

    def content(self, path: str) -> dict[str, Any]:
        """What the file `path` (`encoder/fastvithd`) holds."""
        return self._file(path)[0]

    def is_plain(self, path: str) -> bool:
        """Whether a file has neither a defaults list nor a package of its own."""
        return self._file(path)[1]

    def _file(self, path: str) -> tuple[dict[str, Any], bool]:
        if path not in self._read:
            found = self._loader.repository.load_config(path)
            if found is None:
                raise ConfigError(f"there is no {path}.yaml in sweeps/")
            is_plain = not found.defaults_list and not found.header.get("package")
            self._read[path] = _plain(found.config, f"sweeps/{path}.yaml"), is_plain
        return self._read[path]


class Composer:
    """The nodes of any combination of choices, composed as seldom as possible."""

    def __init__(self, loader: ConfigLoader, wish: words.ParsedOverrides) -> None:
        self._loader = loader
        self._wish = wish
        self._files = Files(loader)
        self._cache: dict[tuple[str, ...], DictConfig] = {}

    def full(self, **chosen: str) -> DictConfig:
        """Hydra's own composition of these choices."""
        files = {axis: name for axis, name in chosen.items() if not read_off.is_read_off(name)}
        overrides = [*self._wish.fixed, *(f"{axis}={name}" for axis, name in files.items())]
        return self._loader.load_configuration(ROOT, overrides=overrides, run_mode=RunMode.RUN)

    @cached_property
    def base(self) -> DictConfig:
        """The composition that all others are measured against: the first of each choice."""
        first = {axis: self._wish.axes[axis][0] for axis in _NODES if axis in self._wish.axes}
        profiles = [name for name in self._wish.devices if name in self.profiles]
        if profiles:  # so that an option which only this profile has can be overridden
            first["device"] = profiles[0]
        return self.full(**first)

    @cached_property
    def profiles(self) -> list[str]:
        """The names in `sweeps/device/`."""
        return list(self._loader.get_group_options("device", ObjectType.CONFIG))

    def node(self, axis: str, row: AxisCombination) -> Mapping[str, Any]:
        """The composed node `axis` of the combination in `row`."""
        if read_off.is_read_off(name := getattr(row, axis)):
            self._require_untouched(axis, name)
            reader = read_off.timm_encoder if axis == "encoder" else read_off.language_model_of
            return reader(name)
        if self.is_own_file(axis, getattr(row, axis)):
            return self._files.content(f"{axis}/{getattr(row, axis)}")
        choice = {name: getattr(row, name) for name in _NODES}
        key = tuple(choice.values())
        if key not in self._cache:
            self._cache[key] = self.full(**choice)
        composed = _plain(self._cache[key][axis])
        return composed if axis in self._untouched else self._renamed(axis, choice[axis], composed)

    def _renamed(self, axis: str, name: str, composed: dict[str, Any]) -> dict[str, Any]:
        """A changed model under a name of its own, such as `fastvithd~3f9a1c`, unless the
        user gave one: scores of the published model are not scores of this one."""
        if "name" in composed or composed == self._files.content(f"{axis}/{name}"):
            return composed
        return {"name": f"{name}~{content_key(composed)[:6]}", **composed}

    def is_own_file(self, axis: str, name: str) -> bool:
        """Whether nothing but the file `axis/name` decides that node."""
        is_file = not read_off.is_read_off(name)
        return is_file and axis in self._untouched and self._files.is_plain(f"{axis}/{name}")

    def _require_untouched(self, axis: str, name: str) -> None:
        """Refuse to change a field of a model that has no YAML."""
        if any(word.lstrip("+~").startswith(f"{axis}.") for word in self._wish.fixed):
            raise ConfigError(
                f"{axis}={name} has no YAML, so its fields cannot be overridden;"
                f" write sweeps/{axis}/NAME.yaml with the change"
            )

    @cached_property
    def _untouched(self) -> set[str]:
        """Axes that neither an override nor a grid reaches into."""
        found = set()
        for axis in _NODES:
            path = f"{axis}/{self.base.hydra.runtime.choices[axis]}"
            composed = OmegaConf.to_container(self.base[axis], resolve=False)
            is_named = any(word.lstrip("+~").startswith(f"{axis}.") for word in self._wish.fixed)
            is_plain = self._files.is_plain(path)
            if not is_named and is_plain and composed == self._files.content(path):
                found.add(axis)
        return found


@contextmanager
def hydra_loader(user_sweeps: Path | None) -> Iterator[ConfigLoader]:
    """Hydra's loader over the user's and the bundled sweeps, outside `hydra.main`.

    What goes wrong inside leaves in the user's words.
    """
    register()
    root = str(sweeps_folder())
    state = GlobalHydra.instance()
    outer = state.hydra  # a launcher's job expands inside an application that is running
    state.clear()
    try:
        with (
            search_path(catalogue.user_folder(user_sweeps)),
            initialize_config_dir(root, job_name="paretobench", version_base="1.3"),
        ):
            yield GlobalHydra.instance().config_loader()
    except Exception as error:
        raise words.in_users_words(error) from error
    finally:
        state.hydra = outer


def _plain(node: DictConfig, what: str = "a configuration") -> dict[str, Any]:
    plain = OmegaConf.to_container(node, resolve=True)
    if not isinstance(plain, dict):
        raise ConfigError(f"{what} must hold `name: value` lines, not {plain!r}")
    return {str(key): value for key, value in plain.items()}


def _blocks(base: DictConfig, loader: ConfigLoader) -> list[dict[str, list[str]]]:
    """The grid's blocks, each with the uncoupled axes of `params`."""
    sweeper = OmegaConf.to_container(base.hydra.sweeper, resolve=True)
    assert isinstance(sweeper, dict)
    shared, blocks = sweeper.get("params") or {}, sweeper.get("blocks") or [{}]
    if not isinstance(shared, Mapping) or not all(isinstance(b, Mapping) for b in blocks):
        raise ConfigError(
            "a grid needs hydra.sweeper.params: {axis: values}\n"
            "and hydra.sweeper.blocks: [{encoder: [...], resolution: [...]}, ...]"
        )
    return [
        {axis: words.axis_values(axis, value, loader) for axis, value in {**shared, **b}.items()}
        for b in blocks
    ]


def _points(
    chosen: Sequence[AxisCombination], composer: Composer, user_sweeps: Path | None
) -> tuple[list[GridPoint], list[Refusal]]:
    """Rows as points, those that cannot exist as refusals; resolutions left open filled in."""
    points: dict[str, GridPoint] = {}
    refused: dict[Refusal, None] = {}
    models = _Models(composer, user_sweeps)
    for row in chosen:
        encoder, llm, tiling = models.of(row)
        asked = [words.pixels(row.resolution)] if row.resolution else encoder.sweep_resolutions_px
        for resolution_px in asked:
            try:
                plan_tiles(encoder, resolution_px, tiling)
            except PlanError as error:
                names = (encoder.name, resolution_px, llm.name, tiling.name)
                refused[Refusal(*names, reason=str(error))] = None
            else:
                point = GridPoint(encoder, resolution_px, llm, tiling)
                points.setdefault(point.key, point)
    return list(points.values()), list(refused)


class _Models:
    """Composed nodes as domain objects, converted once each."""

    def __init__(self, composer: Composer, user_sweeps: Path | None) -> None:
        self._composer = composer
        self._user_sweeps = user_sweeps
        self._made: dict[Any, Any] = {}

    def of(self, row: AxisCombination) -> tuple[Encoder, LanguageModel, Tiling]:
        """The three models of a row."""
        names = tuple(getattr(row, axis) for axis in _NODES)
        if names not in self._made:
            self._made[names] = tuple(self._one(axis, row) for axis in _NODES)
        encoder, llm, tiling = self._made[names]
        return encoder, llm, tiling

    def _one(self, axis: str, row: AxisCombination) -> Any:
        name = getattr(row, axis)
        if self._composer.is_own_file(axis, name):
            if (axis, name) not in self._made:
                self._made[axis, name] = self._convert(axis, name, row)
            return self._made[axis, name]
        return self._convert(axis, name, row)

    def _convert(self, axis: str, name: str, row: AxisCombination) -> Any:
        data, at = self._composer.node(axis, row), f"{axis}/{name}.yaml"
        if axis == "llm":
            return catalogue.language_model(data, name, at)
        if axis == "tiling":
            return catalogue.tiling(data, name, at)
        return catalogue.encoder(
            data, name, at, lambda part: catalogue.find_encoder(part, self._user_sweeps)
        )


def _settings(plain: Mapping[str, Any]) -> dict[str, Any]:
    kept = {str(key): value for key, value in plain.items() if key not in _OUTSIDE_SETTINGS}
    return kept | {"accuracy": plain["accuracy"]["name"]}


def _nothing_left(refused: Sequence[Refusal]) -> ConfigError:
    if not refused:
        return ConfigError("no point is left: the grid and the overrides have none in common")
    others = f"\n{len(refused) - 1} more were refused likewise." if len(refused) > 1 else ""
    return ConfigError(f"no point can run: {refused[0]}{others}")
