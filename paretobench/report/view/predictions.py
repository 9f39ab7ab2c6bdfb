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
from paretobench.config.catalogue import Catalogue, load_catalogue
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
    models = _Models(load_catalogue())
    predictor = Predictor([*_timed_parts(store, summaries, models).values()])
    found = {}
    for key, workload in missing.items():
        cost = models.cost(workload)
        if cost is None:
            continue
        predicted = predictor.predict(models.part(workload, cost))
        predicted = predicted or _computed(workload, cost, environment)
        if predicted is not None:
            found[key] = predicted
    return found


def measured_parts(store: Store, environment: Environment) -> dict[str, TimedPart]:
    """The measured encodes and prefills of an environment as `analysis.prediction` takes them."""
    return _timed_parts(store, store.cell_summaries(environment.key), _Models(load_catalogue()))


def computed_parts(store: Store, environment: Environment) -> list[tuple[TimedPart, Prediction]]:
    """Measured parts with what would be computed for them had nothing been measured."""
    models, workloads, found = _Models(load_catalogue()), store.workloads(), []
    for key, timed in measured_parts(store, environment).items():
        cost = models.cost(workloads[key])
        predicted = _computed(workloads[key], cost, environment) if cost else None
        found += [(timed, predicted)] if predicted else []
    return found


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


def _timed_parts(
    store: Store, summaries: Iterable[CellSummary], models: _Models
) -> dict[str, TimedPart]:
    """Measured parts by workload key, each with the geometric mean of its processes."""
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


class _Models:
    """The catalogue's models by what decides their latency."""

    def __init__(self, catalogue: Catalogue) -> None:
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


def _computed(workload: Workload, cost: Cost, environment: Environment) -> Prediction | None:
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
