"""How long a person waits: the first chart, an answer, a plan, each as a fresh process.

Prints processor and wall seconds of the commands of the README's first minutes, the median of
several runs. Of a report it also prints when the page and the main figure are there, which is
before the other files. For an environment of its own, name its interpreter:

    python benchmarks/first_chart.py
    python benchmarks/first_chart.py --python /tmp/env/bin/python --runs 1
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FIRST = ("reports/published/index.html", "reports/published/pareto.png")
"""What is useful before the rest: the page and the main figure."""

SIDES = ",".join(str(side) for side in range(224, 224 + 32 * 104, 32))
LARGE = (
    f"encoder=fastvithd,fastvit,vit_l14,siglip_so400m,convnext_l,convnext_xxl resolution={SIDES} "
    "llm=qwen2_0_5b,qwen2_1_5b,qwen2_7b,vicuna_7b "
    "tiling=none,grid_2x2,grid_3x3,grid_4x4"
)
"""A grid of 6 x 104 x 4 x 4 = 9,984 combinations."""

COMMANDS = {
    "import paretobench": "-c import+paretobench",
    "report --published": "-m paretobench report --published --quiet",
    "best --published --under 200ms": "-m paretobench best --published --under 200ms",
    "plan +grid=qwen2_family": "-m paretobench plan +grid=qwen2_family",
    "plan of 9,984 combinations": f"-m paretobench plan {LARGE}",
}


@dataclass(frozen=True)
class Waited:
    """Seconds of one process: of the processor, its children included, and of the clock."""

    processor_s: float
    wall_s: float
    first_s: float | None


def run(python: str, words: str, folder: Path) -> Waited:
    """One command in an empty folder.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    shutil.rmtree(folder / "reports", ignore_errors=True)
    arguments = [word.replace("+paretobench", " paretobench") for word in words.split()]
    before, start = os.times(), time.perf_counter()
    process = subprocess.Popen(
        [python, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    first_s = None
    while process.poll() is None:
        if first_s is None and all((folder / name).exists() for name in FIRST):
            first_s = time.perf_counter() - start
        time.sleep(0.005)
    wall_s, after = time.perf_counter() - start, os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    spent = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return Waited(spent, wall_s, first_s)


def table(python: str, runs: int, wanted: Sequence[str]) -> str:
    """All figures as Markdown."""
    lines = ["| command | processor s | wall s | page and main figure s |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, words in COMMANDS.items():
            if wanted and not any(each in name for each in wanted):
                continue
            waited = [run(python, words, Path(folder)) for _ in range(runs)]
            middle = [statistics.median(each.processor_s for each in waited)]
            middle.append(statistics.median(each.wall_s for each in waited))
            first = [each.first_s for each in waited if each.first_s is not None]
            cells = [f"{value:.2f}" for value in middle]
            cells.append(f"{statistics.median(first):.2f}" if first else "")
            lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("only", nargs="*", help="parts of the names of commands")
    asked = parser.parse_args()
    print(table(asked.python, asked.runs, asked.only))


if __name__ == "__main__":
    main()
