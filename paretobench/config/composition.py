"""From overrides to a request: read, composed, and made into points, devices and settings.

`parsed_overrides` reads the words, `composer` composes, `axes` combines, `catalogue` and
`settings` and `request` check; this file is the way through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from paretobench.config import catalogue, parsed_overrides, request, systems
from paretobench.config.axes import AxisCombination, rows
from paretobench.config.composer import NODES, Composer, hydra_session, plain
from paretobench.config.grid_file import check_grid
from paretobench.config.groups import ROOT, Groups
from paretobench.config.images import images_of
from paretobench.config.inventory import load_inventory
from paretobench.config.parsed_overrides import ParsedOverrides
from paretobench.config.settings import read_settings
from paretobench.domain import Encoder, GridPoint, LanguageModel, Tiling
from paretobench.errors import ConfigError, PlanError, UnknownNameError
from paretobench.planning.plan import Refusal
from paretobench.planning.tiling import plan_images
from paretobench.planning.tiling_options import follows_image

_OUTSIDE_SETTINGS = (*NODES, "resolution", "image", "precision", "encode", "device", "accuracy",
                     "executor", "hydra", "grid")  # fmt: skip


def expand(overrides: Sequence[str], user_sweeps: Path | None) -> request.Request:
    """See `paretobench.config.expand`."""
    groups = Groups(user_sweeps)
    parsed = parse(overrides, groups)
    with hydra_session(groups):
        composer = Composer(groups, parsed)
        base = composer.base
        blocks, axes = systems.written_out(
            _blocks(base, groups), parsed.axes, lambda: catalogue.load_vlms(user_sweeps)
        )
        chosen = rows(blocks, axes, base.hydra.runtime.choices)
        points, refused = _points(chosen, composer, groups, user_sweeps)
        if not points:
            raise _nothing_left(refused)
        root = plain(OmegaConf.masked_copy(base, [key for key in base if key != "hydra"]))
        settings = read_settings(_settings(root))
        reached_by = root["executor"]["latency"]["name"]
        found = _devices(composer, parsed, groups, settings.inventory, reached_by)
        devices = tuple(request.asked_of(device, points, settings) for device in found)
    return request.Request(
        settings.name, tuple(points), tuple(refused), devices, settings, root["executor"]
    )


def composed_text(overrides: Sequence[str], part: str, user_sweeps: Path | None) -> str:
    """See `paretobench.config.composed_text`."""
    groups = Groups(user_sweeps)
    with hydra_session(groups):
        base = Composer(groups, parse(overrides, groups)).base
        if part == "searchpath":
            sources = base.hydra.runtime.config_sources
            return "".join(f"{each.provider}: {each.schema}://{each.path}\n" for each in sources)
        kept = [key for key in base if part == "all" or (key == "hydra") == (part == "hydra")]
        text: str = OmegaConf.to_yaml(OmegaConf.masked_copy(base, kept))
        return text


def parse(overrides: Sequence[str], groups: Groups) -> ParsedOverrides:
    """The overrides, checked against the root file, the groups and the grid's own file.

    Raises:
        ConfigError: if a word is wrong, or the grid defines no points.
    """
    root = [key for key in groups.content(ROOT) if key not in ("defaults", "hydra")]
    keys = [*root, *NODES, "device", "accuracy", "executor"]
    parsed = parsed_overrides.read(overrides, groups, keys)
    if parsed.grid:
        check_grid(groups.file(f"grid/{parsed.grid}"))
    return parsed


def _devices(
    composer: Composer, parsed: ParsedOverrides, groups: Groups, inventory: str, latency: str
) -> Iterator[request.DeviceRequest]:
    """The devices asked for: profiles by their own names, machines with their profiles."""
    if not parsed.devices:
        name = composer.base.hydra.runtime.choices.device
        yield request.reached(request.device_request(plain(composer.base.device), name), latency)
        return
    profiles = groups.members("device")
    places = load_inventory(inventory, profiles)
    for name in parsed.devices:
        place = places.get(name)
        if place is None and name not in profiles:
            raise UnknownNameError("device", name, {*profiles, *places})
        profile = place.profile if place else name
        node = plain(composer.full(**composer.first, device=profile).device)
        chosen = request.device_request(node, name)
        yield request.reached(chosen, latency, place)


def _blocks(base: Any, groups: Groups) -> list[dict[str, list[str]]]:
    """The grid's blocks, each with the uncoupled axes of `params`."""
    sweeper = OmegaConf.to_container(base.hydra.sweeper, resolve=True)
    assert isinstance(sweeper, dict)
    shared, blocks = sweeper.get("params") or {}, sweeper.get("blocks") or [{}]
    if not isinstance(shared, Mapping) or not all(isinstance(b, Mapping) for b in blocks):
        raise ConfigError(
            "a grid needs hydra.sweeper.params: {axis: values}\n"
            "and hydra.sweeper.blocks: [{encoder: [...], resolution: [...]}, ...]"
        )
    read = parsed_overrides.axis_values
    return [{a: read(a, value, groups) for a, value in {**shared, **b}.items()} for b in blocks]


def _points(
    chosen: Sequence[AxisCombination], composer: Composer, groups: Groups, user_sweeps: Path | None
) -> tuple[list[GridPoint], list[Refusal]]:
    """Rows as points, those that cannot exist as refusals; resolutions left open filled in."""
    points: dict[str, GridPoint] = {}
    refused: dict[Refusal, None] = {}
    models = _Models(composer, user_sweeps)
    for row in chosen:
        encoder, llm, tiling = models.of(row)
        encoder = encoder.at(row.encode_precision) if row.encode_precision else encoder
        llm = llm.at(row.precision) if row.precision else llm
        if row.image and follows_image(tiling):
            tiling = tiling.on(images_of(row.image, groups))
        for resolution_px in _resolutions(row, encoder, tiling):
            try:
                plan_images(encoder, resolution_px, tiling)
            except PlanError as error:
                names = (encoder.name, resolution_px, llm.name, tiling.name)
                refused[Refusal(*names, reason=str(error))] = None
            else:
                point = GridPoint(encoder, resolution_px, llm, tiling)
                points.setdefault(point.key, point)
    return list(points.values()), list(refused)


def _resolutions(row: AxisCombination, encoder: Encoder, tiling: Tiling) -> Sequence[int]:
    """The sides to try; of a tiling that follows the image, the longest side of its images."""
    if tiling.images:
        return (max(max(one.width_px, one.height_px) for one in tiling.images.sizes),)
    if row.resolution:
        return (parsed_overrides.pixels(row.resolution),)
    return encoder.sweep_resolutions_px


class _Models:
    """Composed nodes as domain objects, converted once each."""

    def __init__(self, composer: Composer, user_sweeps: Path | None) -> None:
        self._composer = composer
        self._user_sweeps = user_sweeps
        self._made: dict[Any, Any] = {}

    def of(self, row: AxisCombination) -> tuple[Encoder, LanguageModel, Tiling]:
        """The three models of a row."""
        names = tuple(getattr(row, axis) for axis in NODES)
        if names not in self._made:
            self._made[names] = tuple(self._one(axis, row) for axis in NODES)
        made: tuple[Encoder, LanguageModel, Tiling] = self._made[names]
        return made

    def _one(self, axis: str, row: AxisCombination) -> Any:
        name = getattr(row, axis)
        if not self._composer.is_own_file(axis, name):
            return self._convert(axis, name, row)
        if (axis, name) not in self._made:
            self._made[axis, name] = self._convert(axis, name, row)
        return self._made[axis, name]

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
