"""The benchmarks: what each is called, who scores it by which rules, on how many items.

A score means little without these: SeedBench on images and on everything differ by six
points, and LLaVA's own scripts and lmms-eval differ on TextVQA. Running a benchmark is left
to the lmms-eval runner; where published scores come from is in `published`.

References: the splits and their sizes are those of the data sets' own papers and cards, as
lmms-eval loads them; so are the numbers of images (GQA testdev 398, TextVQA val 3,166, POPE 500 in
all three splits, DocVQA val 1,286, InfographicVQA val 500, ChartQA test 625 + 987, VQAv2 val
40,504); the paper's choice of harness is its section 4, "Evaluation".
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from paretobench.analysis.items import design_effect
from paretobench.errors import UnknownNameError

Protocol = Literal["llava", "lmms", "lmms_any", "mixed", "mixed_any", "other"]
"""Whose rules: `_any` with DocVQA and InfoVQA as lmms-eval scored them before v0.3.0, where an
answer that reaches an ANLS of one half against one of several right answers counts as 1."""

IMAGE_CORRELATION = 0.05
"""Assumed correlation of two answers about one image, for errors of which only n is known: the
middle of 0.02 to 0.09, at which GQA's true errors are 1.3 to 2.1 times `sd / sqrt(n)` (simulated
by `benchmarks/item_clusters.py`). Scores with logged samples need no assumption."""

LEAST_ITEMS = {"pope": 8910}
"""Sizes below `n_items` that are whole nevertheless: LLaVA's POPE has 2,910 random questions."""

LLAVA_HARNESS = "LLaVA official"
LMMS_HARNESS = "lmms-eval 0.2.2"


@dataclass(frozen=True)
class Benchmark:
    """One benchmark as the paper scores it.

    Attributes:
        name: the name in scores and files.
        label: how people write it.
        column: its column in the published tables, without the unit.
        task, metric: lmms-eval's task and key; empty where it has none that fits.
        task_scale: what a perfect answer scores there: 1, 100, or the full marks of a sum.
        n_items: items of the split that is scored; None where the split is not known.
        split: which split, and where its size comes from.
        protocol: whose rules the paper follows (`llava`: LLaVA's official scripts).
        n_images: distinct images that the items ask about; None where each has its own, or where
            that is not known.
        run_to_run_sd: standard deviation over training runs as a fraction, by the paper's
            Table 11 (three runs, ddof 0); None where the paper has none.
    """

    name: str
    label: str
    column: str
    task: str = ""
    metric: str = ""
    task_scale: int = 1
    n_items: int | None = None
    split: str = ""
    protocol: Protocol = "lmms"
    run_to_run_sd: float | None = None
    n_images: int | None = None

    @property
    def widening(self) -> float:
        """How much wider the standard error is because items share images."""
        if self.n_items is None or self.n_images is None:
            return 1.0
        return math.sqrt(design_effect(self.n_items, self.n_images, IMAGE_CORRELATION))

    @property
    def is_sum(self) -> bool:
        """Whether people write it as points out of `task_scale`, not as percent."""
        return self.task_scale > 100

    @property
    def harness(self) -> str:
        """What the paper scored its own models with."""
        mixed = f"{LLAVA_HARNESS} + {LMMS_HARNESS}"
        named = {"llava": LLAVA_HARNESS, "other": "", "mixed": mixed, "mixed_any": mixed}
        return named.get(self.protocol, LMMS_HARNESS)

    def part(self, n: int) -> str:
        """Which part of the benchmark `n` items are: `500 of 5,000 items`; empty for the whole."""
        if self.n_items is None or n >= LEAST_ITEMS.get(self.name, self.n_items):
            return ""
        return f"{n:,} of {self.n_items:,} items"


@dataclass(frozen=True)
class Suite:
    """Benchmarks whose mean is a score of its own, the plain mean of its members."""

    name: str
    members: tuple[str, ...]


_ROWS = (
    Benchmark(
        "gqa", "GQA", "GQA", "gqa", "exact_match,none", 1, 12578,
        "testdev_balanced", "llava", 0.000047, 398,
    ),
    Benchmark(
        "textvqa", "TextVQA", "TextVQA", "textvqa_val", "exact_match,none", 1, 5000,
        "val", "llava", 0.00041, 3166,
    ),
    Benchmark(
        "pope", "POPE", "POPE", "pope", "pope_f1_score,none", 1, 9000,
        "test: random, popular and adversarial, 3,000 each (LLaVA's own random has 2,910)",
        "llava", 0.0033, 500,
    ),
    Benchmark(
        "docvqa", "DocVQA", "DocVQA", "docvqa_val", "anls,none", 1, 5349,
        "val", "lmms_any", 0.0035, 1286,
    ),
    Benchmark(
        "seedbench_image", "SeedBench-image", "SeedBench_image", "seedbench",
        "seed_image,none", 1, 14233, "the questions on images", "lmms", 0.00099,
    ),
    Benchmark(
        "seedbench_all", "SeedBench", "SeedBench_all", "seedbench", "seed_all,none", 1, 17990,
        "14,233 questions on images and 3,757 on videos",
    ),
    Benchmark(
        "scienceqa", "ScienceQA", "SQA", "scienceqa_img", "exact_match,none", 1, 2017,
        "test, the questions with an image", "llava", 0.0057,
    ),
    Benchmark(
        "vqav2", "VQAv2", "VQAv2", "vqav2_val", "exact_match,none", 1, 214354,
        "val", "lmms", 0.00049, 40504,
    ),
    Benchmark("mmmu", "MMMU", "MMMU", "mmmu_val", "mmmu_acc,none", 1, 900, "val"),
    Benchmark(
        "mmvet", "MM-Vet", "MMVet", "mmvet", "gpt_eval_score,none", 100, 218,
        "test, judged by GPT", "lmms", 0.0085,
    ),
    Benchmark(
        "llava_bench_wild", "LLaVA-Bench (wild)", "LLaVABenchW", "llava_in_the_wild",
        "gpt_eval_llava_all,none", 100, 60, "60 questions on 24 images, judged by GPT",
        "llava", 0.0083,
    ),
    Benchmark("chartqa", "ChartQA", "ChartQA", "chartqa", "relaxed_overall,none", 1, 2500,
              "test, human and augmented", "lmms", None, 1612),
    Benchmark("ocrbench", "OCRBench", "OCRBench", "ocrbench", "ocrbench_accuracy,none", 1,
              1000, "test"),
    Benchmark("infovqa", "InfoVQA", "InfoVQA", "infovqa_val", "anls,none", 1, 2801, "val",
              "lmms_any", None, 500),
    Benchmark("ai2d", "AI2D", "AI2D", "ai2d", "exact_match,none", 1, 3088, "test"),
    Benchmark("realworldqa", "RealWorldQA", "RealWorldQA", "realworldqa", "exact_match,none",
              1, 765, "test"),
    Benchmark("cvbench_2d", "CV-Bench 2D", "CVBench2D", n_items=1438, split="test"),
    Benchmark("cvbench_3d", "CV-Bench 3D", "CVBench3D", n_items=1200, split="test"),
    Benchmark("mathvista", "MathVista", "MathVista", "mathvista_testmini",
              "gpt_eval_score,none", 100, 1000, "testmini, judged by GPT"),
    Benchmark("imagenet_zeroshot", "ImageNet zero-shot", "zeroshot_imagenet",
              n_items=50000, split="val", protocol="other"),
    Benchmark("retrieval_avg", "retrieval average", "avg_retrieval", protocol="other"),
    Benchmark("datacomp_38", "DataComp 38 tasks", "avg_38_tasks", protocol="other"),
    Benchmark("mme_perception", "MME perception", "MMEPerception", "mme",
              "mme_perception_score,none", 2000, split="ten subtasks of 200 points"),
    Benchmark("mme_cognition", "MME cognition", "MMECognition", "mme",
              "mme_cognition_score,none", 800, split="four subtasks of 200 points"),
    Benchmark("avg5", "Avg-5", "Avg5", protocol="mixed_any", run_to_run_sd=0.001),
)  # fmt: skip

BENCHMARKS: Mapping[str, Benchmark] = {row.name: row for row in _ROWS}
"""Every benchmark by name, in the order in which they are listed to people."""

SUITES: Mapping[str, Suite] = {
    "avg5": Suite("avg5", ("gqa", "textvqa", "pope", "docvqa", "seedbench_image"))
}
"""Means over several benchmarks that are scores of their own; Avg-5 by FastVLM v1, section 4, with
a run-to-run sd of about 0.1 points."""


def benchmark(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        UnknownNameError: if there is none; the message lists all.
    """
    if name not in BENCHMARKS:
        raise UnknownNameError("benchmark", name, BENCHMARKS)
    return BENCHMARKS[name]


def of_task(task: str) -> list[Benchmark]:
    """The benchmarks that a task of lmms-eval answers.

    >>> [row.name for row in of_task('seedbench')], of_task('a task of your own')
    (['seedbench_image', 'seedbench_all'], [])
    """
    return [row for row in BENCHMARKS.values() if row.task == task]


def members_of(name: str) -> tuple[str, ...]:
    """The benchmarks of a suite; of any other name, itself.

    >>> members_of('avg5')[:2], members_of('gqa')
    (('gqa', 'textvqa'), ('gqa',))
    """
    return SUITES[name].members if name in SUITES else (name,)


def of_column(column: str) -> Benchmark | None:
    """The benchmark that a published column such as `GQA_pct` holds; None for other columns.

    >>> of_column('SQA_pct').name, of_column('TTFT_ms')
    ('scienceqa', None)
    """
    stem = column.removesuffix("_pct").removesuffix("_score")
    if stem == column:
        return None
    return next((row for row in BENCHMARKS.values() if row.column == stem), None)


def binomial_standard_error(value: float, n_items: int) -> float:
    """Standard error of a mean of `n_items` answers scored between 0 and 1.

    `sqrt(p (1 - p) / n)`: exact for right-or-wrong answers, an upper bound for partial credit
    (ANLS, TextVQA's soft accuracy), since no score in [0, 1] of mean p varies more. It takes the
    items for independent; `Benchmark.widening` says what their images add.

    Raises:
        ValueError: if `value` is outside [0, 1] or `n_items` is not positive.

    >>> round(binomial_standard_error(0.5, 2500), 4)
    0.01
    """
    if not 0 <= value <= 1 or n_items <= 0:
        raise ValueError(f"a score in [0, 1] on at least one item, not {value} on {n_items}")
    return math.sqrt(value * (1 - value) / n_items)


def default_standard_error(
    name: str, value: float, parts: Mapping[str, float] | None = None
) -> float | None:
    """Standard error to assume for a score whose source gives none, as a fraction.

    Two parts in quadrature: the sampling of the items (`binomial_standard_error`, wider by the
    design effect of items that share images: Kish, Survey Sampling, 1965) and the
    training run (the paper's Table 11; 0.1 points for Avg-5, its section 4). For a suite the
    items' part is `sqrt(sum of the members' squared errors) / number of members`; a member's
    score not in `parts` counts as the suite's own value, which errs on the wide side.

    Two models scored on the same items share part of this error: it is right for "would
    another sample of questions reverse this", too wide for "which is better on these".

    Args:
        name: a benchmark.
        value: its score in [0, 1].
        parts: for a suite, the members' scores where known.

    Returns:
        The standard error, or None where the number of items is not known.

    Raises:
        UnknownNameError: if the benchmark is unknown.
        ValueError: if a score is outside [0, 1].

    >>> round(default_standard_error('gqa', 0.63), 4), round(default_standard_error('avg5', 0.6), 4)
    (0.0068, 0.0031)
    """
    entry = benchmark(name)
    run_to_run = entry.run_to_run_sd or 0.0
    if name not in SUITES:
        if entry.n_items is None:
            return None
        return math.hypot(_sampling_error(entry, value), run_to_run)
    errors = [
        _sampling_error(BENCHMARKS[member], (parts or {}).get(member, value))
        for member in SUITES[name].members
    ]
    return math.hypot(math.hypot(*errors) / len(errors), run_to_run)


def _sampling_error(entry: Benchmark, value: float) -> float:
    return binomial_standard_error(value, entry.n_items or 1) * entry.widening


def suite_mean(name: str, scores: Mapping[str, float]) -> float | None:
    """The suite's value from its members' scores; None unless all of them are there.

    >>> suite_mean('avg5', {'gqa': .1, 'textvqa': .2, 'pope': .3, 'docvqa': .4,
    ...                     'seedbench_image': .5, 'mmmu': .9})
    0.3
    >>> suite_mean('avg5', {'gqa': .1}) is None
    True
    """
    members = SUITES[name].members
    if any(member not in scores for member in members):
        return None
    return round(math.fsum(scores[member] for member in members) / len(members), 12)


def mean_error(errors: Collection[float | None]) -> float | None:
    """Standard error of the mean of independent scores; None unless each has one.

    >>> mean_error([0.03, 0.04]), mean_error([0.03, None])
    (0.025, None)
    """
    known = [error for error in errors if error is not None]
    return math.hypot(*known) / len(known) if len(known) == len(errors) else None


def mean_protocol(protocols: Mapping[str, str]) -> str:
    """The protocol of a mean from those of its members, by benchmark.

    `mixed_any` is the paper's own mixture, `mixed` the same with DocVQA by ANLS.

    >>> mean_protocol({'gqa': 'llava', 'docvqa': 'lmms_any'}), mean_protocol({'gqa': 'lmms'})
    ('mixed_any', 'lmms')
    >>> mean_protocol({'gqa': 'llava', 'docvqa': 'lmms'}), mean_protocol({'pope': 'x', 'gqa': 'y'})
    ('mixed', 'other')
    """
    found = set(protocols.values())
    if found == {"lmms", "lmms_any"}:
        return "lmms_any"
    if len(found) == 1:
        return found.pop()
    for name, wanted in (
        ("mixed_any", {key: row.protocol for key, row in BENCHMARKS.items()}),
        ("mixed", {key: row.protocol.replace("_any", "") for key, row in BENCHMARKS.items()}),
    ):
        if all(protocols[key] == wanted.get(key) for key in protocols):
            return name
    return "other"
