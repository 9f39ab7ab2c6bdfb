"""Every `pip install 'paretobench[...]'` that a message gives can be typed as it is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
NAMED = re.compile(r"paretobench\[([a-z][a-z-]*)\]")


def test_every_extra_that_a_message_names_exists() -> None:
    named = {
        extra: file.name
        for file in ROOT.glob("paretobench/**/*.py")
        for extra in NAMED.findall(file.read_text(encoding="utf-8"))
    }
    assert {"cpu", "parquet", "slurm"} <= set(named)
    assert {extra: file for extra, file in named.items() if extra not in EXTRAS} == {}


def test_the_extra_for_parquet_brings_what_writes_it() -> None:
    assert [each.split(">=")[0] for each in EXTRAS["parquet"]] == ["pyarrow"]
