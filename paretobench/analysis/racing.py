"""Racing over items: stop scoring a configuration once a faster one is surely better.

All configurations answer the same items, in stages. After each stage a configuration is
dropped if one that is at least as fast scored higher by `Z_TO_DROP` paired standard errors:
it cannot be on the front. Everyone left answers the next stage. In simulation this gave the
exhaustive front at about an eighth of its cost, on grids where most configurations are
clearly dominated; where all are close it saves little and still drops nothing by chance.

Where time ends before the items do, the next stage goes to the configuration whose answers make the
front surer for each second that they take (`gains`).

Pure: who generates answers is `accuracy.lmms.race`.

References:
    Maron and Moore, "Hoeffding races", NIPS 1993; Mnih, Szepesvari and Audibert, "Empirical
    Bernstein stopping", ICML 2008. Here a normal bound on paired differences, at a z that
    allows for the number of tests: 3 stages x 12 x 11 pairs at 3.5 standard errors expect
    0.05 false drops, by one-sided tails of 2.3e-4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import sqrt
from statistics import NormalDist, fmean

from paretobench.analysis.items import Difference, mean_difference, paired_difference

STAGES = (0.05, 0.15, 0.40, 1.0)
"""Fraction of every benchmark's items answered by the end of each stage."""

Z_TO_DROP = 3.5
"""Paired standard errors by which a faster configuration must lead."""

Items = Mapping[str, Mapping[str, float]]
"""Benchmark to item to score in [0, 1]."""


@dataclass(frozen=True)
class Drop:
    """Why a configuration left the race: `by` is at least as fast and leads by `lead`."""

    name: str
    by: str
    stage: int
    lead: Difference

    def __str__(self) -> str:
        return (
            f"{self.name} dropped after stage {self.stage + 1}: {self.by} is no slower and "
            f"scores {100 * self.lead.value:.1f} points more (z = {self.lead.z:.1f}, "
            f"{self.lead.n} answers in common)"
        )


@dataclass(frozen=True)
class RaceCost:
    """What a race cost against scoring everyone on everything, in answers."""

    answered: int
    exhaustive: int

    @property
    def fraction(self) -> float:
        """Part of the exhaustive cost that was spent."""
        return self.answered / self.exhaustive if self.exhaustive else 1.0


Images = Mapping[str, Mapping[str, str]]
"""Benchmark to item to its image: items of one image are no independent draws."""


def lead(a: Items, b: Items, images: Images | None = None) -> Difference | None:
    """By how much B leads A, averaged over the benchmarks that both have two items of.

    >>> lead({'gqa': {'1': 0, '2': 0}}, {'gqa': {'1': 1, '2': 1}}).value
    1.0
    """
    parts = [
        paired_difference(a[name], b[name], (images or {}).get(name))
        for name in sorted(a.keys() & b.keys())
        if len(a[name].keys() & b[name].keys()) >= 2
    ]
    return mean_difference(parts) if parts else None


def to_drop(
    scores: Mapping[str, Items],
    latency_s: Mapping[str, float],
    stage: int,
    protected: Iterable[str] = (),
    images: Images | None = None,
) -> list[Drop]:
    """Who leaves after this stage, each by its clearest better rival.

    A rival must be at least as fast, and strictly better by `Z_TO_DROP` paired errors. Ties in
    latency count as fast enough, so of two equally fast ones only the better stays. A rival
    that is itself dropped now still counts: whatever dominates it dominates its victim.

    Args:
        scores: per configuration still in the race, its items so far.
        latency_s: per configuration, TTFT or another cost in seconds.
        stage: number of the stage just finished, from 0.
        protected: never dropped.
        images: of the items, where they are known; errors are then clustered by image.

    Raises:
        ValueError: if a configuration has no latency.
    """
    missing = sorted(set(scores) - set(latency_s))
    if missing:
        raise ValueError(f"no latency for {', '.join(missing)}; measure them before racing")
    kept = set(protected)
    drops: list[Drop] = []
    for name in sorted(set(scores) - kept):
        rivals = [r for r in scores if r != name and latency_s[r] <= latency_s[name]]
        leads = [(lead(scores[name], scores[rival], images), rival) for rival in rivals]
        clear = [
            (found.z, found, rival)
            for found, rival in leads
            if found is not None and found.value > 0 and found.z >= Z_TO_DROP
        ]
        if clear:
            _, found, rival = max(clear, key=lambda entry: (entry[0], entry[2]))
            drops.append(Drop(name, rival, stage, found))
    return drops


def gains(
    scores: Mapping[str, Items],
    shares: Mapping[str, tuple[float, float]],
    images: Images | None = None,
) -> dict[str, float]:
    """By how much one more stage of each configuration lowers the risk of a wrong front.

    The risk is the sum over pairs of `Phi(-|z|)`, the chance that the wrong one of two is taken to
    be better; `z` is the lead in its standard errors. The variance of a lead is in proportion to
    the sum of 1 / share of both, so that one side gains before the other follows. The risk after
    the stage is its expectation, since the lead will move too.

    Args:
        scores: per configuration, its items so far.
        shares: per configuration that has a stage left, the part of the items it has answered and
            that after the next stage; a configuration that is not here has answered all.
        images: of the items, where they are known.

    >>> even = {str(n): n % 2 for n in range(40)}
    >>> round(gains({'a': {'gqa': even}, 'b': {'gqa': even}}, {'a': (0.1, 0.4)})['a'], 2)
    0.31
    """
    found = dict.fromkeys(shares, 0.0)
    for pair in combinations(sorted(scores), 2):
        ahead = lead(scores[pair[0]], scores[pair[1]], images)
        z = ahead.z if ahead is not None else 0.0
        parts = {each: shares.get(each, (1.0, 1.0)) for each in pair}
        now = sum(1 / done for done, _ in parts.values())
        for each in shares.keys() & set(pair):
            done, next_done = parts[each]
            later = now - 1 / done + 1 / next_done
            found[each] += _risk(z, 1.0) - _risk(z, sqrt(now / later))
    return found


_QUANTILES = tuple(NormalDist().inv_cdf((k + 0.5) / 21) for k in range(21))


def _risk(z: float, surer: float) -> float:
    """Chance of a wrong order once the error is `surer` times smaller than where the lead was `z`.

    >>> _risk(0.0, 1.0), _risk(3.0, 2.0) < _risk(3.0, 1.0)
    (0.5, True)
    """
    spread = sqrt(surer**2 - 1)
    moved = (abs(z) * surer + spread * each for each in _QUANTILES)
    return fmean(NormalDist().cdf(-abs(one)) for one in moved)


def stage_edges(stages: Sequence[float] = STAGES) -> list[tuple[float, float]]:
    """Each stage as the part of the items that is new in it.

    Raises:
        ValueError: if the stages do not rise to 1.

    >>> stage_edges((0.25, 1.0))
    [(0.0, 0.25), (0.25, 1.0)]
    """
    edges = [0.0, *stages]
    is_rising = all(a < b for a, b in pairwise(edges))
    if not is_rising or edges[-1] != 1.0:
        raise ValueError(f"stages must rise from above 0 to 1, not {list(stages)}")
    return list(pairwise(edges))
