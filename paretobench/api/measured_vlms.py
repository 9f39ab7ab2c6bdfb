"""The TTFT of a whole vision-language model on an image, from what this database has measured.

Answers from the encode of its passes and the prefill of its tokens, both of one environment,
found by what was timed and not by a point's name. None where a part is not measured.
"""

from __future__ import annotations

from paretobench.analysis import stats
from paretobench.config import Catalogue
from paretobench.domain import VisionLanguageModel, Workload
from paretobench.domain.records import Cell, Estimate
from paretobench.planning.tokens import ImageTokens
from paretobench.store import Store


def measured_ttft(
    store: Store, catalogue: Catalogue, system: VisionLanguageModel, found: ImageTokens
) -> Estimate | None:
    """Time to first token under the paper's protocol, in the newest environment that has it.

    Args:
        found: what the model's token rule makes of the image.
    """
    encoder, llm = catalogue.encoders.get(system.encoder), catalogue.llms.get(system.llm)
    if encoder is None or llm is None:
        return None
    wanted = [("prefill", 1, {"llm": llm.spec(), "n_tokens": found.prefill_tokens})]
    for one in found.inputs:
        wanted.append(("encode", one.passes, {"encoder": encoder.spec(), **one.subject()}))
    workloads = store.workloads().values()
    parts = [
        (times, [one.key for one in workloads if one.kind == kind and _times(one, subject)])
        for kind, times, subject in wanted
    ]
    for environment in store.environments():
        measured = [(float(n), _fastest(store, environment.key, keys)) for n, keys in parts]
        known = [(n, estimate) for n, estimate in measured if estimate]
        if len(known) == len(parts):
            return stats.compose(known)
    return None


def _times(workload: Workload, subject: dict[str, object]) -> bool:
    """Whether a workload times that, with random weights of its own in every layer."""
    is_shared = workload.runtime.options.get("weights") == "shared"
    same = all(workload.subject.get(name) == value for name, value in subject.items())
    return same and not is_shared and not workload.checkpoint


def _fastest(store: Store, environment_key: str, keys: list[str]) -> Estimate | None:
    cells: dict[str, list[Cell]] = {}
    for cell in store.cells(environment_key, keys) if keys else ():
        cells.setdefault(cell.workload_key, []).append(cell)
    found = [stats.measurement(each).latency for each in cells.values()]
    return min(found, key=lambda one: one.value, default=None)
