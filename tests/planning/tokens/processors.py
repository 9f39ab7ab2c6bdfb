"""The processors of `transformers`, as the models publish them: what each makes of an image.

Built from their classes without a download. Images are empty tensors on the meta device, so
that a page of 5,000 px costs nothing; the tokenizer knows the marks as single tokens and the
rest by character, with a double newline as one token, as the models' own have it.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from paretobench.backends.models.timm_import import repair_torchvision

repair_torchvision()

import torch  # noqa: E402
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

Size = tuple[int, int]


class Made(NamedTuple):
    """What a processor makes: inputs by their size, and the tokens in place of the image."""

    inputs: Counter[Size]
    tokens: int


Reference = Callable[[Size], Made]


def blank(image: Size) -> Any:
    """An image of nothing, height before width."""
    return torch.empty(3, image[1], image[0], dtype=torch.uint8, device="meta")


def load(path: str) -> Any:
    """A class of transformers by `model.module:Class`."""
    module, name = path.split(":")
    return getattr(importlib.import_module(f"transformers.models.{module}"), name)


def tokenizer(*marks: str, **named: str) -> PreTrainedTokenizerFast:
    """A tokenizer that has marks as single tokens; `named` ones are its attributes too."""
    vocabulary = {chr(code): code for code in range(128)} | {"\n\n": 128}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="\x00"))
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    every = [*marks, *named.values(), "\n\n"]
    core.add_tokens([AddedToken(mark, special=True, normalized=False) for mark in every])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="\x00", bos_token="\x01", eos_token="\x02",
        extra_special_tokens=named,
    )  # fmt: skip


def length(words: PreTrainedTokenizerFast, text: str) -> int:
    """Tokens of a text."""
    return len(words(text, add_special_tokens=False)["input_ids"])


def shapes(pixels: Any, sizes: Any = None) -> Counter[Size]:
    """Width and height of each image in a batch; from its own list where it is padded."""
    if sizes is not None:
        return Counter((int(w), int(h)) for h, w in sizes)
    items = pixels if isinstance(pixels, list) else list(pixels.reshape(-1, *pixels.shape[-3:]))
    return Counter((one.shape[-1], one.shape[-2]) for one in items)
