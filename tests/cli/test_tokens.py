"""The verb `tokens`: one line for each model, as a table and as JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from paretobench.cli.tokens import tokens_command
from paretobench.config import load_catalogue, load_vlms
from paretobench.domain import Runtime, encode_workload, prefill_workload
from paretobench.errors import ConfigError, ParetobenchError, PlanError, UnknownNameError
from paretobench.store import Store
from tests.report.test_stored import ENVIRONMENT, cell


def run(*args: str) -> str:
    result = CliRunner().invoke(tokens_command, args, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_every_model_has_a_line_with_inputs_passes_and_tokens():
    rows = json.loads(run("--image", "1654x2339", "--json"))
    assert [row["vlm"] for row in rows] == list(load_vlms()) and len(rows) >= 18
    for row in rows:
        assert row["passes"] == sum(one["passes"] for one in row["encoder_inputs"])
        assert row["total_tokens"] == row["visual_tokens"] + row["separator_tokens"]
        assert row["source"] and row["checkpoint"]


def test_a_table_shows_the_same_numbers():
    (row,) = json.loads(run("-i", "1024x768", "--vlm", "smolvlm2_500m", "--json"))
    table = run("-i", "1024x768", "--vlm", "smolvlm2_500m")
    assert all(str(row[name]) in table for name in ("passes", "visual_tokens", "total_tokens"))
    assert "13 of 512x512" in table


def test_an_option_of_the_rule_can_be_changed():
    given = ("-i", "1654x2339", "--vlm", "qwen2_5_vl_3b", "--json")
    (published,) = json.loads(run(*given))
    (smaller,) = json.loads(run(*given, "--set", "max_pixels=1003520"))
    assert smaller["visual_tokens"] < 1281 < published["visual_tokens"]
    assert smaller["options"]["max_pixels"] == 1003520


def test_a_refused_image_is_a_line_with_the_reason_beside_the_others():
    rows = json.loads(run("-i", "1000x4", "--vlm", "qwen2_vl_2b", "--vlm", "gemma3_4b", "--json"))
    assert "200 times" in rows[0]["refused"] and rows[1]["visual_tokens"] == 256


def test_a_list_of_images_has_a_line_of_means_and_what_nine_in_ten_stay_within(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweeps" / "image").mkdir(parents=True)
    (tmp_path / "sweeps" / "image" / "mine.yaml").write_text("sizes: {448x448: 8, 896x448: 2}\n")
    given = ("--vlm", "internvl3_1b", "--json")
    small, large, mine = json.loads(run("-i", "448x448", "-i", "896x448", "-i", "mine", *given))
    mean = 0.8 * small["total_tokens"] + 0.2 * large["total_tokens"]
    assert mine["total_tokens"] == pytest.approx(mean)
    assert mine["total_tokens_p90"] == large["total_tokens"]
    assert "mine" in run("-i", "mine", *given[:2])


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["-i", "1024"], ConfigError),
        (["-i", "docvka"], UnknownNameError),
        (["-i", "0x5"], ConfigError),
        (["-i", "9x9", "--vlm", "qwen"], UnknownNameError),
        (["-i", "9x9", "--set", "tokens=3"], ConfigError),
        (["-i", "9x9", "--vlm", "gemma3_4b", "--set", "tokens"], ConfigError),
        (["-i", "9x9", "--vlm", "gemma3_4b", "--set", "tokens=-3"], ConfigError),
        (["-i", "9x9", "--vlm", "gemma3_4b", "--set", "token=3"], UnknownNameError),
        (["-i", "1000x4", "--vlm", "qwen2_vl_2b"], PlanError),
    ],
)
def test_what_cannot_be_counted_is_an_error(args: list[str], error: type[ParetobenchError]):
    with pytest.raises(error):
        CliRunner().invoke(tokens_command, args, catch_exceptions=False)


def test_every_part_that_a_model_names_is_in_the_catalogue():
    catalogue = load_catalogue()
    named = [one for one in load_vlms().values() if one.encoder]
    assert len(named) >= 8
    assert all(one.encoder in catalogue.encoders and one.llm in catalogue.llms for one in named)


def test_a_measured_model_shows_its_ttft(tmp_path):
    catalogue, torch = load_catalogue(), Runtime("torch", "fp32")
    encode = encode_workload(catalogue.encoders["smolvlm2_500m_tower"], 512, torch)
    prefill = prefill_workload(catalogue.llms["smollm2_360m"], 862, torch)
    with Store.open(tmp_path / "x.db") as store:
        store.add_environment(ENVIRONMENT)
        store.add_workloads([encode, prefill])
        for workload, seconds in ((encode, 0.1), (prefill, 2.0)):
            store.add_cell(cell(workload, seconds, 0, ENVIRONMENT))
    given = ("-i", "1024x768", "-d", str(tmp_path / "x.db"), "--json")
    rows = {row["vlm"]: row for row in json.loads(run(*given))}
    assert rows["smolvlm2_500m"]["ttft_s"] == pytest.approx(13 * 0.1 + 2.0)
    assert rows["qwen2_5_vl_3b"]["ttft_s"] is None
