"""Decoding in llama.cpp: a filled cache, and some tokens behind it, one after the other.

Answers what one more token costs. Every run empties what the last one wrote behind the prompt, so
that each continues the same context; the most likely token is taken on the host, as llama.cpp's
own greedy sampler does.
"""

from __future__ import annotations

from paretobench.backends.llamacpp import LlamaCppSession


class LlamaCppDecodeSession(LlamaCppSession):
    """A language model behind a filled cache; a run generates the workload's `steps` tokens."""

    generated: list[int]
    _first = 0

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()
        super().run()
        self._first = self.first_token()

    def run(self) -> None:
        """The tokens of one run, each on the host before the next is computed."""
        token, self.generated = self._first, []
        for step in range(self.steps):
            self._logits = self.model.step(token, self._subject.n_tokens + step)
            token = int(self._logits.argmax())
            self.generated.append(token)
