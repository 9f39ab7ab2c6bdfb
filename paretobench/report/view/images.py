"""The images of a point that is a mean over several sizes: the TTFT that nine in ten stay within.

A mean hides that a large page takes several times a small one. The 90th percentile is the TTFT of
one of the sizes: the smallest that at least nine tenths of the images, by weight, do not exceed.
"""

from __future__ import annotations

from collections.abc import Mapping

from paretobench.analysis import stats
from paretobench.analysis.weighted import percentile
from paretobench.domain.records import Estimate, Measurement
from paretobench.store import StoredPoint


def ttft_p90(point: StoredPoint, measurements: Mapping[str, Measurement]) -> Estimate | None:
    """The 90th percentile of a point's TTFT over its images; None for a point of one image, or
    where a part is not measured."""
    sizes = point.described.get("images", {}).get("sizes", ())
    found: list[tuple[Estimate, int]] = []
    for size in sizes:
        parts = [*size["encodes"], [size["prefill"], 1]]
        if any(key not in measurements for key, _ in parts):
            return None
        ttft = stats.compose([(float(n), measurements[key].latency) for key, n in parts])
        found.append((ttft, int(size["weight"])))
    if not found:
        return None
    return found[percentile([(ttft.value, weight) for ttft, weight in found])][0]
