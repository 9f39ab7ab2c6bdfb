"""Write locks/EXTRA.txt: an exact version of every package, direct or not, for every platform.

`make sweep`, `make test` and CI install with one of these files as constraints, and so can
anybody: `pip install -c locks/cpu.txt '.[cpu]'`. A constraint says which version a package has
where something needs it and installs nothing by itself, so one file holds an extra together with
all that goes beside it, and the lines of other platforms (those after a semicolon) cost nothing.
uv resolves, for all platforms and Python versions at once, from the ordinary index.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("accuracy", "slurm", "ray", "parquet", "docs", "dev")
"""The extras that go with every kind of machine."""
EXTRAS = {"cpu": ("cpu",), "cuda": ("cuda", "cuda-onnx"), "apple": ("apple",)}
OLDEST_PYTHON = "3.11"
LINE = re.compile(r"^(?P<pin>[a-z0-9._-]+==[0-9][\w.!]*)(?:\+[\w.]+)?(?P<marker> ; .+)?$")
"""A pin without the label of a local build (`+cpu`): the index has other builds of it."""


def resolve(extras: tuple[str, ...], upgrade: bool, old: str) -> list[str]:
    """The pins of those extras, kept from `old` where `upgrade` is False."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"]
    command += ["--universal", "--python-version", OLDEST_PYTHON, "--no-header", "--no-annotate"]
    command += ["--no-config"]
    command += [part for extra in extras for part in ("--extra", extra)]
    kept = ROOT / "build" / "lock.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("" if upgrade else old, encoding="utf-8")
    subprocess.run([*command, "--output-file", str(kept)], cwd=ROOT, check=True)
    return pins(kept.read_text(encoding="utf-8"))


def pins(text: str) -> list[str]:
    """The pins of a resolution, without comments; anything else than a version is refused."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = LINE.match(line)
        if match is None:
            sys.exit(f"uv wrote {line!r}, and a lock may only hold name==version")
        found.append(match["pin"] + (match["marker"] or ""))
    return found


def main() -> None:
    """Write every lock: the newest versions with --upgrade, only what is missing without."""
    upgrade = "--upgrade" in sys.argv[1:]
    for name, extras in EXTRAS.items():
        path = ROOT / "locks" / f"{name}.txt"
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        found = resolve((*extras, *BESIDE), upgrade, old)
        head = f"# Written by scripts/lock.py: pip install -c locks/{name}.txt '.[{name}]'\n"
        path.write_text(head + "\n".join(found) + "\n", encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(found)} packages")


if __name__ == "__main__":
    main()
