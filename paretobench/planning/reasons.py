"""Refusals in few lines: those that differ in numbers or points alone are one sentence. Pure.

`16 points with qwen2_7b: Qwen2-7B in fp32 needs 29.4 to 29.8 GiB and this machine has 23.5 GiB`
says what sixteen sentences would; every single one is in `plan --json` and in the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from paretobench.planning.plan import Refusal
from paretobench.units import counted

MOST_LINES = 6
"""Lines that refusals may take in a terminal: a quarter of a screen."""

_NUMBER = re.compile(r"(?<![^\s(])\d[\d,]*(?:\.\d+)?(?![\w-])")
"""A number on its own: `29.4 GiB`, not the 7 of `Qwen2-7B` or the 512 of `FastViTHD@512`."""


def grouped(refusals: Iterable[Refusal]) -> list[str]:
    """One line for each reason, those of most points first; of more than `MOST_LINES` reasons the
    last line counts what is left.

    >>> two = [Refusal("a", px, "m", "none", f"m needs {px / 10} GiB") for px in (30, 40)]
    >>> grouped(two)
    ['2 points with m: m needs 3 to 4 GiB']
    """
    groups: dict[tuple[str, ...], list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault(tuple(_NUMBER.split(refusal.reason)), []).append(refusal)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    kept = ordered if len(ordered) <= MOST_LINES else ordered[: MOST_LINES - 1]
    lines = [_line(words, members) for words, members in kept]
    rest = sum(len(members) for _, members in ordered[len(kept) :])
    if rest:
        reasons = counted(len(ordered) - len(kept), "other reason")
        lines.append(f"{counted(rest, 'more point')} for {reasons}; plan --json lists them all")
    return lines


def _line(words: Sequence[str], members: Sequence[Refusal]) -> str:
    if len(members) == 1:
        return str(members[0])
    ranges = map(_range, zip(*(_NUMBER.findall(one.reason) for one in members), strict=True))
    reason = words[0] + "".join(
        number + text for number, text in zip(ranges, words[1:], strict=True)
    )
    return f"{counted(len(members), 'point')}{_shared(members)}: {reason}"


def _range(numbers: Sequence[str]) -> str:
    low, high = (pick(numbers, key=_value) for pick in (min, max))
    if _value(low) == _value(high):
        return low
    return f"{low.removesuffix('.0')} to {high.removesuffix('.0')}"


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _shared(members: Sequence[Refusal]) -> str:
    """What all members have in common: a language model, an encoder or neither."""
    llms, encoders = {one.llm for one in members}, {one.encoder for one in members}
    if len(llms) == 1:
        return f" with {members[0].llm}"
    return f" with {members[0].encoder}" if len(encoders) == 1 else ""
