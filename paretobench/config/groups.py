"""The folders of YAML files that overrides choose from: each listed once, each file read once.

`sweeps/encoder/fastvithd.yaml` is the member `fastvithd` of the group `encoder`. The user's own
`./sweeps` comes before the bundled folder. Needs no Hydra, so that a shell's completion may ask;
what the files mean together is for `composition`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretobench.config.catalogue import folders, group_files, read_yaml

ROOT = "config"
"""The root configuration's file, `sweeps/config.yaml`."""

_HEADER = re.compile(r"^\s*#\s*@package\b", re.MULTILINE)


class Groups:
    """What the user's and the bundled `sweeps/` hold.

    Args:
        user_sweeps: a folder with groups of the user's own; `./sweeps` if None.
    """

    def __init__(self, user_sweeps: Path | None = None) -> None:
        self.folders = folders(user_sweeps)
        self._members: dict[str, list[str]] = {}
        self._contents: dict[str, Mapping[str, Any]] = {}

    def names(self) -> set[str]:
        """Every group: `encoder`, ..., `executor/latency`."""
        return {
            file.parent.relative_to(folder).as_posix()
            for folder in self.folders
            for file in folder.glob("*/**/*.yaml")
        }

    def members(self, group: str) -> list[str]:
        """The names in a group, in the order of the alphabet; empty for what is no group."""
        if group not in self._members:
            self._members[group] = sorted(group_files(self.folders, group))
        return self._members[group]

    def file(self, path: str) -> Path:
        """The file of `path` (`encoder/fastvithd`): the user's if there is one."""
        files = [folder / f"{path}.yaml" for folder in reversed(self.folders)]
        return next((file for file in files if file.is_file()), files[-1])

    def content(self, path: str) -> Mapping[str, Any]:
        """What the file of `path` holds, as it is written.

        Raises:
            ConfigError: if it cannot be read, is no YAML, or no mapping.
        """
        if path not in self._contents:
            self._contents[path] = read_yaml(self.file(path))
        return self._contents[path]

    def is_plain(self, path: str) -> bool:
        """Whether the file alone decides its node: no defaults, no package, no interpolation."""
        text = self.file(path).read_text(encoding="utf-8")
        return (
            "defaults" not in self.content(path) and not _HEADER.search(text) and "${" not in text
        )
