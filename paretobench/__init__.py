"""paretobench: latency/accuracy Pareto benchmarking of vision-language models on a device.

    import paretobench as pb

    pb.published().best(under_s=0.2)            # the paper's own points
    pb.open("results/paretobench.db").points()  # a DataFrame of what was measured here

The names below are the whole public interface; each loads when it is first used, so that
importing the package takes no framework and no time. See `docs/python.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paretobench.version import __version__

if TYPE_CHECKING:
    from paretobench.api.answers import Answers, BestPoint
    from paretobench.api.comparison import Comparisons, RecipeComparison
    from paretobench.api.next_steps import Suggestions
    from paretobench.api.results import Results, published
    from paretobench.api.results import open_results as open
    from paretobench.api.sweeps import Plans, plan, sweep
    from paretobench.api.tokens import tokens
    from paretobench.errors import ParetobenchError

__all__ = [
    "Answers",
    "BestPoint",
    "Comparisons",
    "ParetobenchError",
    "Plans",
    "RecipeComparison",
    "Results",
    "Suggestions",
    "__version__",
    "open",
    "plan",
    "published",
    "sweep",
    "tokens",
]

_MODULES = {
    "Answers": "api.answers",
    "BestPoint": "api.answers",
    "Comparisons": "api.comparison",
    "ParetobenchError": "errors",
    "Plans": "api.sweeps",
    "RecipeComparison": "api.comparison",
    "Results": "api.results",
    "Suggestions": "api.next_steps",
    "open": "api.results:open_results",
    "plan": "api.sweeps",
    "published": "api.results",
    "sweep": "api.sweeps",
    "tokens": "api.tokens",
}
"""Public name -> where it is defined below this package, after a colon its name there."""


if not TYPE_CHECKING:  # so that a type checker knows these names and no others

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"paretobench has no {name!r}; it has {', '.join(__all__)}")
        import importlib

        module, _, original = _MODULES[name].partition(":")
        return getattr(importlib.import_module(f"paretobench.{module}"), original or name)


def __dir__() -> list[str]:
    return sorted(__all__)
