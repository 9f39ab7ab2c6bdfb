"""One front, one set of scoring rules.

The same answers score differently under LLaVA's scripts, lmms-eval and VLMEvalKit. Points that
were scored by different rules may stand in one table, but a front through them compares rules,
not models: reports give each set of rules a front of its own, a comparison across them is
refused, and either is merged only where that was asked for, and marked there.

A set of rules is more than the protocol of one benchmark: the paper scored some benchmarks with
LLaVA's scripts and others with lmms-eval, so that its Avg-5 (protocol `mixed`) follows the rules
`llava`, as do its TextVQA (`llava`) and its DocVQA (`lmms`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from paretobench.accuracy import suites
from paretobench.errors import DataError

UNSTATED = ("", "reported")
"""Protocols of scores whose source names none, and of those that the paper quotes from others.
They go with any other: there is nothing to compare, and a user's own CSV need not know the word."""


class Scored(Protocol):
    """Anything that says what was scored and by which protocol: a score as stored or as shown."""

    @property
    def benchmark(self) -> str:
        """The benchmark's name."""

    @property
    def protocol(self) -> str:
        """Such as `lmms`, `llava`, `mixed`, or nothing."""


def rules_of(score: Scored) -> frozenset[str] | None:
    """The sets of rules that a score follows: `lmms`, `llava` (the paper's mixture), others.

    DocVQA, for one, is scored alike under both.

    Returns:
        None for a score that names no protocol and so goes with any.
    """
    if score.protocol in UNSTATED:
        return None
    if score.protocol in ("llava", "mixed"):
        return frozenset({"llava"})
    known = suites.BENCHMARKS.get(score.benchmark)
    if score.protocol == "lmms" and (known is None or known.protocol == "lmms"):
        return frozenset({"lmms", "llava"})
    return frozenset({score.protocol})


def rule_sets(scores: Iterable[Scored]) -> tuple[str, ...]:
    """The sets of rules that these scores need; empty if one set covers all of them."""
    found = {rules for score in scores if (rules := rules_of(score)) is not None}
    if not found or frozenset.intersection(*found):
        return ()
    return tuple(sorted(set().union(*(rules for rules in found if len(rules) == 1))))


def follows(score: Scored, rules: str) -> bool:
    """Whether a score may stand in a front under a set of rules."""
    found = rules_of(score)
    return found is None or rules in found


def mixtures(scores: Iterable[Scored]) -> dict[str, tuple[str, ...]]:
    """Benchmarks that these scores hold under more than one protocol, with the protocols.

    Args:
        scores: those of one front.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for score in scores:
        if score.protocol not in UNSTATED:
            found[score.benchmark].add(score.protocol)
    return {
        benchmark: tuple(sorted(protocols))
        for benchmark, protocols in sorted(found.items())
        if len(protocols) > 1
    }


def check_one_protocol(scores: Iterable[Scored], is_mixing_allowed: bool = False) -> str:
    """Refuse a front or a comparison across protocols, or say how to mark it.

    Args:
        scores: those of one front, or of both sides.
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
            f"Choose one of them, or allow the mixture with --mix-protocols; it is then marked"
        )
    return f"mixed scoring protocols ({words})"
