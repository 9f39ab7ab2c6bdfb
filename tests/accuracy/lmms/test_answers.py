"""LLaVA's rules for one answer, on answers whose reading is known."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy.lmms import answers

POPE = [
    ("Yes", False),
    ("No", True),
    ("no", True),
    ("NO", False),  # only these three words count, in these spellings
    ("No.", True),
    ("No, there is no dog.", True),
    ("There is not a dog in the image.", True),
    ("There isn't a dog.", False),
    ("Yes. No dog is black.", False),  # the first sentence alone
    ("The image shows a dog, not a cat", True),
    ("nothing", False),
    ("", False),
    ("I do not know", True),
    ("no\nyes", False),  # words end at spaces only
]


@pytest.mark.parametrize(("text", "is_no"), POPE)
def test_pope_answers_are_read_as_llava_reads_them(text: str, is_no: bool) -> None:
    assert answers.says_no(text) is is_no


VQA = [
    ("yes", ["yes"] * 10, 1.0),
    ("Yes.", ["yes"] * 10, 1.0),
    ("yes", ["yes"] * 3 + ["no"] * 7, 0.9),  # leaving one of three out leaves two matches
    ("yes", ["yes"] * 2 + ["no"] * 8, 0.6),
    ("yes", ["yes"] + ["no"] * 9, 0.3),
    ("maybe", ["yes"] * 10, 0.0),
    ("two dogs", ["2 dogs"] * 10, 1.0),
    ("the stop sign", ["stop sign"] * 10, 1.0),
    ("3.5", ["3.5"] * 10, 1.0),
    ("1,000", ["1000"] * 10, 1.0),
    ("dont", ["don't"] * 10, 1.0),
    ("coca-cola", ["coca cola"] * 10, 1.0),
]


@pytest.mark.parametrize(("answer", "annotations", "accuracy"), VQA)
def test_textvqa_answers_score_as_llava_scores_them(
    answer: str, annotations: list[str], accuracy: float
) -> None:
    assert answers.vqa_accuracy(answer, annotations) == pytest.approx(accuracy)


def test_an_item_without_annotations_is_refused() -> None:
    with pytest.raises(ValueError, match="without annotations"):
        answers.vqa_accuracy("yes", [])


def test_gqa_strips_the_final_full_stop_and_case() -> None:
    assert answers.gqa_matches("Left.", "left")
    assert not answers.gqa_matches("on the left", "left")


def _reference() -> Any:
    """The public processor, as lmms-eval ships it; the file has no heavy imports."""
    package = importlib.util.find_spec("lmms_eval")
    if package is None or not package.submodule_search_locations:
        pytest.skip("lmms-eval is not installed")
    root = Path(next(iter(package.submodule_search_locations)))
    path = root / "tasks" / "_task_utils" / "vqa_eval_metric.py"
    spec = importlib.util.spec_from_file_location("vqa_reference", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EvalAIAnswerProcessor()


def test_answers_are_normalised_exactly_like_the_public_processor() -> None:
    reference = _reference()
    words = [*reference.CONTRACTIONS, *reference.CONTRACTIONS.values(), *reference.NUMBER_MAP]
    words += ["a", "an", "the", "1,000", "3.5", "U.S.", "x-y", "dog's", "'s", *'.,?!;/"()=@<>`\n\t']
    generator = random.Random(1)
    for _ in range(20_000):
        parts = (generator.choice(words) for _ in range(generator.randint(0, 5)))
        text = "".join(part + generator.choice(["", " ", ".", " ", ","]) for part in parts)
        assert answers.normalise_answer(text) == reference(text), repr(text)
