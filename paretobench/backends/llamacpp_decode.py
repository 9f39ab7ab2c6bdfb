"""Decoding in llama.cpp: a filled cache, and some tokens behind it, one after the other.

Answers what one more token costs. Every run drops what the last one wrote behind the prompt, so
that each continues the same context; the most likely token is taken on the host, as llama.cpp's
own greedy sampler does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from paretobench.backends.inputs import PrefillSubject


class LlamaCppDecoding:
    """What makes a prefill session one that generates its workload's `steps` tokens a run."""

    model: Any
    steps: int
    generated: list[int]
    _subject: PrefillSubject
    _logits: np.ndarray | None

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()  # type: ignore[misc]  # the prefill session's
        super().run()  # type: ignore[misc]
        self._first = int(self._logits.argmax()) if self._logits is not None else 0

    def run(self) -> None:
        """The tokens of one run, each on the host before the next is computed."""
        token, self.generated = self._first, []
        for step in range(self.steps):
            self._logits = logits = self.model.step(token, self._subject.n_tokens + step)
            token = int(logits.argmax())
            self.generated.append(token)
