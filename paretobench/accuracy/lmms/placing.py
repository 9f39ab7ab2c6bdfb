"""Which grid point a result belongs to: said by flags, by a mapping file, or proposed.

A result file knows a checkpoint's path, not its encoder, resolution, language model, tiling
and recipe. Flags win over the mapping file, which wins over what the path itself suggests; a
result that is not fully placed is refused with what is missing and what was understood.

A mapping file is a YAML list. The first entry whose `match` occurs in the result's path, model
or model_args (case ignored) applies:

    - match: llava-fastvithd_0.5b_stage3
      encoder: fastvithd
      resolution_px: 1024
      llm: qwen2_0_5b
      tiling: none
      recipe: 15M+11.9M
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from paretobench.errors import ConfigError, DataError

FIELDS = ("encoder", "resolution_px", "llm", "tiling", "recipe")


@dataclass(frozen=True)
class ScorePoint:
    """Where a score belongs: the four names of a grid point, and the recipe."""

    encoder: str
    resolution_px: int
    llm: str
    tiling: str = "none"
    recipe: str = "unstated"

    @property
    def names(self) -> tuple[str, int, str, str]:
        """The four names of the point."""
        return (self.encoder, self.resolution_px, self.llm, self.tiling)

    def __str__(self) -> str:
        point = f"{self.encoder}@{self.resolution_px} + {self.llm}"
        return f"{point} ({self.tiling}, {self.recipe})"


@dataclass(frozen=True)
class Rule:
    """One entry of a mapping file."""

    match: str
    fields: Mapping[str, Any]


def read_mapping(path: Path) -> list[Rule]:
    """The entries of a mapping file.

    Raises:
        ConfigError: if it cannot be read, or an entry lacks `match` or has an unknown field.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the mapping {path}: {error}") from error
    if not isinstance(data, list):
        raise ConfigError(f"{path} must be a list of entries, each with 'match' and {FIELDS}")
    entries = []
    for number, entry in enumerate(data, start=1):
        if not isinstance(entry, dict) or not str(entry.get("match", "")):
            raise ConfigError(f"entry {number} of {path} has no 'match'")
        unknown = sorted(set(entry) - set(FIELDS) - {"match"})
        if unknown:
            raise ConfigError(
                f"entry {number} of {path}: unknown field {unknown[0]!r}; "
                f"allowed: match, {', '.join(FIELDS)}"
            )
        fields = {name: entry[name] for name in FIELDS if name in entry}
        entries.append(Rule(str(entry["match"]), fields))
    return entries


def propose(text: str) -> dict[str, Any]:
    """What a checkpoint's name suggests: the released FastVLM names are known.

    Scores of the released checkpoints match no row of the paper, so that their stage of training
    is a recipe of its own.

    >>> propose('pretrained=checkpoints/llava-fastvithd_0.5b_stage3')['llm']
    'qwen2_0_5b'
    >>> propose('my-model')
    {}
    """
    lowered = text.lower()
    if "fastvlm" not in lowered and "fastvithd" not in lowered:
        return {}
    found: dict[str, Any] = {"encoder": "fastvithd", "resolution_px": 1024, "tiling": "none"}
    size = re.search(r"(0\.5|1\.5|7)b", lowered)
    if size:
        found["llm"] = f"qwen2_{size.group().replace('.', '_')}"
    stage = re.search(r"stage[23]", lowered)
    found["recipe"] = stage.group() if stage else "stage3"
    return found


def place(
    texts: Sequence[str],
    flags: Mapping[str, Any] | None = None,
    mapping: Sequence[Rule] = (),
) -> ScorePoint:
    """The place of a result.

    Args:
        texts: its path, model and model_args.
        flags: what the user said; None values are ignored.
        mapping: entries of a mapping file.

    Raises:
        DataError: if encoder, resolution or LLM is still unknown.
    """
    known = propose(" ".join(texts))
    lowered = [text.lower() for text in texts]
    for entry in mapping:
        if any(entry.match.lower() in text for text in lowered):
            known |= entry.fields
            break
    known |= {name: value for name, value in (flags or {}).items() if value is not None}
    missing = [name for name in ("encoder", "resolution_px", "llm") if not known.get(name)]
    if missing:
        understood = ", ".join(f"{name} {value}" for name, value in known.items()) or "nothing"
        raise DataError(
            f"cannot place {texts[0]}: {', '.join(missing)} unknown ({understood} understood).\n"
            f"Say it with --encoder, --resolution, --llm, --tiling and --recipe, or in a mapping "
            f"file (--mapping); model_args were {texts[-1]!r}"
        )
    try:
        known["resolution_px"] = int(known["resolution_px"])  # a mapping file may have text
    except (TypeError, ValueError) as error:
        value = known["resolution_px"]
        raise DataError(f"the resolution {value!r} is not a number of pixels") from error
    return ScorePoint(**{name: known[name] for name in FIELDS if name in known})
