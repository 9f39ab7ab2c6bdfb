"""One answer against its item: LLaVA's public rules.

lmms-eval scores an answer as soon as it is generated, by rules of its own. The scores that
the FastVLM paper prints for GQA, TextVQA and POPE follow LLaVA's scripts instead. These are
the rules that differ, as functions of text; `scoring` decides when they apply.

References:
    haotian-liu/LLaVA, `llava/eval/eval_pope.py` (first sentence, `no` or `not` means no, all
    else means yes), `llava/eval/m4c_evaluator.py` (TextVQA), `scripts/convert_gqa_for_eval.py`.
    The VQA evaluation of Antol et al., ICCV 2015, visualqa.org/evaluation: the normalisation
    of answers and the leave-one-out average over ten annotators.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_ARTICLES = {"a", "an", "the"}
_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five"),
    *("six", "seven", "eight", "nine", "ten"),
)
_NUMBERS = {word: str(value) for value, word in enumerate(_NUMBER_WORDS)} | {"none": "0"}

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = re.compile(r"(?<=\d),+(?=\d)")
_PERIOD = re.compile(r"\.(?!\d)")
_PERIODS_REMOVED = 32
"""The reference passes a flag where the number of replacements belongs; it equals 32."""

_CONTRACTED = (
    "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's "
    "how'd how'll how's isn't it'd it'll let's ma'am mightn't might've mustn't must've needn't "
    "o'clock oughtn't shan't she's should've shouldn't somebody'd somebody'll somebody's "
    "someone'd someone'll someone's something'd something'll that's there'd there're there's "
    "they'd they'll they're they've 'twas wasn't we've weren't what'll what're what's what've "
    "when's where'd where's where've who'd who'll who's who've why'll why're why's won't "
    "would've wouldn't y'all you'd you'll you're you've"
)
"""Contractions that lose an apostrophe in answers; each maps back from its bare spelling."""

_TWICE = (
    "couldn't've hadn't've he'd've it'd've mightn't've shouldn't've somebody'd've someone'd've "
    "something'd've there'd've they'd've we'd've who'd've wouldn't've y'all'd've you'd've "
    "she'd've"
)
"""Doubly contracted: they may lose either apostrophe."""

_IRREGULAR = {
    "somebody'd": "somebodyd",
    "notve": "not've",
    "yall'll": "y'all'll",
    "y'allll": "y'all'll",
    "y'alld've": "y'all'd've",
    "ow's'at": "'ow's'at",
    "'ows'at": "'ow's'at",
    "'ow'sat": "'ow's'at",
}
_NOT_RESTORED = {"lets", "shes", "somebodyd", "somebodydve"}
"""Bare spellings that the reference leaves as they are."""


def says_no(answer: str) -> bool:
    """Whether LLaVA's POPE script reads an answer as no; it reads everything else as yes.

    >>> says_no('No, there is none.'), says_no('There is not. Yes'), says_no('yes'), says_no('NO')
    (True, True, False, False)
    """
    words = answer.split(".")[0].replace(",", "").split(" ")
    return any(word in words for word in ("No", "not", "no"))


def gqa_matches(answer: str, target: str) -> bool:
    """GQA's exact match, after LLaVA's conversion: no final full stop, lower case.

    >>> gqa_matches('Yes.', 'yes'), gqa_matches('a cat', 'cat')
    (True, False)
    """
    return answer.rstrip(".").lower() == target.lower()


def normalise_answer(answer: str) -> str:
    """An answer as VQA's evaluation compares it: case, punctuation, numbers, articles.

    >>> normalise_answer('The Two dogs!'), normalise_answer("dont"), normalise_answer('1,000')
    ('2 dogs', "don't", '1000')
    """
    text = answer.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    text = text.replace("\n", " ").replace("\t", " ").strip()
    return _without_articles(_without_punctuation(text))


def _without_punctuation(text: str) -> str:
    out = text
    for mark in _PUNCTUATION:
        is_at_edge = f"{mark} " in text or f" {mark}" in text
        out = out.replace(mark, "" if is_at_edge or _COMMA_IN_NUMBER.search(text) else " ")
    return _PERIOD.sub("", out, count=_PERIODS_REMOVED)


def _without_articles(text: str) -> str:
    words = (_NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(_contractions().get(word, word) for word in words if word not in _ARTICLES)


@cache
def _contractions() -> dict[str, str]:
    restored = {word.replace("'", ""): word for word in _CONTRACTED.split()}
    for word in _TWICE.split():
        first, last = word.find("'"), word.rfind("'")
        restored[word[:first] + word[first + 1 :]] = word
        restored[word[:last] + word[last + 1 :]] = word
    for bare in _NOT_RESTORED:
        restored.pop(bare, None)
    return restored | _IRREGULAR


def vqa_accuracy(answer: str, annotations: Sequence[str]) -> float:
    """TextVQA's soft accuracy: `min(1, matches / 3)`, averaged leaving each annotator out once.

    Raises:
        ValueError: if the item has no annotation.

    >>> vqa_accuracy('Yes', ['yes'] * 2 + ['no'] * 8)
    0.6
    """
    if not annotations:
        raise ValueError("an item without annotations cannot be scored")
    given = normalise_answer(answer)
    matches = [normalise_answer(text) == given for text in annotations]
    total = sum(matches)
    parts = [min(1.0, (total - match) / 3) for match in matches]
    return sum(parts) / len(parts)


ANLS_THRESHOLD = 0.5
"""Similarity below which an answer counts as wrong (Biten et al., ICCV 2019, section 4)."""


def anls(answer: str, targets: Sequence[str]) -> float:
    """ANLS of one answer: similarity to the nearest right answer, 0 below one half.

    As lmms-eval's metric of that name: white space and case are normalised, the edit distance is
    divided by the length of the longer text as it was written.

    Raises:
        ValueError: if there is no right answer.

    >>> round(anls('$4500', ['$4,500']), 4), anls('cat', ['dog'])
    (0.8333, 0.0)
    """
    if not targets:
        raise ValueError("an item without right answers cannot be scored")
    distances = []
    for target in targets:
        length = max(len(target), len(answer))
        edits = _edit_distance(" ".join(target.lower().split()), " ".join(answer.lower().split()))
        distances.append(edits / length if length else 0.0)
    similarity = 1 - min(distances)
    return similarity if similarity >= ANLS_THRESHOLD else 0.0


def _edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance, a row at a time."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        left, above_left = i, i - 1
        for j, y in enumerate(b, start=1):
            above = row[j]
            row[j - 1], left = left, min(above + 1, left + 1, above_left + (x != y))
            above_left = above
        row[-1] = left
    return row[-1]
