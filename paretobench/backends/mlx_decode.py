"""Decoding in MLX: a filled cache, and some tokens behind it, one after the other.

Answers what one more token costs. As mlx-lm's `generate_step` does, the step behind a token is
queued before that token is read, so the host's work hides behind the device's.
"""

from __future__ import annotations

from typing import Any

from paretobench.backends.inputs import memory_failures


class MLXDecoding:
    """What makes a prefill session one that generates its workload's `steps` tokens a run."""

    model: Any
    label: str
    logits: Any
    cache: list[Any]
    steps: int
    _mlx: Any

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()  # type: ignore[misc]  # the prefill session's
        super().run()  # type: ignore[misc]
        self._first = self.logits[:, -1, :].argmax(axis=-1)
        self._mlx.eval(self._first)

    def run(self) -> None:
        """The tokens of one run, each on the host while the next is computed."""
        with memory_failures(self.label):
            token, self.generated = self._first, []
            for step in range(self.steps):
                logits = self.model(token[:, None], self.cache)
                following = logits[:, -1, :].argmax(axis=-1)
                self._mlx.async_eval(following)
                if step:
                    self.generated.append(token.tolist())
                token, self.logits = following, logits
            self.generated.append(token.tolist())
            self._mlx.eval(self.logits)
