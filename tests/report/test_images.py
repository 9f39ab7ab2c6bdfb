"""Points of several image sizes in a report: the mean, and what nine in ten images stay within."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretobench.domain import (
    GridPoint,
    Images,
    ImageSize,
    TilePlan,
    Tiling,
    decode_workload,
    encode_workload,
    prefill_workload,
)
from paretobench.report.view.stored import stored_view
from paretobench.store import Link, Store, StoredPoint
from tests.report.test_stored import ENCODER, ENVIRONMENT, LLM, TORCH, cell, score

SIZES = (ImageSize(64, 64, 8), ImageSize(64, 128, 1), ImageSize(128, 128, 1))
PASSES, TOKENS = (1, 2, 4), (16, 32, 64)
TILES = Tiling("tiles", "image_rule", "Tiles", {"width_px": None, "height_px": None})
ENCODE_S, PREFILL_S = 0.1, 0.01


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One point of three sizes, everything measured: a prefill takes 10 ms for 16 tokens."""
    opened = Store.open(tmp_path / "demo.db")
    environment_key = opened.add_environment(ENVIRONMENT)
    encode = encode_workload(ENCODER, 64, TORCH)
    prefills = [prefill_workload(LLM, tokens, TORCH) for tokens in TOKENS]
    decodes = [decode_workload(LLM, tokens, TORCH) for tokens in TOKENS]
    opened.add_workloads([encode, *prefills, *decodes])
    weights = [size.weight for size in SIZES]
    sizes = [
        {"weight": size.weight, "encodes": [[encode.key, passes]], "prefill": prefill.key}
        for size, passes, prefill in zip(SIZES, PASSES, prefills, strict=True)
    ]
    links = [
        Link("encode", encode.key, sum(w * n for w, n in zip(weights, PASSES, strict=True))),
        *(Link("prefill", one.key, w) for one, w in zip(prefills, weights, strict=True)),
        *(Link("decode", one.key, w) for one, w in zip(decodes, weights, strict=True)),
    ]
    point = GridPoint(ENCODER, 128, LLM, TILES.on(Images("demo", "demo", SIZES)))
    key = opened.add_sweep("demo", "c", {}, 0, environment_key, "2026-11-20T10:00:00Z")
    described = {"count": sum(weights), "sizes": sizes}
    opened.add_points(key, [StoredPoint.of(point, TilePlan(64, 1, 20), links, described)])
    timed = [(encode, ENCODE_S)]
    timed += [(one, PREFILL_S * tokens / 16) for one, tokens in zip(prefills, TOKENS, strict=True)]
    timed += [(one, 16 * 0.001 * k) for k, one in enumerate(decodes, 1)]
    for workload, seconds in timed:
        for index in range(3):
            opened.add_cell(cell(workload, seconds, index, ENVIRONMENT))
    return opened


def test_the_ttft_is_the_mean_over_the_weighted_images(store: Store) -> None:
    (row,) = stored_view(store, scores=()).rows
    mean = (
        sum(
            size.weight * (ENCODE_S * passes + PREFILL_S * tokens / 16)
            for size, passes, tokens in zip(SIZES, PASSES, TOKENS, strict=True)
        )
        / 10
    )
    assert row.ttft and row.ttft.value == pytest.approx(mean)
    assert row.encode is None  # of one pass, which is no part of a mean


def test_nine_in_ten_images_stay_within_the_90th_percentile(store: Store) -> None:
    (row,) = stored_view(store, scores=()).rows
    assert row.ttft_p90 and row.ttft_p90.value == pytest.approx(2 * ENCODE_S + 2 * PREFILL_S)


def test_the_time_per_token_is_the_mean_over_the_images_contexts(store: Store) -> None:
    (row,) = stored_view(store, scores=()).rows
    assert row.tpot and row.tpot.value == pytest.approx((8 * 1 + 2 + 3) * 0.001 / 10)


def test_the_databases_own_view_of_the_ttft_agrees(store: Store) -> None:
    (row,) = stored_view(store, scores=()).rows
    ((ttft_ms,),) = store._rows("SELECT ttft_ms FROM ttft")
    assert row.ttft and ttft_ms == pytest.approx(row.ttft.value * 1000)


def test_a_score_of_the_tiling_is_shown_at_its_point_of_some_images(store: Store) -> None:
    scored = score(0.6)
    scored = type(scored)("tiny", 64, "small", "tiles", "r", "avg5", 0.6, scored.source)
    (row,) = stored_view(store, scores=[scored]).rows
    assert row.score and row.score.value == 0.6 and not row.cautions


def test_points_of_the_same_parts_in_other_shares_do_not_share_an_error(store: Store) -> None:
    (row,) = stored_view(store, scores=()).rows
    assert row.encode_key.startswith("1.4 x ")
