"""Each system's processor with the settings its authors publish, in `transformers`' own words.

The settings stand here a second time, as `preprocessor_config.json` has them, so that a slip in
`sweeps/vlm` is found too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.planning.tokens.processors import (
    Made,
    Reference,
    Size,
    blank,
    length,
    load,
    shapes,
    tokenizer,
)


def _image_processor(path: str, **settings: Any) -> Any:
    return load(path)(**settings)


def qwen(path: str = "qwen2_vl.image_processing_qwen2_vl:Qwen2VLImageProcessor", **settings: Any):
    def build() -> Reference:
        images = _image_processor(path, **settings)
        words = tokenizer(image_token="<image>")
        processor = load("qwen2_vl.processing_qwen2_vl:Qwen2VLProcessor").__new__(
            load("qwen2_vl.processing_qwen2_vl:Qwen2VLProcessor")
        )
        processor.image_processor, processor.image_token = images, words.image_token

        def made(image: Size) -> Made:
            out = images([blank(image)])
            _, rows, columns = out["image_grid_thw"][0].tolist()
            text = processor.replace_image_token(out, 0)
            size = columns * images.patch_size, rows * images.patch_size
            return Made(Counter([size]), length(words, text))

        return made

    return build


def naflex() -> Reference:
    images = _image_processor("siglip2.image_processing_siglip2:Siglip2ImageProcessor")

    def made(image: Size) -> Made:
        out = images([blank(image)])
        rows, columns = out["spatial_shapes"][0]
        seen = int(out["pixel_attention_mask"][0].sum())
        return Made(Counter([(columns * 16, rows * 16)]), seen)

    return made


def gemma4() -> Reference:
    path = "gemma4.image_processing_gemma4:Gemma4ImageProcessor"
    images = _image_processor(path, max_soft_tokens=280, patch_size=16, pooling_kernel_size=3)
    words = tokenizer(boi="<boi>", eoi="<eoi>", image_token="<image>")
    kind = load("gemma4.processing_gemma4:Gemma4Processor")
    processor = kind.__new__(kind)
    processor.boi_token, processor.eoi_token, processor.image_token = "<boi>", "<eoi>", "<image>"

    def made(image: Size) -> Made:
        out = images([blank(image)])
        places = out["image_position_ids"][0]
        assert places.shape[0] == 2520
        size = load("gemma4.image_processing_gemma4:get_aspect_ratio_preserving_size")
        high, wide = size(image[1], image[0], 16, 2520, 3)
        tokens = length(words, processor.replace_image_token(out, 0))
        return Made(Counter([(wide, high)]), tokens)

    return made


def pixtral(patch: int, merge: int, longest: int):
    def build() -> Reference:
        unit = {"height": patch, "width": patch}
        path = "pixtral.image_processing_pixtral:PixtralImageProcessor"
        images = _image_processor(path, patch_size=unit, size={"longest_edge": longest})
        words = tokenizer("[IMG]", "[IMG_BREAK]", "[IMG_END]")
        processor = load("pixtral.processing_pixtral:PixtralProcessor")(
            images, words, patch_size=patch, spatial_merge_size=merge
        )

        def made(image: Size) -> Made:
            out, texts = processor._process_images([blank(image)])
            return Made(shapes(None, out["image_sizes"]), length(words, texts[0]))

        return made

    return build


def smolvlm(longest: int, tile: int, tokens: int):
    def build() -> Reference:
        images = _image_processor(
            "smolvlm.image_processing_smolvlm:SmolVLMImageProcessor",
            size={"longest_edge": longest}, max_image_size={"longest_edge": tile},
            resample=3, return_row_col_info=True,
        )  # fmt: skip
        tags = [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
        words = tokenizer("<image>", "<fake>", "<global>", *tags)
        write = load("smolvlm.processing_smolvlm:get_image_prompt_string")

        def made(image: Size) -> Made:
            out = images([blank(image)])
            text = write(
                out["rows"][0][0], out["cols"][0][0], tokens, "<fake>", "<image>", "<global>"
            )
            return Made(shapes(out["pixel_values"][0]), length(words, text))

        return made

    return build


def gemma3(pan_and_scan: bool):
    def build() -> Reference:
        images = _image_processor(
            "gemma3.image_processing_gemma3:Gemma3ImageProcessor",
            size={"height": 896, "width": 896}, do_pan_and_scan=pan_and_scan,
            pan_and_scan_min_crop_size=256, pan_and_scan_max_num_crops=4,
            pan_and_scan_min_ratio_to_activate=1.2,
        )  # fmt: skip
        words = tokenizer(boi_token="<boi>", eoi_token="<eoi>", image_token="<image>")
        processor = load("gemma3.processing_gemma3:Gemma3Processor")(images, words)

        def made(image: Size) -> Made:
            out = images([blank(image)])
            text = processor.replace_image_token(out, 0)
            for sentence in ("Here is the original image ", " and here are some crops to help you"
                             " see better "):  # fmt: skip
                text = text.replace(sentence, "")
            text = text.replace("\n\n \n\n", "\n\n\n\n")
            return Made(shapes(out["pixel_values"]), length(words, text))

        return made

    return build


def lfm2() -> Reference:
    images = _image_processor(
        "lfm2_vl.image_processing_lfm2_vl:Lfm2VlImageProcessor", return_row_col_info=True
    )
    tags = [f"<|img_row_{r}_col_{c}|>" for r in range(1, 11) for c in range(1, 11)]
    words = tokenizer(*tags, image_token="<image>", image_start_token="<s>",
                      image_end_token="<e>", image_thumbnail_token="<t>")  # fmt: skip
    processor = load("lfm2_vl.processing_lfm2_vl:Lfm2VlProcessor")(images, words)

    def made(image: Size) -> Made:
        out = images([blank(image)])
        text = processor.replace_image_token(out, 0, use_image_special_tokens=True)
        patches = [(16 * int(rows), 16 * int(columns)) for rows, columns in out["spatial_shapes"]]
        return Made(shapes(None, patches), length(words, text))

    return made


def internvl() -> Reference:
    images = _image_processor(
        "got_ocr2.image_processing_got_ocr2:GotOcr2ImageProcessor",
        size={"height": 448, "width": 448}, crop_to_patches=True, min_patches=1, max_patches=12,
    )  # fmt: skip
    words = tokenizer(start_image_token="<img>", end_image_token="</img>",
                      context_image_token="<c>", video_token="<v>")  # fmt: skip
    kind = load("internvl.processing_internvl:InternVLProcessor")
    processor = kind.__new__(kind)
    processor.start_image_token, processor.end_image_token = "<img>", "</img>"
    processor.image_token, processor.image_seq_length = "<c>", 256

    def made(image: Size) -> Made:
        out = images([blank(image)])
        text = processor.replace_image_token(out, 0)
        return Made(shapes(out["pixel_values"]), length(words, text))

    return made


def aya() -> Reference:
    images = _image_processor(
        "got_ocr2.image_processing_got_ocr2:GotOcr2ImageProcessor",
        size={"height": 364, "width": 364}, crop_to_patches=True, min_patches=1, max_patches=12,
    )  # fmt: skip
    marks = ["<image>", "<s>", "<e>", "<p>", "<br>", "TILE_GLOBAL"]
    words = tokenizer(*marks, *[f"TILE_{n}" for n in range(1, 13)])
    processor = load("aya_vision.processing_aya_vision:AyaVisionProcessor")(
        images, words, patch_size=14, img_size=364, downsample_factor=2,
        start_of_img_token="<s>", end_of_img_token="<e>", img_patch_token="<p>",
    )  # fmt: skip

    def made(image: Size) -> Made:
        out = images([blank(image)])
        text = processor.replace_image_token(out, 0)
        return Made(shapes(out["pixel_values"]), length(words, text))

    return made


def minicpm() -> Reference:
    images = _image_processor("minicpmv4_6.image_processing_minicpmv4_6:MiniCPMV4_6ImageProcessor")
    marks = {
        "image_token": "<i>", "image_start_token": "<image>", "image_end_token": "</image>",
        "slice_start_token": "<slice>", "slice_end_token": "</slice>",
        "image_id_start_token": "<id>", "image_id_end_token": "</id>",
    }  # fmt: skip
    words = tokenizer(**marks)
    kind = load("minicpmv4_6.processing_minicpmv4_6:MiniCPMV4_6Processor")
    processor = kind.__new__(kind)
    for name, mark in marks.items():
        setattr(processor, name, mark)
    processor.slice_mode = True

    def made(image: Size) -> Made:
        out = images([blank(image)])
        text = processor.replace_image_token(out, 0, image_token_divisor=16)
        text = processor._prepend_local_ids(["<i>"], [text], "<i>")[0]
        sizes = [(14 * int(rows), 14 * int(columns)) for rows, columns in out["target_sizes"]]
        return Made(shapes(None, sizes), length(words, text))

    return made


def molmo2() -> Reference:
    images = _image_processor("molmo2.image_processing_molmo2:Molmo2ImageProcessor")
    marks = ["<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<im_end>"]
    words = tokenizer(*marks)
    kind = load("molmo2.processing_molmo2:Molmo2Processor")
    processor = kind.__new__(kind)
    processor.image_use_col_tokens, processor.use_single_crop_col_tokens = True, False
    processor.use_single_crop_start_token = True

    def made(image: Size) -> Made:
        grid, crops = images.get_image_grid_and_crops(image[1], image[0])
        text = processor.replace_image_token({"image_grids": [grid]}, 0)
        return Made(Counter({(378, 378): crops}), length(words, text))

    return made


def phi4() -> Reference:
    """On the processor, with its three pixel operations replaced by empty results."""
    import torch

    images = _image_processor(
        "phi4_multimodal.image_processing_phi4_multimodal:Phi4MultimodalImageProcessor",
        dynamic_hd=36,
    )
    module = load("phi4_multimodal.image_processing_phi4_multimodal:tvF")

    def made(image: Size) -> Made:
        def resized(one: Any, size: Any, **_: Any) -> Any:
            return torch.empty(3, size[0], size[1], dtype=torch.uint8)

        def padded(one: Any, sides: Any, fill: Any) -> Any:
            high, wide = one.shape[-2] + sides[3], one.shape[-1] + sides[2]
            return torch.empty(3, high, wide, dtype=torch.uint8)

        before = module.resize, module.pad
        module.resize, module.pad = resized, padded
        images.rescale_and_normalize = lambda one, *_: one
        images.resize = lambda one, size, **_: torch.empty(3, size.height, size.width,
                                                           dtype=torch.uint8)  # fmt: skip
        try:
            out = images([torch.empty(1, dtype=torch.uint8).expand(3, image[1], image[0])])
        finally:
            module.resize, module.pad = before
        return Made(shapes(out["image_pixel_values"][0]), int(out["num_img_tokens"][0]))

    return made


def deepseek(base: int, tile: int = 0, most: int = 0):
    """DeepSeek-OCR's rule in the words of a later model that took it over unchanged."""

    def build() -> Reference:
        images = _image_processor(
            "unlimited_ocr.image_processing_unlimited_ocr:UnlimitedOcrImageProcessor",
            size={"height": base, "width": base}, crop_to_patches=bool(most),
            min_patches=2, max_patches=most or 2, tile_size=tile or 640,
        )  # fmt: skip
        words = tokenizer(image_token="<image>")
        processor = load("unlimited_ocr.processing_unlimited_ocr:UnlimitedOcrProcessor")(
            images, words
        )

        def made(image: Size) -> Made:
            out = images([blank(image)])
            found = shapes(out["pixel_values"]) + shapes(out.get("pixel_values_local", []))
            return Made(found, length(words, processor.replace_image_token(out, 0)))

        return made

    return build


def deepseek2() -> Reference:
    images = _image_processor(
        "deepseek_ocr2.image_processing_deepseek_ocr2:DeepseekOcr2ImageProcessor"
    )
    words = tokenizer(image_token="<image>")
    processor = load("deepseek_ocr2.processing_deepseek_ocr2:DeepseekOcr2Processor")(images, words)

    def made(image: Size) -> Made:
        out = images([blank(image)])
        found = shapes(out["pixel_values"]) + shapes(out.get("pixel_values_local", []))
        return Made(found, length(words, processor.replace_image_token(out, 0)))

    return made


def llava_next() -> Reference:
    images = _image_processor(
        "llava_next.image_processing_llava_next:LlavaNextImageProcessor",
        size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336},
    )  # fmt: skip
    words = tokenizer(image_token="<image>")
    processor = load("llava_next.processing_llava_next:LlavaNextProcessor")(
        images, words, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )  # fmt: skip

    def made(image: Size) -> Made:
        out = images([blank(image)])
        return Made(
            shapes(out["pixel_values"][0]), length(words, processor.replace_image_token(out, 0))
        )

    return made


def onevision() -> Reference:
    images = _image_processor(
        "llava_onevision.image_processing_llava_onevision:LlavaOnevisionImageProcessor"
    )
    words = tokenizer(image_token="<image>", video_token="<video>")
    processor = load("llava_onevision.processing_llava_onevision:LlavaOnevisionProcessor")
    it = processor.__new__(processor)
    it.image_processor, it.num_image_tokens, it.image_token = images, 729, "<image>"
    it.vision_feature_select_strategy, it.vision_aspect_ratio = "full", "anyres_max_9"

    def made(image: Size) -> Made:
        out = images([blank(image)])
        return Made(shapes(out["pixel_values"][0]), length(words, it.replace_image_token(out, 0)))

    return made


def llava(width: int, stride: int, path: str = "clip.image_processing_clip:CLIPImageProcessor"):
    """One square view, through LLaVA's processor."""

    def build() -> Reference:
        square = {"height": width, "width": width}
        images = _image_processor(path, size={"shortest_edge": width}, crop_size=square)
        words = tokenizer(image_token="<image>")
        processor = load("llava.processing_llava:LlavaProcessor")(
            images, words, patch_size=stride, vision_feature_select_strategy="full"
        )

        def made(image: Size) -> Made:
            (tokens,) = processor._get_num_multimodal_tokens([(image[1], image[0])])[
                "num_image_tokens"
            ]
            return Made(shapes(images([blank(image)])["pixel_values"]), tokens)

        return made

    return build


def paligemma(width: int, tokens: int):
    def build() -> Reference:
        images = _image_processor(
            "siglip.image_processing_siglip:SiglipImageProcessor",
            size={"height": width, "width": width},
        )
        images.image_seq_length = tokens
        words = tokenizer(image_token="<image>")
        kind = load("paligemma.processing_paligemma:PaliGemmaProcessor")
        processor = kind(images, words)

        def made(image: Size) -> Made:
            found = processor._get_num_multimodal_tokens([(image[1], image[0])])
            return Made(
                shapes(images([blank(image)])["pixel_values"]), found["num_image_tokens"][0]
            )

        return made

    return build


QWEN3 = {"size": {"shortest_edge": 65536, "longest_edge": 16777216}, "patch_size": 16}
QWEN2 = {"min_pixels": 3136, "max_pixels": 12845056}

REFERENCES: dict[str, Callable[[], Reference]] = {
    "aya_vision_8b": aya,
    "deepseek_ocr_base": deepseek(1024),
    "deepseek_ocr_gundam": deepseek(1024, 640, 9),
    "deepseek_ocr_large": deepseek(1280),
    "deepseek_ocr_small": deepseek(640),
    "deepseek_ocr_tiny": deepseek(512),
    "deepseek_ocr_2": deepseek2,
    "fastvlm_0_5b": llava(1024, 64),
    "fastvlm_1_5b": llava(1024, 64),
    "gemma3_4b": gemma3(False),
    "gemma3_4b_pan_and_scan": gemma3(True),
    "gemma4_e2b": gemma4,
    "internvl3_1b": internvl,
    "internvl3_2b": internvl,
    "internvl3_5_1b": internvl,
    "lfm2_vl_450m": lfm2,
    "lfm2_vl_1_6b": lfm2,
    "llava_1_5_7b": llava(336, 14),
    "llava_next_7b": llava_next,
    "llava_onevision_0_5b": onevision,
    "minicpm_v_4_6": minicpm,
    "ministral3_3b": pixtral(14, 2, 1540),
    "molmo2_4b": molmo2,
    "paddleocr_vl_0_9b": qwen(
        "paddleocr_vl.image_processing_paddleocr_vl:PaddleOCRVLImageProcessor",
        min_pixels=147384,
        max_pixels=2822400,
    ),
    "paligemma2_3b_448": paligemma(448, 1024),
    "phi4_multimodal": phi4,
    "pixtral_12b": pixtral(16, 1, 1024),
    "qwen2_5_vl_3b": qwen(**QWEN2),
    "qwen2_vl_2b": qwen(**QWEN2),
    "qwen3_vl_2b": qwen(**QWEN3),
    "qwen3_vl_4b": qwen(**QWEN3),
    "siglip2_naflex": naflex,
    "smolvlm2_256m": smolvlm(2048, 512, 64),
    "smolvlm2_500m": smolvlm(2048, 512, 64),
    "smolvlm2_2_2b": smolvlm(1536, 384, 81),
    "idefics3_8b": smolvlm(1456, 364, 169),
}
"""A processor for each system whose numbers are checked, by its name in `sweeps/vlm`."""
