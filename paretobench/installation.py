"""How this package is installed: its name on PyPI, and the command that adds what is missing.

The distribution is `paretobench-vlm`, the import name and the command are `paretobench`: the name
`paretobench` on PyPI belongs to another project (multi-objective test problems), which has the same
import name. Every message that tells how to install something takes the command from here, and
every one about a missing package the version that the tests ran with, which a lock has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from paretobench.errors import BackendMissingError
from paretobench.resources import locks_folder

DISTRIBUTION = "paretobench-vlm"
"""The name to install; a wheel has it in its file name."""

_PACKAGE = Path(__file__).resolve().parent


def install_command(extra: str = "", python: str = "") -> str:
    """The command that installs this package with an extra, as it can be typed here.

    A package that runs from a clone, or was installed from one, is installed from that folder
    again; any other one by its name on PyPI.

    Args:
        extra: of pyproject.toml, such as `cpu`; empty for the core.
        python: another interpreter to install into; empty for the one on PATH.
    """
    clone = _clone()
    what = "." if clone == Path.cwd() else str(clone or DISTRIBUTION)
    brackets = f"[{extra}]" if extra else ""
    pip = f"{python} -m pip" if python else "pip"
    return f"{pip} install '{what}{brackets}'"


def upgrade_command() -> str:
    """The command that installs a newer version of this package."""
    clone = _clone()
    if clone is None:
        return f"pip install --upgrade {DISTRIBUTION}"
    return f"git -C '{clone}' pull, then {install_command()}"


@lru_cache
def tested_version(distribution: str) -> str:
    """The version of a package that the tests ran with, on such a machine; empty if in no lock.

    Args:
        distribution: its name on PyPI.
    """
    from packaging.requirements import Requirement

    name = distribution.lower().replace("_", "-")
    for lock in ("cpu", "cuda", "apple"):
        lines = (locks_folder() / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
        for pin in (Requirement(line) for line in lines if line.startswith(f"{name}==")):
            if pin.marker is None or pin.marker.evaluate():
                return next(iter(pin.specifier)).version
    return ""


def not_installed(*distributions: str) -> str:
    """That packages are missing, and in which versions they were tested.

    >>> not_installed("timm", "a-package-of-nobody")
    'timm and a-package-of-nobody are not installed (tested with timm 1.0.31)'
    """
    verb = "is" if len(distributions) == 1 else "are"
    tested = [f"{name} {tested_version(name)}" for name in distributions if tested_version(name)]
    suffix = f" (tested with {', '.join(tested)})" if tested else ""
    return f"{' and '.join(distributions)} {verb} not installed{suffix}"


def check_is_alone(folder: Path = _PACKAGE.parent) -> None:
    """Refuse to run where the other project named `paretobench` is installed in the same place.

    Both have a package of that name, so each overwrites files of the other.

    Args:
        folder: where this package is.

    Raises:
        BackendMissingError: if the other project's metadata is beside this package.
    """
    for metadata in folder.glob("paretobench-[0-9]*.dist-info/METADATA"):
        summary = _summary(metadata)
        if "vision-language" in summary:
            continue
        name = metadata.parent.name.removesuffix(".dist-info").replace("-", " ")
        raise BackendMissingError(
            f"{folder} holds another project that is also imported as paretobench: {name} "
            f"({summary or 'no summary'}); each overwrites files of the other.\n"
            f"Keep them in environments of their own, or here: pip uninstall paretobench "
            f"{DISTRIBUTION}, then {install_command()}"
        )


def _summary(metadata: Path) -> str:
    found = re.search(r"^Summary:(.*)$", metadata.read_text("utf-8", "replace"), re.MULTILINE)
    return found[1].strip() if found else ""


def _clone() -> Path | None:
    """The folder with the sources, if this package runs from there or was installed from it."""
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        return _PACKAGE.parent
    import importlib.metadata  # 15 ms that a verb whose packages are all there does not need
    import json
    from urllib.parse import unquote, urlparse

    try:
        text = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    origin = json.loads(text) if text else {}
    folder = Path(unquote(urlparse(str(origin.get("url", ""))).path))
    is_clone = "dir_info" in origin and (folder / "pyproject.toml").is_file()
    return folder if is_clone else None
