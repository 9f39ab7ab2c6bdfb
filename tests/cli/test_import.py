"""`import` of real shapes of result files: what comes in, what is said of what does not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.errors import ParetobenchError
from paretobench.store import Store

CASES = Path(__file__).parent.parent / "cases" / "imports"
PLACE = ("--encoder", "fastvithd", "--resolution", "1024", "--llm", "qwen2_0_5b")

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a verb in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str) -> Result:
        return CliRunner().invoke(group, args, prog_name="paretobench")

    return run


def good(result: Result) -> Result:
    assert result.exit_code == 0, result.output or result.exception
    return result


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ParetobenchError), result.output
    assert result.exception.exit_status != 0
    return str(result.exception)


def table(result: Result) -> list[dict[str, str]]:
    """The account that an import prints, one row per entry."""
    lines = [line for line in result.stdout.splitlines() if line[:1] in "┃│"]
    cells = [
        [cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")] for line in lines
    ]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]] if cells else []


def stored(cli: Cli) -> dict[str, dict[str, Any]]:
    """The scores in the database by benchmark; several of one are told apart by `counts`."""
    rows = json.loads(good(cli("ls", "scores", "--json")).stdout)
    return {row["benchmark"]: row for row in rows if row["counts"] != "replaced"}


def test_a_folder_of_lmms_eval_imports_by_itself_its_parent_and_its_file(cli: Cli) -> None:
    case = CASES / "01_folder_itself"
    for path in (case, case / "20250901_090000_results.json"):
        good(cli("import", str(path)))
    assert stored(cli)["gqa"]["value"] == 0.61
    again = good(cli("import", str(CASES / "01_folder_itself"), str(case)))
    assert [row["outcome"] for row in table(again)] == ["skipped", "known"]


def test_a_corrected_file_replaces_the_earlier_one_and_both_stay(cli: Cli) -> None:
    case = CASES / "02_corrected_csv"
    good(cli("import", str(case / "v1" / "scores.csv")))
    second = good(cli("import", str(case / "v2" / "scores.csv")))
    assert "replaces 16.2 %" in table(second)[0]["detail"]
    rows = json.loads(cli("ls", "scores", "--json").stdout)
    assert {row["value"]: row["counts"] for row in rows} == {0.162: "replaced", 0.612: "yes"}


def test_two_checkpoints_at_one_place_are_candidates_with_what_tells_them_apart(cli: Cli) -> None:
    result = good(cli("import", str(CASES / "03_two_checkpoints_one_place")))
    assert "has 2 candidates" in result.stderr and "load_in_4bit=True" in result.stderr
    assert "--recipe stage3_int4" in result.stderr and "--recipe stage3)" in result.stderr
    rows = json.loads(cli("ls", "scores", "--json").stdout)
    assert {row["counts"] for row in rows} == {"candidate"}


def test_a_second_run_of_a_task_replaces_the_first_also_in_the_mean(cli: Cli) -> None:
    result = good(cli("import", str(CASES / "04_rerun")))
    outcomes = {(row["file"][-29:], row["task"]): row["outcome"] for row in table(result)}
    assert outcomes["/20250901_090000_results.json", "gqa"] == "replaced"
    assert outcomes["/20250915_090000_results.json", "gqa"] == "new"
    scores = stored(cli)
    assert scores["gqa"]["value"] == 0.6
    assert scores["avg5"]["value"] == pytest.approx((0.6 + 0.6 + 0.8 + 0.4 + 0.6) / 5)


def test_a_metric_is_found_under_any_filter(cli: Cli) -> None:
    good(cli("import", str(CASES / "05_flexible_extract")))
    assert stored(cli)["ai2d"]["value"] == 0.55


def test_a_sum_is_kept_with_its_full_marks(cli: Cli) -> None:
    result = good(cli("import", str(CASES / "06_only_sums")))
    assert {row["detail"] for row in table(result)} == {"1200 of 2000 points", "250 of 800 points"}
    assert stored(cli)["mme_perception"]["value"] == 0.6


def test_labels_are_names_and_unknown_ones_come_with_a_warning(cli: Cli) -> None:
    rows = table(good(cli("import", str(CASES / "07_typos.csv"))))
    assert [row["outcome"] for row in rows] == ["new"] * 3
    assert rows[0]["detail"] == ""
    assert "so no point can have this score" in rows[1]["detail"]
    assert "the nearest is 'gqa'" in rows[2]["detail"]
    found = json.loads(cli("ls", "scores", "--where", "resolution_px=512", "--json").stdout)
    assert {(row["encoder"], row["llm"]) for row in found} == {("fastvithd", "qwen2_0_5b")}


def test_a_fraction_in_percent_is_questioned_and_a_subset_is_partial(cli: Cli) -> None:
    rows = table(good(cli("import", str(CASES / "08_unit_and_subset.csv"))))
    assert "below 1 %" in rows[0]["detail"]
    assert (rows[1]["outcome"], rows[1]["detail"]) == ("partial", "2,902 of 5,000 items")


def test_an_unknown_data_set_costs_no_other(cli: Cli) -> None:
    rows = table(good(cli("import", str(CASES / "09_vlmevalkit"), *PLACE)))
    assert {row["task"]: row["outcome"] for row in rows} == {
        "MMStar": "skipped", "RealWorldQA": "new",
    }  # fmt: skip


def test_a_scores_table_may_have_any_name(cli: Cli, tmp_path: Path) -> None:
    good(cli("import", str(CASES / "10_my_acc.csv")))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "what.txt").write_bytes((CASES / "10_my_acc.csv").read_bytes())
    assert table(good(cli("import", "folder")))[0]["outcome"] == "new"


def test_lm_evaluation_harness_is_refused_by_name(cli: Cli, tmp_path: Path) -> None:
    assert "lm-evaluation-harness" in refusal(cli("import", str(CASES / "11_lm_eval")))
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").iterdir())


def test_padded_lines_count_once(cli: Cli) -> None:
    rows = table(good(cli("import", str(CASES / "12_padded"))))
    (row,) = (row for row in rows if row["task"] == "gqa")
    assert row["outcome"] == "partial" and "60.0 %" in row["detail"]
    assert "3 of 8 logged lines repeat an item" in row["detail"]
    found = stored(cli)["gqa"]
    assert (found["value"], found["n"]) == (0.6, 5)


def test_the_same_docvqa_answers_by_two_rules_give_one_anls(cli: Cli) -> None:
    good(cli("import", str(CASES / "13_docvqa_two_rules")))
    rows = json.loads(cli("ls", "scores", "--json").stdout)
    assert {round(row["value"], 6) for row in rows} == {0.922222}
    assert {row["protocol"] for row in rows} == {"lmms"}


def test_without_logs_the_old_rule_of_docvqa_is_a_protocol_of_its_own(
    cli: Cli, tmp_path: Path
) -> None:
    old = CASES / "13_docvqa_two_rules" / "old_0.2.2" / "0101_0000_docvqa_llava" / "results.json"
    (tmp_path / "results.json").write_bytes(old.read_bytes())
    row = table(good(cli("import", "results.json")))[0]
    assert "rule before v0.3.0" in row["detail"]
    assert stored(cli)["docvqa"]["protocol"] == "lmms_any"


@pytest.mark.parametrize("case", ["n_samples_is_list", "own_is_text", "effective_is_text"])
def test_a_field_of_another_shape_costs_itself_alone(cli: Cli, case: str) -> None:
    good(cli("import", str(CASES / "15_shapes" / case)))
    assert stored(cli)["gqa"]["value"] == 0.61


def test_settings_that_are_text_leave_a_result_without_a_place(cli: Cli) -> None:
    case = str(CASES / "15_shapes" / "config_is_text")
    assert "cannot place" in refusal(cli("import", case))
    good(cli("import", case, *PLACE))


def test_links_pipes_loops_and_empty_folders_end_with_a_message(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    assert "a link to nothing" in refusal(cli("import", "dangling"))
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refusal(cli("import", "pipe"))
    (tmp_path / "empty").mkdir()
    assert "holds no file to read" in refusal(cli("import", "empty"))
    (tmp_path / "loop").symlink_to("loop")
    assert "loop" in refusal(cli("import", "loop")) or cli("import", "loop").exit_code
    inside = tmp_path / "runs"
    inside.mkdir()
    (inside / "again").symlink_to(inside)
    (inside / "scores.csv").write_bytes((CASES / "10_my_acc.csv").read_bytes())
    (inside / "same.csv").symlink_to("scores.csv")
    assert len(table(good(cli("import", "runs")))) == 1


def test_a_bad_value_is_named_with_its_file_and_task_and_the_good_one_comes_in(cli: Cli) -> None:
    rows = table(good(cli("import", str(CASES / "16_no_file_named"))))
    (bad,) = (row for row in rows if row["outcome"] == "refused")
    assert bad["task"] == "textvqa_val" and "bad/20250902" in bad["file"] and "120" in bad["detail"]
    assert stored(cli).keys() == {"gqa"}


def test_a_negative_error_is_left_out_with_a_note(cli: Cli) -> None:
    (row,) = table(good(cli("import", str(CASES / "17_negative_error"))))
    assert "below 0 is left out" in row["detail"]
    assert stored(cli)["gqa"]["standard_error"] is None


def test_every_file_and_task_that_gave_no_score_says_why(cli: Cli) -> None:
    rows = table(good(cli("import", str(CASES / "18_skipped_task"))))
    assert sorted((row["task"], row["outcome"]) for row in rows) == [
        ("docvqa_test", "skipped"), ("gqa", "new"), ("gqa", "skipped"),
    ]  # fmt: skip
    assert any("without public answers" in row["detail"] for row in rows)


def test_an_ascii_terminal_shows_scores_without_a_traceback(cli: Cli, tmp_path: Path) -> None:
    good(cli("import", str(CASES / "19_unicode.csv")))
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
              "PYTHONIOENCODING": "ascii"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "paretobench", "ls", "scores"],
        capture_output=True, text=True, env=os.environ | narrow, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "gr\\xf6\\xdfe" in done.stdout


def test_scores_without_measurements_say_so(cli: Cli) -> None:
    good(cli("import", str(CASES / "10_my_acc.csv")))
    assert "1 score, no measurement yet" in cli("ls").stderr
    assert "1 score, no measurement yet" in refusal(cli("show", "fastvithd@512+qwen2_0_5b"))
    assert "1 score, no measurement yet" in refusal(cli("best", "--under", "200"))


def test_compressed_sample_logs_are_read(cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "m"
    run.mkdir()
    case = CASES / "12_padded" / "m"
    (run / "20250901_110000_results.json").write_bytes(
        (case / "20250901_110000_results.json").read_bytes()
    )
    log = (case / "20250901_110000_samples_gqa.jsonl").read_bytes()
    (run / "20250901_110000_samples_gqa.jsonl.gz").write_bytes(gzip.compress(log))
    good(cli("import", "m"))
    assert stored(cli)["gqa"]["value"] == 0.6


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs"), (" ", "blanks")])
def test_a_table_separated_by_something_else_is_named(
    cli: Cli, tmp_path: Path, mark: str, word: str
) -> None:
    header = mark.join(["encoder", "resolution_px", "llm", "benchmark", "value_percent"])
    (tmp_path / "s.csv").write_text(header + "\n" + mark.join("abcde") + "\n")
    assert f"separated by {word}; save it with commas" in refusal(cli("import", "s.csv"))


def test_a_refused_import_leaves_no_database_behind(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("encoder,resolution_px,llm,benchmark,value\na,0,b,gqa,0.5\n")
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\x00" + b"\x00" * 200)
    for file in ("s.csv", "torn.db"):
        refusal(cli("import", file, "-d", "new.db"))
        assert not (tmp_path / "new.db").exists()


def test_a_line_that_cannot_be_used_costs_no_other(cli: Cli, tmp_path: Path) -> None:
    lines = ["encoder,resolution_px,llm,benchmark,value,n",
             "fastvithd,512,qwen2_0_5b,gqa,0.6,12578",
             "fastvithd,512,qwen2_0_5b,textvqa,1.2,5000",
             "fastvithd,0,qwen2_0_5b,pope,0.8,9000",
             "fastvithd,512,qwen2_0_5b,docvqa,0.8,5350"]  # fmt: skip
    (tmp_path / "s.csv").write_text("\n".join(lines))
    rows = table(good(cli("import", "s.csv")))
    assert {row["task"]: row["outcome"] for row in rows} == {
        "gqa": "new", "textvqa": "refused", "pope": "refused", "docvqa": "refused",
    }  # fmt: skip
    assert (
        "line 5: n is '5350'; allowed: at most 5,349"
        in {r["task"]: r for r in rows}["docvqa"]["detail"]
    )


FILES = 30


def _folder_of_many(root: Path) -> None:
    """Thirty files of five kinds, ten of them unknown or broken."""
    for number in range(6):
        args = f"pretrained=made-up/llava-fastvithd_0.5b_stage3-run{number}"
        run = {"results": {f"task_{number}": {"score,none": 0.5}}, "config": {"model_args": args}}
        folder = root / f"m{number}"
        folder.mkdir(parents=True)
        (folder / f"2025090{number}_090000_results.json").write_text(json.dumps(run))
    for number in range(6):
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["encoder", "resolution_px", "llm", "recipe", "benchmark", "value_percent"])
        rows.writerow(["fastvithd", 512, "qwen2_0_5b", f"r{number}", "gqa", 60 + number])
        (root / f"table{number}.csv").write_text(text.getvalue())
    vlm = root / "fastvlm_0.5b"
    vlm.mkdir()
    for name in ("RealWorldQA", "AI2D_TEST", "ScienceQA_TEST", "SEEDBench_IMG"):
        (vlm / f"fastvlm_0.5b_{name}_acc.csv").write_text('"split","Overall"\n"none","0.5"\n')
    for number in range(2):
        spooled = root / f"log{number}.jsonl"
        spooled.write_text(json.dumps({"doc_id": number, "target": "a", "filtered_resps": ["a"]}))
    with Store.open(root / "other.db") as store:
        assert store.score_count() == 0
    with Store.open(root / "more.db") as store:
        assert store.score_count() == 0
    broken: dict[str, str] = {
        "notes.txt": "some notes", "torn_results.json": '{"results": {', "empty.csv": "",
        "other.csv": "a,b\n1,2\n", "tokenizer.json": '{"version": "1.0"}',
        "lm_results.json": json.dumps({"results": {"x": {}}, "lm_eval_version": "0.4"}),
        "list_results.json": '{"results": []}', "image.bin": "\x00\x01",
        "x_MMStar_acc.csv": '"split","Overall"\n"none","0.4"\n',
        "null_results.json": json.dumps({"results": {"gqa": {"exact_match,none": None}}}),
    }  # fmt: skip
    for name, content in broken.items():
        (root / name).write_text(content)


def test_every_one_of_thirty_files_has_a_line(cli: Cli, tmp_path: Path) -> None:
    _folder_of_many(tmp_path / "many")
    assert sum(path.is_file() for path in (tmp_path / "many").rglob("*")) == FILES
    result = good(cli("import", "many"))
    rows = table(result)
    assert len({row["file"] for row in rows}) == FILES
    outcomes = [row["outcome"] for row in rows]
    assert outcomes.count("new") == 16 and outcomes.count("known") == 2
    assert outcomes.count("skipped") + outcomes.count("refused") == 12
    assert all(row["detail"] for row in rows if row["outcome"] in ("skipped", "refused"))
    assert "16 new, 2 known" in result.stderr
    again = good(cli("import", "many"))
    assert [row["outcome"] for row in table(again)].count("known") == 18
