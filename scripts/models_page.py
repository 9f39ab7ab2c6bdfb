"""Write docs/models.md: every vision-language model, its token rule, settings and sources.

python scripts/models_page.py           rewrite docs/models.md
python scripts/models_page.py --check   exit 1 if docs/models.md does not show what is bundled
"""

from __future__ import annotations

import sys
from pathlib import Path

import paretobench as pb
from paretobench.config import Catalogue, load_catalogue, load_vlms
from paretobench.domain import VisionLanguageModel
from paretobench.planning.tokens import RULES, ImageTokens, count_tokens

PAGE = Path(__file__).resolve().parent.parent / "docs" / "models.md"
MEASURED = PAGE.parent.parent / "results" / "examples" / "vlms_epyc.db"
"""What `vlms_small`, the sweep of the section with times, stored."""

IMAGES = ((1024, 768), (1654, 2339))
"""The images of the table: a photograph, and a page of A4 at 200 dots per inch."""

HEAD = """\
# Models of today

What one image costs each vision-language model: passes of its encoder, tokens that carry image
content, and separators (the other tokens that the model's processor writes for the image: row
ends, tile marks, borders). The chat template around an image is text and not counted.

This page is written by `python scripts/models_page.py` from `sweeps/vlm` and
`paretobench/planning/tokens`. For another image or other settings:

```sh
paretobench tokens --image 1024x768 --image 1654x2339
paretobench tokens --image 1654x2339 --vlm qwen2_5_vl_3b --set max_pixels=1003520
paretobench tokens --image a4_scans
```

The last is a [list of images](extending.md#a-list-of-images): the means over it, and what nine in
ten of its images stay within.

## Passes and tokens

Each cell is *passes: visual tokens + separators*.

"""

EXACT = """\
## What is exact, and what is our reading

Exact: tests run the processor of `transformers` (5.24) with the published settings on hundreds of
sizes, ties, tiny and long images among them, and compare the size of every encoder pass and the
number of tokens. No rule goes without such a check.

Our reading:

- DeepSeek-OCR (the first) is not in `transformers`. Its rule is checked against the processor of
  Unlimited-OCR there, which took it over; modes and their sizes are those of its README.
- Settings were read in public code, not on the model hub: the defaults of a processor's class, the
  script with which `transformers` converted the checkpoint, or a copy of the checkpoint's file in
  another repository. The column *read in* of the last table names which; where a model's own file
  was not read, it says so.
- Where a checkpoint's `preprocessor_config.json` differs from the defaults of its class, the
  checkpoint's settings count: Qwen2-VL and Qwen2.5-VL allow 12,845,056 pixels where the class
  allows 1,003,520. `--set max_pixels=1003520` gives the other number.
- Granite's language model scales activations by four factors. They change no operation and no
  time, and `sweeps/llm/granite4_350m.yaml` holds plain values in their place.
- Gemma 3's pan and scan writes a sentence between the whole image and its crops. It is text, and
  not counted as separators. Two newlines count as one token, as in the tokenizers of Gemma 3 and
  SmolVLM.
- SigLIP 2 NaFlex and Gemma 4 pad every image to the same number of patches: the encoder's time is
  that of the padded sequence, shown as *in N patches*.

- The published number of parameters of a checkpoint was read where public code states it
  (`AlexsJones/llmfit`, `embeddings-benchmark/mteb` and others). InternVL3-1B's is that of
  InternVL2.5-1B, whose networks are the same; where no source was found the cell is empty.

## Rules

"""

WHOLE = """\
## Whole models

`vlm=NAME` is one of these: the encoder, the token rule above and the language model together, at
their true size with random weights.

```sh
paretobench plan vlm=smolvlm2_500m,qwen2_5_vl_3b image=1024x768
paretobench plan +grid=vlms_2026
```

An encoder called a tower is built from the classes of `transformers`: window attention, merger and
projector as they are there, run by the method that `transformers` itself calls, on the patches that
its own image processor cuts (tests hold both equal). Towers run in torch, on a CPU, CUDA or Apple's
GPU; other runtimes refuse them. The other encoders are timm's, without a projector, as in the
FastVLM paper: FastVLM's own would be two matrices for 256 tokens, 0.4 % of its encoder.

A language model is the one that its authors name, from the classes of `transformers` too: LFM2's
convolutions beside its attention, Gemma's sliding windows. What differs from the checkpoint:

- M-RoPE of Qwen-VL: three rows of positions in place of one make the rotary table, once for a
  prefill. The plain decoder of Qwen2.5 and Qwen3 is what runs. Qwen3-VL also adds features of three
  encoder layers to the first three layers' inputs: computed in the tower, added nowhere.
- Gemma 3 lets an image's own tokens see one another; the mask here is causal, of the same size.
- Vocabularies: SmolVLM2 has 49,280 rows and a head of its own (49,152 and none here), InternVL3 and
  3.5 a head of their own. Published counts include them. A prefill computes one row of logits, so
  that its time does not depend on them; with them every count in the table agrees to the digit.

"""

TIMES = """\
## Measured: what one image costs until the first word

The smallest five on two cores of an AMD EPYC (Zen 4, AVX-512 with bf16, no AMX), random weights at
true size, one image of 1024 x 768, all visual tokens and separators prefilled, 2026-11-27.
Times are milliseconds, those of the encoder for all passes:

```sh
paretobench sweep vlm=smolvlm2_256m,smolvlm2_500m,lfm2_vl_450m,internvl3_1b,fastvlm_0_5b \\
    image=1024x768 check=0 accuracy=none name=vlms_small
```

![Time to first token of five models for one image](../reports/examples/vlms_epyc/pareto.png)

"""


def page(systems: dict[str, VisionLanguageModel], catalogue: Catalogue) -> str:
    """The whole page."""
    ordered = sorted(systems.values(), key=lambda one: (one.family, one.label))
    heads = [f"{width}x{height}" for width, height in IMAGES]
    counts = [[one.label, f"`{one.name}`", *(_cell(one, image) for image in IMAGES)]
              for one in ordered]  # fmt: skip
    sources = [
        [one.label, one.checkpoint, f"`{one.rule}`", _options(one), one.settings, one.source,
         one.note]
        for one in ordered
    ]  # fmt: skip
    rules = [[f"`{name}`", _first(rule.__doc__ or "")] for name, rule in RULES.items()]
    return "".join(
        (
            HEAD,
            _table(["model", "name", *heads], counts),
            "\n",
            EXACT,
            _table(["rule", "what it does"], rules),
            "\n",
            WHOLE,
            _whole(ordered, catalogue),
            "\n",
            TIMES,
            _times(systems),
            "\n## Settings and sources\n\n",
            _table(
                ["model", "checkpoint", "rule", "settings", "read in", "rule read in", "note"],
                sources,
            ),
        )
    )


def _whole(systems: list[VisionLanguageModel], catalogue: Catalogue) -> str:
    """A row for each model whose encoder and language model are built, and what they count."""
    head = ["model", "encoder", "parameters", "language model", "parameters", "together",
            "published"]  # fmt: skip
    rows = []
    for one in systems:
        if one.encoder and one.llm:
            encoder, llm = catalogue.encoders[one.encoder], catalogue.llms[one.llm]
            counts = (encoder.parameters, llm.parameters, encoder.parameters + llm.parameters)
            of_encoder, of_llm, both = (f"{count:,}" for count in counts)
            published = f"{one.parameters:,}" if one.parameters else ""
            rows.append([one.label, encoder.label, of_encoder, llm.label, of_llm, both, published])
    return _table(head, rows)


def _times(systems: dict[str, VisionLanguageModel]) -> str:
    """A row for each model that was measured, the fastest first; times in milliseconds."""
    head = ["model", "passes", "encoder", "tokens", "prefill", "TTFT [95 %]", "runtimes"]
    points = pb.open(MEASURED, sweep="vlms_small").points().sort_values("ttft_s")
    rows = []
    for one in points.itertuples():
        model = systems[one.tiling.partition(":")[0]]
        tokens = one.visual_tokens + one.newline_tokens
        low, high = one.ttft_low_s * 1e3, one.ttft_high_s * 1e3
        runtimes = (f"{one.encode_backend} {one.encode_precision}",
                    f"{one.prefill_backend} {one.prefill_precision}")  # fmt: skip
        rows.append(
            [model.label, f"{one.passes}", f"{one.encode_s * 1e3:,.0f}", f"{tokens}",
             f"{one.prefill_s * 1e3:,.0f}", f"{one.ttft_s * 1e3:,.0f} [{low:,.0f}, {high:,.0f}]",
             ", ".join(dict.fromkeys(runtimes))]
        )  # fmt: skip
    return _table(head, rows)


def _cell(system: VisionLanguageModel, image: tuple[int, int]) -> str:
    found: ImageTokens = count_tokens(system.rule, image, system.options)
    return f"{found.passes}: {found.visual_tokens} + {found.separator_tokens}"


def _options(system: VisionLanguageModel) -> str:
    shown = {
        name: f"{len(value)} of them" if name == "canvases" else value
        for name, value in system.options.items()
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _first(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Rewrite the page, or check it."""
    nowhere = Path("no such folder")
    wanted = page(load_vlms(nowhere), load_catalogue(nowhere))
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
