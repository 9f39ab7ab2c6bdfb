"""An lmms-eval model for any Hugging Face checkpoint that reads an image and writes text.

lmms-eval's own wrappers answer for one architecture each, and some turn a failed generation
into an empty answer, which then counts as wrong. This one loads whatever
`AutoModelForImageTextToText` loads (LLaVA, the transformers-native FastVLM, Qwen-VL, ...),
lets every error through, and makes sure that each image reaches the
encoder at the resolution, in the number of passes and as the number of visual tokens that the
grid point states.

It needs lmms-eval, torch and transformers and nothing of this package: the child process
loads this file by its path, so that it also runs in an interpreter of its own. Where
paretobench is installed, `lmms-eval --model paretobench` finds it by its entry point.
"""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lmms_eval.api.model import lmms

DEFAULT_NEW_TOKENS = 1024
"""Where a task sets no limit: what lmms-eval's `llava` and `llava_hf` use."""

_USED = ("max_new_tokens", "until", "temperature", "do_sample", "top_p", "num_beams")


class CheckpointError(Exception):
    """The checkpoint cannot be loaded, or not in the way that was asked for."""


class InputShapeError(Exception):
    """The processor does not feed the encoder what the grid point says."""


def manifest() -> Any:
    """What the entry point `lmms_eval.models` registers."""
    from lmms_eval.models.registry_v2 import ModelManifest

    path = f"{__name__}.{ImageTextModel.__name__}"
    return ModelManifest(model_id="paretobench", simple_class_path=path)


@dataclass(frozen=True)
class ModelOptions:
    """How a checkpoint is loaded and asked: lmms-eval's model arguments.

    Attributes:
        revision: of the hub id.
        device: `auto` (CUDA, else Apple's MPS, else CPU), `cpu`, `mps`, `cuda`, `cuda:1`.
        dtype: `auto` (the checkpoint's own; half precision becomes float32 on a CPU),
            `float32`, `bfloat16`, `float16`.
        batch_size: prompts at once.
        attn_implementation: as transformers names them; None leaves the choice to it.
        trust_remote_code: the checkpoint's name, repeated, if its own code may run.
        chat_template: path of a Jinja file; None for the checkpoint's own.
        max_new_tokens: overrides the task's limit.
        resolution_px, passes, visual_tokens: what must be true of every image: side of the
            square that one encoder pass sees, passes, and tokens; None where unknown.
    """

    revision: str | None = None
    device: str | None = "auto"
    dtype: str = "auto"
    batch_size: int | str | None = 1
    attn_implementation: str | None = None
    trust_remote_code: str = ""
    chat_template: str | None = None
    max_new_tokens: int | None = None
    resolution_px: int | None = None
    passes: int | None = None
    visual_tokens: int | None = None


class ImageTextModel(lmms):  # type: ignore[misc]
    """One checkpoint, ready to answer lmms-eval's `generate_until` requests.

    Args:
        pretrained: local folder or hub id.
        options: the fields of `ModelOptions`.

    Raises:
        CheckpointError: if it cannot be loaded.
        TypeError: for an option that does not exist.
    """

    is_simple = True

    def __init__(self, pretrained: str, **options: Any) -> None:
        super().__init__()
        chosen = ModelOptions(**options)
        self.pretrained = str(pretrained)
        self.batch_size = int(chosen.batch_size or 1)
        self.max_new_tokens = chosen.max_new_tokens
        side = chosen.resolution_px
        self.expected = {
            "tile_px": [side, side] if side else None,
            "passes": chosen.passes,
            "visual_tokens": chosen.visual_tokens,
        }
        self.facts: dict[str, Any] = {}
        self._join_processes(chosen.device or "auto")
        common = {
            "revision": chosen.revision,
            "trust_remote_code": _is_trusted(self.pretrained, str(chosen.trust_remote_code)),
        }
        self.processor = _load_processor(self.pretrained, chosen.chat_template, common)
        if chosen.resolution_px is not None:
            set_resolution(self.processor.image_processor, chosen.resolution_px)
        self._loaded = [
            _load_model(
                self.pretrained, self.device, chosen.dtype, chosen.attn_implementation, common
            )
        ]
        self.facts |= _describe(self._loaded[0], self.device, self.batch_size)

    def _join_processes(self, device: str) -> None:
        from accelerate import Accelerator

        device = _choose_device(device)
        self.accelerator = Accelerator(cpu=device == "cpu")
        self._rank = self.accelerator.process_index
        self._world_size = self.accelerator.num_processes
        alone = self._world_size == 1
        self.device = torch.device(device) if alone else self.accelerator.device

    def clean(self) -> None:
        """Keep the weights: lmms-eval would free them after each task."""

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Not offered: every benchmark of the suites is generated."""
        raise NotImplementedError("this model generates; choose a task that does")

    def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
        """Not offered: every benchmark of the suites has one round."""
        raise NotImplementedError("this model answers in one round; choose a task that does")

    def generate_until(self, requests: list[Any]) -> list[str]:
        """One answer per request, in the order of the requests.

        Raises:
            InputShapeError: if an image reaches the encoder in another shape than stated.
        """
        from tqdm import tqdm

        answers: list[str] = [""] * len(requests)
        groups: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(json.dumps(request.args[1], sort_keys=True), []).append(index)
        bar = tqdm(total=len(requests), desc="answering", disable=self._rank != 0)
        for settings, indices in groups.items():
            # Long prompts first: a batch that does not fit fails at once, not after an hour.
            indices.sort(key=lambda index: -len(requests[index].args[0]))
            for start in range(0, len(indices), self.batch_size):
                batch = indices[start : start + self.batch_size]
                texts = self._answer([requests[i].args for i in batch], json.loads(settings))
                for index, text in zip(batch, texts):  # noqa: B905  (Python 3.9 interpreters)
                    answers[index] = text
                bar.update(len(batch))
        bar.close()
        return answers

    def _answer(self, batch: list[tuple[Any, ...]], settings: dict[str, Any]) -> list[str]:
        images: list[list[Any]] = []
        prompts: list[str] = []
        for context, _, doc_to_visual, doc_id, task, split in batch:
            pictures = list(doc_to_visual(self.task_dict[task][split][doc_id]) or [])
            images.append(pictures)
            prompts.append(self._prompt(str(context), len(pictures)))
        inputs = self.processor(
            text=prompts,
            images=images if any(images) else None,
            padding=True,
            return_tensors="pt",
        )
        self._check_shape(inputs, [len(pictures) for pictures in images])
        model = self._loaded[0]
        inputs = inputs.to(self.device, model.dtype)
        with torch.inference_mode():
            output = model.generate(**inputs, **self._generation(settings))
        new = output[:, inputs["input_ids"].shape[1] :]
        texts = self.processor.batch_decode(new, skip_special_tokens=True)
        return [_cut(text, settings.get("until")).strip() for text in texts]

    def _prompt(self, context: str, n_images: int) -> str:
        # Some tasks place the image themselves; the template must not add a second one.
        token = getattr(self.processor, "image_token", "<image>")
        context = context.replace("<image>", "" if n_images else "<image>").replace(token, "")
        content: list[dict[str, str]] = [{"type": "image"} for _ in range(n_images)]
        content.append({"type": "text", "text": context})
        message = [{"role": "user", "content": content}]
        text = self.processor.apply_chat_template(
            message, add_generation_prompt=True, tokenize=False
        )
        return str(text)

    def _generation(self, settings: dict[str, Any]) -> dict[str, Any]:
        unused = sorted(set(settings) - set(_USED) - {"image_aspect_ratio"})
        if unused and "ignored_settings" not in self.facts:
            self.facts["ignored_settings"] = unused
            print(f"generation settings without effect here: {', '.join(unused)}", file=sys.stderr)
        temperature = float(settings.get("temperature") or 0.0)
        is_sampled = bool(settings.get("do_sample", temperature > 0)) and temperature > 0
        limit = self.max_new_tokens or settings.get("max_new_tokens") or DEFAULT_NEW_TOKENS
        tokenizer = self.processor.tokenizer
        chosen: dict[str, Any] = {
            "max_new_tokens": int(limit),
            "num_beams": int(settings.get("num_beams") or 1),
            "do_sample": is_sampled,
            "pad_token_id": tokenizer.pad_token_id,
            "use_cache": True,
        }
        # Greedy search warns about sampling parameters that it does not use.
        sampling = {"temperature": temperature, "top_p": settings.get("top_p")}
        return chosen | (sampling if is_sampled else {"temperature": None, "top_p": None})

    def _check_shape(self, inputs: Any, images_per_prompt: list[int]) -> None:
        n_images = sum(images_per_prompt)
        if n_images == 0:
            return
        found = input_shape(self.processor, inputs, n_images)
        for name, value in self.expected.items():
            if value is not None and found[name] is not None and found[name] != value:
                raise InputShapeError(
                    f"{name.replace('_', ' ')} per image: the point states {value}, this "
                    f"checkpoint's processor makes {found[name]}; score it as the point that it "
                    f"is, or give the checkpoint a processor for this one"
                )
        self.facts.setdefault("input", found)


def input_shape(processor: Any, inputs: Any, n_images: int) -> dict[str, Any]:
    """What one image became: sides of one pass, passes, visual tokens (None where they vary).

    Raises:
        InputShapeError: if the processor returns no `pixel_values`.
    """
    pixels = inputs.get("pixel_values")
    if pixels is None or pixels.dim() < 4:
        names = ", ".join(sorted(inputs))
        raise InputShapeError(f"no pixel_values of images among the processor's outputs: {names}")
    passes = pixels.shape[1] if pixels.dim() == 5 else pixels.shape[0] / n_images
    token = getattr(processor, "image_token_id", None)
    tokens = None
    if token is not None:
        tokens = int((inputs["input_ids"] == token).sum()) / n_images
    return {
        "tile_px": [int(side) for side in pixels.shape[-2:]],
        "passes": int(passes) if passes == int(passes) else None,
        "visual_tokens": int(tokens) if tokens and tokens == int(tokens) else None,
    }


def set_resolution(image_processor: Any, resolution_px: int) -> None:
    """Make the processor resize and crop to squares of `resolution_px`.

    Raises:
        InputShapeError: if it has no size that could be set.
    """
    size = dict(getattr(image_processor, "size", None) or {})
    if not {"shortest_edge", "height"} & set(size):
        raise InputShapeError(
            f"the processor {type(image_processor).__name__} has no square size to set "
            f"(size={size}); leave the resolution out to score it as it is"
        )
    square = {"height": resolution_px, "width": resolution_px}
    has_edge = "shortest_edge" in size
    image_processor.size = {"shortest_edge": resolution_px} if has_edge else square
    if getattr(image_processor, "crop_size", None):
        image_processor.crop_size = square


def _is_trusted(pretrained: str, named: str) -> bool:
    if not named:
        return False
    if named.rstrip("/") != pretrained.rstrip("/"):
        raise CheckpointError(
            f"trust_remote_code names {named!r}, but the checkpoint is {pretrained!r}; "
            f"repeat the checkpoint's name exactly to let its own code run"
        )
    return True


def _choose_device(name: str) -> str:
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _load_processor(pretrained: str, chat_template: str | None, common: dict[str, Any]) -> Any:
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(pretrained, **common)
    except Exception as error:
        raise CheckpointError(f"no processor in {pretrained!r}: {_first_line(error)}") from error
    if chat_template is not None:
        processor.chat_template = Path(chat_template).read_text(encoding="utf-8")
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise CheckpointError(f"{pretrained!r} has no image processor beside its tokenizer")
    if not processor.chat_template:
        raise CheckpointError(
            f"{pretrained!r} has no chat template, and guessing one moves scores by points; "
            f"name a Jinja file: chat_template=FILE"
        )
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"  # generation continues from the last position
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return processor


def _load_model(
    pretrained: str, device: torch.device, dtype: str, attention: str | None, common: dict[str, Any]
) -> Any:
    import transformers

    options: dict[str, Any] = dict(common, use_safetensors=True)
    options["dtype" if int(transformers.__version__.split(".")[0]) >= 5 else "torch_dtype"] = dtype
    if attention is not None:
        options["attn_implementation"] = attention
    try:
        model = transformers.AutoModelForImageTextToText.from_pretrained(pretrained, **options)
    except Exception as error:
        if "out of memory" in str(error).lower():
            raise
        raise CheckpointError(
            f"cannot load {pretrained!r}: {_first_line(error)} (weights are read from "
            f"safetensors only)"
        ) from error
    if device.type == "cpu" and dtype == "auto" and model.dtype == torch.float16:
        model = model.float()
    return model.to(device).eval()


def _describe(model: Any, device: torch.device, batch_size: int) -> dict[str, Any]:
    quantisation: Any = getattr(model.config, "quantization_config", None)
    with contextlib.suppress(AttributeError):
        quantisation = quantisation.to_dict()
    return {
        "architecture": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "dtype": str(model.dtype).removeprefix("torch."),
        "quantisation": quantisation,
        "device": str(device),
        "attention": getattr(model.config, "_attn_implementation", None),
        "batch_size": batch_size,
    }


def _cut(text: str, until: Any) -> str:
    for stop in [until] if isinstance(until, str) else (until or []):
        if stop:
            text = text.split(stop)[0]
    return text


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
