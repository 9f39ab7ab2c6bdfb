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
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from paretobench.config import catalogue, plugin, request, words
from paretobench.config.axes import Row, rows
from paretobench.domain import Encoder, GridPoint, LanguageModel, Tiling
from paretobench.errors import ConfigError, PlanError
from paretobench.plan import Refusal
from paretobench.resources import sweeps_folder
from paretobench.tiling import plan_tiles

ROOT = "config"
"""The root configuration's file, `sweeps/config.yaml`."""

_NODES = ("encoder", "llm", "tiling")
_OUTSIDE_SETTINGS = (*_NODES, "resolution", "device", "accuracy", "hydra", "grid")


def expand(overrides: Sequence[str], user_sweeps: Path | None) -> request.Request:
    """See `paretobench.config.expand`."""
    folder = catalogue.user_folder(user_sweeps)
    try:
        with plugin.search_path(folder), _loader() as loader:
            return compose_request(overrides, loader, user_sweeps)
    except Exception as error:
        raise words.in_users_words(error) from error


def compose_request(
    overrides: Sequence[str], loader: ConfigLoader, user_sweeps: Path | None
) -> request.Request:
    """Expand overrides with a loader that Hydra has prepared.

    Raises:
        ConfigError: if the words are wrong, or if no point is left.
    """
    root = [key for key in _file(loader, ROOT) if key not in ("defaults", "hydra")]
    wish = words.read(overrides, loader, [*root, *_NODES, "device", "accuracy"])
    composer = Composer(loader, wish)
    base = composer.base
    chosen = rows(_blocks(base, loader), wish.axes, base.hydra.runtime.choices)
    points, refused = _points(chosen, composer, user_sweeps)
    if not points:
        raise _nothing_left(refused)
    plain = _plain(OmegaConf.masked_copy(base, [key for key in base if key != "hydra"]))
    made = request.settings(_settings(plain))
    device = request.device_request(plain["device"], base.hydra.runtime.choices.device)
    return request.Request(made.name, tuple(points), tuple(refused), device, made, tuple(overrides))


class Composer:
    """The nodes of any combination of choices, composed as seldom as possible."""

    def __init__(self, loader: ConfigLoader, wish: words.Wish) -> None:
        self._loader = loader
        self._wish = wish
        self._cache: dict[tuple[str, ...], DictConfig] = {}

    def full(self, **chosen: str) -> DictConfig:
        """Hydra's own composition of these choices."""
        overrides = [*self._wish.fixed, *(f"{axis}={name}" for axis, name in chosen.items())]
        return self._loader.load_configuration(ROOT, overrides=overrides, run_mode=RunMode.RUN)

    @cached_property
    def base(self) -> DictConfig:
        """The composition that all others are measured against: the first of each choice."""
        first = {axis: self._wish.axes[axis][0] for axis in _NODES if axis in self._wish.axes}
        return self.full(**first)

    def node(self, axis: str, row: Row) -> Mapping[str, Any]:
        """The composed node `axis` of the combination in `row`."""
        if self._is_own_file[axis]:
            return _file(self._loader, f"{axis}/{getattr(row, axis)}")
        choice = {name: getattr(row, name) for name in _NODES}
        key = tuple(choice.values())
        if key not in self._cache:
            self._cache[key] = self.full(**choice)
        return _plain(self._cache[key][axis])

    @cached_property
    def _is_own_file(self) -> dict[str, bool]:
        """For each axis, whether its composed node is exactly its file."""
        found = {}
        for axis in _NODES:
            is_touched = any(word.lstrip("+~").startswith(f"{axis}.") for word in self._wish.fixed)
            choice = self.base.hydra.runtime.choices[axis]
            composed = OmegaConf.to_container(self.base[axis], resolve=False)
            found[axis] = not is_touched and composed == _file(self._loader, f"{axis}/{choice}")
        return found


@contextmanager
def _loader() -> Iterator[ConfigLoader]:
    """Hydra's loader over the bundled sweeps, outside `hydra.main`."""
    plugin.register()
    with initialize_config_dir(str(sweeps_folder()), job_name="paretobench", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def _file(loader: ConfigLoader, path: str) -> dict[str, Any]:
    """One config file without composition.

    A file that has defaults or a package of its own is no plain node: it comes back with
    its defaults list inside, equals no composed node, and so is always composed by Hydra.
    """
    found = loader.repository.load_config(path)
    if found is None:
        raise ConfigError(f"there is no {path}.yaml in sweeps/")
    plain = _plain(found.config)
    special = found.header.get("package") is not None or found.defaults_list
    return plain | {"defaults": None} if special and path != ROOT else plain


def _plain(node: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(node, resolve=True)
    assert isinstance(plain, dict)
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
    chosen: Sequence[Row], composer: Composer, user_sweeps: Path | None
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

    def of(self, row: Row) -> tuple[Encoder, LanguageModel, Tiling]:
        """The three models of a row."""
        if row not in self._made:
            self._made[row] = tuple(self._one(axis, row) for axis in _NODES)
        encoder, llm, tiling = self._made[row]
        return encoder, llm, tiling

    def _one(self, axis: str, row: Row) -> Any:
        name = getattr(row, axis)
        if self._composer._is_own_file[axis]:
            if (axis, name) not in self._made:
                self._made[axis, name] = self._convert(axis, name, row)
            return self._made[axis, name]
        return self._convert(axis, name, row)

    def _convert(self, axis: str, name: str, row: Row) -> Any:
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
