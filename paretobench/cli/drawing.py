"""What `report` does beside drawing: views over several devices, and a browser to look in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretobench.cli.console import say, warn
from paretobench.cli.options import open_store
from paretobench.errors import ConfigError

if TYPE_CHECKING:
    from paretobench.report.view.rows import View


def refuse_with_devices(**given: Any) -> None:
    """Say which options mean nothing where devices are set against one another.

    Raises:
        ConfigError: if one of them was given.
    """
    for name in ("published", "environment", "figures"):
        if given.get(name):
            option = {"figures": "figure"}.get(name, name)
            raise ConfigError(f"--devices compares a sweep's devices; leave out --{option}")


def device_views(
    database: str | None,
    sweep: str | None,
    benchmark: str,
    recipe: str,
    mix_protocols: bool,
    **_: Any,
) -> dict[str, View]:
    """The views of a sweep on every device that the database has it from."""
    from paretobench.report.view.stored_devices import stored_devices

    with open_store(database) as store:
        return stored_devices(
            store, sweep, benchmark=benchmark, recipe=recipe, mix_protocols=mix_protocols
        )


def open_first(paths: Sequence[Path]) -> None:
    """Open the page in the user's browser, else the first figure; says so where there is none."""
    import webbrowser

    pages = [path for path in paths if path.suffix == ".html"]
    target = (pages or list(paths))[0].resolve()
    if webbrowser.open(target.as_uri()):
        say(f"opened {target.name}")
    else:
        warn(f"no browser was found; open {target} yourself")
