"""What Hydra must know before it composes: the user's own `./sweeps`, and our sweeper's name.

Hydra accepts plugins only from a top-level package `hydra_plugins`. Registering a class under
such a module name keeps this project from installing a second top-level folder. The sweeper
itself, which needs composition, is in `plugin`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

PLUGIN_MODULE = "hydra_plugins.paretobench"
"""The name under which Hydra finds our classes."""

_folder: ContextVar[Path | None] = ContextVar("user_sweeps", default=None)


class UserSweeps(SearchPathPlugin):  # type: ignore[misc]
    """Puts the user's `./sweeps` before the bundled one."""

    __module__ = PLUGIN_MODULE

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra whenever it makes a search path."""
        if folder := _folder.get():
            search_path.prepend("paretobench user", f"file://{folder}")


def register(*plugins: type[Any]) -> None:
    """Make Hydra know the search path, the sweeper's configuration and some plugins; doing it
    again changes nothing."""
    known = Plugins.instance()  # scans an installed hydra_plugins before ours takes its place
    package, _, _ = PLUGIN_MODULE.partition(".")
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = []
    module = sys.modules.setdefault(PLUGIN_MODULE, ModuleType(PLUGIN_MODULE))
    ours: tuple[type[Any], ...] = (UserSweeps, *plugins)
    for plugin in ours:
        setattr(module, plugin.__name__, plugin)
        known.register(plugin)
    ConfigStore.instance().store(
        group="hydra/sweeper",
        name="paretobench",
        node={"_target_": f"{PLUGIN_MODULE}.GridSweeper", "params": {}, "blocks": []},
        provider="paretobench",
    )


def current_folder() -> Path | None:
    """The folder that Hydra's search path begins with; None if there is none."""
    return _folder.get()


@contextmanager
def search_path(folder: Path | None) -> Iterator[None]:
    """While inside, Hydra's search path begins with `folder`."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)
