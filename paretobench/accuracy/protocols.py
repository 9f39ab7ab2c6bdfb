"""One front, one set of scoring rules.

The same answers score differently under LLaVA's scripts, lmms-eval and VLMEvalKit. Points that
were scored by different rules may stand in one table, but a front through them compares rules,
not models: it is refused unless it was asked for, and marked where it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from paretobench.errors import DataError
from paretobench.records import Score

UNSTATED = "unstated"
"""The protocol of a score whose source names none. It mixes with any other silently: there is
nothing to compare, and a user's own CSV need not know the word."""


def mixtures(scores: Iterable[Score]) -> dict[str, tuple[str, ...]]:
    """Benchmarks that these scores hold under more than one protocol, with the protocols.

    Args:
        scores: those of one front.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for score in scores:
        found[score.benchmark].add(score.protocol or UNSTATED)
    return {
        benchmark: tuple(sorted(protocols - {UNSTATED}))
        for benchmark, protocols in sorted(found.items())
        if len(protocols - {UNSTATED}) > 1
    }


def check_one_protocol(scores: Iterable[Score], is_mixing_allowed: bool = False) -> str:
    """Refuse a front across protocols, or say how to mark it.

    Args:
        scores: those of one front.
        is_mixing_allowed: the user asked for it.

    Returns:
        The mark for the plot and the table; empty if there is nothing to mark.

    Raises:
        DataError: if protocols are mixed and that was not asked for.
    """
    found = mixtures(scores)
    if not found:
        return ""
    words = "; ".join(f"{name}: {' and '.join(rules)}" for name, rules in found.items())
    if not is_mixing_allowed:
        raise DataError(
            f"one front would mix scoring protocols ({words}), which differ on the same answers.\n"
            f"Choose one of them, or allow the mixture; it is then marked"
        )
    return f"mixed scoring protocols ({words})"


def of_protocol(scores: Iterable[Score], protocol: str) -> list[Score]:
    """The scores under one protocol, and those that name none."""
    return [score for score in scores if score.protocol in ("", protocol)]
