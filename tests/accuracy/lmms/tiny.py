"""Tiny checkpoints and data sets, made on the spot, with scores that are known in advance.

A checkpoint is wired, not trained: with the output projections of every block zeroed the
language model sees the current token only, so that the head can be made to say one word after
the end of the prompt and the end token after that word. Everything else is real: vision tower,
projector, tokenizer, processor, chat template, safetensors.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

WORDS = [
    "yes",
    "no",
    "what",
    "is",
    "this",
    "a",
    "the",
    "image",
    "question",
    "answer",
    "Y",
    "N",
    "cat",
    "dog",
]
TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}<answer>{% endif %}"
)


def tokenizer() -> Any:
    """A byte-level BPE, trained here, with the special tokens that the wiring needs."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<image>", "<answer>"]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    inner.train_from_iterator(WORDS * 50, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>",
        additional_special_tokens=["<image>", "<answer>"],
    )  # fmt: skip


def image_processor(side_px: int) -> Any:
    """LLaVA's: pad to a square, resize, crop."""
    from transformers import LlavaImageProcessor

    square = {"height": side_px, "width": side_px}
    return LlavaImageProcessor(
        size={"shortest_edge": side_px}, crop_size=square, do_pad=True, do_center_crop=True
    )


def _save(model: Any, folder: Path, says: str | None, stride: int, side_px: int) -> Path:
    from transformers import LlavaProcessor

    words = tokenizer()
    wire(model, words, says)
    processor = LlavaProcessor(
        image_processor(side_px), words, patch_size=stride, vision_feature_select_strategy="full",
        chat_template=TEMPLATE,
    )  # fmt: skip
    model.generation_config.eos_token_id = words.eos_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def wire(model: Any, words: Any, says: str | None) -> None:
    """Make the model say one word and stop; None makes it stop at once."""
    import torch

    with torch.no_grad():
        language = model.model.language_model
        for block in language.layers:
            block.self_attn.o_proj.weight.zero_()
            block.mlp.down_proj.weight.zero_()
        table, head = language.embed_tokens.weight, model.lm_head.weight
        head.zero_()
        start, end = words.convert_tokens_to_ids("<answer>"), words.eos_token_id
        chain = [start, *([] if says is None else words.encode(says)), end]
        for step, (token, following) in enumerate(pairwise(chain)):
            table[token].zero_()
            table[token, step] = 1.0
            head[following, step] = 1.0


def _text_sizes(vocabulary: int) -> dict[str, int]:
    return {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
    }  # fmt: skip


def build_llava(folder: Path, says: str | None = "yes", side_px: int = 28) -> Path:
    """A LLaVA: CLIP with patches of 14 pixels, and a LLaMA of two layers."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig
    from transformers import LlavaForConditionalGeneration as Llava

    words = tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        image_size=side_px, patch_size=14, projection_dim=16,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=LlamaConfig(**_text_sizes(len(words))),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="default", vision_feature_layer=-1,
    )  # fmt: skip
    return _save(Llava(config), folder, says, 14, side_px)


def build_fast_vlm(folder: Path, says: str | None = "yes", side_px: int = 64) -> Path:
    """A transformers-native FastVLM: timm's FastViTHD cut down, and a Qwen2 of two layers."""
    from transformers import FastVlmConfig, Qwen2Config, TimmWrapperConfig
    from transformers import FastVlmForConditionalGeneration as FastVlm

    words = tokenizer()
    small = {
        "inference_mode": True, "layers": [1, 1, 1, 1, 1], "embed_dims": [8, 8, 16, 32, 32],
        "mlp_ratios": [1, 1, 1, 1, 1],
    }  # fmt: skip
    vision = TimmWrapperConfig(
        architecture="fastvit_mci3", do_pooling=True, global_pool="avg", hidden_size=64,
        initializer_range=0.02, model_args=small,
    )  # fmt: skip
    config = FastVlmConfig(
        vision_config=vision, text_config=Qwen2Config(**_text_sizes(len(words))),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    return _save(FastVlm(config), folder, says, 64, side_px)


def _picture(seed: int, side: int = 40) -> Any:
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 255, (side, side + 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _write(rows: list[dict[str, Any]], path: Path, **images: Any) -> None:
    import datasets

    path.parent.mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_list(rows)
    for column, feature in images.items():
        table = table.cast_column(column, feature)
    table.to_parquet(path)


def _card(folder: Path, configurations: dict[str, dict[str, str]]) -> None:
    lines = ["---", "configs:"]
    for name, splits in configurations.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, pattern in splits.items():
            lines += [f"  - split: {split}", f"    path: {pattern}"]
    folder.joinpath("README.md").write_text("\n".join([*lines, "---", ""]))


def build_data(root: Path, items: int = 12) -> dict[str, Path]:
    """The five tasks of Avg-5 in their public schemas, `items` questions each."""
    import datasets

    image = datasets.Image()
    builders = {
        "gqa": _gqa, "textvqa_val": _textvqa, "pope": _pope, "docvqa_val": _docvqa,
        "seedbench": _seedbench,
    }  # fmt: skip
    for name, build in builders.items():
        build(root / name, items, image)
    return {name: root / name for name in builders}


def _gqa(folder: Path, items: int, image: Any) -> None:
    questions = [
        {"id": str(i), "imageId": f"n{i % 4}", "question": "Is this a cat?",
         "answer": "yes" if i % 3 == 0 else "no", "fullAnswer": "Yes."}
        for i in range(items)
    ]  # fmt: skip
    pictures = [{"id": f"n{i}", "image": _picture(i)} for i in range(4)]
    _write(questions, folder / "instructions" / "0.parquet")
    _write(pictures, folder / "images" / "0.parquet", image=image)
    _card(folder, {
        "testdev_balanced_images": {"testdev": "images/*.parquet"},
        "testdev_balanced_instructions": {"testdev": "instructions/*.parquet"},
    })  # fmt: skip


def _textvqa(folder: Path, items: int, image: Any) -> None:
    rows = [
        {"image_id": f"t{i}", "question_id": 100 + i, "question": "what is this?",
         "answers": ["yes"] * (i % 6) + ["no"] * (10 - i % 6), "ocr_tokens": ["STOP", "EXIT"],
         "image": _picture(10 + i)}
        for i in range(items)
    ]  # fmt: skip
    _write(rows, folder / "data" / "validation-0.parquet", image=image)


def _pope(folder: Path, items: int, image: Any) -> None:
    splits = ("adversarial", "popular", "random")
    rows = [
        {"id": str(i), "question_id": str(i // 3), "question": "Is there a dog in the image?",
         "answer": "yes" if i % 2 else "no", "image_source": "COCO", "image": _picture(30 + i),
         "category": splits[i % 3]}
        for i in range(items)
    ]  # fmt: skip
    _write(rows, folder / "data" / "test-0.parquet", image=image)


def _docvqa(folder: Path, items: int, image: Any) -> None:
    rows = [
        {"questionId": str(i), "question": "What is the answer?", "question_types": ["form"],
         "image": _picture(50 + i), "docId": i, "answers": ["yes", "Yes!"] if i % 4 else ["dog"],
         "data_split": "val"}
        for i in range(items)
    ]  # fmt: skip
    _write(rows, folder / "DocVQA" / "validation-0.parquet", image=image)
    _card(folder, {"DocVQA": {"validation": "DocVQA/validation-*.parquet"}})


def _seedbench(folder: Path, items: int, image: Any) -> None:
    import datasets

    rows = [
        {"question_id": str(i), "question": "What is this?", "choice_a": "cat", "choice_b": "dog",
         "choice_c": "yes", "choice_d": "no", "answer": "Y" if i % 5 == 0 else "A",
         "data_type": "video" if i % 4 == 3 else "image", "data_id": str(i),
         "image": [_picture(70 + i)]}
        for i in range(items)
    ]  # fmt: skip
    _write(rows, folder / "data" / "test-0.parquet", image=datasets.List(image))


def build_all(root: Path) -> None:
    """Checkpoints that say yes, checkpoints that are broken in one way each, and the data."""
    build_llava(root / "llava")
    build_fast_vlm(root / "fast_vlm")
    build_llava(root / "mute", says=None)
    torn = build_llava(root / "torn") / "model.safetensors"
    torn.write_bytes(torn.read_bytes()[:5000])
    (build_llava(root / "untold") / "chat_template.jinja").unlink()
    build_data(root / "data")
    build_data(root / "long", items=360)


if __name__ == "__main__":
    import sys

    from paretobench.backends.models.timm_import import repair_torchvision

    repair_torchvision()
    build_all(Path(sys.argv[1]))
