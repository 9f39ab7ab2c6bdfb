"""What a point without a score could score, given every score of the same machine's points.

The model of `shrinkage`, made fit to say something of points that nobody scored. There each
encoder, LLM and tiling has a level of its own, about which nothing is assumed; then a trait that
no score has could be anything. Here levels (and slopes in log TTFT) are draws from a common
normal distribution whose size sigma the scores tell, so a new encoder is as good as encoders
are, give or take how much they differ. The training recipe is one more trait, so that recipes
learn from one another what a larger LLM is worth; they still share no front.

    true = a + b x + c x^2 + sum of levels + x * sum of slopes + scatter,   x = log TTFT

tau (scatter), sigma (levels) and the ratio of slopes to levels are not taken as known: each draw
has its own from their posterior, under priors that are flat on tau and sigma. How good the model
is follows from the scores themselves (`held_out`).

References: Fay and Herriot, JASA 74(366), 1979; Harville, "Maximum likelihood approaches to
variance component estimation", JASA 72(358), 1977 (levels as draws).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paretobench.analysis.held_out import (
    Fits,
    HeldOut,
    Observed,
    blocks_left_out,
    each_left_out,
    shares_of,
)
from paretobench.analysis.noise import accuracy_errors
from paretobench.analysis.points import Contender, Floats, distinct_traits
from paretobench.analysis.shrinkage import SPARE

TREND = 3
"""Coefficients of the parabola in log TTFT. Their prior deviation is 1, all that an accuracy can
range over: next to nothing is assumed of them."""

FEWEST = TREND + SPARE
"""Scores from which on anything is predicted."""

MOST_TRAITS = 30
"""Traits whose scores are left out together; more would not say more, and take seconds."""

_STEPS = 12
"""Values of tau and of sigma that are weighed, evenly in their logarithm."""
_SLOPES = (0.0, 0.25, 0.5)
"""Sizes of slopes against levels; log TTFT is scaled to a standard deviation of one."""
_LEAST, _MOST = 0.2, 3.0
"""The smallest tau and sigma, in errors, and the largest, in deviations of the accuracies."""
_NEGLIGIBLE = 25.0
"""Log weights so far below the best are left out: e^-25, also of 1,000 of them, is nothing."""
_SAME = 1e-8
"""A deviation of log TTFTs below which they are taken as one."""


class ScoreModel:
    """The scores of one machine's points, and what they say about others."""

    def __init__(self, scored: Sequence[Contender], unscored: Sequence[Contender] = ()) -> None:
        """Weigh every combination of the model's sizes.

        Args:
            scored: at least `FEWEST` points with traits of the same places.
            unscored: the points to predict; their accuracies are not read.

        Raises:
            ValueError: with fewer scores.
        """
        if len(scored) < FEWEST:
            raise ValueError(f"{len(scored)} scores predict nothing; {FEWEST} are needed")
        self.scored = tuple(scored)
        everyone = [*scored, *unscored]
        logs = np.log([each.ttft_s for each in everyone])
        known = logs[: len(scored)]
        x = (logs - known.mean()) / max(float(known.std()), _SAME)
        self._design, self._is_slope = _columns(everyone, x)
        accuracies = np.array([each.accuracy for each in scored], dtype=np.float64)
        errors = accuracy_errors(scored)
        self._observed = Observed(self._design[: len(scored)], accuracies, errors)
        self._fits = self._weigh()

    def draw(self, rng: np.random.Generator, draws: int, points: Sequence[int]) -> Floats:
        """True accuracies of some points, shape [draws, len(points)].

        Args:
            points: indices into the scored points, followed by those to predict.
        """
        fits, index = self._fits, np.asarray(points, dtype=np.intp)
        is_scored = index < len(self.scored)
        values = self._observed.values[index[is_scored]]
        errors = self._observed.errors[index[is_scored]]
        design = self._design[index]
        chosen = rng.choice(len(fits.taus), draws, p=shares_of(fits.log_weights))
        true = np.empty((draws, len(index)))
        for fit in np.unique(chosen):
            rows = np.flatnonzero(chosen == fit)
            root = np.linalg.cholesky(fits.covariances[fit])
            normal = rng.standard_normal((len(rows), len(root)))
            drawn = ((fits.centres[fit] + normal @ root.T) * fits.scales[fit]) @ design.T
            kept = fits.taus[fit] ** 2 / (fits.taus[fit] ** 2 + errors**2)
            drawn[:, is_scored] += kept * (values - drawn[:, is_scored])
            spread = np.full(len(index), fits.taus[fit])
            spread[is_scored] = np.sqrt(kept) * errors
            true[rows] = drawn + spread * rng.standard_normal(drawn.shape)
        return np.clip(true, 0.0, 1.0)

    def held_out(self) -> HeldOut:
        """Each score predicted from all others."""
        return each_left_out(self._fits, self._observed)

    def held_out_by_trait(self, places: Sequence[int]) -> HeldOut | None:
        """All scores of a trait predicted from those without it, for every trait of the places.

        Traits are left out only where `FEWEST` scores remain; of many, those with most scores.

        Returns:
            None if there is no such trait.
        """
        blocks = [
            [i for i, each in enumerate(self.scored) if each.traits[place] == name]
            for place, name in distinct_traits(self.scored)
            if place in places
        ]
        most = len(self.scored) - FEWEST
        left_out = sorted((own for own in blocks if len(own) <= most), key=len, reverse=True)
        return blocks_left_out(self._fits, self._observed, left_out[:MOST_TRAITS])

    def unseen_traits(self, point: Contender) -> tuple[str, ...]:
        """The traits of a point that no score has."""
        seen = distinct_traits(self.scored)
        return tuple(name for place, name in enumerate(point.traits) if (place, name) not in seen)

    def _weigh(self) -> Fits:
        """The posterior of the coefficients at every tau, sigma and ratio of slopes."""
        error = float(np.sqrt(np.mean(self._observed.errors**2)))
        most = max(_MOST * float(self._observed.values.std()), 2 * error)
        sizes = np.geomspace(_LEAST * error, most, _STEPS)
        scales = np.array(
            [np.where(self._is_slope, ratio * sigma, sigma) for sigma in sizes for ratio in _SLOPES]
        )
        scales[:, :TREND] = 1.0
        priors = np.log(np.repeat(sizes, len(_SLOPES)))
        found = [_fit(self._observed, tau, scales, priors) for tau in sizes]
        weights, centres, covariances = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = weights > weights.max() - _NEGLIGIBLE
        return Fits(
            weights[kept],
            np.repeat(sizes, len(scales))[kept],
            np.tile(scales, (len(sizes), 1))[kept],
            centres[kept],
            covariances[kept],
        )


def _fit(
    observed: Observed, tau: float, scales: Floats, log_sigmas: Floats
) -> tuple[Floats, Floats, Floats]:
    """Log weights [s], centres [s, k] and covariances [s, k, k] at one tau and s prior scales."""
    weights = 1 / (tau**2 + observed.errors**2)
    gram = (observed.design * weights[:, None]).T @ observed.design
    precision = scales[:, :, None] * gram * scales[:, None, :] + np.eye(observed.design.shape[1])
    covariances: Floats = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    pulls = scales * (observed.design.T @ (weights * observed.values))
    centres = np.einsum("sij,sj->si", covariances, pulls)
    misfits = observed.values - (centres * scales) @ observed.design.T
    cost = (weights * misfits**2).sum(axis=1) + (centres**2).sum(axis=1)
    likelihood = (np.log(weights).sum() - cost - np.linalg.slogdet(precision)[1]) / 2
    # Steps are even in the logs of tau and sigma; their priors are flat in both themselves.
    return likelihood + math.log(tau) + log_sigmas, centres, covariances


def _columns(points: Sequence[Contender], x: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The design [n, k] (parabola, levels, slopes), and which of its columns are slopes."""
    traits = distinct_traits(points)
    position = {trait: column for column, trait in enumerate(traits)}
    levels = np.zeros((len(points), len(traits)))
    for row, each in enumerate(points):
        levels[row, [position[trait] for trait in enumerate(each.traits)]] = 1.0
    design = np.column_stack([np.ones_like(x), x, x * x, levels, levels * x[:, None]])
    return design, np.arange(design.shape[1]) >= TREND + len(traits)
