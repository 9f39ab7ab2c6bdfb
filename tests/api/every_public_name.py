"""What a user's script may do with each public name; `mypy --strict` reads it, nothing runs it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

import paretobench as pb


def shown(path: Path) -> list[str]:
    """Asks everything of a database and of the published points."""
    results: pb.Results = pb.open(path, recipe="llava-1.5")
    published: pb.Results = pb.published(benchmark="avg5")
    frames: list[pd.DataFrame] = [
        results.points(),
        published.front(recipe="llava-1.5", under_s=0.5),
        results.samples("fastvithd@512"),
    ]
    axes: Axes = results.plot.pareto(recipe="llava-1.5")
    axes.set_title("mine")
    return [f"{len(frame)} rows" for frame in frames]


def answers(results: pb.Results) -> list[str]:
    """The best points with how sure that is."""
    found: pb.Answers = results.best(under_s=0.2, where=["passes<=4"])
    first: pb.BestPoint = found[0]
    texts = [str(first.point), str(first.runner_up), f"{first.probability or 0:.0%}"]
    if found.is_satisfied:
        texts += [each.title for each in found]
    return texts


def suggested(results: pb.Results) -> str:
    """What to score or measure next."""
    found: pb.Suggestions = results.next(under_s=0.2, count=1)
    return found.command() or str(found[0].refusal)


def compared(results: pb.Results) -> float | None:
    """The mean speed-up at equal accuracy."""
    found: pb.Comparisons = results.compare("fastvithd", "convnext_l")
    one: pb.RecipeComparison = found[0]
    speedups: pd.DataFrame = one.speedups
    return one.result.bd_ttft.value if one.result.bd_ttft and len(speedups) else None


def measured() -> pb.Results:
    """A plan, then the sweep."""
    plans: pb.Plans = pb.plan("+grid=qwen2_family", "llm=qwen2_0_5b")
    points: pd.DataFrame = plans.points
    if plans.estimated_s > 3600 or points.empty:
        raise SystemExit(f"{plans}: too long")
    return pb.sweep("+grid=smoke", progress=print)


def main() -> None:
    """Prints what it finds, or why it cannot."""
    try:
        print(answers(pb.published()), compared(pb.published()), shown(Path("x.db")))
        print(pb.tokens(1024, 768, tiling="llava_next_anyres", encoder="vit_l14", resolution=336))
    except pb.ParetobenchError as error:
        print(error, pb.__version__)
