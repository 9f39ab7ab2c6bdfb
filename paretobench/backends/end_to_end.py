"""A whole point in one process: the check on the sum of separately timed parts.

One run takes a new photograph from memory to the first token: resize and normalise, encode
every tile, project, prefill, pick the most likely token. The two halves are the sessions of
the ordinary backends, so they are built, checked and labelled as when they are timed alone.
What each part took in each run is kept in the session's facts.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paretobench import backends
from paretobench.backends import Availability, PreparedArtifact
from paretobench.backends.inputs import check_finite, random_embeddings
from paretobench.domain import Runtime, Workload

PHOTOGRAPH_PX = (1024, 768)
"""Width and height of the image that is resized: a small photograph. Our choice; the FastVLM
paper states no size and does not time preprocessing."""

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STANDARD_DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
"""Of CLIP's training images (Radford et al., arXiv 2103.00020), which most encoders share."""

PARTS = ("preprocess", "encode", "project", "prefill")
"""The parts of a run, in order; `prefill` ends with the first token on the host."""


class EndToEndBackend:
    """The backend; see the module. Its runtime's options name the two that it is made of."""

    name = "end_to_end"

    def available(self) -> Availability:
        """Always: what counts is whether its halves are."""
        return Availability(True)

    def refuses(self, workload: Workload) -> str | None:
        """Whatever one of its halves refuses."""
        reasons = (backends.get(half.runtime.backend).refuses(half) for half in halves(workload))
        return next(filter(None, reasons), None)

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Prepare both halves."""
        facts: dict[str, Any] = {}
        for half in halves(workload):
            prepared = backends.get(half.runtime.backend).prepare(half, root)
            path = None if prepared.path is None else str(prepared.path)
            facts[half.kind] = {"path": path, "facts": dict(prepared.facts)}
        return PreparedArtifact(facts=facts)

    def load(self, workload: Workload, prepared: PreparedArtifact) -> EndToEndSession:
        """Load both halves and a projector between them."""
        return EndToEndSession(workload, prepared)


def halves(workload: Workload) -> tuple[Workload, Workload]:
    """The encode and prefill workloads that an end-to-end workload consists of."""
    subject, options = workload.subject, workload.runtime.options
    encode = {"encoder": subject["encoder"], "resolution_px": subject["resolution_px"]}
    prefill = {"llm": subject["llm"], "n_tokens": subject["n_tokens"], "inputs": "embeddings"}
    return (
        Workload("encode", workload.label, encode, Runtime.of(options["encode"])),
        Workload("prefill", workload.label, prefill, Runtime.of(options["prefill"])),
    )


class EndToEndSession:
    """Both halves, a projector, and one photograph."""

    def __init__(self, workload: Workload, prepared: PreparedArtifact) -> None:
        self.label = workload.label
        self._passes = int(workload.subject["passes"])
        self._tile_px = int(workload.subject["resolution_px"])
        self._n_tokens = int(workload.subject["n_tokens"])
        self._hidden = int(workload.subject["llm"]["hidden_size"])
        encode, prefill = halves(workload)
        self.encoder: Any = _load(encode, prepared.facts["encode"])
        self.llm: Any = _load(prefill, prepared.facts["prefill"])
        self.encoder.run()  # once, to learn how wide its tokens are
        self._project = self.llm.projector(channels=self.encoder.output().shape[-1])
        self.first_token = -1
        self._parts_s: list[list[float]] = []
        self.facts: dict[str, Any] = {
            "encode": self.encoder.facts,
            "prefill": self.llm.facts,
            "projector": f"mlp2x_gelu, in {prefill.runtime}",
            "photograph_px": list(PHOTOGRAPH_PX),
            "parts": list(PARTS),
            "parts_s": self._parts_s,
        }
        self._has_run = False
        self.renew_input()

    def renew_input(self) -> None:
        """A new photograph; also refuses a last result that was not finite."""
        if self._has_run:
            check_finite(self.llm.output(), self.label)
        width, height = PHOTOGRAPH_PX
        generator = np.random.default_rng()
        self._photograph = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        # Positions that no image fills: the prompt's embeddings, or separators of rows.
        self._text = random_embeddings(1, self._n_tokens, self._hidden)

    def run(self) -> None:
        """From the photograph to the first token; the parts' seconds go to the facts."""
        marks = [time.perf_counter()]
        tiles = preprocess(self._photograph, self._passes, self._tile_px)
        marks.append(time.perf_counter())
        visual = np.concatenate([self._encode(tile) for tile in tiles], axis=1)
        marks.append(time.perf_counter())
        self.llm.use_projected(self._project(visual[:, : self._n_tokens]), self._text)
        marks.append(time.perf_counter())
        self.llm.run()
        self.first_token = self.llm.first_token()
        marks.append(time.perf_counter())
        self._parts_s.append([end - start for start, end in itertools.pairwise(marks)])
        self._has_run = True

    def close(self) -> None:
        """Close both halves."""
        self.encoder.close()
        self.llm.close()

    def _encode(self, tile: np.ndarray) -> np.ndarray:
        self.encoder.set_input(tile)
        self.encoder.run()
        tokens: np.ndarray = self.encoder.output()
        return tokens if self._passes == 1 else tokens.copy()


def preprocess(photograph: np.ndarray, passes: int, tile_px: int) -> list[np.ndarray]:
    """The tiles of a photograph, resized (bicubic) and normalised.

    One tile is the whole image; several are an overview and the cells of a grid, cut from the
    image resized to the grid's size.

    Args:
        photograph: [height, width, 3], uint8.
        passes: how many tiles to make.
        tile_px: side of a tile.

    Returns:
        `passes` arrays [1, 3, tile_px, tile_px], fp32.
    """
    from PIL import Image

    image = Image.fromarray(photograph)
    tiles = [image.resize((tile_px, tile_px), Image.Resampling.BICUBIC)]
    cells = passes - 1
    if cells:
        across = math.ceil(math.sqrt(cells))
        down = math.ceil(cells / across)
        large = image.resize((across * tile_px, down * tile_px), Image.Resampling.BICUBIC)
        for index in range(cells):
            left, top = index % across * tile_px, index // across * tile_px
            tiles.append(large.crop((left, top, left + tile_px, top + tile_px)))
    return [normalise(np.asarray(tile)) for tile in tiles]


def normalise(tile: np.ndarray) -> np.ndarray:
    """Bytes to what encoders were trained on: [height, width, 3] to [1, 3, height, width].

    >>> [f"{value:.2f}" for value in normalise(np.full((2, 2, 3), 255, np.uint8))[0, :, 0, 0]]
    ['1.93', '2.07', '2.15']
    """
    scaled = (tile.astype(np.float32) * np.float32(1 / 255) - MEAN) / STANDARD_DEVIATION
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[np.newaxis])


def _load(half: Workload, made: Mapping[str, Any]) -> Any:
    path = made["path"]
    prepared = PreparedArtifact(None if path is None else Path(path), made["facts"])
    return backends.get(half.runtime.backend).load(half, prepared)
