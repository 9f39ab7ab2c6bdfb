"""One point as a model card's results: valid for the Hub, and no digit its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from paretobench.domain.records import Source
from paretobench.errors import DataError
from paretobench.report.formatting import score_percent, value_ms
from paretobench.report.model_card import METRICS, model_card, results
from paretobench.report.view.published import published_view
from paretobench.report.view.rows import Accuracy, View
from tests.report.grids import row, view

LMMS = (Source("measured", "lmms-eval", "0.7.3"),)
TASKS = (
    Accuracy(
        "pope",
        0.861,
        0.0036,
        9000,
        "measured",
        (Source("measured", "lmms-eval", "0.7.3"),),
        protocol="llava",
    ),
    Accuracy("my_benchmark", 0.5),
)


def shown() -> View:
    return view(replace(row("a"), task_scores=TASKS), protocol="paper")


def index(text: str) -> list[dict[str, Any]]:
    front, rest = text.removeprefix("---\n").split("---\n")
    assert rest == ""
    loaded: list[dict[str, Any]] = yaml.safe_load(front)["model-index"]
    return loaded


def test_every_score_and_the_time_are_a_result_with_its_circumstances() -> None:
    [model] = index(model_card(shown(), shown().rows[0]))
    assert model["name"] == "a@336 + Q-1B (llava-1.5)"
    headline, pope, mine, time = model["results"]
    assert headline["dataset"] == {"type": "avg5", "name": "Avg-5"}
    assert "source" not in headline, "only what has an address is a source on the Hub"
    assert headline["metrics"][0]["args"]["source"] == "A paper, Table 1"
    assert pope["dataset"] == {"type": "lmms-lab/POPE", "name": "POPE"}
    assert pope["metrics"] == [{
        "type": "f1", "value": 86.1, "name": "POPE (%)",
        "args": {"protocol": "llava", "items": 9000, "standard_error": 0.4,
                 "source": "lmms-eval 0.7.3"},
    }]  # fmt: skip
    assert mine["dataset"]["type"] == "my_benchmark" and mine["metrics"][0]["type"] == "score"
    assert time["dataset"]["name"] == "one image on a chip"
    assert time["metrics"][0]["args"] == {
        "interval_95_ms": [98.0, 102.0], "processes": 4, "protocol": "paper", "source": "measured",
    }  # fmt: skip


def test_the_hub_s_own_library_reads_it() -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(model_card(shown(), shown().rows[0]) + "\n# A model\n")
    found = card.data.eval_results
    assert all(isinstance(each, hub.EvalResult) for each in found)
    assert [(each.metric_name, each.metric_value) for each in found] == [
        ("Avg-5 (%)", 50.0), ("POPE (%)", 86.1), ("my_benchmark (%)", 50.0),
        ("time to first token (ms)", 100.0),
    ]  # fmt: skip
    again = hub.ModelCardData(model_name=card.data.model_name, eval_results=found).to_dict()
    assert again["model-index"] == card.data.to_dict()["model-index"]


def test_every_published_point_becomes_a_card_with_the_digits_of_the_tables() -> None:
    published = published_view()
    for each in published.rows:
        [model] = index(model_card(published, each))
        values = [result["metrics"][0]["value"] for result in model["results"]]
        if each.score:
            assert values[0] == float(score_percent(each.score).split(" ")[0])
        if each.ttft:
            assert values[-1] == float(value_ms(each.ttft))
        assert any("url" in result.get("source", {}) for result in model["results"])


def test_a_label_with_yaml_in_it_stays_text() -> None:
    hostile = replace(row("a"), encoder_label='x: "y"\n- z # {a} 🙂')
    [model] = index(model_card(view(hostile), hostile))
    assert model["name"].startswith('x: "y"\n- z # {a} 🙂@336')


def test_a_point_with_nothing_known_has_no_card() -> None:
    empty = row("a", None, None)
    with pytest.raises(DataError, match="neither a score nor a TTFT"):
        results(view(empty), empty)


def test_the_metrics_are_those_of_lmms_eval() -> None:
    from paretobench.accuracy.suites import BENCHMARKS

    keys = {row.metric.partition(",")[0] for row in BENCHMARKS.values()}
    assert set(METRICS) <= keys
