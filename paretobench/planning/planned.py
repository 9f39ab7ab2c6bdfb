"""A point that can be measured: its images, what each makes, and the workloads that takes.

Answers which parts a point's TTFT is composed of, how often each runs, and over how many images;
`plan` makes these values. Counts are whole numbers summed over weighted images, so that a mean is
one division and a point of one image is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from paretobench.domain import GridPoint, ImageSize, TilePlan, Workload
from paretobench.domain.checkpoint import Checkpoint
from paretobench.planning.tiling import mean_tiles


@dataclass(frozen=True)
class PlannedImage:
    """One image of a point, with what it costs.

    Attributes:
        encodes: each encoder's workload and its passes; several for a multi-encoder system, or
            where an image makes passes of several sizes.
        decode: some tokens of its answer, where they are to be timed too; no part of its TTFT.
    """

    size: ImageSize
    tiles: TilePlan
    encodes: tuple[tuple[Workload, int], ...]
    prefill: Workload
    decode: Workload | None = None

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """All that is measured for it: what its TTFT is composed of, and its decode."""
        decode = (self.decode,) if self.decode else ()
        return (*(workload for workload, _ in self.encodes), self.prefill, *decode)

    def of(self, checkpoint: Checkpoint) -> PlannedImage:
        """The same image through a checkpoint's own weights."""
        return replace(
            self,
            encodes=tuple((checkpoint.workload(one), passes) for one, passes in self.encodes),
            prefill=checkpoint.workload(self.prefill),
            decode=checkpoint.workload(self.decode) if self.decode else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Size, weight, counts and workload keys."""
        return {
            "width_px": self.size.width_px,
            "height_px": self.size.height_px,
            "weight": self.size.weight,
            "passes": self.tiles.passes,
            "visual_tokens": self.tiles.visual_tokens,
            "newline_tokens": self.tiles.newline_tokens,
            "encodes": [[one.key, passes] for one, passes in self.encodes],
            "prefill": self.prefill.key,
        }


@dataclass(frozen=True)
class PlannedPoint:
    """A point with what it costs.

    Attributes:
        images: one, or the sizes that its tiling is asked about.
    """

    point: GridPoint
    images: tuple[PlannedImage, ...]

    @property
    def image_count(self) -> int:
        """The weights of its images together: what a sum over them is divided by."""
        return sum(one.size.weight for one in self.images)

    @property
    def tiles(self) -> TilePlan:
        """What its image makes, or the mean over its images, rounded."""
        return mean_tiles([(one.size.weight, one.tiles) for one in self.images])

    @property
    def encodes(self) -> tuple[tuple[Workload, int], ...]:
        """Each encoder's workload and its passes, over all images."""
        return _totals((w, n * one.size.weight) for one in self.images for w, n in one.encodes)

    @property
    def prefills(self) -> tuple[tuple[Workload, int], ...]:
        """Each prefill and how often it runs, over all images."""
        return _totals((one.prefill, one.size.weight) for one in self.images)

    @property
    def decodes(self) -> tuple[tuple[Workload, int], ...]:
        """Each decode and how often it runs, over all images; empty where it is not timed."""
        return _totals((one.decode, one.size.weight) for one in self.images if one.decode)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """All that is measured for it, each once: the parts of its TTFT, and its decode."""
        found = {each.key: each for one in self.images for each in one.workloads}
        return tuple(found.values())

    def to_json(self) -> dict[str, Any]:
        """Names, tiles and workload keys; `encode` is None for a multi-encoder system, and
        `prefill` and `decode` are the first image's."""
        first = self.images[0]
        several = [one.to_json() for one in self.images] if len(self.images) > 1 else []
        return {
            **self.point.identity(),
            "passes": self.tiles.passes,
            "visual_tokens": self.tiles.visual_tokens,
            "newline_tokens": self.tiles.newline_tokens,
            "tile_px": self.tiles.tile_px,
            "encode": self.encodes[0][0].key if len(self.encodes) == 1 else None,
            "encodes": [{"workload": one.key, "passes": passes} for one, passes in self.encodes],
            "prefill": first.prefill.key,
            **({"decode": first.decode.key} if first.decode else {}),
            **({"images": several} if several else {}),
        }


def _totals(parts: Iterable[tuple[Workload, int]]) -> tuple[tuple[Workload, int], ...]:
    """Each workload once with how often it runs, in the order of first use."""
    found: dict[str, Workload] = {}
    times: Counter[str] = Counter()
    for workload, count in parts:
        found.setdefault(workload.key, workload)
        times[workload.key] += count
    return tuple((workload, times[key]) for key, workload in found.items())
