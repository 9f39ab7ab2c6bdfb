"""Published scores and latencies: placed right, labelled right, and never mixed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paretobench.accuracy import suites
from paretobench.domain.records import PublishedLatency, Score, Source
from paretobench.paper import published, tables

SCORES = published.scores()
LATENCIES = published.latencies()


def scores_at(encoder: str, resolution_px: int, llm: str, benchmark: str) -> dict[str, Score]:
    """The score of each recipe at a point: printed before derived before digitised."""
    wanted = (encoder, resolution_px, llm, benchmark)
    found: dict[str, Score] = {}
    for provenance in ("printed", "derived", "digitised"):
        for score in SCORES:
            place = (score.encoder, score.resolution_px, score.llm, score.benchmark)
            if place == wanted and score.source.provenance == provenance:
                found.setdefault(score.recipe, score)
    return found


def latency(series: str, row: str) -> PublishedLatency:
    """The latency of one row."""
    (found,) = [x for x in LATENCIES if (x.series, x.source.row) == (series, row)]
    return found


def test_scores_are_fractions_and_their_keys_unique() -> None:
    assert all(0 < score.value < 1 for score in SCORES)
    assert len({score.key for score in SCORES}) == len(SCORES)


def test_every_score_of_table_6_is_placed() -> None:
    cells = [
        value
        for value in tables.values()
        if value.table == "v1_table6" and suites.of_column(value.column)
    ]
    placed = [
        score
        for score in SCORES
        if (score.source.version, score.source.table) == ("v1", "Table 6")
        and score.source.provenance == "printed"
    ]
    assert len(placed) == len(cells)


def test_avg5_comes_from_tables_1_and_4_for_vicuna() -> None:
    assert scores_at("convnext_xxl", 512, "vicuna_7b", "avg5")["llava-1.5"].value == 0.639
    vit = scores_at("vit_l14", 336, "vicuna_7b", "avg5")
    assert vit["llava-1.5"].value == 0.612
    assert vit["llava-1.5-frozen-encoder"].value == 0.601


def test_avg5_comes_from_the_digitised_figure_for_qwen2_0_5b() -> None:
    score = scores_at("fastvithd", 1024, "qwen2_0_5b", "avg5")["llava-1.5"]
    assert score.value == 0.559
    assert (score.source.kind, score.source.provenance) == ("digitised", "digitised")


def test_recipes_stay_apart_at_one_point() -> None:
    found = scores_at("fastvithd", 1024, "qwen2_0_5b", "docvqa")
    assert found["15M+1.1M"].value == 0.61
    assert found["15M+11.9M"].value == 0.662
    assert found["15M+12.5M"].value == 0.704


def test_avg5_of_table_6_is_derived_only_where_all_five_columns_are_printed() -> None:
    derived = [s for s in SCORES if s.benchmark == "avg5" and s.source.table == "Table 6"]
    assert {s.source.provenance for s in derived} == {"derived"}
    assert scores_at("fastvithd", 1024, "qwen2_7b", "avg5")["15M+11.9M"].value == pytest.approx(
        (64.5 + 74.8 + 87.2 + 78.9 + 75.1) / 500
    )
    assert not scores_at("convllava_l", 768, "vicuna_7b", "avg5")


def test_the_printed_avg5_wins_over_the_mean_of_the_columns() -> None:
    both = [
        s.value
        for s in SCORES
        if (s.encoder, s.resolution_px, s.llm, s.recipe, s.benchmark)
        == ("fastvithd", 256, "vicuna_7b", "llava-1.5", "avg5")
    ]
    assert both == [0.555, pytest.approx(0.5542)]
    assert scores_at("fastvithd", 256, "vicuna_7b", "avg5")["llava-1.5"].value == 0.555


def test_a_later_version_adds_only_what_it_changes() -> None:
    repeated = [s for s in SCORES if s.source.version == "v2" and s.recipe == "15M+1.1M"]
    assert {s.benchmark for s in repeated if s.source.table == "Table 6"} == set()
    assert any(s.recipe == "15M+23.1M" for s in SCORES)


def test_harness_and_protocol_follow_the_paper() -> None:
    point = ("fastvithd", 1024, "qwen2_0_5b")
    pope = scores_at(*point, "pope")["15M+1.1M"]
    assert (pope.harness, pope.protocol, pope.n) == ("LLaVA official", "llava", 9000)
    docvqa = scores_at(*point, "docvqa")["15M+1.1M"]
    assert (docvqa.harness, docvqa.protocol, docvqa.n) == ("lmms-eval 0.2.2", "lmms_any", 5349)
    mean = scores_at(*point, "avg5")["15M+1.1M"]
    assert (mean.harness, mean.protocol) == ("LLaVA official + lmms-eval 0.2.2", "mixed_any")


def test_quoted_scores_say_so() -> None:
    quoted = scores_at("vit_g14", 224, "vicuna_7b", "gqa")["instructblip 129M+1.2M"]
    assert quoted.protocol == "reported"
    assert quoted.n is None
    assert quoted.tiling == "qformer_32"


def test_other_methods_are_points_under_their_tilings() -> None:
    tilings = {(s.encoder, s.resolution_px, s.llm): s.tiling for s in SCORES}
    assert tilings["siglip_so400m", 1152, "qwen2_0_5b"] == "llava_onevision_anyres_max_9"
    assert tilings["vit_l14", 672, "llama3_8b"] == "llava_next_anyres"
    assert tilings["fastvithd", 2048, "qwen2_7b"] == "grid_2x2"


def test_token_pruning_systems_are_points_too() -> None:
    pruned = {s.tiling for s in SCORES if s.source.table == "Table 5"} - {"none"}
    assert {"m3_9", "mqt_16", "fastv_192", "visionzip_64", "visionzip_finetuned_64"} <= pruned
    assert len(pruned) == 18


def test_the_two_latency_series_of_fastvithd_are_never_mixed() -> None:
    at_1024 = {
        (x.series, x.encode_s)
        for x in LATENCIES
        if (x.encoder, x.resolution_px, x.tiling) == ("fastvithd", 1024, "none") and x.encode_s
    }
    assert ("table4", 0.2356) in at_1024
    assert {value for series, value in at_1024 if series != "table4"} == {0.1163}


def test_table_9_gives_both_parts_and_their_sum() -> None:
    found = latency("table9", "R3")
    assert (found.encode_s, found.prefill_s) == (0.1163, 0.0505)
    assert found.ttft_s == pytest.approx(0.1668)
    assert found.source.provenance == "derived"


def test_table_6_gives_the_printed_ttft_alone() -> None:
    found = latency("table6", "R3")
    assert (found.encode_s, found.prefill_s, found.ttft_s) == (None, None, 0.166)


def test_encoder_tables_name_no_language_model() -> None:
    found = latency("table3", "row 4")
    assert (found.encoder, found.resolution_px, found.llm) == ("fastvithd", 224, "")
    assert found.ttft_s is None


def test_ablations_with_another_encoder_are_named_by_it() -> None:
    assert latency("table4", "row 7").system == "ConvNeXt-XXL"
    assert latency("table4", "row 8").system == "FastVLM"
    assert latency("table3", "row 2").system == "ViTamin-L"


def test_several_encoders_are_summed() -> None:
    found = latency("table9", "R36 (Cambrian-1)")
    assert found.encode_s == pytest.approx(3.8614)
    assert found.ttft_s == pytest.approx(5.085)


def test_a_system_without_latency_has_none() -> None:
    assert not [x for x in LATENCIES if x.series == "table6" and x.source.row == "R36"]


def test_figure_1a_has_eleven_points_with_latency_and_accuracy() -> None:
    points = [x for x in LATENCIES if x.series == "fig1a"]
    assert len(points) == 11
    for point in points:
        assert "llava-1.5" in scores_at(point.encoder, point.resolution_px, "qwen2_0_5b", "avg5")


def test_composed_figure_1b_is_the_sum_of_its_printed_parts() -> None:
    printed = {
        (x.encoder, x.resolution_px): x.encode_s
        for series in ("table9", "table4")
        for x in LATENCIES
        if x.series == series
        and x.tiling == "none"
        and (series, x.encoder) != ("table4", "fastvithd")
    }
    prefill = {
        x.visual_tokens: x.prefill_s
        for x in LATENCIES
        if x.series == "table9" and x.llm == "vicuna_7b"
    }
    fig1a = {(x.encoder, x.resolution_px): x.ttft_s for x in LATENCIES if x.series == "fig1a"}
    printed["convnext_l", 768] = printed["convllava_l", 768]
    prefill_of_64_small = fig1a["convnext_xxl", 256] - printed["convnext_xxl", 256]
    printed["fastvithd", 512] = fig1a["fastvithd", 512] - prefill_of_64_small
    for point in (x for x in LATENCIES if x.series == "fig1b"):
        tokens = point.visual_tokens
        slope = (prefill[144] - prefill[32]) / (144 - 32)
        expected = prefill.get(tokens, prefill[32] + slope * (tokens - 32))
        assert point.encode_s == pytest.approx(printed[point.encoder, point.resolution_px])
        assert point.prefill_s == pytest.approx(expected, abs=1e-4)
        assert point.ttft_s == pytest.approx(point.encode_s + point.prefill_s)


def test_composed_pruning_latencies_use_printed_parts() -> None:
    for point in (x for x in LATENCIES if x.series == "table5_composed"):
        prefill = {
            x.prefill_s
            for x in LATENCIES
            if x.series == "table9"
            and (x.llm, x.visual_tokens) == ("vicuna_7b", point.visual_tokens)
        }
        assert point.encode_s == latency("table9", "R26").encode_s
        assert {point.prefill_s} == prefill
        assert point.ttft_s == pytest.approx(point.encode_s + point.prefill_s)
        assert any(score.tiling == point.tiling for score in SCORES)


def test_the_released_checkpoints_are_values_but_no_points() -> None:
    assert not [s for s in SCORES if s.source.version == "model card"]
    assert [v for v in tables.values() if v.paper_version == "model card"]


def test_a_printed_score_that_a_database_has_read_otherwise_counts_once() -> None:
    current = published.scores()
    older = [replace(score, protocol="mixed") for score in current if score.benchmark == "avg5"]
    own = replace(current[0], source=Source("imported", "mine.csv"))
    assert published.read_anew([*older, own]) == [own, *current]
