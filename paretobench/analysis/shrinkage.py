"""What the true accuracies could be, given what all configurations together say.

A bootstrap draws each accuracy about its observed value. But among many close rivals some
look better than they are, by luck of their items, and drawing about the observed values adds
luck a second time: the best of the rivals comes out too high in every draw, and a point that has to
beat it too rarely does. The remedy is to draw from what the true values could be.

That needs an idea of how true accuracies vary, and the points themselves give it: each is a
trend (log TTFT, with a level and a slope for each encoder, LLM and tiling) plus a scatter of
its own, of unknown size tau. The observed spread about the trend, less the known errors, gives
tau. A point is then drawn between its observation and the trend:

    true = trend + B (observed - trend) + sqrt(B) se z,    B = tau^2 / (tau^2 + se^2)

Where configurations scatter far more than their errors B is 1, and this is the bootstrap;
where they hardly scatter, rivals share what they know. Neither tau nor the trend is taken as
known: each draw has its own, from their posteriors under a flat prior.

References: Fay and Herriot, "Estimates of income for small places", JASA 74(366), 1979 (the
model); Morris, "Parametric empirical Bayes inference", JASA 78(381), 1983 (its intervals);
Gelman, "Prior distributions for variance parameters", Bayesian Analysis 1(3), 2006 (flat on
tau); Raftery, "Bayesian model selection in social research", 1995 (weights of trends by BIC).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretobench.analysis.held_out import shares_of
from paretobench.analysis.noise import DRAWS, Assumed, Draws, accuracy_errors, draw
from paretobench.analysis.points import Contender, Floats, distinct_traits

SPARE = 5
"""Scores beyond the trend's coefficients from which on a scatter can be estimated at all: with five
degrees of freedom the posterior of tau has a mean and a variance."""

_SCATTERS = 40
"""Values of tau that are weighed, evenly in their logarithm."""
_LEAST, _MOST = 0.05, 10.0
"""The smallest tau, in errors, and the largest, in standard deviations of the accuracies."""
_INDEPENDENT = 1e-8
"""Singular values below this share of the largest say that columns repeat one another."""


def plausible(
    contenders: Sequence[Contender],
    rng: np.random.Generator,
    draws: int = DRAWS,
    assumed: Assumed | None = None,
    others: Sequence[Contender] = (),
) -> Draws:
    """Draw what every contender's true TTFT and accuracy could be, given all of them.

    TTFTs are those of `noise.draw`: their errors are small beside their differences. So are
    the accuracies where there are too few scores to estimate their scatter, or no errors.

    Args:
        others: points that are not drawn, but inform about trend and scatter. Leaving
            them out because they look bad would leave a trend of the lucky.

    Raises:
        DataError: as `noise.draw`.
    """
    drawn = draw(contenders, rng, draws, assumed)
    everyone = [*contenders, *others]
    keys = [  # the value is part of the name: what was scored twice is two observations
        (contender.score or f"score of point {i}", contender.accuracy, contender.accuracy_se)
        for i, contender in enumerate(everyone)
    ]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    firsts = sorted(first.values())
    of_point = np.searchsorted(firsts, [first[key] for key in keys])
    scored = [everyone[i] for i in firsts]
    errors = accuracy_errors(scored, assumed)
    # Points (devices) that share a score have its mean log TTFT.
    logs = np.log([contender.ttft_s for contender in everyone])
    log_ttft = np.bincount(of_point, logs) / np.bincount(of_point)
    trends = _trends(scored, log_ttft) if errors.any() else []
    if not trends:
        return drawn
    observed = np.array([contender.accuracy for contender in scored], dtype=np.float64)
    fits = _fits(trends, observed, errors)
    about = drawn.accuracy[:, [i for i in firsts if i < len(contenders)]]
    true = _posterior(fits, observed, errors, about, rng)
    return Draws(drawn.ttft_s, true[:, of_point[: len(contenders)]])


def _trends(scored: Sequence[Contender], log_ttft: Floats) -> list[Floats]:
    """Orthonormal bases of the trends there are points enough for, each of shape [n, k].

    From plain to rich: a parabola in log TTFT; with a level for each trait; with a slope too.
    """
    x = (log_ttft - log_ttft.mean()) / max(float(log_ttft.std()), _INDEPENDENT)
    parabola = [np.ones_like(x), x, x * x]
    levels = [
        np.array([trait in enumerate(each.traits) for each in scored])
        for trait in distinct_traits(scored)
    ]
    bases: list[Floats] = []
    for columns in ([], levels, [*levels, *(level * x for level in levels)]):
        left, sizes, _ = np.linalg.svd(np.column_stack([*parabola, *columns]), full_matrices=False)
        basis = left[:, sizes > _INDEPENDENT * sizes[0]]
        is_new = not bases or basis.shape[1] > bases[-1].shape[1]
        if is_new and len(scored) >= basis.shape[1] + SPARE:
            bases.append(basis)
    return bases


@dataclass(frozen=True)
class _Fit:
    """A trend with one tau: how plausible, and the posterior of the trend's coefficients.

    `spread` is a root of their covariance, shape [k, k].
    """

    basis: Floats
    tau: float
    log_weight: float
    centre: Floats
    spread: Floats


def _fits(trends: Sequence[Floats], observed: Floats, errors: Floats) -> list[_Fit]:
    """Every trend with every tau."""
    error = float(np.sqrt(np.mean(errors**2)))
    most = max(_MOST * float(observed.std()), 2 * error)
    taus = np.geomspace(_LEAST * error, most, _SCATTERS)
    found: list[_Fit] = []
    for basis in trends:
        fits, evidence = zip(*(_fit(basis, tau, observed, errors) for tau in taus), strict=True)
        # Within a trend by restricted likelihood, between trends by BIC.
        within = np.logaddexp.reduce([fit.log_weight for fit in fits])
        between = max(evidence) - basis.shape[1] / 2 * np.log(len(observed))
        found += [replace(fit, log_weight=fit.log_weight - within + between) for fit in fits]
    return found


def _fit(basis: Floats, tau: float, observed: Floats, errors: Floats) -> tuple[_Fit, float]:
    """Weighted least squares at one tau, and its log likelihood with the best coefficients.

    The fit's own weight is the restricted likelihood, times tau for the even steps of its log.
    """
    weights = 1 / (tau**2 + errors**2)
    covariance = np.linalg.inv((basis * weights[:, None]).T @ basis)
    centre = covariance @ (basis.T @ (weights * observed))
    misfit = observed - basis @ centre
    likelihood = float(np.log(weights).sum() - (weights * misfit**2).sum()) / 2
    restricted = likelihood + float(np.linalg.slogdet(covariance)[1]) / 2
    spread = np.linalg.cholesky(covariance)
    return _Fit(basis, tau, restricted + float(np.log(tau)), centre, spread), likelihood


def _posterior(
    fits: Sequence[_Fit],
    observed: Floats,
    errors: Floats,
    drawn: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Draws about the first m observations, shape [draws, m], moved to where truths could be."""
    m = drawn.shape[1]
    observed, errors = observed[:m], errors[:m]
    shares = shares_of(np.array([fit.log_weight for fit in fits]))
    chosen = rng.choice(len(fits), len(drawn), p=shares)
    true = np.empty_like(drawn)
    for index in np.unique(chosen):
        fit, rows = fits[index], np.flatnonzero(chosen == index)
        normal = rng.standard_normal((len(rows), len(fit.centre)))
        trend = (fit.centre + normal @ fit.spread.T) @ fit.basis[:m].T
        kept = fit.tau**2 / (fit.tau**2 + errors**2)
        true[rows] = trend + kept * (observed - trend) + np.sqrt(kept) * (drawn[rows] - observed)
    return true
