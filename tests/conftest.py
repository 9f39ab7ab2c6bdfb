"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# Examples are not timed: other processes on the machine would make them flaky.
settings.register_profile("paretobench", deadline=None)
settings.load_profile("paretobench")
