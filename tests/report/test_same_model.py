"""Whether score and latency are of one model: same weights, same precision, same input."""

from __future__ import annotations

from dataclasses import replace

from paretobench.domain import (
    GridPoint,
    Runtime,
    TilePlan,
    Workload,
    encode_workload,
    prefill_workload,
)
from paretobench.report.same_model import (
    OTHER_WEIGHTS,
    PRUNED,
    QUANTISED,
    UNNAMED_WEIGHTS,
    cautions,
    other_weights,
)
from paretobench.report.view.rows import Accuracy
from paretobench.store import StoredPoint
from tests.report.test_stored import ENCODER, LLM, TORCH

POINT = StoredPoint.of(GridPoint(ENCODER, 64, LLM), TilePlan(64, 2, 16), [])
RANDOM = (encode_workload(ENCODER, 64, TORCH), prefill_workload(LLM, 16, TORCH))


def of_checkpoint(digest: str) -> list[Workload]:
    return [replace(one, subject={**one.subject, "checkpoint": digest}) for one in RANDOM]


def scored(checkpoint: str = "", conditions: str = "") -> Accuracy:
    return Accuracy("avg5", 0.5, checkpoint=checkpoint, conditions=conditions)


def test_random_weights_stand_for_every_checkpoint() -> None:
    assert cautions(scored(), RANDOM, POINT) == ()
    assert cautions(scored("abc"), RANDOM, POINT) == ()


def test_one_checkpoint_on_both_axes_needs_no_caution() -> None:
    assert cautions(scored("abc"), of_checkpoint("abc"), POINT) == ()


def test_different_weights_are_marked() -> None:
    said = cautions(scored("other"), of_checkpoint("abc"), POINT)
    assert said == (OTHER_WEIGHTS,)
    (said_of_half,) = cautions(scored("abc"), (*of_checkpoint("abc")[:1], RANDOM[1]), POINT)
    assert said_of_half == OTHER_WEIGHTS


def test_a_score_of_weights_that_nobody_names_is_marked_beside_a_checkpoint() -> None:
    (said,) = cautions(scored(), of_checkpoint("abc"), POINT)
    assert said == UNNAMED_WEIGHTS


def test_quantised_scores_beside_unquantised_latencies_are_marked() -> None:
    score = scored(conditions="bfloat16; quantised: awq")
    assert cautions(score, RANDOM, POINT) == (QUANTISED,)
    int4 = [replace(one, runtime=Runtime("mlx", "int4")) for one in RANDOM]
    assert cautions(score, int4, POINT) == ()


def test_latencies_of_8_and_4_bits_are_marked_beside_scores_that_name_no_precision() -> None:
    int4 = [RANDOM[0], replace(RANDOM[1], runtime=Runtime("llamacpp", "int4"))]
    (said,) = cautions(scored(), int4, POINT)
    assert str(said) == "score of unquantised weights, latency of int4"
    assert cautions(scored(), int4, POINT, names_precision=True) == ()
    fp16 = [RANDOM[0], replace(RANDOM[1], runtime=Runtime("llamacpp", "fp16"))]
    assert cautions(scored(), fp16, POINT) == ()


def test_another_input_than_the_point_s_is_marked() -> None:
    same = scored(conditions="float32; 64 x 64 px; 2 passes; 16 visual tokens")
    assert cautions(same, RANDOM, POINT) == ()
    other = scored(conditions="float32; 96 x 96 px; 1 pass; 9 visual tokens")
    said = cautions(other, RANDOM, POINT)
    assert {one.kind for one in said} == {"input"}
    assert tuple(map(str, said)) == (
        "scored with 96 px, timed with 64",
        "scored with 1 passes, timed with 2",
        "scored with 9 visual tokens, timed with 16",
    )


def test_without_a_score_or_a_latency_there_is_nothing_to_compare() -> None:
    assert cautions(None, RANDOM, POINT) == ()
    assert cautions(scored("abc"), (), POINT) == ()


def test_int4_scores_do_not_stand_for_int8_latencies_nor_pruned_ones_for_whole_models() -> None:
    int8 = [replace(one, runtime=Runtime("mlx", "int8")) for one in RANDOM]
    int4 = scored(conditions="quantised: int4")
    assert other_weights(int4, int8) and other_weights(int4, RANDOM)
    pruned = scored(conditions="pruned: pruned_0.3")
    assert other_weights(pruned, RANDOM) == [PRUNED]
    assert other_weights(scored("abc", conditions="quantised: int4"), of_checkpoint("abc")) == []
