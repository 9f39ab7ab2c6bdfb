"""How well a linear model predicts what it has not seen: one left out at a time, or many.

For a linear model with normal errors and a normal prior the errors of what was left out follow from
the residuals and the hat matrix of one fit, exactly. Where the model's sizes are weighed instead of
chosen, a size's weight loses what the left-out scores themselves said for it:
p(rest) = p(all) / p(left out | rest).

Reference: Cook and Weisberg, "Residuals and influence in regression", 1982, chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretobench.analysis.points import Floats

LEVEL = 0.9
"""Share of truths that a predicted interval is meant to hold."""

ENOUGH = 10
"""Scores left out from which on an interval can be called calibrated: of ten, a tenth is one."""

_DOUBT = 0.05
"""A share held that chance explains less often than this says that the intervals are too narrow."""

_ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
_HALVINGS = 40
"""Steps of the bisection: 1e-12 of the range."""


@dataclass(frozen=True)
class HeldOut:
    """How well scores were predicted that the model had not seen.

    Attributes:
        scores: how many.
        held: how many of them lay within their 90 % interval.
        median_error: median distance from the prediction, a fraction.
    """

    scores: int
    held: int
    median_error: float

    @property
    def is_calibrated(self) -> bool:
        """Whether enough were left out, and not fewer held than chance allows.

        >>> HeldOut(30, 28, 0.01).is_calibrated, HeldOut(30, 22, 0.01).is_calibrated
        (True, False)
        """
        from scipy.special import bdtr

        return self.scores >= ENOUGH and float(bdtr(self.held, self.scores, LEVEL)) >= _DOUBT


@dataclass(frozen=True)
class Fits:
    """A model at every combination of its sizes: how plausible, and its coefficients.

    Attributes:
        log_weights: shape [f].
        taus: standard deviation of the scatter, shape [f].
        scales: prior deviation of each coefficient, shape [f, k].
        centres, covariances: of the coefficients over their scales, shapes [f, k] and [f, k, k].
    """

    log_weights: Floats
    taus: Floats
    scales: Floats
    centres: Floats
    covariances: Floats


@dataclass(frozen=True)
class Observed:
    """What a model was fitted to: its columns [n, k], the observations [n] and their errors [n]."""

    design: Floats
    values: Floats
    errors: Floats


def each_left_out(fits: Fits, observed: Observed) -> HeldOut:
    """Each observation predicted from all others."""
    noise = fits.taus[:, None] ** 2 + observed.errors**2
    residuals = observed.values - (fits.centres * fits.scales) @ observed.design.T
    leverage = np.empty_like(noise)
    for i, scale in enumerate(fits.scales):
        rows = observed.design * scale
        leverage[i] = ((rows @ fits.covariances[i]) * rows).sum(axis=1) / noise[i]
    misses, deviations = residuals / (1 - leverage), np.sqrt(noise / (1 - leverage))
    said = -((misses / deviations) ** 2) / 2 - np.log(deviations)
    return _judged(fits, observed.values, misses, deviations, said)


def blocks_left_out(
    fits: Fits, observed: Observed, blocks: Sequence[Sequence[int]]
) -> HeldOut | None:
    """The observations of each block predicted from those outside it; None without a block."""
    if not blocks:
        return None
    found = [_block(fits, observed, np.array(own, dtype=np.intp)) for own in blocks]
    misses, deviations, said = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    values = observed.values[[i for own in blocks for i in own]]
    return _judged(fits, values, misses, deviations, said)


def _block(
    fits: Fits, observed: Observed, block: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """Misses and deviations, shape [f, b], and the log density of the block for each of them.

    What the block said is taken out of the coefficients' precision, so only matrices of their
    number are inverted, however large the block.
    """
    rows = observed.design[block] * fits.scales[:, None, :]
    noise = fits.taus[:, None] ** 2 + observed.errors[block] ** 2
    weighted = rows.transpose(0, 2, 1) / noise[:, None, :]
    whole = np.linalg.inv(fits.covariances)
    rest = whole - weighted @ rows
    pulls = whole @ fits.centres[:, :, None] - weighted @ observed.values[block][:, None]
    covariances = np.linalg.inv(rest)
    misses = observed.values[block] - (rows @ covariances @ pulls)[:, :, 0]
    variances = ((rows @ covariances) * rows).sum(axis=2) + noise
    pulled = (weighted @ misses[:, :, None])[:, :, 0]
    spent = (misses**2 / noise).sum(axis=1)
    spent -= np.einsum("fk,fkl,fl->f", pulled, fits.covariances, pulled)
    sizes = np.log(noise).sum(axis=1) + np.linalg.slogdet(whole)[1] - np.linalg.slogdet(rest)[1]
    said = -(spent + sizes) / 2
    return misses, np.sqrt(variances), np.repeat(said[:, None], len(block), axis=1)


def _judged(
    fits: Fits, values: Floats, misses: Floats, deviations: Floats, said: Floats
) -> HeldOut:
    """What predictions at all sizes, [f, n] each, come to; `said` is the density of what was left
    out with each."""
    shares = shares_of(fits.log_weights[:, None] - said)
    means = values - misses
    low, high = (_mixture_quantile(shares, means, deviations, end) for end in _ENDS)
    held = int(((low <= values) & (values <= high)).sum())
    error = np.median(np.abs((shares * misses).sum(axis=0)))
    return HeldOut(len(values), held, float(error))


def shares_of(log_weights: Floats) -> Floats:
    """Weights that add up to one, down each column."""
    shares = np.exp(log_weights - log_weights.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _mixture_quantile(shares: Floats, means: Floats, deviations: Floats, level: float) -> Floats:
    """A quantile of a mixture of normals down each column, all of shape [f, n]; by bisection."""
    from scipy.special import ndtr

    reach = 10 * deviations.max(axis=0)
    low, high = means.min(axis=0) - reach, means.max(axis=0) + reach
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_below = (shares * ndtr((middle - means) / deviations)).sum(axis=0) < level
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.asarray((low + high) / 2)
