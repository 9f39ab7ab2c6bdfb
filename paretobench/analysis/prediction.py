"""What a part that was not measured would take, from those that were, with a 90 % interval. Pure.

A part is an encoder at a size or a language model at a number of tokens. Its time is taken to be

    latency = fixed + operations / rate

where `fixed` is constant for an encoder, and for a prefill what reading the weights once takes. The
two coefficients come from measured parts of the same kind and runtime: of the same model at other
sizes, else of its family, else of all. Only one machine's parts are ever passed in together.

How far off that is, is tried on the measured parts themselves: each is predicted as if it had not
been measured (leaving out it, its model, or its family, as the basis asks), and the interval is as
wide as these errors say. A stated prior worth few parts stands in while there are few. The farther
a part lies outside the measured sizes, the wider the interval.

Whether a prediction is shown, and how, is `report`'s affair; none enters a front or a claim.

References:
    S. Williams, A. Waterman, D. Patterson, "Roofline", CACM 52(4), 2009: time from operations and
    bytes. The fit is least squares of relative errors with coefficients that are not negative
    (C. Lawson, R. Hanson, "Solving Least Squares Problems", 1974, chapter 23).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from paretobench.analysis.stats import t_quantile

Basis = Literal["model", "family", "rate", "computed"]

BASES: tuple[Basis, ...] = ("model", "family", "rate")
"""Where a prediction comes from, the surest first; `computed` is a plan's, from no measurement."""

BASIS_TEXTS: dict[Basis, str] = {
    "model": "the same model at other sizes",
    "family": "models of the same family",
    "rate": "operations over the measured rate",
    "computed": "operations over the machine's rate in a matrix product",
}
"""The bases in words."""

CONFIDENCE = 0.90
"""Of every predicted interval."""

PRIOR_LOG_SD: dict[Basis, float] = {"model": 0.10, "family": 0.25, "rate": 0.35, "computed": 0.70}
"""Standard error of the logarithm while nothing is known of a basis, after what the two databases
of `docs/methodology.md` have; for `computed` it is all there is."""

PRIOR_DF = 3.0
"""How many tried cases that prior is worth: another machine has another spread."""

FEWEST_SPREAD = 1.5
"""Operations per fixed cost must differ by this factor for both coefficients to be told apart."""


@dataclass(frozen=True)
class PartWork:
    """Something that can be timed alone, by what its latency depends on.

    Attributes:
        kind: `encode` or `prefill`.
        model, family: of the encoder or the language model.
        runtime: backend, precision and options; parts of two runtimes teach one another nothing.
        gflop: 10^9 floating-point operations of one run; positive.
        weight_bytes: weights in the runtime's precision; positive.
    """

    kind: str
    model: str
    family: str
    runtime: str
    gflop: float
    weight_bytes: float

    @property
    def fixed(self) -> float:
        """What the constant share of its time is proportional to."""
        return self.weight_bytes if self.kind == "prefill" else 1.0


@dataclass(frozen=True)
class TimedPart:
    """A part with the latency that was measured, in seconds."""

    part: PartWork
    latency_s: float


@dataclass(frozen=True)
class Prediction:
    """A latency that was not measured, with its 90 % interval, in seconds."""

    latency_s: float
    low_s: float
    high_s: float
    basis: Basis


class Predictor:
    """Predicts parts from the measured ones of one environment.

    >>> def part(tokens): return PartWork("prefill", "m", "f", "torch", 2.0 * tokens, 1e9)
    >>> timed = [TimedPart(part(n), 0.1 + 0.001 * n) for n in (16, 64, 256)]
    >>> found = Predictor(timed).predict(part(1024))
    >>> round(found.latency_s, 3), found.basis, found.low_s < 1.124 < found.high_s
    (1.124, 'model', True)
    """

    def __init__(self, timed: Sequence[TimedPart]) -> None:
        self._timed = tuple(timed)
        self._spreads: dict[tuple[str, str, Basis], tuple[float, float]] = {}

    def predict(self, part: PartWork) -> Prediction | None:
        """The latency of a part.

        Returns:
            None if no part of its kind and runtime was measured.
        """
        own = (part.kind, part.runtime)
        alike = [one for one in self._timed if (one.part.kind, one.part.runtime) == own]
        for basis in BASES:
            taught_by = _teachers(basis, part, alike)
            if not taught_by:
                continue
            latency_s = _expected_s(basis, part, taught_by, alike)
            spread, df = self._spread(basis, part, alike)
            margin = t_quantile(0.5 + CONFIDENCE / 2, df) * spread * _reach(part, taught_by)
            factor = math.exp(min(margin, 300.0))
            return Prediction(latency_s, latency_s / factor, latency_s * factor, basis)
        return None

    def _spread(
        self, basis: Basis, part: PartWork, alike: Sequence[TimedPart]
    ) -> tuple[float, float]:
        """Standard error of a logarithm within the measured sizes, and its degrees of freedom."""
        key = (part.kind, part.runtime, basis)
        if key not in self._spreads:
            squares = _tried_squares(basis, alike)
            df = PRIOR_DF + len(squares)
            whole = PRIOR_DF * PRIOR_LOG_SD[basis] ** 2 + math.fsum(squares)
            self._spreads[key] = (math.sqrt(whole / df), df)
        return self._spreads[key]


def computed(latency_s: float) -> Prediction:
    """A plan's own estimate, from published dimensions alone, with the prior's wide interval.

    >>> round(computed(1.0).high_s, 1)
    3.2
    """
    factor = math.exp(t_quantile(0.5 + CONFIDENCE / 2, math.inf) * PRIOR_LOG_SD["computed"])
    return Prediction(latency_s, latency_s / factor, latency_s * factor, "computed")


def total(terms: Sequence[tuple[float, Prediction]]) -> Prediction:
    """A weighted sum of independent parts, as `stats.compose` makes it; the least sure basis.

    Args:
        terms: weight (passes) and part; a measured part takes part with its own 90 % interval.

    >>> one = Prediction(1.0, 0.7, 1.3, "model")
    >>> both = total([(1, one), (1, Prediction(2.0, 1.6, 2.4, "rate"))])
    >>> both.latency_s, round(both.low_s, 2), round(both.high_s, 2), both.basis
    (3.0, 2.5, 3.5, 'rate')
    """
    order = list(BASIS_TEXTS)
    value = math.fsum(weight * one.latency_s for weight, one in terms)
    down = math.hypot(*(weight * (one.latency_s - one.low_s) for weight, one in terms))
    up = math.hypot(*(weight * (one.high_s - one.latency_s) for weight, one in terms))
    basis = max((one.basis for _, one in terms), key=order.index)
    return Prediction(value, value - down, value + up, basis)


def _teachers(basis: Basis, part: PartWork, alike: Sequence[TimedPart]) -> list[TimedPart]:
    """The measured parts from which a part is predicted on a basis."""
    if basis == "model":
        return [one for one in alike if one.part.model == part.model]
    if basis == "family":
        return [o for o in alike if o.part.family == part.family and o.part.model != part.model]
    return [one for one in alike if one.part.family != part.family]


def _tried_squares(basis: Basis, alike: Sequence[TimedPart]) -> list[float]:
    """Squared log errors of measured parts predicted on a basis, each by its prediction's reach.

    What a model has in common goes wrong for all its sizes at once: where a whole model is left out
    its sizes count as one, by their mean.
    """
    squares: dict[object, list[float]] = {}
    for one in alike:
        rest = [other for other in alike if other is not one]
        taught_by = _teachers(basis, one.part, rest)
        if taught_by:
            expected_s = _expected_s(basis, one.part, taught_by, rest)
            error = math.log(one.latency_s / expected_s) / _reach(one.part, taught_by)
            case = one.part if basis == "model" else one.part.model
            squares.setdefault(case, []).append(error**2)
    return [math.fsum(found) / len(found) for found in squares.values()]


def _expected_s(
    basis: Basis, part: PartWork, taught_by: Sequence[TimedPart], alike: Sequence[TimedPart]
) -> float:
    if basis != "model" or _has_spread(taught_by):
        return _law(taught_by)(part)
    others = [one for one in alike if one.part.model != part.model]
    law = _law(others or taught_by)  # at one size alone a model has the others' law
    nearest = min(taught_by, key=lambda one: abs(math.log(one.part.gflop / part.gflop)))
    return nearest.latency_s * law(part) / law(nearest.part)


def _has_spread(timed: Sequence[TimedPart]) -> bool:
    intensities = [one.part.gflop / one.part.fixed for one in timed]
    return max(intensities) >= FEWEST_SPREAD * min(intensities)


def _law(timed: Sequence[TimedPart]) -> Callable[[PartWork], float]:
    """Seconds of a part by the two coefficients that fit these best, in relative terms."""
    u = [one.part.fixed / one.latency_s for one in timed]
    v = [one.part.gflop / one.latency_s for one in timed]
    a, b = _coefficients(u, v) if _has_spread(timed) else (0.0, sum(v) / _dot(v, v))
    if b > 0:
        return lambda part: a * part.fixed + b * part.gflop
    fastest = max(v)  # where operations never showed, no more of them fit into the same time
    return lambda part: max(a * part.fixed, part.gflop / fastest)


def _coefficients(u: Sequence[float], v: Sequence[float]) -> tuple[float, float]:
    """The a, b >= 0 with the least sum of squares of a u + b v - 1, for positive u and v."""
    uu, vv, uv, su, sv = _dot(u, u), _dot(v, v), _dot(u, v), sum(u), sum(v)
    determinant = uu * vv - uv * uv
    if determinant > 1e-12 * uu * vv:
        a, b = (su * vv - sv * uv) / determinant, (sv * uu - su * uv) / determinant
        if a >= 0 and b >= 0:
            return a, b
    # One of them is 0: the other alone lowers the sum by (sum u)^2 / u.u, or the like for v.
    return (su / uu, 0.0) if su * su / uu > sv * sv / vv else (0.0, sv / vv)


def _dot(x: Sequence[float], y: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def _reach(part: PartWork, taught_by: Sequence[TimedPart]) -> float:
    """1 within the measured sizes, and 1 more for each factor of e in operations beyond them."""
    seen = [one.part.gflop for one in taught_by]
    beyond = max(math.log(part.gflop / max(seen)), math.log(min(seen) / part.gflop))
    return 1.0 + max(0.0, beyond)
