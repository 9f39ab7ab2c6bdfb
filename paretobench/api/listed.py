"""A sequence of results that also reads well at a prompt and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Listed(Sequence[T]):
    """Results in order; each kind says how it is printed and what its JSON form is."""

    found: tuple[T, ...]

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.found)

    def __repr__(self) -> str:
        return str(self)
