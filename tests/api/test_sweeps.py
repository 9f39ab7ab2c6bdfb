"""Plans, sweeps and token counts from Python: those of the command line, as values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import paretobench as pb
from tests.api.test_results import printed
from tests.cli.test_sweep import ENCODER, LLM


def test_a_plan_has_the_points_of_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plans = pb.plan("+grid=smoke")
    asked = json.loads(printed(capsys, "plan", "+grid=smoke", "--json"))
    assert list(plans.points["encode"]) == [point["encode"] for point in asked["points"]]
    assert len(plans.workloads) == len(asked["workloads"])
    assert plans.estimated_s > 0 and len(plans.refused) == len(asked["refused"])
    assert not (tmp_path / "results").exists(), "a plan leaves no file"
    with pytest.raises(pb.ParetobenchError, match="fastvithd"):
        pb.plan("encoder=fastvithdd")


def test_a_sweep_gives_its_results_and_says_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.chdir(tmp_path)
    for group, text in (("encoder/tiny", ENCODER), ("llm/small", LLM)):
        path = tmp_path / "sweeps" / f"{group}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lines: list[str] = []
    results = pb.sweep(
        "encoder=tiny", "llm=small", "resolution=32", "fidelity=quick", "check=0",
        "device=cpu", "name=notebook", progress=lines.append,
    )  # fmt: skip
    points = results.points()
    assert list(points["encoder"]) == ["tiny"] and points["ttft_s"].gt(0).all()
    assert len(results.samples("tiny@32")) > 0
    assert (tmp_path / "reports" / "notebook" / "index.html").is_file()
    assert lines


def test_tokens_are_those_of_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    rows = pb.tokens(1024, 768)
    asked = json.loads(printed(capsys, "tokens", "--image", "1024x768", "--json"))
    assert list(rows["vlm"]) == [row["vlm"] for row in asked]
    assert rows["total_tokens"].dropna().astype(int).tolist() == [
        row["total_tokens"] for row in asked if "total_tokens" in row
    ]
    with pytest.raises(pb.ParetobenchError, match="unknown vlm"):
        pb.tokens(1024, 768, vlm="nothing")


def test_tokens_of_a_tiling_are_those_of_its_rule() -> None:
    named = {"tiling": "llava_next_anyres", "encoder": "vit_l14", "resolution": 336}
    (row,) = pb.tokens(1024, 768, **named).to_dict("records")
    # LLaVA-NeXT: 24x24 of the overview, then 48x36 with a newline for each of the 36 rows.
    assert (row["passes"], row["visual_tokens"], row["separator_tokens"]) == (5, 2304, 36)
    assert pb.tokens(9, 9, tiling="none", encoder="fastvithd", resolution=512)["passes"][0] == 1
    with pytest.raises(pb.ParetobenchError, match="name its resolution"):
        pb.tokens(9, 9, tiling="none", encoder="fastvithd")
    with pytest.raises(pb.ParetobenchError, match="go together"):
        pb.tokens(9, 9, tiling="none")
    with pytest.raises(pb.ParetobenchError, match="unknown tiling"):
        pb.tokens(9, 9, tiling="nothing", encoder="fastvithd")
