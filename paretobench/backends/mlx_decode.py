"""Decoding in MLX: a filled cache, and some tokens behind it, one after the other.

Answers what one more token costs. As mlx-lm's `generate_step` does, the step behind a token is
queued before that token is read, so the host's work hides behind the device's.
"""

from __future__ import annotations

from paretobench.backends.inputs import memory_failures
from paretobench.backends.mlx import MLXSession
from paretobench.domain import Workload


class MLXDecodeSession(MLXSession):
    """A language model behind a filled cache; a run generates the workload's `steps` tokens."""

    def __init__(self, workload: Workload) -> None:
        self.steps = int(workload.subject["steps"])
        self.generated: list[list[int]] = []
        super().__init__(workload)
        self.facts["steps"] = self.steps

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()
        super().run()
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
