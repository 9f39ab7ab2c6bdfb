"""Vision towers of transformers: their forward pass, their processors' patches, their counts."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from paretobench.backends import get, refusal  # noqa: E402
from paretobench.backends.choose import choose_device  # noqa: E402
from paretobench.backends.models import towers  # noqa: E402
from paretobench.backends.models.timm_import import repair_torchvision  # noqa: E402
from paretobench.config import load_catalogue, load_vlms  # noqa: E402
from paretobench.domain import EncoderInput, Runtime, encode_workload  # noqa: E402
from paretobench.errors import UnsupportedError  # noqa: E402
from paretobench.planning.tokens import count_tokens  # noqa: E402

repair_torchvision()  # processors need it

CATALOGUE = load_catalogue()
TOWERS = {name: one for name, one in CATALOGUE.encoders.items() if one.builder == "transformers"}
SYSTEMS = {name: one for name, one in load_vlms().items() if one.encoder in TOWERS}
TORCH = Runtime("torch", "fp32")

SMALLER = {
    "depth": 2, "num_hidden_layers": 2, "fullatt_block_indexes": [1],
    "deepstack_visual_indexes": [0],
}  # fmt: skip


def small(name):
    """A catalogue's tower with two blocks."""
    tower = TOWERS[name]
    vision = dict(tower.options["vision_config"])
    vision |= {field: value for field, value in SMALLER.items() if field in vision}
    return replace(tower, options={**tower.options, "vision_config": vision})


def image_of(seen, seed=0):
    shape = (3, seen.height_px, seen.width_px)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def session(encoder, seen, root, runtime=TORCH):
    workload = encode_workload(encoder, seen, runtime)
    backend = get("torch")
    return backend.load(workload, backend.prepare(workload, root))


def encoded(encoder, seen, root):
    running = session(encoder, seen, root)
    running.set_input(image_of(seen)[np.newaxis])
    running.run()
    return running, running.output().copy()


ONE_PASS = {
    "qwen2_vl": EncoderInput(140, 84),
    "qwen2_5_vl": EncoderInput(252, 140),  # more than one window of 112 px, cut at the edge
    "qwen3_vl": EncoderInput(96, 160),
    "smolvlm": EncoderInput.square(512),
    "gemma3": EncoderInput.square(896),
    "mistral3": EncoderInput(140, 84),
    "internvl": EncoderInput.square(448),
    "lfm2_vl": EncoderInput(128, 96, padded_patches=64),
}
BY_FAMILY = {one.architecture: name for name, one in sorted(TOWERS.items(), reverse=True)}


@pytest.mark.parametrize("family", sorted(set(ONE_PASS) - {"gemma3"}))
def test_a_pass_gives_the_tokens_that_the_catalogue_states(family, tmp_path):
    encoder, seen = small(BY_FAMILY[family]), ONE_PASS[family]
    running, tokens = encoded(encoder, seen, tmp_path)
    assert tokens.shape == (1, encoder.tokens(seen), encoder.output_channels)
    assert np.isfinite(tokens).all() and 0.01 < tokens.std() < 100
    assert running.facts["weights"] == "random, mapped from a file"


@pytest.mark.parametrize("family", ["internvl", "qwen2_5_vl"])  # kernels of 4 and of 5 dimensions
def test_a_tower_runs_in_bf16(family, tmp_path):
    encoder, seen = small(BY_FAMILY[family]), ONE_PASS[family]
    running = session(encoder, seen, tmp_path, Runtime("torch", "bf16"))
    running.run()
    assert np.isfinite(running.output()).all()
    assert running.facts["precision"] == "bf16"


def test_one_file_of_weights_serves_inputs_of_every_size(tmp_path):
    encoder = small("qwen2_5_vl_3b_tower")
    first = get("torch").prepare(encode_workload(encoder, 56, TORCH), tmp_path)
    other = get("torch").prepare(encode_workload(encoder, EncoderInput(112, 84), TORCH), tmp_path)
    assert first.path == other.path


def own_patches(processor, image):
    """What a processor of transformers hands to its model, for pixels normalised already."""
    given = {"do_resize": False, "do_rescale": False, "do_normalize": False,
             "do_convert_rgb": False, "return_tensors": "pt"}  # fmt: skip
    return processor([torch.from_numpy(image)], **given)


def test_qwens_tower_gives_what_its_own_forward_gives_on_its_processors_patches(tmp_path):
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

    encoder, seen = small("qwen2_5_vl_3b_tower"), ONE_PASS["qwen2_5_vl"]
    running, tokens = encoded(encoder, seen, tmp_path)
    made = own_patches(Qwen2VLImageProcessor(), image_of(seen))
    assert torch.equal(running.pixels, made["pixel_values"])
    assert made["image_grid_thw"].tolist() == [[1, 10, 18]]
    with torch.inference_mode():
        own = running.network.model.visual(
            made["pixel_values"], grid_thw=made["image_grid_thw"]
        ).pooler_output
    assert np.array_equal(tokens[0], own.numpy())


def test_lfm2s_tower_takes_its_processors_patches_padded_and_masked(tmp_path):
    own = importlib.import_module("transformers.models.lfm2_vl.image_processing_lfm2_vl")
    encoder, seen = small("lfm2_vl_450m_tower"), EncoderInput(576, 416, padded_patches=1024)
    running, tokens = encoded(encoder, seen, tmp_path)
    cut = own.convert_image_to_patches(torch.from_numpy(image_of(seen)[np.newaxis]), 16)
    padded, mask = own.pad_along_first_dim(cut, 1024)
    assert torch.equal(running.pixels, padded)
    assert torch.equal(running.network.pixel_attention_mask[0], mask.long())
    assert running.network.spatial_shapes.tolist() == [[26, 36]]
    assert tokens.shape[1] == 36 * 26 // 4


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_passes_and_tokens_of_the_rule_are_those_of_the_tower(name):
    """Tokens of the tower over all passes of an image are the rule's visual tokens."""
    system = SYSTEMS[name]
    encoder = TOWERS[system.encoder]
    for image in ((1024, 768), (1654, 2339), (300, 2000)):
        found = count_tokens(system.rule, image, system.options)
        made = sum(one.passes * encoder.tokens(one) for one in found.inputs)
        assert made == found.visual_tokens, image


VOCABULARY = {
    # Rows of the checkpoint's own embedding where the catalogue's language model has others, and
    # whether it has a head of its own. Neither changes a prefill's operations by 0.1 %.
    "smolvlm2_256m": (49280, False), "smolvlm2_500m": (49280, False),
    "smolvlm2_2_2b": (49280, False), "internvl3_1b": (151674, False),
    "internvl3_5_1b": (151936, False),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(name for name, one in SYSTEMS.items() if one.parameters))
def test_tower_and_language_model_have_the_published_parameters_to_the_digit(name):
    system = SYSTEMS[name]
    llm = CATALOGUE.llms[system.llm]
    rows, is_tied = VOCABULARY.get(name, (llm.vocab_size, True))
    built = TOWERS[system.encoder].parameters + llm.parameters
    embeddings = (rows - llm.vocab_size) * llm.hidden_size
    head = 0 if is_tied else rows * llm.hidden_size
    assert built + embeddings + head == system.parameters
    assert TOWERS[system.encoder].output_channels == llm.hidden_size


def test_other_runtimes_and_several_images_are_refused_with_the_reason():
    encoder = TOWERS["internvl3_1b_tower"]
    for backend in ("openvino", "onnxruntime", "coreml"):
        assert "torch" in (refusal(encode_workload(encoder, 448, Runtime(backend, "fp32"))) or "")
    several = replace(encode_workload(encoder, 448, TORCH), batch=2)
    assert "one image" in (refusal(several) or "")


def test_a_device_encodes_towers_with_the_runtime_that_builds_them():
    pytest.importorskip("openvino")
    tower = TOWERS["internvl3_1b_tower"]
    asked = {"models": {tower.name: {"spec": tower.spec(), "precision": ""}}}
    half = {"backend": "auto", "precision": "auto", "options": {}}
    device = choose_device({"name": "auto", "encode": {**half, **asked}, "prefill": half})
    assert device.encode.backend == "torch" and "torch" in device.why


def test_an_unknown_family_and_padding_where_none_is_taken_are_refused():
    spec = {"builder": "transformers", "architecture": "nonesuch", "options": {}}
    with pytest.raises(UnsupportedError, match="qwen2_5_vl"):
        towers.create_on_meta(spec, 28)
    encoder = small("internvl3_1b_tower")
    network = towers.build(encoder.spec(), EncoderInput(448, 448, padded_patches=2000))
    with pytest.raises(UnsupportedError, match="padded"):
        network.arranged(torch.zeros(1, 3, 448, 448))


@pytest.mark.heavy
def test_qwen2_5_vl_at_its_true_size_gives_what_its_own_forward_gives_on_1036_by_756(tmp_path):
    encoder, seen = TOWERS["qwen2_5_vl_3b_tower"], EncoderInput(1036, 756)
    network = towers.build(encoder.spec(), seen, torch.bfloat16)
    assert sum(one.numel() for one in network.parameters()) == 668_684_288
    patches = network.arranged(torch.from_numpy(image_of(seen)[np.newaxis]).bfloat16())
    with torch.inference_mode():
        tokens = network(patches)
        own = network.model.visual(patches, grid_thw=torch.tensor([[1, 54, 74]])).pooler_output
    assert tokens.shape == (1, 999, 2048) and torch.equal(tokens[0], own)
