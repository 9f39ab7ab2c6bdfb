"""Decoding in torch: a filled cache, and some tokens behind it, one after the other.

Answers what one more token costs. Every run continues from a cache that was filled outside the
clock with a new random sequence, takes the most likely token, and hands it to the host before
the next step, as whoever streams an answer does.
"""

from __future__ import annotations

from typing import Any

from paretobench.backends.inputs import memory_failures


class TorchDecoding:
    """What makes a prefill session one that generates its workload's `steps` tokens a run."""

    network: Any
    torch: Any
    label: str
    facts: dict[str, Any]
    steps: int
    _inputs: dict[str, Any]
    _synchronise: Any

    def _start(self) -> None:
        """Nothing: every step has a longer cache, so no mode but eager fits."""

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()  # type: ignore[misc]  # the prefill session's
        with self.torch.inference_mode(), memory_failures(self.label):
            filled = self.network.model(**self._inputs, use_cache=True)
            self._cache = filled.past_key_values
            self._first = self._most_likely(filled.last_hidden_state)
        self._synchronise()

    def run(self) -> None:
        """The tokens of one run, each on the host before the next is computed."""
        with self.torch.inference_mode(), memory_failures(self.label):
            token, self.generated = self._first, []
            for _ in range(self.steps):
                out = self.network.model(
                    input_ids=token, past_key_values=self._cache, use_cache=True
                )
                token = self._most_likely(out.last_hidden_state)
                self.generated.append(token.tolist())
        self._synchronise()

    def _most_likely(self, hidden: Any) -> Any:
        """The next token of each sequence: [batch, 1]."""
        self.result = self.network.lm_head(hidden[:, -1])
        return self.result.argmax(dim=-1, keepdim=True)
