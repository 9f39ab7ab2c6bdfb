"""How much one process differs from the next, learnt from all workloads together.

With two processes per workload a t interval has one degree of freedom and says next to
nothing. Workloads of the same backend and kind, measured in the same sweep, share their
causes of noise, so their variances inform one another. They are not equal, though, and a
plain pooled variance would be too sure of the noisy ones. The moderated variance of Smyth
treats the true variances as draws from a scaled inverse chi-square distribution, estimates
that distribution from the data, and gives every workload a compromise between its own
variance and the common one, with degrees of freedom that say what the compromise is worth.

Where processes have two modes, a few of one workload can all be of one and then show no spread;
no compromise with such a variance is wide enough. If two workloads or more show their modes, no
spread is taken to be smaller than the plain pooled one.

Reference:
    Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004), article 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretobench.analysis.shape import is_bimodal

MIN_GROUPS = 5
"""Workloads with at least two processes that a pool needs; below, the prior's own spread
cannot be determined (benchmarks/coverage.py, section pooled)."""

MAX_PRIOR_DF = 12.0
"""Ceiling of the prior's degrees of freedom. From 5 to 20 groups of two processes, unequal
variances often look equal by chance; at this ceiling coverage stays above 93 % when the true
standard deviations spread by a factor of 2 (benchmarks/coverage.py), and a t quantile at 12
degrees of freedom is only 11 % wider than the normal one."""

MODES_IN = 2
"""Workloads with two modes that make it a habit of the machine: one among 40 has them by chance in
a third of cases, two in one of sixteen (`shape.is_bimodal` errs in 1 %)."""

LOG_SD_FLOOR = 1e-4
"""Standard deviations of logs below 0.01 % count as 0.01 %: two equal medians are a clock
tick, not a proof."""


@dataclass(frozen=True)
class Pool:
    """The distribution of between-process variances over a set of workloads.

    Attributes:
        log_sd: the common standard deviation of a process's log median.
        prior_df: what the common one is worth, in degrees of freedom.
        groups: how many workloads with two or more processes it rests on.
        least_log_sd: the smallest spread that is believed; above 0 where processes have two modes.
    """

    log_sd: float
    prior_df: float
    groups: int
    least_log_sd: float = 0.0

    def moderated(self, own_log_sd: float, own_df: float) -> tuple[float, float]:
        """A workload's moderated standard deviation and its degrees of freedom.

        Args:
            own_log_sd: standard deviation of its own log medians; ignored when `own_df` is 0.
            own_df: its number of processes less one.

        >>> Pool(0.01, 9.0, 8).moderated(0.02, 1.0)
        (0.0114..., 10.0)
        """
        own = own_df * own_log_sd**2 if own_df > 0 else 0.0
        df = self.prior_df + own_df
        spread = math.sqrt((self.prior_df * self.log_sd**2 + own) / df)
        return max(spread, self.least_log_sd), df


PRIOR = Pool(log_sd=0.036, prior_df=4.0, groups=0)
"""What one process is worth before anything is known of this machine's: the spread between the
processes of 30 workloads of the example database (root of the mean variance; OpenVINO and torch on
two cores of a Xeon), worth few degrees of freedom because it is another machine's."""


def fit(groups: Iterable[Sequence[float]]) -> Pool | None:
    """Learn a pool from the cell medians of several workloads; None if there are too few.

    Args:
        groups: for each workload its cell medians in seconds, one per process.
    """
    counted = [np.asarray(group, dtype=float) for group in groups if len(group) >= 2]
    if len(counted) < MIN_GROUPS:
        return None
    variances = [max(float(np.var(np.log(one), ddof=1)), LOG_SD_FLOOR**2) for one in counted]
    df = np.array([len(one) - 1.0 for one in counted])
    pool = _fit_variances(np.array(variances), df)
    if sum(is_bimodal(one.tolist()) for one in counted) < MODES_IN:
        return pool
    return replace(pool, least_log_sd=math.sqrt(float(np.average(variances, weights=df))))


def _fit_variances(variances: np.ndarray, df: np.ndarray) -> Pool:
    """Moments of log variances: Smyth 2004, section 6.2; the scale is then pooled classically.

    The classical pooled variance is used for the scale in place of the moment estimate when
    the former is larger: with one degree of freedom the logarithm of a variance has a long
    lower tail, and erring on the wide side is the honest side.
    """
    from scipy import special

    centred = np.log(variances) - special.digamma(df / 2) + np.log(df / 2)
    excess = float(np.var(centred, ddof=1) - np.mean(special.polygamma(1, df / 2)))
    prior_df = MAX_PRIOR_DF
    if excess > 0:
        prior_df = min(2.0 * _inverse_trigamma(excess), MAX_PRIOR_DF)
    moment = math.exp(float(np.mean(centred)))
    moment *= math.exp(float(special.digamma(prior_df / 2)) - math.log(prior_df / 2))
    pooled = float(np.sum(df * variances) / np.sum(df))
    if prior_df > 2.0:  # the mean of the prior is scale * d0 / (d0 - 2)
        pooled *= (prior_df - 2.0) / prior_df
    return Pool(math.sqrt(max(moment, pooled)), prior_df, len(variances))


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(y) = value by Newton's method on 1/trigamma (Smyth 2004, appendix)."""
    from scipy import special

    y = 0.5 + 1.0 / value
    for _ in range(50):
        tri = float(special.polygamma(1, y))
        step = tri * (1.0 - tri / value) / float(special.polygamma(2, y))
        y += step
        if abs(step) < 1e-8 * y:
            break
    return y
