"""The user's words, through Hydra, to a request; YAML files to domain objects.

The only room that imports hydra or omegaconf, and that only when a sweep is composed: a
listing or a report reads the catalogue with a YAML reader alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from paretobench.config.catalogue import Catalogue, find_encoder, load_catalogue, load_vlms
from paretobench.config.devices import load_devices
from paretobench.config.inventory import InventoryDevice, Limits, load_inventory
from paretobench.config.request import DeviceRequest, Request, Settings

__all__ = [
    "Catalogue",
    "DeviceRequest",
    "InventoryDevice",
    "Limits",
    "Request",
    "Settings",
    "expand",
    "find_encoder",
    "load_catalogue",
    "load_devices",
    "load_inventory",
    "load_vlms",
    "run_hydra",
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


def run_hydra(overrides: Sequence[str], action: Callable[[Request], int]) -> int:
    """Run the `sweep` verb as a Hydra application; returns the exit status.

    All of Hydra's command line works (`--cfg job`, `--info searchpath`, `hydra/launcher=`,
    completion); where it only asks for information, `action` is not called.

    Raises:
        ConfigError: in at most three lines, if a word, a file or every point is wrong.
    """
    from paretobench.config import plugin

    return plugin.run(overrides, action)
