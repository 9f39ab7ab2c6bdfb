"""paretobench: latency/accuracy Pareto benchmarking of vision-language models on a device."""

from __future__ import annotations

__version__ = "0.1.0"
