"""Rows by the time to a whole answer instead of the first token.

TTFT is what a reader waits before the first word; a short answer is there after

    TTFT + N x TPOT

with the time per output token measured behind the point's own context. The sum's error is
composed as that of a TTFT. Rows without a TPOT keep none, with the reason.
"""

from __future__ import annotations

from dataclasses import replace

from paretobench.analysis import stats
from paretobench.errors import ConfigError, DataError
from paretobench.report.view.front_membership import with_front_membership
from paretobench.report.view.rows import Row, View

NO_TPOT = "no time per output token is measured; 'paretobench sweep ... decode=true' measures it"


def with_answer(view: View, tokens: int) -> View:
    """The view with every TTFT replaced by the time to an answer of so many tokens.

    Args:
        tokens: of the answer, 1 or more.

    Raises:
        ConfigError: if `tokens` is below 1.
        DataError: if no row has a time per output token.
    """
    if tokens < 1:
        raise ConfigError(f"an answer has at least 1 token, not {tokens}")
    if not any(row.tpot for row in view.rows):
        raise DataError(NO_TPOT)
    return with_front_membership(
        replace(view, rows=tuple(_answered(row, tokens) for row in view.rows))
    )


def _answered(row: Row, tokens: int) -> Row:
    if row.ttft is None:
        return replace(row, predicted=None)  # a prediction is of the first token
    if row.tpot is None:
        return replace(row, ttft=None, reason=NO_TPOT)
    first = row.as_judged().ttft or row.ttft
    whole = stats.compose([(1.0, first), (float(tokens), row.tpot)])
    # No longer its parts' sum, and nothing that was timed in one piece.
    return replace(row, ttft=whole, end_to_end=None, encode_key="", prefill_key="")
