"""Refusals in few lines: the same reason once, with the range of its numbers."""

from __future__ import annotations

from paretobench.planning.plan import Refusal
from paretobench.planning.reasons import MOST_LINES, grouped


def refusal(px: int, reason: str, encoder: str = "fastvithd", llm: str = "qwen2_7b") -> Refusal:
    return Refusal(encoder, px, llm, "none", reason)


def test_reasons_that_differ_in_their_numbers_are_one_line_with_the_range() -> None:
    needs = "Qwen2-7B in fp32 needs {} GiB and this machine has 23.5 GiB; use int4"
    (line,) = grouped(refusal(px, needs.format(round(29.4 + px / 10, 1))) for px in (0, 2, 4))
    assert line == (
        "3 points with qwen2_7b: Qwen2-7B in fp32 needs 29.4 to 29.8 GiB and this machine has "
        "23.5 GiB; use int4"
    )


def test_numbers_inside_names_are_not_ranges() -> None:
    lines = grouped(refusal(px, f"Qwen2-{px}B does not fit") for px in (1, 7))
    assert len(lines) == 2 and "Qwen2-1B" in lines[0] + lines[1]


def test_a_single_refusal_names_its_point() -> None:
    assert grouped([refusal(512, "too large")]) == ["fastvithd@512 + qwen2_7b: too large"]


def test_points_of_one_encoder_name_it_and_points_of_many_name_none() -> None:
    of_one = [refusal(1, "no", llm="a"), refusal(1, "no", llm="b")]
    of_many = [refusal(1, "no", encoder=name, llm=name) for name in "ab"]
    assert grouped(of_one) == ["2 points with fastvithd: no"]
    assert grouped(of_many) == ["2 points: no"]


def test_ten_thousand_refusals_with_a_hundred_reasons_stay_a_few_lines_and_none_is_lost() -> None:
    reasons = [f"reason {'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}" for i in range(100)]
    lines = grouped(refusal(px, reasons[px % 100]) for px in range(10_000))
    assert len(lines) == MOST_LINES
    assert sum(int(line.split()[0].replace(",", "")) for line in lines) == 10_000
    assert "95 other reasons" in lines[-1]
