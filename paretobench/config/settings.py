"""The settings of one sweep, checked: what `sweeps/config.yaml` may say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paretobench.config import checking
from paretobench.domain.records import Fidelity
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.planning.question import UNTIL, Question

CHOICES: dict[str, tuple[str, ...]] = {
    "fidelity": ("quick", "standard", "rigorous", "audit"),
    "protocol": ("paper", "full"),
    "weights": ("full", "shared", "checkpoint"),
    "choose": ("measured", "listed"),
    "until": UNTIL,
}
"""Settings that are one of a few words."""


@dataclass(frozen=True)
class Settings:
    """The settings in the root of `sweeps/config.yaml`, which says what each one means."""

    name: str = "sweep"
    database: str = "results/paretobench.db"
    reports: str = "reports"
    fidelity: Fidelity = "standard"
    precision_goal: float = 0.01
    seed: int = 0
    dry_run: bool = False
    retry_failed: bool = False
    protocol: str = "paper"
    prompt_tokens: int = 64
    decode: bool = False
    weights: str = "full"
    recipe: str = "all"
    check: str | int = "front"
    accuracy: str = "published"
    checkpoints: str = "checkpoints.yaml"
    mix_protocols: bool = False
    cell_timeout_s: float = 1800.0
    wait: bool = True
    horizon: str = "60s"
    choose: str = "measured"
    inventory: str = ""
    budget: str | None = None
    until: str = "all"
    under: str | float | None = None
    at_least: str | float | None = None
    confidence: float = 0.95
    tie: float = 0.02

    @property
    def prefilled_text(self) -> int:
        """Text tokens of each prefill beside the image's: none in protocol `paper`."""
        return self.prompt_tokens if self.protocol == "full" else 0

    @property
    def horizon_s(self) -> float:
        """Seconds to the first token beyond which a point is not measured."""
        return seconds("horizon", self.horizon)

    @property
    def budget_s(self) -> float | None:
        """Seconds within which the whole sweep ends; None for no end."""
        found_s = math.inf if self.budget is None else seconds("budget", self.budget)
        return found_s if found_s < math.inf else None

    @property
    def is_scoring(self) -> bool:
        """Whether checkpoints are scored."""
        return self.accuracy == "lmms_eval"

    @property
    def is_decided(self) -> bool:
        """Whether a question decides what is measured next, in place of rounds over everything."""
        return self.budget_s is not None or self.until != "all"

    @property
    def question(self) -> Question:
        """What is asked.

        Raises:
            ConfigError: if it cannot be answered, or a limit cannot be read.
        """
        asked = Question(
            until=self.until,  # type: ignore[arg-type]
            under_s=_limit("under", "ttft <=", self.under),
            at_least=_limit("at_least", "accuracy >=", self.at_least),
            confidence=self.confidence,
            tie=self.tie,
        )
        asked.check()
        return asked


SHORTEST_BUDGET_S = 30.0
"""A report alone takes 5 to 15 s."""


def _limit(name: str, condition: str, value: str | float | None) -> float | None:
    """A limit as `best` reads it: seconds, or a fraction from percent."""
    if value is None:
        return None
    from paretobench.analysis.constraints import parse_constraint  # a shell's TAB waits for numpy

    if name == "at_least" and isinstance(value, int | float):
        if not 1 < value <= 100:
            raise ConfigError(f"at_least={value} must be a percentage above 1, such as 60")
        value = f"{value:g}%"
    try:
        return parse_constraint(f"{condition} {value}").limit
    except ConfigError as error:
        raise ConfigError(f"{name}={value}: {error}") from None


_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def seconds(name: str, text: str) -> float:
    """A duration as typed, such as `60s`, `2min` or `none` for no end.

    Raises:
        ConfigError: if it is none.

    >>> seconds("horizon", "2min"), seconds("horizon", "none")
    (120.0, inf)
    """
    if text == "none":
        return math.inf
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text)
    if match is None or float(match[1]) == 0:
        raise ConfigError(f"{name}={text} must be a duration such as 60s or 2min, or none")
    return float(match[1]) * _UNITS[match[2]]


def read_settings(data: Mapping[str, Any]) -> Settings:
    """Settings from the root of a composed configuration.

    Raises:
        ConfigError: for an unknown setting, a wrong type or a value out of range.
    """
    known = checking.field_annotations(Settings)
    for name, value in data.items():
        if name not in known:
            raise UnknownNameError("setting", name, known)
        if wanted := checking.wanted(value, known[name]):
            raise ConfigError(f"{name}={value} must be {wanted}")
        if name in CHOICES and value not in CHOICES[name]:
            raise UnknownNameError(name, str(value), CHOICES[name])
    numbers = {name: float(value) for name, value in data.items() if known[name] == "float"}
    found = Settings(**{**data, **numbers})
    if found.precision_goal <= 0:
        raise ConfigError(f"precision_goal={found.precision_goal} must be above 0, such as 0.01")
    if found.cell_timeout_s <= 0:
        raise ConfigError(f"cell_timeout_s={found.cell_timeout_s} must be above 0 seconds")
    if found.prompt_tokens < 0:
        raise ConfigError(f"prompt_tokens={found.prompt_tokens} must be a whole number from 0")
    seconds("horizon", found.horizon)
    if found.budget_s is not None and found.budget_s < SHORTEST_BUDGET_S:
        raise ConfigError(
            f"budget={found.budget} leaves no time beside the report; give at least "
            f"{SHORTEST_BUDGET_S:g}s, such as budget=15min"
        )
    _ = found.question
    if found.until != "all" and found.is_scoring:
        raise ConfigError(
            f"until={found.until} decides by accuracies what is measured, and accuracy=lmms_eval "
            "has them only afterwards;\nscore first with 'paretobench score', or leave until= out"
        )
    if found.check != "front" and (isinstance(found.check, str) or found.check < 0):
        raise ConfigError(
            f"check={found.check!r} must be 'front' or a number of points, 0 for none"
        )
    return found
