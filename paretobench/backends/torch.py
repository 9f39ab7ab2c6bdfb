"""torch: encoders and prefill on CPU, CUDA and Apple's GPU.

Encoders are timm networks, language models those of transformers, both in inference mode; or
the two halves of a checkpoint with its own weights, where a workload names one. On a CPU, bf16
convolutions run channels-last, where oneDNN has its fast kernels.
A prefill takes visual embeddings (or token ids), fills a fresh key-value cache, and computes
the logits of the last position alone, as generation does.

Options: `device` (cpu, mps, cuda, cuda:N), `threads`, `attention` (transformers' name), `mode`
(see `torch_modes`; `best` on CUDA, else `eager`), and on CUDA `sdpa` (one attention kernel).
On CUDA an input is written into one buffer for every run, and the board's own seconds are
kept in the facts beside the wall time that the harness takes.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from paretobench.backends import Availability, PreparedArtifact, hardware, torch_modes
from paretobench.backends.artifacts import ArtifactStore
from paretobench.backends.inputs import (
    EncodeSubject,
    PrefillSubject,
    chunk_of,
    is_shared,
    memory_failures,
    random_embeddings,
    random_ids,
    random_pixels,
    refuses_shared,
)
from paretobench.backends.models import is_tower
from paretobench.backends.projector import TorchProjector
from paretobench.backends.torch_session import TorchSession, device_of, refuses_options
from paretobench.domain import Workload
from paretobench.domain.checkpoint import check_unchanged
from paretobench.installation import install_command

INSTALL = f"{install_command('cpu')} (or [cuda], [apple])"
PRECISIONS = ("fp32", "bf16", "fp16")


class TorchBackend:
    """The backend; see the module."""

    name = "torch"

    def available(self) -> Availability:
        """Whether torch, timm and transformers are installed."""
        return Availability.of(("torch", "timm", "transformers"), INSTALL)

    def refuses(self, workload: Workload) -> str | None:
        """Integer precisions, and devices that are not here."""
        precision, device = workload.runtime.precision, device_of(workload)
        if workload.kind not in ("encode", "prefill", "decode"):
            return f"torch times encode, prefill and decode, not {workload.kind}"
        if precision not in PRECISIONS:
            return f"torch runs {', '.join(PRECISIONS)} here, not {precision}"
        if device.split(":")[0] not in ("cpu", "cuda", "mps"):
            return f"torch runs on device=cpu, cuda or mps, not {device}"
        if reason := refuses_options(workload):
            return reason
        if workload.batch > 1 and is_tower(workload.subject.get("encoder", {})):
            return f"a tower of transformers takes one image at a time here, not {workload.batch}"
        if reason := refuses_shared(workload):
            return reason
        if precision == "bf16" and device == "cpu" and not hardware.detect().has_fast_bf16:
            return "this processor has no bf16 instructions; use precision=fp32"
        return None

    def prepare(self, workload: Workload, root: Path) -> PreparedArtifact:
        """Write weights that a cell can map into memory, where that is faster than making
        them (see `models.weights`).

        Raises:
            UnsupportedError: if the checkpoint to be timed has changed since it was planned.
            ArtifactError: if the cache cannot be written.
        """
        from paretobench.backends.models import weights

        if workload.checkpoint:
            check_unchanged(workload)
            return PreparedArtifact(facts={"weights": "the checkpoint's own"})
        if not device_of(workload).startswith("cpu") or is_shared(workload):
            return PreparedArtifact(facts={"weights": "made in memory"})
        store, precision = ArtifactStore(root), workload.runtime.precision
        if workload.kind == "encode":
            subject = EncodeSubject.of(workload)
            return weights.prepare_encoder(store, subject.encoder, subject.seen, precision)
        return weights.prepare_llm(store, PrefillSubject.of(workload).llm, precision)

    def load(
        self, workload: Workload, prepared: PreparedArtifact
    ) -> EncodeSession | PrefillSession:
        """Build the network, on the prepared weights if there are any."""
        if workload.kind == "encode":
            is_a_tower = is_tower(workload.subject["encoder"]) and not workload.checkpoint
            return (TowerSession if is_a_tower else EncodeSession)(workload, prepared)
        return (TorchDecodeSession if workload.kind == "decode" else PrefillSession)(
            workload, prepared
        )


def _laid_out(network: Any, memory_format: Any) -> Any:
    """The network with its kernels in a layout; those over two video frames have five
    dimensions, for which torch has no layout of that name, and stay as they are."""
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=memory_format)
    return network


class EncodeSession(TorchSession):
    """An encoder and one batch of pixels."""

    def __init__(self, workload: Workload, prepared: PreparedArtifact) -> None:
        super().__init__(workload)
        from paretobench.backends.models import checkpoints, weights

        subject = EncodeSubject.of(workload)
        self._shape = subject.shape
        with memory_failures(self.label):
            if workload.checkpoint:
                network = checkpoints.vision_half(Path(workload.folder), self.dtype)
                made = "the checkpoint's own"
            else:
                network, made = weights.load_encoder(
                    prepared.path, subject.encoder, subject.seen, self.dtype
                )
            # bf16 and fp16 convolutions have their fast kernels in this layout only.
            self.memory_format = (
                self.torch.contiguous_format
                if self.dtype == self.torch.float32 and self.device.type == "cpu"
                else self.torch.channels_last
            )
            self.network = _laid_out(network.to(self.device), self.memory_format)
        self.facts = self._describe(self.network, made) | _checkpoint_fact(workload)
        self.facts["memory_format"] = str(self.memory_format).removeprefix("torch.")
        self.renew_input()
        self._start()

    def renew_input(self) -> None:
        """New random pixels; also refuses a last result that was not finite."""
        self._observe()
        self.set_input(random_pixels(self._shape))

    def set_input(self, pixels: Any) -> None:
        """Given pixels: fp32 array [batch, 3, height, width]."""
        tensor = self.torch.from_numpy(pixels).to(self.device, self.dtype)
        self._feed("pixels", self._arranged(tensor))
        self._synchronise()

    @property
    def pixels(self) -> Any:
        """The input on the device: [batch, 3, height, width]."""
        return self._inputs["pixels"]

    def _arranged(self, pixels: Any) -> Any:
        """Pixels on the device as the network takes them."""
        return pixels.contiguous(memory_format=self.memory_format)

    def _forward(self, inputs: torch_modes.Inputs) -> Any:
        """Pixels to visual tokens: [batch, tokens, channels]."""
        return self.network(inputs["pixels"])


class TowerSession(EncodeSession):
    """A tower with its projector; pixels are cut into its patches outside the clock."""

    def _arranged(self, pixels: Any) -> Any:
        return self.network.arranged(pixels).contiguous()


class PrefillSession(TorchSession):
    """A language model and one sequence; every run fills a cache of its own."""

    def __init__(self, workload: Workload, prepared: PreparedArtifact) -> None:
        super().__init__(workload)
        subject = PrefillSubject.of(workload)
        self._subject = subject
        self.attention = str(workload.runtime.options.get("attention", "sdpa"))
        self._chunk = chunk_of(workload)
        if is_shared(workload):
            warnings.warn(
                f"{self.label}: all layers share one block's weights; label the result so",
                stacklevel=2,
            )
        with memory_failures(self.label):
            self.network, made = self._build(workload, prepared)
        self.facts = self._describe(self.network, made) | {
            **_checkpoint_fact(workload),
            "attention": self.network.config._attn_implementation,
            "inputs": "ids" if subject.takes_ids else "embeddings",
            "shared_layers": is_shared(workload),
            "prefill_step_size": self._chunk or subject.n_tokens,
        }
        self.renew_input()
        self._start()

    def _build(self, workload: Workload, prepared: PreparedArtifact) -> tuple[Any, str]:
        """The language model on its device, and where its weights come from."""
        from paretobench.backends.models import checkpoints, weights

        if workload.checkpoint:
            network = checkpoints.language_half(Path(workload.folder), self.dtype, self.attention)
            return network.to(self.device), "the checkpoint's own"
        return weights.load_llm(
            prepared.path,
            self._subject.llm,
            self.dtype,
            device=str(self.device),
            share_layers=is_shared(workload),
            attention=self.attention,
        )

    def renew_input(self) -> None:
        """A new random sequence; also refuses a last result that was not finite."""
        self._observe()
        subject = self._subject
        if subject.takes_ids:
            vocabulary = self.network.config.vocab_size
            self.set_ids(random_ids(subject.batch, subject.n_tokens, vocabulary))
        else:
            width = self.network.config.hidden_size
            self.set_embeddings(random_embeddings(subject.batch, subject.n_tokens, width))

    def set_ids(self, ids: Any) -> None:
        """Given token ids: int64 array [batch, tokens]."""
        self._feed("input_ids", self.torch.from_numpy(ids).to(self.device))
        self._synchronise()

    def set_embeddings(self, embeddings: Any) -> None:
        """Given embeddings: fp32 array [batch, tokens, hidden]."""
        self._feed("inputs_embeds", self.torch.from_numpy(embeddings).to(self.device, self.dtype))
        self._synchronise()

    def projector(self, channels: int) -> TorchProjector:
        """A projector from `channels` to this model, on its device and in its precision."""
        return TorchProjector(channels, self.network.config.hidden_size, self.dtype, self.device)

    def use_projected(self, visual: Any, text: Any) -> None:
        """Projected visual tokens, filled up with text embeddings to the sequence's length."""
        n_text = self._subject.n_tokens - visual.shape[1]
        if n_text:
            rest = self.torch.from_numpy(text[:, :n_text]).to(self.device, self.dtype)
            visual = self.torch.cat([visual, rest], dim=1)
        self._feed("inputs_embeds", visual)

    def first_token(self) -> int:
        """The most likely next token, on the host."""
        return int(self.result[0].argmax())

    def _forward(self, inputs: torch_modes.Inputs) -> Any:
        """A fresh cache filled, and the last position's logits: [batch, vocabulary]."""
        hidden = self._in_chunks(inputs) if self._chunk else self._in_one_step(inputs)
        # Two dimensions: for a slice of three, torch's CPU path copies the whole of
        # lm_head (272 MB for Qwen2-0.5B) before it multiplies, 1.3 s instead of 0.03 s.
        return self.network.lm_head(hidden[:, -1])

    def _in_one_step(self, inputs: torch_modes.Inputs) -> Any:
        return self.network.model(**inputs, use_cache=True).last_hidden_state

    def _in_chunks(self, inputs: torch_modes.Inputs) -> Any:
        """As `generate(prefill_chunk_size=...)` does; the last chunk's hidden states."""
        ((name, given),) = inputs.items()
        cache, hidden = None, None
        for piece in given.split(self._chunk, dim=1):
            out = self.network.model(**{name: piece}, past_key_values=cache, use_cache=True)
            cache, hidden = out.past_key_values, out.last_hidden_state
        return hidden


class TorchDecodeSession(PrefillSession):
    """A language model behind a filled cache; a run generates the workload's `steps` tokens.

    Answers what one more token costs. Every run continues from a cache that was filled outside the
    clock with a new random sequence, takes the most likely token, and hands it to the host before
    the next step, as whoever streams an answer does.
    """

    def __init__(self, workload: Workload, prepared: PreparedArtifact) -> None:
        self.steps = int(workload.subject["steps"])
        self.generated: list[Any] = []
        super().__init__(workload, prepared)
        self.facts |= {"mode": "eager", "steps": self.steps}

    def renew_input(self) -> None:
        """A new sequence, prefilled: the cache that the next run continues."""
        super().renew_input()
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

    def _start(self) -> None:
        """Nothing: every step has a longer cache, so no mode but eager fits."""

    def _most_likely(self, hidden: Any) -> Any:
        """The next token of each sequence: [batch, 1]."""
        self.result = self.network.lm_head(hidden[:, -1])
        return self.result.argmax(dim=-1, keepdim=True)


def _checkpoint_fact(workload: Workload) -> dict[str, str]:
    return {"checkpoint": workload.checkpoint} if workload.checkpoint else {}
