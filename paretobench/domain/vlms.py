"""Whole vision-language models as published: their parts, and how an image becomes tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class VisionLanguageModel:
    """A vision-language model by its published settings; `planning.tokens` applies its rule.

    Attributes:
        name: the name in `sweeps/vlm/`.
        label: how its authors write it.
        family: what is one model in several sizes.
        checkpoint: whose settings these are, as the hub names it.
        rule: one of `planning.tokens.RULES`.
        options: the rule's arguments, such as `{patch_px: 14, merge: 2, ...}`.
        settings: where the options were read.
        source: where the rule was read, as `repository: file`.
        note: what a reader of the number should know; empty if nothing.
        encoder: its encoder in `sweeps/encoder`, empty where there is none of its kind.
        llm: its language model in `sweeps/llm`, empty where there is none of its kind.
        parameters: of the whole checkpoint as published; 0 where no source prints the number.
    """

    name: str
    label: str
    family: str
    checkpoint: str
    rule: str
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: str = ""
    source: str = ""
    note: str = ""
    encoder: str = ""
    llm: str = ""
    parameters: int = 0
