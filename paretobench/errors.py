"""The error tree: every failure this package reports on purpose.

What happened, with which value, what was allowed, and what to do next: each message
answers these four questions in at most three lines. Anything else that escapes is a bug.

    ParetobenchError
    ├── ConfigError            a name, an override or a YAML file the user wrote
    │   └── UnknownNameError   a name that does not exist, with the nearest one that does
    ├── PlanError              a plan that cannot be made or carried out at all
    ├── StoreError             the database cannot be opened, read or written
    ├── MeasurementError       one workload could not be timed (stored as a Failure row)
    │   ├── UnsupportedError       the backend cannot run this workload
    │   ├── OutOfMemoryError       it does not fit, with the numbers
    │   └── InvalidSamplesError    samples that cannot be true
    ├── ArtifactError          a graph or weights cannot be written to the cache
    ├── BackendMissingError    a runtime is not installed or not for this platform
    ├── DataError              a file to import, or numbers that contradict one another
    ├── LockError              another process holds the device
    └── ExecutorError          a host, a cluster or a device elsewhere cannot be used
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence


class ParetobenchError(Exception):
    """Base of every error this package raises on purpose; `str()` is fit to print as it is."""

    exit_status = 1


class ConfigError(ParetobenchError):
    """The user's words (names, overrides, YAML) cannot be turned into a grid."""

    exit_status = 2


class UnknownNameError(ConfigError):
    """A name that nothing carries; the message offers the nearest one and the whole list."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        names = sorted(known, key=_in_reading_order)
        near = nearest_names(name, names)
        guess = f"; did you mean {near[0]!r}?" if near else "."
        shown = names if len(names) <= MOST_LISTED else near
        rest = f", and {len(names) - len(shown)} others" if len(shown) < len(names) else ""
        listing = f" Known: {', '.join(shown) or names[0]}{rest}." if names else ""
        super().__init__(f"unknown {kind} {name!r}{guess}{listing}{' ' + hint if hint else ''}")


MOST_LISTED = 40
"""Of more names than this the nearest are listed, and the others are counted."""

_NEAREST = 6


def nearest_names(name: str, known: Sequence[str]) -> list[str]:
    """The known names that are most like a name, whatever their case, the nearest first.

    >>> nearest_names("FastViTHD", ["fastvit", "fastvithd", "vit_l14"])[0]
    'fastvithd'
    """
    lower = {each.lower(): each for each in reversed(known)}
    near = difflib.get_close_matches(name.lower(), list(lower), n=_NEAREST, cutoff=0.5)
    begun = [each for each in lower if each.startswith(name.lower())] if len(name) > 3 else []
    found = dict.fromkeys([*(n for n in near if n == name.lower()), *reversed(begun), *near])
    return [lower[each] for each in found][:_NEAREST]


def _in_reading_order(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts 2 before 10, and names as they are."""
    parts = re.split(r"(\d+)", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


class PlanError(ParetobenchError):
    """No plan can be made from these points, or the plan has nothing that can run."""

    exit_status = 2


class StoreError(ParetobenchError):
    """The database cannot be opened, read or written."""


class MeasurementError(ParetobenchError):
    """One workload could not be timed. `kind` is what the failure row stores."""

    kind = "crashed"


class UnsupportedError(MeasurementError):
    """The backend cannot run this workload at all."""

    kind = "unsupported"


class OutOfMemoryError(MeasurementError):
    """The workload does not fit; the message carries bytes needed and bytes there are."""

    kind = "out_of_memory"


class InvalidSamplesError(MeasurementError):
    """Samples that cannot be true: none, not finite, no variance, or a count that differs."""

    kind = "invalid"


class ArtifactError(ParetobenchError):
    """A converted graph or prepared weights cannot be written: full disk, no permission."""


class BackendMissingError(ParetobenchError):
    """A runtime is not installed here, or does not exist for this platform."""

    exit_status = 2


class DataError(ParetobenchError):
    """A file or a number that cannot be used as it is."""


class LockError(ParetobenchError):
    """Another process is measuring on this device."""


class ExecutorError(ParetobenchError):
    """A host, a cluster or a device elsewhere cannot be reached or used; names which."""


_OUT_OF_MEMORY = re.compile(
    r"out of memory|can't allocate|cannot allocate|unable to allocate|failed to allocate"
    r"|attempting to allocate|not enough memory|insufficient memory|bad[_ ]alloc"
    r"|status_alloc_failed",
    re.IGNORECASE,
)


def is_oom_message(text: str) -> bool:
    """Whether a message is one of the runtimes' ways to say that memory ran out.

    >>> is_oom_message("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8")
    True
    """
    return _OUT_OF_MEMORY.search(text) is not None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, whichever library raised it.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("bad allocation"))
    (True, True)
    """
    is_named = type(error).__name__ in ("OutOfMemoryError", "MemoryError")
    return isinstance(error, MemoryError) or is_named or is_oom_message(str(error))
