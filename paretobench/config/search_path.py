"""Where Hydra reads files: the user's `./sweeps`, then the bundled folder.

Hydra's search path begins with the folder of the root file, which is the bundled one; what comes
before it takes a plugin. This one is registered by the documented `Plugins.instance().register`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

_first: ContextVar[tuple[Path, ...]] = ContextVar("first", default=())


class UserSweeps(SearchPathPlugin):  # type: ignore[misc]
    """Puts the folders of the current `searched_first` before the root file's own."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra whenever it makes a search path."""
        for folder in reversed(_first.get()):
            search_path.prepend("paretobench user", f"file://{folder}")


@contextmanager
def searched_first(folders: tuple[Path, ...]) -> Iterator[None]:
    """While inside, Hydra's search path begins with these folders."""
    Plugins.instance().register(UserSweeps)
    token = _first.set(folders)
    try:
        yield
    finally:
        _first.reset(token)
