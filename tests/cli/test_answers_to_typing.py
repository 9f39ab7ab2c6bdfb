"""What somebody types on the first day, and what they are told: never a plausible wrong answer."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paretobench import cli
from paretobench.cli.best import NOTHING_SATISFIES


def status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


MISTAKES = {
    "plan encoder=FastViTHDD": "did you mean 'fastvithd'?",
    "plan llm=QWEN2_05B": "did you mean 'qwen2_0_5b'?",
    "plan device=CPU": "did you mean 'cpu'?",
    "plan resolution=1024x768": "image=1024x768",
    "plan resolution=0": "must be a whole number of pixels",
    "plan tiling=llava_next_anyres tiling.options.width_px=-5": "width_px=-5 must be a whole numb",
    "plan tiling=llava_next_anyres tiling.options.width_px=abc": "width_px=abc must be a whole n",
    "plan tiling=llava_next_anyres tiling.options.width_px=0": "width_px=0 must be a whole number",
    "plan tiling=grid_2x2 tiling.options.g=0": "tiling.options.g=0 must be a whole number of at",
    "plan tiling=none +tiling.options.width_px=3": "'width_px'. Known: pool, queries.",
    "plan tiling=llava_next_anyres +tiling.options.pool=2": "unknown option of tiling llava_next",
    "plan +tiling.options.pool=-2": "pool=-2 must be a whole number of at least 1",
    "plan tiling=internvl_dynamic tiling.options.min_tiles=13": "min_tiles=13 must not exceed",
    "plan tiling=s2 tiling.options.scales=[0,2]": "scales=[0, 2] must be a list of whole numbers",
    "plan +grid=größe": "'ö' cannot be read; a name is letters a to z",
    "init größe": "a grid's name is letters a to z",
    "best --published --under 0.2": "write 0.2s or 0.2ms",
    "best --published --at-least 1": "Write --at-least 1% or --at-least 100%",
    "best --published --at-least 0.6": "Write --at-least 0.6% or --at-least 60%",
    "best --published --where accuracy>=1": "1 is 1% or 100%?",
    "best --published --where peak_memory<4": "Write 4GiB, 4MB or 4B",
    "best --published --under 200ms --recipe nope": "unknown recipe 'nope'",
    "best --published --under 200ms --benchmark nope": "unknown benchmark 'nope'",
    "report --published --recipe nope": "unknown recipe 'nope'",
    "export --table 12": "Known: 1, 2, 3, 4, 5, 6, 9, 10, 11.",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_named_with_what_is_allowed(
    typed: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert status(*typed.split()) == 2
    told = capsys.readouterr().err
    assert MISTAKES[typed] in told
    assert len(told.splitlines()) <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", ["--under 1ms", "--at-least 99", "--where passes>=50"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_question_without_an_answer_has_a_status_of_its_own(
    asked: str, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status("best", "--published", *asked.split(), *form) == NOTHING_SATISFIES
    assert "nearest" in capsys.readouterr().out


def test_a_question_with_an_answer_exits_with_0() -> None:
    assert status("best", "--published", "--under", "200ms", "--at-least", "50") == 0


def test_a_point_named_by_half_is_answered_with_the_nearest_few(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status("show", "fastvithd@512", "--published") == 2
    told = capsys.readouterr().err
    assert "fastvithd@512+qwen2_0_5b" in told and "fastvithd@512+vicuna_7b" in told
    assert "others" in told and told.count("@") < 12


@pytest.mark.parametrize("verb", ["report", "export"])
def test_a_place_that_cannot_be_written_names_out_and_the_reason(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert status(verb, "--published", "--out", str(tmp_path / "file" / "x")) == 1
    told = capsys.readouterr().err
    assert ("--out" in told and os.strerror(errno.EEXIST) in told) or "Not a directory" in told
    assert "free some space" not in told
    assert (tmp_path / "file").read_text() == "mine"


def test_init_in_a_place_that_cannot_be_written_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweeps").write_text("a file where the folder belongs")
    assert status("init", "mine") == 2
    assert "cannot write sweeps/grid/mine.yaml" in capsys.readouterr().err


def test_what_the_system_forbids_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forbidden(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/root/x")

    monkeypatch.setattr(cli.group, "main", forbidden)
    assert status("plan") == 1
    assert capsys.readouterr().err.startswith("paretobench: /root/x: Permission denied")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_show_a_letter_gets_another(encoding: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "paretobench", "best", "--published", "--under", "200ms"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert b"FastViTHD" in done.stdout


def test_an_unknown_benchmark_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    example = Path(__file__).resolve().parents[2] / "results" / "examples" / "qwen2_family_cpu.db"
    for source in (["--published"], ["-d", str(example)]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["best", *source, "--benchmark", "nope", "--under", "1s"])
        assert ended.value.code == 2
        assert "'nope'" in capsys.readouterr().err
