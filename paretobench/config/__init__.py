"""Overrides, composed by Hydra, to a request; YAML files to domain objects.

The only room that imports hydra or omegaconf, and that only when a sweep is composed: a
listing or a report reads the catalogue with a YAML reader alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paretobench.config.catalogue import Catalogue, find_encoder, load_catalogue, load_vlms
from paretobench.config.images import load_images
from paretobench.config.inventory import InventoryDevice, Limits, load_inventory
from paretobench.config.request import DeviceRequest, Request, load_devices
from paretobench.config.settings import Settings
from paretobench.config.stated_parameters import refuse_wrong_parameters

__all__ = [
    "Catalogue",
    "DeviceRequest",
    "InventoryDevice",
    "Limits",
    "Request",
    "Settings",
    "composed_text",
    "expand",
    "find_encoder",
    "load_catalogue",
    "load_devices",
    "load_images",
    "load_inventory",
    "load_vlms",
    "refuse_wrong_parameters",
]


def expand(overrides: Sequence[str], user_sweeps: Path | None = None) -> Request:
    """Turn Hydra overrides into points, device and settings.

    Args:
        overrides: such as `["+grid=qwen2_family", "llm=qwen2_0_5b"]`.
        user_sweeps: a folder with groups of the user's own; `./sweeps` if None.

    Raises:
        ConfigError: in at most three lines, if a word, a file or every point is wrong.
    """
    from paretobench.config import composition

    return composition.expand(overrides, user_sweeps)


def composed_text(overrides: Sequence[str], part: str, user_sweeps: Path | None = None) -> str:
    """What Hydra composes of the overrides, as YAML; of a list of choices, with the first one.

    Args:
        part: `job` (the configuration), `hydra` (its own node), `all`, or `searchpath` for the
            places that files were read from.

    Raises:
        ConfigError: if a word or a file is wrong.
    """
    from paretobench.config import composition

    return composition.composed_text(overrides, part, user_sweeps)
