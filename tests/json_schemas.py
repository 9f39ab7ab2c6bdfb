"""What `--json` prints, held against the schemas of `paretobench/cli/schemas`.

`check(name, data)` is called wherever a test has such an output at hand. A schema allows keys that
it does not name, so that a consumer's copy outlives the next release; a test does not: what is
printed has to be described.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import paretobench.cli

FOLDER = Path(paretobench.cli.__file__).parent / "schemas"


def read(name: str) -> dict[str, Any]:
    """A schema as it is published."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def names() -> set[str]:
    """Every schema of an output; `common` holds what they share."""
    return {path.stem for path in FOLDER.glob("*.json")} - {"common"}


def closed(schema: Any) -> Any:
    """The schema with every object limited to the keys that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {key: closed(value) for key, value in schema.items()}
    is_object = isinstance(shut.get("properties"), dict) and "required" in shut
    return {"additionalProperties": False, **shut} if is_object else shut


@cache
def _registry() -> Registry[Any]:
    resources = (
        Resource(contents=closed(read(path.stem)), specification=DRAFT202012)
        for path in FOLDER.glob("*.json")
    )
    return Registry().with_resources((str(each.id()), each) for each in resources)


def check(name: str, data: Any) -> None:
    """Raise an AssertionError where an output is not what its schema says."""
    validator = Draft202012Validator(closed(read(name)), registry=_registry())
    error = best_match(validator.iter_errors(data))
    assert error is None, f"{name}.json at {error.json_path}: {error.message[:400]}"
