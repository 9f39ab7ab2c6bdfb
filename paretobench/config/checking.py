"""Whether a value from a YAML file or a command line is what a field's annotation says.

Dataclasses of this package that are filled from data have annotations of a few kinds, all of
them in `KINDS`; an annotation that is not there is checked by whoever converts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _list_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(is_right, value))


KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "str": (_is_text, "text"),
    "Fidelity": (_is_text, "text"),
    "str | None": (lambda value: value is None or _is_text(value), "text with its unit, or null"),
    "str | float | None": (
        lambda value: value is None or _is_text(value) or _is_number(value),
        "a number with a unit, or null",
    ),
    "int": (_is_whole, "a whole number"),
    "float": (_is_number, "a number"),
    "float | None": (lambda value: value is None or _is_number(value), "a number or null"),
    "bool": (lambda value: isinstance(value, bool), "true or false"),
    "str | int": (lambda value: _is_text(value) or _is_whole(value), "text or a whole number"),
    "tuple[int, ...]": (_list_of(_is_whole), "a list of whole numbers"),
    "tuple[str, ...]": (_list_of(_is_text), "a list of texts"),
    "Mapping[str, Any]": (lambda value: isinstance(value, Mapping), "a mapping"),
    "Mapping[str, str]": (lambda value: isinstance(value, Mapping), "{NAME: value}"),
    "Rounding": (lambda value: value in ("ceil", "floor"), "ceil or floor"),
}
"""By annotation: what is right, and how that is said."""


def field_annotations(kind: type[Any]) -> dict[str, str]:
    """The fields of a dataclass with their annotations, as they are written."""
    return {field.name: str(field.type) for field in fields(kind)}


def wanted(value: Any, annotation: str) -> str:
    """What a value has to be; empty if it is that.

    >>> wanted(3, "int"), wanted(True, "int"), wanted([1, "x"], "tuple[int, ...]")
    ('', 'a whole number', 'a list of whole numbers')
    """
    is_right, what = KINDS.get(annotation, (lambda _: True, ""))
    return "" if is_right(value) else what
