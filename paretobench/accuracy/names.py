"""Names in result files as the catalogue's: labels, case and dashes are taken for what they mean.

`FastViTHD` and `qwen2-0.5b` are points that exist here. A name that the catalogue lacks is kept,
since a user may score systems of which nothing is timed, and comes with a warning that names the
nearest: most such names are slips, and the score of a slip is shown nowhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from paretobench.accuracy import suites
from paretobench.accuracy.lmms.placing import ScorePoint
from paretobench.config import load_catalogue
from paretobench.domain import Encoder
from paretobench.errors import DataError

_BENCHMARK_LABELS = {name: row.label for name, row in suites.BENCHMARKS.items()}


@dataclass(frozen=True)
class Names:
    """The names that exist, each with the label that people write.

    Attributes:
        encoders: by name; their resolutions are checked too.
        llms, tilings: name to label.
    """

    encoders: Mapping[str, Encoder]
    llms: Mapping[str, str]
    tilings: Mapping[str, str]


def known_names() -> Names:
    """The catalogue's names, the user's own groups included.

    Raises:
        ConfigError: if a file of a group cannot be read.
    """
    catalogue = load_catalogue()
    return Names(
        catalogue.encoders,
        {name: llm.label for name, llm in catalogue.llms.items()},
        {name: tiling.label for name, tiling in catalogue.tilings.items()},
    )


def settled(place: ScorePoint, names: Names) -> tuple[ScorePoint, tuple[str, ...]]:
    """The place under the catalogue's names, and what of it the catalogue lacks.

    Raises:
        DataError: if the resolution is no positive number of pixels.
    """
    if place.resolution_px < 1:
        raise DataError(f"the resolution {place.resolution_px} is no number of pixels above 0")
    labels = {name: encoder.label for name, encoder in names.encoders.items()}
    encoder, no_encoder = _find("encoder", place.encoder, labels)
    llm, no_llm = _find("language model", place.llm, names.llms)
    tiling, no_tiling = _find("tiling", place.tiling, names.tilings)
    known = names.encoders.get(encoder)
    no_size = ""
    if known is not None and not known.resolutions.accepts(place.resolution_px):
        no_size = (
            f"{known.label} takes {known.resolutions.describe()} px, not {place.resolution_px}, "
            "so no point can have this score"
        )
    found = replace(place, encoder=encoder, llm=llm, tiling=tiling)
    return found, tuple(filter(None, (no_encoder, no_llm, no_tiling, no_size)))


def benchmark(written: str) -> tuple[str, str]:
    """A benchmark's name from its name or label, and a warning where there is none.

    >>> benchmark('Avg-5'), benchmark('SeedBench image')[0]
    (('avg5', ''), 'seedbench_image')
    """
    return _find("benchmark", written, _BENCHMARK_LABELS)


def _find(kind: str, written: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """The name that a text means, or the text itself with a warning."""
    if written in labels:
        return written, ""
    by_label = [name for name, label in labels.items() if label == written]
    alike = by_label or [
        name for name, label in labels.items() if _plain(written) in (_plain(name), _plain(label))
    ]
    if len(alike) == 1:
        return alike[0], ""
    near = alike or _nearest(written, labels)
    guess = f"; the nearest is {near[0]!r}" if near else ""
    return written, f"no {kind} {written!r} is known here{guess}"


def _nearest(written: str, labels: Mapping[str, str]) -> list[str]:
    plain = {_plain(text): name for name, label in labels.items() for text in (label, name)}
    found = difflib.get_close_matches(_plain(written), list(plain), n=1, cutoff=0.5)
    return [plain[text] for text in found]


def _plain(text: str) -> str:
    """Letters and digits alone, without case.

    >>> _plain('Qwen2-0.5B') == _plain('qwen2_0_5b')
    True
    """
    return "".join(filter(str.isalnum, text.casefold()))
