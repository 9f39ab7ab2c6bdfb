"""A sequence of results that also reads well at a prompt and in a notebook."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Listed(tuple[T, ...]):
    """Results in order; each kind says how it is printed and what its JSON form is."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def __repr__(self) -> str:
        return str(self)
