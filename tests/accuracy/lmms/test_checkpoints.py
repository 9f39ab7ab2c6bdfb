"""The checkpoints file: which weights stand behind which point of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy.lmms import checkpoints, runner
from paretobench.accuracy.lmms.job import Job, data_below, expected_input
from paretobench.accuracy.lmms.runner import ScoringOutcome
from paretobench.config import load_catalogue
from paretobench.domain import GridPoint, Runtime, Workload
from paretobench.domain.checkpoint import Checkpoint, checkpoint_hash
from paretobench.errors import ConfigError, DataError

FILE = """
defaults: {device: cpu, batch_size: 2, benchmarks: avg5, data: sets, recipe: stage3}
checkpoints:
  - {checkpoint: small, encoder: fastvithd, resolution_px: 1024, llm: qwen2_0_5b}
  - {checkpoint: hub/large, encoder: fastvithd, resolution_px: 1024, llm: qwen2_7b, recipe: other}
"""


def _write(folder: Path, text: str = FILE) -> Path:
    (folder / "small").mkdir()
    (folder / "sets" / "gqa").mkdir(parents=True)
    path = folder / "checkpoints.yaml"
    path.write_text(text)
    return path


def _point(llm: str, resolution_px: int = 1024) -> GridPoint:
    catalogue = load_catalogue()
    return GridPoint(catalogue.encoders["fastvithd"], resolution_px, catalogue.llms[llm])


def test_entries_inherit_the_defaults_and_may_overrule_them(tmp_path: Path) -> None:
    small, large = checkpoints.read_jobs(_write(tmp_path))
    assert small.checkpoint == str(tmp_path / "small") and large.checkpoint == "hub/large"
    assert (small.place.recipe, large.place.recipe) == ("stage3", "other")
    assert small.benchmarks == ("avg5",) and small.batch_size == 2
    assert small.data == {"gqa": tmp_path / "sets" / "gqa"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "needs a list 'checkpoints'"),
        ("checkpoints: [{checkpoint: a}]", "entry 1 of .* lacks encoder, resolution_px, llm"),
        ("checkpoints: [{checkpiont: a}]", "unknown field 'checkpiont'; allowed: encoder"),
        ("checkpoints: [", "cannot read the checkpoints file"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checkpoints.read_jobs(_write(tmp_path, text))


def test_a_job_expects_what_its_point_makes_of_an_image(tmp_path: Path) -> None:
    jobs = checkpoints.read_jobs(_write(tmp_path))
    chosen, without = checkpoints.for_points([_point("qwen2_0_5b"), _point("qwen2_1_5b")], jobs)
    (job,) = chosen
    assert (job.tile_px, job.passes, job.visual_tokens) == (1024, 1, 256)
    assert [point.llm.name for point in without] == ["qwen2_1_5b"]


def test_tilings_that_follow_the_image_fix_the_tile_alone() -> None:
    catalogue = load_catalogue()
    encoder, tilings = catalogue.encoders["fastvithd"], catalogue.tilings
    assert expected_input(encoder, 1024, tilings["grid_2x2"])["passes"] == 5
    clip = catalogue.encoders["vit_l14"]
    assert expected_input(clip, 672, tilings["llava_next_anyres"]) == {"tile_px": 336}


def test_a_missing_data_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder of data sets"):
        data_below(tmp_path / "absent")


def test_a_point_that_cannot_be_scored_does_not_cost_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pretend(job: Job, **_: Any) -> ScoringOutcome:
        if job.checkpoint.endswith("small"):
            raise DataError("no checkpoint at small")
        return ScoringOutcome((), (), (), (), "hash")

    monkeypatch.setattr(runner, "score", pretend)
    points = [_point("qwen2_0_5b"), _point("qwen2_7b"), _point("qwen2_1_5b")]
    lines: list[str] = []
    done = checkpoints.score_points(points, _write(tmp_path), lines.append)
    assert [outcome if isinstance(outcome, str) else "scored" for _, outcome in done] == [
        "no checkpoint at small",
        "scored",
    ]
    assert any("no checkpoint in checkpoints.yaml" in line for line in lines)


def _weights(folder: Path, value: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(value)


def test_the_checkpoints_of_points_are_found_with_their_content_hash(tmp_path: Path) -> None:
    path = _write(tmp_path)
    _weights(tmp_path / "small", b"weights")
    point, other = _point("qwen2_0_5b"), _point("qwen2_1_5b")
    found = checkpoints.timed([point, other], path)
    assert set(found) == {point.key}
    assert found[point.key].name == "small"
    assert found[point.key].digest == checkpoint_hash(tmp_path / "small")


def test_two_checkpoints_of_one_point_cannot_both_be_timed(tmp_path: Path) -> None:
    second = "  - {checkpoint: rival, encoder: fastvithd, resolution_px: 1024, llm: qwen2_0_5b}\n"
    path = _write(tmp_path, FILE + second)
    with pytest.raises(ConfigError, match=r"names 2 checkpoints for .* a point has one latency"):
        checkpoints.timed([_point("qwen2_0_5b")], path)


def test_a_backend_that_only_knows_random_weights_refuses_a_checkpoint(tmp_path: Path) -> None:
    from paretobench import backends

    _weights(tmp_path / "small", b"weights")
    random = Workload("encode", "an encoder", {"resolution_px": 28}, Runtime("openvino", "fp32"))
    own = Checkpoint.at(tmp_path / "small").workload(random)
    assert "openvino does not time a checkpoint's own weights" in str(backends.refusal(own))
