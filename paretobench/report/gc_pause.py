"""Python's search for cycles, kept from walking a large view again and again.

A view of ten thousand points is some million objects that live to the end and refer to nothing
in a circle. The collector cannot know that, and goes through all of them whenever a quarter as
many new ones have come: a tenth of the time of a large report.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Run a block without looking for cycles: for one that makes plain values alone."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def passed_over() -> Iterator[None]:
    """Run a block in which only what is made in it is looked through: figures are full of cycles.

    Where objects are frozen already, theirs stay frozen and nothing is added.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
