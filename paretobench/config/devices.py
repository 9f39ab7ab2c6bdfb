"""Device profiles by name, read without Hydra: what `doctor` goes through."""

from __future__ import annotations

from pathlib import Path

from paretobench.config.catalogue import user_folder, yaml_group
from paretobench.config.request import DeviceRequest, device_request
from paretobench.resources import sweeps_folder


def load_devices(user_sweeps: Path | None = None) -> list[DeviceRequest]:
    """Every profile in `sweeps/device/`, the user's own in place of bundled ones.

    Raises:
        ConfigError: if a file is no YAML or not a device.
    """
    own = user_folder(user_sweeps)
    folders = [sweeps_folder(), *([own] if own else [])]
    return [device_request(data, name) for name, data, _ in yaml_group(folders, "device")]
