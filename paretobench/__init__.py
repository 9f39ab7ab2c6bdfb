"""paretobench: latency/accuracy Pareto benchmarking of vision-language models on a device."""

from __future__ import annotations

from paretobench.version import __version__

__all__ = ["__version__"]
