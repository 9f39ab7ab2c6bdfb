"""The paper's claims against its own tables, and claims that users write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from paretobench.errors import DataError, ParetobenchError
from paretobench.paper.claims import ClaimResult, check, claims

RESULTS = {result.id: result for result in claims()}


@pytest.mark.parametrize(
    "name",
    [
        "ttft_3.2x_llava15",
        "ttft_85x_onevision",
        "encoder_3.4x_smaller_onevision",
        "ttft_2.3x_convnext",
        "ttft_22_percent_convllava",
        "ttft_2x_convllava_1024",
        "ttft_7.9x_cambrian",
        "cambrian_encoding_3.2x_prefill",
        "tokens_11.3x_fewer_llava_next",
        "tokens_2.3x_fewer_cambrian",
        "sd_of_avg5",
    ],
)
def test_supported_claims_hold(name: str) -> None:
    assert RESULTS[name].verdict == "holds"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoder_3.6x_smaller_siglip", 3.44),
        ("encoder_1.7x_smaller_convnext", 1.60),
        ("fastvit_8.7x_smaller_vit", 8.52),
        ("fastvithd_3.3x_faster_convnext_xxl", 1.69),
        ("fastvit_over_4x_faster_than_vit", 3.69),
        ("qwen2_gains_on_three_768", 2),
    ],
)
def test_claims_that_the_tables_do_not_support(name: str, value: float) -> None:
    result = RESULTS[name]
    assert result.verdict == "does not hold"
    assert result.value == pytest.approx(value, abs=0.01)
    assert not any(reading.holds for reading in result.readings)


def test_claims_on_plots_without_tables_are_not_recomputable() -> None:
    result = RESULTS["front_3x_faster"]
    assert (result.verdict, result.value) == ("not recomputable", None)
    assert "Figure 4" in result.reading


def test_arithmetic_is_shown_with_its_numbers() -> None:
    result = RESULTS["ttft_2.3x_convnext"]
    assert result.arithmetic == "(164.3 + 1170) / (116.3 + 461.1) = 2.311"
    assert result.sources[0] == "v1_table9, R13, vision_encoder_latency_ms"
    assert "MM-Vet 41.3 < 42.2" in RESULTS["qwen2_gains_on_three_768"].arithmetic


def test_every_reading_is_reported_not_only_the_kindest() -> None:
    readings = RESULTS["ttft_2.3x_convnext"].readings
    assert [reading.holds for reading in readings] == [True, False]


@pytest.mark.parametrize("place", ["v1 abstract", "v1 contributions", "v1 section 4.1"])
def test_abstract_contributions_and_comparison_are_covered(place: str) -> None:
    assert sum(place in result.where for result in RESULTS.values()) >= 5


def test_every_claim_says_where_it_is_made() -> None:
    assert all(result.where and result.claim for result in RESULTS.values())


NUMBER: dict[str, Any] = {
    "reading": "Table 6",
    "cells": {"a": "v1_table6, R2, TTFT_ms", "b": "v1_table6, R3, TTFT_ms"},
    "value": "a / b",
    "claimed": 85,
    "tolerance": 0.5,
}
ROWS: dict[str, Any] = {
    "reading": "Table 6",
    "ours": "v1_table6, R19",
    "theirs": "v1_table6, R36",
    "columns": ["MMMU_pct", "POPE_pct"],
}


def claim(*readings: object, **more: object) -> dict[str, Any]:
    """A claim entry as a user's file would hold it."""
    return {"id": "mine", "claim": "ours is better", "readings": list(readings), **more}


def test_a_tie_wins_only_with_slack() -> None:
    assert check(claim(ROWS)).verdict == "does not hold"
    assert check(claim({**ROWS, "slack": 0})).verdict == "holds"
    assert check(claim({**ROWS, "columns": ["POPE_pct", "MMMU_pct", "SQA_pct"], "needed": "most"})
                 ).verdict == "holds"  # fmt: skip


def test_at_least_and_at_most_need_no_tolerance() -> None:
    reading = {key: value for key, value in NUMBER.items() if key != "tolerance"}
    assert check(claim({**reading, "is": "at_least"})).verdict == "holds"
    assert check(claim({**reading, "is": "at_most"})).verdict == "does not hold"


def test_a_number_from_elsewhere_is_a_cell_too() -> None:
    cells = {"a": {"value": 170, "source": "my run"}, "b": {"value": 2, "source": "my run"}}
    result = check(claim({**NUMBER, "cells": cells}))
    assert (result.verdict, result.sources) == ("holds", ("my run", "my run"))


def test_a_failing_claim_shows_its_first_reading() -> None:
    low, lower = ({**NUMBER, "reading": name, "claimed": n} for name, n in (("x", 9), ("y", 80)))
    assert check(claim(low, lower)).reading == "x"


def run_file(folder: Path, text: str) -> list[ClaimResult]:
    """Write a user's claims file and recompute it."""
    path = folder / "mine.yaml"
    path.write_text(text)
    return claims(path)


def test_users_can_write_claims_of_their_own(tmp_path: Path) -> None:
    (result,) = run_file(tmp_path, yaml.safe_dump({"claims": [claim(NUMBER)]}))
    assert (result.id, result.verdict) == ("mine", "holds")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cells": {"a": "v1_table6, R2"}}, "a cell is 'TABLE, ROW, COLUMN', not 'v1_table6, R2'"),
        ({"cells": {"a": "v1_tabel6, R2, TTFT_ms"}}, "did you mean 'v1_table6'"),
        ({"cells": {"a": "v1_table6, R99, TTFT_ms"}}, "unknown row of v1_table6 'R99'"),
        ({"cells": {"a": "v1_table6, R2, TTFT"}}, "v1_table6 has no column 'TTFT'"),
        ({"cells": {"a": "v1_table6, R8, TTFT_ms"}}, "R8, TTFT_ms is empty: it was not reported"),
        ({"cells": {"a": "v1_table6, R2, method"}}, "'LLaVA-OneVision' is not a number"),
        ({"cells": ["v1_table6, R2, TTFT_ms"]}, "'cells' gives each cell a name"),
        ({"cells": {"a": {"value": 1}}}, "'source' is missing"),
        ({"is": "about"}, "'is' may be equal, at_least, at_most, not 'about'"),
        ({"claimed": "85x"}, "'claimed' must be a number, not '85x'"),
        ({"tolerence": 1}, "unknown key 'tolerence'; known: .*tolerance"),
        ({"value": "a / c"}, "uses 'c', which is no cell"),
    ],
)
def test_bad_numbers_name_file_claim_and_cure(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    text = yaml.safe_dump({"claims": [claim({**NUMBER, **changed})]})
    with pytest.raises(DataError, match=message) as caught:
        run_file(tmp_path, text)
    assert str(caught.value).startswith("mine.yaml, claim mine: ")


def test_equal_needs_a_tolerance() -> None:
    reading = {key: value for key, value in NUMBER.items() if key != "tolerance"}
    with pytest.raises(DataError, match="'tolerance' is missing"):
        check(claim(reading))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"needed": "some"}, "'needed' may be all or most, not 'some'"),
        ({"slack": "a bit"}, "'slack' must be a number"),
        ({"theirs": "v1_table6, R99"}, "unknown row"),
        ({"theirs": "v1_table9, R1", "columns": "all"}, "no score in common"),
        ({"columns": ["GQA_pct"]}, "R36, GQA_pct is empty"),
    ],
)
def test_bad_comparisons_say_what_is_allowed(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ParetobenchError, match=message):
        check(claim({**ROWS, **changed}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: [", "mine.yaml is not readable YAML"),
        ("- a", "mine.yaml has no list 'claims'"),
        ("claims: {a: 1}", "mine.yaml has no list 'claims'"),
        ("claims: [{id: a, claim: b}]", "either 'readings' or 'not_recomputable'"),
        ("claims: [{claim: b, readings: []}]", "claim without id: 'id' is missing"),
        ("claims: [{id: a, claim: b, readings: []}]", "'readings' is empty"),
        ("claims: [{id: a, claim: b, readings: [5]}]", "a reading is a mapping"),
        (
            "claims: [{id: a, claim: b, not_recomputable: c}, {id: a, claim: b, readings: []}]",
            "two claims have the id 'a'",
        ),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        run_file(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the claims file .*none\.yaml: No such file"):
        claims(tmp_path / "none.yaml")
