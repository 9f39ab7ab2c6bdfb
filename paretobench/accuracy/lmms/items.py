"""A task result taken apart into items: one number per item, under a protocol.

`scoring` averages them, `race` and `paired` pair them. A protocol is `lmms` (as lmms-eval
scores, whatever its version) or `llava` (as LLaVA's public scripts score GQA, TextVQA and
POPE; the other benchmarks have no rules of their own there).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from paretobench.accuracy.lmms import answers
from paretobench.accuracy.lmms.results import TaskResult
from paretobench.accuracy.lmms.samples import Sample
from paretobench.analysis.items import Confusion
from paretobench.errors import DataError

ANLS_BENCHMARKS = ("docvqa", "infovqa")
"""Benchmarks whose items are scored again from their answers: lmms-eval's rule changed in
v0.3.0."""

FEWEST_ALIKE = 5
"""Answers of two checkpoints that have to be alike before that is worth a word: fewer are by
chance."""

OCR_MARK = "Reference OCR token"
"""What LLaVA's TextVQA prompt has and lmms-eval's default has not."""

POPE_SPLITS = ("adversarial", "popular", "random")
SPLIT_TASKS = {"pope_adv": "adversarial", "pope_pop": "popular", "pope_random": "random"}


def item_scores(result: TaskResult, benchmark: str, protocol: str) -> dict[str, float]:
    """Item to its score in [0, 1]; for POPE whether the answer is right, which is not its F1.

    Raises:
        DataError: if the samples are missing, or lack what the protocol needs.
    """
    if not result.samples:
        raise DataError(
            f"{result.path.name} has no samples of {result.task}; run lmms-eval with --log_samples"
        )
    scored = ((s.item, _item_score(s, result, benchmark, protocol)) for s in result.samples)
    return {item: score for item, score in scored if score is not None}


def images_of(samples: Iterable[Sample]) -> dict[str, str] | None:
    """Item to its image; None unless the log names an image for every item."""
    found = {sample.item: sample.image for sample in samples}
    return found if found and all(found.values()) else None


def _item_score(sample: Sample, result: TaskResult, benchmark: str, protocol: str) -> float | None:
    if benchmark == "pope":
        said_yes = pope_answer(sample, protocol)
        return float(said_yes is pope_target(sample, result))
    if benchmark in ("seedbench_image", "seedbench_all"):
        return _seedbench(sample.metrics.get(benchmark.replace("bench", "")))
    if benchmark in ANLS_BENCHMARKS and sample.target is not None:
        return answers.anls(sample.answer, sample.targets)
    if protocol == "llava" and benchmark == "gqa":
        return float(answers.gqa_matches(sample.answer, str(sample.target)))
    if protocol == "llava" and benchmark == "textvqa" and "answers" in sample.doc:
        return answers.vqa_accuracy(sample.answer, sample.doc["answers"])
    values = [value for value in sample.metrics.values() if _is_score(value)]
    if not values:
        raise DataError(f"the samples of {result.task} carry no score per item ({benchmark})")
    return float(values[0])


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _seedbench(entry: Any) -> float | None:
    # lmms-eval gives seed_image to questions on images alone, seed_all to every question.
    if not isinstance(entry, Mapping):
        return None
    given, wanted = str(entry.get("pred", "")), str(entry.get("answer", ""))
    return float(given.lower().strip() == wanted.lower().strip())


def pope_target(sample: Sample, result: TaskResult) -> bool:
    """Whether the right answer is yes.

    Raises:
        DataError: if the sample does not say.
    """
    entry = sample.metrics.get("pope_f1_score")
    logged = entry.get("ground_truth") if isinstance(entry, Mapping) else None
    text = str(sample.doc.get("answer") or logged or sample.target).lower().strip()
    if text not in ("yes", "no"):
        raise DataError(f"{result.path.name}: item {sample.item} of POPE has no yes or no: {text}")
    return text == "yes"


def pope_answer(sample: Sample, protocol: str) -> bool | None:
    """Whether the model said yes; None if by lmms-eval's rules it said neither yes nor no."""
    if protocol == "llava":
        return not answers.says_no(sample.answer.strip())
    given = sample.answer.lower().strip()
    return {"yes": True, "no": False}.get(given)


def pope_confusions(results: Iterable[TaskResult], protocol: str) -> dict[str, Confusion]:
    """Counts per split; under `lmms` all items of `pope` are one.

    Raises:
        DataError: if the samples are missing or, for `llava`, do not name their split.
    """
    return {
        split: Confusion(*(sum(column) for column in zip(*by_image.values(), strict=True)))
        for split, by_image in _counted(results, protocol).items()
    }


def pope_by_image(
    results: Iterable[TaskResult], protocol: str
) -> dict[str, dict[str, Confusion]] | None:
    """Counts per split and image; None unless the logs name an image for every item.

    Raises:
        DataError: as `pope_confusions`.
    """
    counted = _counted(results, protocol)
    if any("" in by_image for by_image in counted.values()):
        return None
    return {
        split: {image: Confusion(*cells) for image, cells in by_image.items()}
        for split, by_image in counted.items()
    }


def _counted(results: Iterable[TaskResult], protocol: str) -> dict[str, dict[str, list[int]]]:
    """The six counts of `Confusion` by split and image, splits in order."""
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0] * 6))
    for result in results:
        if not result.samples:
            raise DataError(f"{result.path.name} has no samples of {result.task} to count")
        for sample in result.samples:
            split = _pope_split(sample, result) if protocol == "llava" else "all"
            cell = _cell(pope_target(sample, result), pope_answer(sample, protocol))
            counts[split][sample.image][cell] += 1
    return dict(sorted(counts.items()))


def _cell(is_yes: bool, said_yes: bool | None) -> int:
    """Index of an item among the fields of `Confusion`."""
    if said_yes is None:
        return 4 if is_yes else 5
    if said_yes:
        return 0 if is_yes else 1
    return 3 if is_yes else 2


def _pope_split(sample: Sample, result: TaskResult) -> str:
    if result.task in SPLIT_TASKS:
        return SPLIT_TASKS[result.task]
    split = str(sample.doc.get("category", ""))
    if split not in POPE_SPLITS:
        raise DataError(
            f"{result.path.name}: the samples of POPE do not name their split, and LLaVA's POPE is "
            f"the mean over {', '.join(POPE_SPLITS)}; lmms-eval from 0.5 drops it from its logs. "
            f"Score the tasks {', '.join(SPLIT_TASKS)}, or run it with `paretobench score`"
        )
    return split


def has_ocr_prompt(result: TaskResult) -> bool | None:
    """Whether TextVQA's questions came with OCR tokens; None if nothing says so."""
    if "ocr_in_prompt" in result.own:
        return bool(result.own["ocr_in_prompt"])
    prompts = [sample.prompt for sample in result.samples[:20] if sample.prompt]
    return any(OCR_MARK in prompt for prompt in prompts) if prompts else None
