"""One small encoder and one small language model, for tests that need domain objects."""

from paretobench.domain import Encoder, LanguageModel, Resolutions

ENCODER = Encoder(
    name="tiny",
    label="Tiny",
    family="Tiny",
    architecture="tiny_net",
    token_stride_px=64,
    token_rounding="ceil",
    parameters=1_000,
    output_channels=8,
    resolutions=Resolutions(multiple_px=64),
    sweep_resolutions_px=(256, 512),
)

LLM = LanguageModel(
    name="small",
    label="Small",
    family="Small",
    size_label="1M",
    architecture="qwen2",
    hidden_size=8,
    n_layers=1,
    n_heads=1,
    n_kv_heads=1,
    intermediate_size=16,
    vocab_size=32,
    max_positions=64,
    parameters=2_000,
)
