"""The time per output token in the view, and answers by the time to a whole answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.api.answers import answer
from paretobench.domain import (
    DECODE_STEPS,
    GridPoint,
    LanguageModel,
    TilePlan,
    decode_workload,
    encode_workload,
    prefill_workload,
)
from paretobench.errors import ConfigError, DataError
from paretobench.report.view.stored import stored_view
from paretobench.report.view.whole_answer import with_answer
from paretobench.store import Link, Store, StoredPoint
from tests.report.test_stored import ENCODER, ENVIRONMENT, TORCH, cell, score

QUICK = LanguageModel("small", "Small-1B", "S", "1B", "llama", 64, 2, 2, 2, 128, 100, 512, 10**9)
GOOD = LanguageModel("large", "Large-3B", "S", "3B", "llama", 96, 2, 2, 2, 128, 100, 512, 3 * 10**9)
TPOT_S = {"small": 0.005, "large": 0.05}


@pytest.fixture
def store(tmp_path):
    """Two points of equal TTFT; the better one takes ten times as long for a token."""
    with Store.open(tmp_path / "x.db") as store:
        key = store.add_environment(ENVIRONMENT)
        sweep = store.add_sweep("demo", "x", {"protocol": "paper"}, 0, key, "2026-11-20T10:00:00Z")
        encode = encode_workload(ENCODER, 64, TORCH)
        store.add_workloads([encode])
        times = [(encode, 0.1)]
        for llm in (QUICK, GOOD):
            prefill, decode = prefill_workload(llm, 16, TORCH), decode_workload(llm, 16, TORCH)
            store.add_workloads([prefill, decode])
            links = [Link("encode", encode.key), Link("prefill", prefill.key)]
            links.append(Link("decode", decode.key))
            point = StoredPoint.of(GridPoint(ENCODER, 64, llm), TilePlan(64, 1, 16), links)
            store.add_points(sweep, [point])
            times += [(prefill, 0.2), (decode, TPOT_S[llm.name] * DECODE_STEPS)]
        for workload, seconds in times:
            for index in range(3):
                store.add_cell(cell(workload, seconds * (1 + index / 500), index, ENVIRONMENT))
        store.add_scores([score(0.5), replace(score(0.6), llm="large")])
        yield store


def test_a_token_is_a_share_of_a_decode_run_and_no_part_of_a_ttft(store):
    for row in stored_view(store).rows:
        assert row.tpot.value == pytest.approx(TPOT_S[row.llm], rel=0.01)
        assert row.ttft.value == pytest.approx(0.3, rel=0.01)
        assert row.tpot.n == 3


def test_the_best_point_changes_with_the_length_of_the_answer(store):
    view = stored_view(store)
    first = answer(view, where=["ttft <= 1s"])
    short = answer(view, where=["ttft <= 1s"], answer_tokens=4)
    long = answer(view, where=["ttft <= 1s"], answer_tokens=64)
    assert [found[0].point.llm for found in (first, short, long)] == ["large", "large", "small"]
    data = long.to_json()[0]["best"]
    assert data["answer_tokens"] == 64 and data["answer_s"] == pytest.approx(0.62, rel=0.01)
    assert "64 tokens in" in str(long) and "TTFT" in str(first)
    assert "time to 64 tokens <= 1000 ms" in str(long) and "TTFT" not in str(long)


def test_points_without_a_decode_keep_no_time_and_the_reason(store):
    view = stored_view(store)
    partly = replace(view, rows=(replace(view.rows[0], tpot=None), *view.rows[1:]))
    left = with_answer(partly, 10)
    assert [row.ttft is None for row in left.rows] == [True, False]
    assert "decode=true" in left.rows[0].reason
    none = replace(view, rows=tuple(replace(row, tpot=None) for row in view.rows))
    with pytest.raises(DataError, match="decode=true"):
        with_answer(none, 10)
    with pytest.raises(ConfigError, match="at least 1 token"):
        with_answer(view, 0)
