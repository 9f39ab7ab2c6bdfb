"""Importing what others ran: every layout, the same scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paretobench.accuracy import finding
from paretobench.accuracy.lmms import items, results
from paretobench.accuracy.lmms.importer import ImportedScores, import_results
from paretobench.accuracy.lmms.paired import compare_runs
from paretobench.domain.records import Score
from paretobench.errors import ConfigError, DataError
from tests.accuracy.lmms import layouts


def _import(path: Path, **options: object) -> ImportedScores:
    kinds = ("lmms-eval results", "VLMEvalKit scores")
    files = [f.path for f in finding.walk([path]) if finding.kind_of(f.path) in kinds]
    return import_results(files, **options)  # type: ignore[arg-type]


def _scores(folder: Path, **options: object) -> dict[str, Score]:
    return {each.score.benchmark: each.score for each in _import(folder, **options).found}


def _refusals(path: Path, **options: object) -> str:
    """Why nothing of a path came in."""
    found = _import(path, **options)
    assert not found.found
    return "; ".join(f"{entry.task}: {entry.detail}" for entry in found.entries)


@pytest.mark.parametrize("layout", layouts.LAYOUTS)
@pytest.mark.parametrize("with_samples", [True, False])
def test_every_layout_gives_the_same_scores(
    tmp_path: Path, layout: str, with_samples: bool
) -> None:
    scores = _scores(layouts.write(tmp_path, layout, with_samples))
    values = {name: round(score.value, 6) for name, score in scores.items()}
    assert values == {
        "gqa": 0.5,
        "pope": 0.615385,
        "docvqa": 0.61,
        "mmbench_cn": 0.583,
        "avg5": round((0.5 + 0.615385 + 0.61) / 3, 6),
    }
    old = {"0.2.2": "lmms_any", "0.2.3": "lmms_any", "0.2.4": "lmms_undecided", "0.7.3": "lmms"}
    assert scores["docvqa"].protocol == old[layout]
    assert {scores[name].protocol for name in ("gqa", "pope")} == {"lmms"}
    assert all(score.source.kind == "imported" for score in scores.values())
    assert (scores["gqa"].encoder, scores["gqa"].llm) == ("fastvithd", "qwen2_0_5b")


def test_the_harness_is_named_by_the_layout(tmp_path: Path) -> None:
    found = {
        layout: _scores(layouts.write(tmp_path / layout, layout))["gqa"].harness
        for layout in layouts.LAYOUTS
    }
    assert found == {
        "0.2.2": "lmms-eval 0.2.2",
        "0.2.3": "lmms-eval 0.2.3",
        "0.2.4": "lmms-eval",
        "0.7.3": "lmms-eval 0.7.3",
    }


def test_a_single_file_imports_like_its_folder(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.4")
    (file,) = folder.rglob("*_results.json")
    assert _scores(file).keys() == _scores(folder).keys()


def test_the_same_file_twice_makes_the_same_rows(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.3")
    keys = [{each.score.key for each in _import(folder).found} for _ in range(2)]
    assert keys[0] == keys[1]


def test_not_available_null_and_999_are_no_scores(tmp_path: Path) -> None:
    scores = _scores(layouts.write(tmp_path, "0.2.4", with_samples=False))
    assert "mmmu" not in scores
    assert scores["docvqa"].standard_error is None


def test_an_unknown_task_is_kept_and_its_scale_is_said(tmp_path: Path) -> None:
    scores = _scores(layouts.write(tmp_path, "0.2.4"))
    assert scores["mmbench_cn"].value == pytest.approx(0.583)
    assert "read as percent" in scores["mmbench_cn"].source.note


def test_a_limited_run_is_partial_and_so_is_its_suite(tmp_path: Path) -> None:
    scores = _scores(layouts.write(tmp_path, "0.2.2", limit=0.1))
    assert scores["gqa"].is_partial and scores["avg5"].is_partial


def test_fewer_items_than_the_benchmark_has_are_a_part_of_it(tmp_path: Path) -> None:
    found = _import(layouts.write(tmp_path, "0.2.2"))
    (gqa,) = (placed for placed in found.found if placed.score.benchmark == "gqa")
    assert gqa.score.is_partial and "20 of 12,578 items" in gqa.remarks


def test_a_suite_that_lacks_members_says_which(tmp_path: Path) -> None:
    found = _import(layouts.write(tmp_path, "0.2.4"))
    (suite,) = (placed for placed in found.found if placed.score.benchmark == "avg5")
    assert suite.score.is_partial
    assert any("without textvqa, seedbench_image" in remark for remark in suite.remarks)


@pytest.mark.parametrize("layout", ["0.2.2", "0.2.3", "0.2.4"])
def test_llava_pope_is_computed_from_logged_samples(tmp_path: Path, layout: str) -> None:
    scores = _scores(layouts.write(tmp_path, layout), protocol="llava")
    assert scores["pope"].protocol == "llava"
    # Read tolerantly the fifth answers are a no: 12 of 15 yes found, 12 false alarms, by split.
    assert scores["pope"].value == pytest.approx(_llava_pope_by_hand())


def _llava_pope_by_hand() -> float:
    parts = []
    for split in range(3):
        chosen = [i for i in range(30) if i % 3 == split]
        true_yes = sum(1 for i in chosen if i % 2 and i % 5)
        false_yes = sum(1 for i in chosen if not i % 2 and i % 5)
        false_no = sum(1 for i in chosen if i % 2 and not i % 5)
        parts.append(2 * true_yes / (2 * true_yes + false_yes + false_no))
    return sum(parts) / 3


def test_llava_pope_without_its_splits_is_refused(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.7.3")
    found = _import(folder, protocol="llava")
    (pope,) = (entry for entry in found.entries if entry.task == "pope")
    assert pope.outcome == "refused" and "do not name their split" in pope.detail
    assert "gqa" in {each.score.benchmark for each in found.found}


def test_flags_win_over_the_mapping_which_wins_over_the_name(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.4")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("- {match: FASTVITHD_0.5B, llm: qwen2_7b, recipe: mine, resolution_px: 512}")
    score = _scores(folder, mapping=mapping, flags={"resolution_px": 256, "llm": None})["gqa"]
    assert (score.llm, score.recipe, score.resolution_px) == ("qwen2_7b", "mine", 256)


def test_a_result_without_a_place_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.4", model_args="pretrained=mine")
    assert "encoder, resolution_px, llm unknown" in _refusals(folder)
    some = {"encoder": "a", "llm": "b"}
    assert "resolution_px unknown (encoder a, llm b understood)" in _refusals(folder, flags=some)
    for size, reason in (
        ("big", "'big' is not a number of pixels"),
        (0, "unknown"),
        (-5, "above 0"),
    ):
        assert reason in _refusals(folder, flags={**some, "resolution_px": size})


def test_names_of_a_place_are_taken_for_the_catalogue_s(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.4")
    flags = {"encoder": "FastViTHD", "llm": "Qwen2-1.5B", "resolution_px": 1000}
    found = _import(folder, flags=flags).found[0]
    assert (found.score.encoder, found.score.llm) == ("fastvithd", "qwen2_1_5b")
    assert any("not 1000, so no point can have" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing: here", "must be a list"),
        ("- {encoder: a}", "entry 1 .* has no 'match'"),
        ("- {match: a, encodr: b}", "unknown field 'encodr'"),
        ("- {match: [", "cannot read the mapping"),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text)
    with pytest.raises(ConfigError, match=message):
        import_results([tmp_path], mapping=mapping)


def test_paths_without_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        results.read_results(tmp_path / "absent")
    with pytest.raises(DataError, match="no lmms-eval results below"):
        results.read_results(tmp_path)
    with pytest.raises(ConfigError, match="unknown protocol 'llama'"):
        import_results([], protocol="llama")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"results": ', "is not JSON.*cut off"),
        ('{"logs": []}', "has no 'results'"),
        ('{"results": {}}', "no task results"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        results.read_results(path)


def test_a_result_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.4", with_samples=False)
    plain = _scores(folder)
    (path,) = folder.rglob("*_results.json")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    marked = _scores(folder)
    assert {name: score.value for name, score in marked.items()} == {
        name: score.value for name, score in plain.items()
    }


def test_a_broken_sample_log_is_refused(tmp_path: Path) -> None:
    folder = layouts.write(tmp_path, "0.2.4")
    (log,) = folder.rglob("*samples_gqa.jsonl")
    log.write_text("{not json")
    gqa = next(r for r in results.read_results(folder) if r.task == "gqa")
    with pytest.raises(DataError, match="no sample log that can be read"):
        assert gqa.samples


def test_two_checkpoints_are_compared_on_the_same_items(tmp_path: Path) -> None:
    first = layouts.write(tmp_path / "a", "0.2.4")
    second = layouts.write(tmp_path / "b", "0.2.4")
    (log,) = second.rglob("*samples_gqa.jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    improved = [row | ({"exact_match": 1.0} if row["doc_id"] < 4 else {}) for row in rows]
    log.write_text("".join(json.dumps(row) + "\n" for row in improved))
    a, b = (next(r for r in results.read_results(f) if r.task == "gqa") for f in (first, second))
    (pair,), _ = compare_runs([b], [a])
    difference = pair.difference
    assert difference.value == pytest.approx(0.1)
    assert (difference.n, difference.low < 0 < difference.high) == (20, True)


def test_comparing_without_samples_says_how_to_get_them(tmp_path: Path) -> None:
    a = results.read_results(layouts.write(tmp_path, "0.2.4", with_samples=False))[0]
    with pytest.raises(DataError, match="run lmms-eval with --log_samples"):
        items.item_scores(a, "gqa", "lmms")


@pytest.mark.parametrize(
    ("name", "content", "benchmark", "value"),
    [
        ("M-7B_GQA_TestDev_Balanced_acc.csv", '"Overall"\n"61.25"\n', "gqa", 0.6125),
        (
            "M-7B_POPE_score.csv",
            '"split","Overall","acc"\n"random","90","91"\n"Overall","85.5","86"\n',
            "pope",
            0.855,
        ),
        (
            "M-7B_SEEDBench_IMG_acc.csv",
            '"split","Overall"\n"none","0.712"\n',
            "seedbench_image",
            0.712,
        ),
        ("M-7B_OCRBench_score.json", '{"Final Score": 639}', "ocrbench", 0.639),
    ],
)
def test_vlmevalkit_files_import_under_their_own_protocol(
    tmp_path: Path, name: str, content: str, benchmark: str, value: float
) -> None:
    (tmp_path / name).write_text(content)
    assert finding.kind_of(tmp_path / name) == "VLMEvalKit scores"
    flags = {"encoder": "fastvithd", "resolution_px": 1024, "llm": "qwen2_7b"}
    (score,) = _scores(tmp_path, flags=flags).values()
    assert (score.benchmark, score.value) == (benchmark, pytest.approx(value))
    assert (score.harness, score.protocol) == ("VLMEvalKit", "vlmevalkit")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("M_Unheard_acc.csv", '"Overall"\n"1"\n', "no known data set of VLMEvalKit"),
        ("M_POPE_score.json", '[{"split": "Overall", "F1": 1}]', "has no 'Overall'"),
        ("M_POPE_score.csv", '"split","Overall"\n"random","1"\n', "has the splits random"),
        ("M_POPE_score.csv", '"split","Overall"\n"Overall","x"\n', "'x' is no number"),
        ("M_POPE_score.csv", '"split","Overall"\n"Overall","101"\n', "no score between 0 and 100"),
        ("M_OCRBench_score.json", "{}", "has no 'Final Score'"),
    ],
)
def test_a_wrong_vlmevalkit_file_is_refused(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    assert message in _refusals(tmp_path)


def test_other_files_are_not_importable(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"a": 1}')
    assert finding.kind_of(tmp_path / "notes.json") is None
