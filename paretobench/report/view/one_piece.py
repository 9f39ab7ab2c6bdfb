"""Whether a point timed in one piece took as long as the sum of its parts says.

TTFT is a sum of an encoder's and a language model's time. Some points are also timed in one
process that does both; where the two intervals do not even touch, whoever takes the sum for an
answer must read it beside the other time.
"""

from __future__ import annotations

from paretobench.domain.records import Estimate
from paretobench.report.view.rows import Caution
from paretobench.units import milliseconds, significant

LEAST = 0.05
"""Differences below this share are no news, however narrow the intervals."""


def contradiction(sum_of_parts: Estimate | None, one_piece: Estimate | None) -> tuple[Caution, ...]:
    """A caution where both intervals are known and apart; none otherwise.

    >>> apart = Estimate(1.123, 1.035, 1.218, 2, 't')
    >>> print(*contradiction(Estimate(0.964, 0.923, 1.006, 2, 't'), apart))
    in one piece it took 1123 [1035, 1218] ms, 1.2 times its sum
    >>> contradiction(Estimate(0.964, 0.923, 1.1, 2, 't'), apart)
    ()
    """
    if sum_of_parts is None or one_piece is None:
        return ()
    low, high, from_s, to_s = sum_of_parts.low, sum_of_parts.high, one_piece.low, one_piece.high
    if low is None or high is None or from_s is None or to_s is None:
        return ()
    ratio = one_piece.value / sum_of_parts.value
    if (from_s <= high and low <= to_s) or abs(ratio - 1) < LEAST:
        return ()
    interval = f"[{milliseconds(from_s)}, {milliseconds(to_s)}]"
    took = f"{milliseconds(one_piece.value)} {interval} ms"
    text = f"in one piece it took {took}, {significant(ratio, 2)} times its sum"
    return (Caution("sum", text),)
