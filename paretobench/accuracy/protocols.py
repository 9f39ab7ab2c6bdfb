"""One front, one set of scoring rules.

The same answers score differently under LLaVA's scripts, lmms-eval and VLMEvalKit. Points that
were scored by different rules may share a table, but a front through them compares rules,
not models: reports give each set of rules a front of its own, a comparison across them is
refused, and either is merged only where that was asked for, and marked there.

lmms-eval before v0.3.0 scored DocVQA and InfoVQA by another rule (protocol `lmms_any`; a mean that
holds such a score is `mixed_any`). The paper's own scores are of that kind, so they follow the
rules `llava` too; but where one recipe has a benchmark by both, each has a front of its own.

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


def rules_of(score: Scored, is_apart: bool = False) -> frozenset[str] | None:
    """The sets of rules that a score follows: `lmms`, `llava` (the paper's mixture), others.

    SeedBench, for one, is scored alike under both.

    Args:
        is_apart: there are scores of this benchmark by lmms-eval's old and by its new rule.

    Returns:
        None for a score that names no protocol and so goes with any.
    """
    if score.protocol in UNSTATED:
        return None
    known = suites.BENCHMARKS.get(score.benchmark)
    if score.protocol.endswith(OLD_RULE):
        is_papers = known is not None and known.protocol == score.protocol
        return frozenset({"llava"} if is_papers and not is_apart else {score.protocol})
    if score.protocol in ("llava", "mixed"):
        return frozenset({"llava"})
    if score.protocol == "lmms" and (known is None or known.protocol.startswith("lmms")):
        return frozenset({"lmms", "llava"})
    return frozenset({score.protocol})


OLD_RULE = "_any"
"""How the protocols of lmms-eval's old rule for several right answers end."""


def apart(scores: Iterable[Scored]) -> frozenset[str]:
    """Benchmarks that these scores hold by lmms-eval's old and by its new rule."""
    found: dict[str, set[bool]] = defaultdict(set)
    for score in scores:
        if score.protocol in ("lmms", "mixed", "lmms_any", "mixed_any"):
            found[score.benchmark].add(score.protocol.endswith(OLD_RULE))
    return frozenset(name for name, ages in found.items() if len(ages) == 2)


def rule_sets(scores: Iterable[Scored]) -> tuple[str, ...]:
    """The sets of rules that these scores need; empty if one set covers all of them."""
    scores = list(scores)
    split = apart(scores)
    each = (rules_of(score, score.benchmark in split) for score in scores)
    found = {rules for rules in each if rules is not None}
    if not found or frozenset.intersection(*found):
        return ()
    needed = set().union(*(rules for rules in found if len(rules) == 1))
    needed |= {"lmms" for rules in found if not rules & needed}
    return tuple(sorted(needed))


def follows(score: Scored, rules: str, is_apart: bool = False) -> bool:
    """Whether a score may be part of a front under a set of rules."""
    found = rules_of(score, is_apart)
    return found is None or rules in found


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
    found: dict[str, set[str]] = defaultdict(set)
    for score in scores:
        if score.protocol not in UNSTATED:
            found[score.benchmark].add(score.protocol)
    words = "; ".join(
        f"{benchmark}: {' and '.join(sorted(protocols))}"
        for benchmark, protocols in sorted(found.items())
        if len(protocols) > 1
    )
    if not words:
        return ""
    if not is_mixing_allowed:
        raise DataError(
            f"one front would mix scoring protocols ({words}), which differ on the same answers.\n"
            f"Choose one of them, or allow the mixture with --mix-protocols; it is then marked"
        )
    return f"mixed scoring protocols ({words})"
