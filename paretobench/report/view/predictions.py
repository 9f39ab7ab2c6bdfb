"""The latencies of parts that were not measured, as `analysis.prediction` has them from a store.

A workload becomes plain numbers by the catalogue: a store knows what decides a latency, the
catalogue how many operations that is. Only measurements of the one environment teach, and none of a
machine that was never quiet. Where nothing of a part's kind and runtime was measured there, the
plan's own estimate is taken, if the machine's rate is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from paretobench.analysis import stats
from paretobench.analysis.prediction import (
    CONFIDENCE,
    PartWork,
    Prediction,
    Predictor,
    TimedPart,
    computed,
    total,
)
from paretobench.config.catalogue import load_catalogue
from paretobench.domain import Encoder, EncoderInput, LanguageModel, Workload, canonical_json
from paretobench.domain.records import CellSummary, Environment, Estimate
from paretobench.planning.cost import Cost, Machine, Rates, encode_cost, prefill_cost
from paretobench.store import Store


def predicted_parts(
    store: Store,
    environment: Environment,
    summaries: Iterable[CellSummary],
    missing: Mapping[str, Workload],
) -> dict[str, Prediction]:
    """Predictions for workloads without a measurement, by key.

    Args:
        summaries: the cells of the environment.
        missing: the workloads to predict, by key. One of a model that the catalogue lacks, or of
            another kind than encode and prefill, gets no prediction.
    """
    if not missing:
        return {}
    models = Models()
    predictor = Predictor([*timed_parts(store, summaries, models).values()])
    found = {}
    for key, workload in missing.items():
        if cost := models.cost(workload):
            predicted = predictor.predict(models.part(workload, cost))
            found[key] = predicted or computed_part(workload, cost, environment)
    return {key: predicted for key, predicted in found.items() if predicted is not None}


def predicted_sum(
    parts: Sequence[tuple[float, Estimate | None, Prediction | None]],
) -> Prediction | None:
    """The predicted TTFT of a point; None if a part is neither measured nor predicted.

    Args:
        parts: passes, and a measurement or else a prediction.
    """
    terms = []
    for passes, measured, predicted in parts:
        one = predicted if measured is None else _as_measured(measured)
        if one is None:
            return None
        terms.append((passes, one))
    return total(terms) if terms else None


def timed_parts(
    store: Store, summaries: Iterable[CellSummary], models: Models
) -> dict[str, TimedPart]:
    """Measured encodes and prefills by workload key, with the geometric mean of their processes.

    Args:
        summaries: the cells of one environment.
    """
    cells: dict[str, list[CellSummary]] = {}
    for summary in summaries:
        if summary.status != "disturbed" and summary.median_s is not None:
            cells.setdefault(summary.workload_key, []).append(summary)
    found = {}
    for key, workload in store.workloads(cells).items():
        if cost := models.cost(workload):
            medians_s = [stats.cell_median(cell) for cell in stats.replicates(cells[key])]
            value = stats.estimate(medians_s).value
            found[key] = TimedPart(models.part(workload, cost), value)
    return found


class Models:
    """The catalogue's models by what decides their latency."""

    def __init__(self) -> None:
        catalogue = load_catalogue()
        encoders = list(catalogue.encoders.values())
        encoders += [part.encoder for encoder in encoders for part in encoder.parts]
        self._encoders: dict[str, Encoder] = {_spec(one.spec()): one for one in encoders}
        self._llms: dict[str, LanguageModel] = {
            _spec(one.spec()): one for one in catalogue.llms.values()
        }

    def cost(self, workload: Workload) -> Cost | None:
        """Operations and weights of an encode or a prefill; None of anything else or unknown."""
        subject = workload.subject
        if workload.kind == "encode" and (encoder := self._encoders.get(_spec(subject["encoder"]))):
            return encode_cost(encoder, EncoderInput.of(subject), workload.runtime)
        if workload.kind == "prefill" and (llm := self._llms.get(_spec(subject["llm"]))):
            return prefill_cost(llm, int(subject["n_tokens"]), workload.runtime)
        return None

    def part(self, workload: Workload, cost: Cost) -> PartWork:
        """The workload by what its latency depends on."""
        is_encode = workload.kind == "encode"
        model = _spec(workload.subject["encoder" if is_encode else "llm"])
        # Qwen2 and Qwen2.5 are one network in several sizes: what they share is the architecture.
        family = self._encoders[model].family if is_encode else self._llms[model].architecture
        runtime = [workload.runtime.spec(), workload.batch, workload.subject.get("inputs")]
        return PartWork(
            workload.kind, model, family, _spec(runtime), cost.flops / 1e9, cost.weights_bytes
        )


def _spec(value: object) -> str:
    return canonical_json(dict(value) if isinstance(value, Mapping) else value)


def computed_part(workload: Workload, cost: Cost, environment: Environment) -> Prediction | None:
    """What the plan computes for a part before anything was measured; None without a rate."""
    gflops = environment.observed.get("gflops")
    if gflops is None:
        return None
    rates = Rates(Machine(memory_bytes=0, gflops=float(gflops)))
    return computed(rates.seconds(workload, cost))


def _as_measured(measured: Estimate) -> Prediction:
    """A measured part as one term of a predicted sum, with its own interval at 90 %."""
    value, low, high = measured.value, measured.low, measured.high
    if measured.log_se is not None and measured.df is not None:
        quantile = stats.t_quantile(0.5 + CONFIDENCE / 2, measured.df)
        factor = math.exp(quantile * measured.log_se)
        low, high = value / factor, value * factor
    return Prediction(value, low or value, high or value, "model")
