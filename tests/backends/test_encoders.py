"""Encoders of true size: counts, shapes, values."""

import warnings

import pytest

from paretobench.config import load_catalogue
from paretobench.errors import UnsupportedError

torch = pytest.importorskip("torch")

from paretobench.backends.models import encoders, n_parameters, random_weights  # noqa: E402

CATALOGUE = load_catalogue().encoders
SINGLE = sorted(
    name
    for name, encoder in CATALOGUE.items()
    if not encoder.parts and encoder.builder != "transformers"
)

PUBLISHED_HEADS = {
    # What papers count besides the trunk: the projection into CLIP's embedding, or a pool.
    "fastvithd": 3072 * 768,
    "fastvit": 1280 * 512,
    "siglip_so400m": 15_240_000,  # attention pool
    "vit_l14": 1024 * 768,
    "convnext_l": 1536 * 1536 + 1536 * 768,  # a head of two layers
    "convnext_xxl": 3072 * 1024,
}


def spec(architecture, **options):
    return {"builder": "timm", "architecture": architecture, "options": options}


@pytest.fixture(autouse=True, scope="module")
def _quiet_timm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", SINGLE)
def test_the_catalogue_states_the_parameters_that_are_built(name):
    encoder = CATALOGUE[name]
    built = encoders.create_on_meta(encoder.spec(), encoder.sweep_resolutions_px[0])
    assert n_parameters(built) == encoder.parameters


@pytest.mark.parametrize("name", SINGLE)
def test_tokens_and_channels_are_what_the_catalogue_says(name):
    encoder = CATALOGUE[name]
    for resolution_px in encoder.sweep_resolutions_px[:2]:
        network = encoders.build_without_values(encoder.spec(), resolution_px)
        with torch.device("meta"):
            tokens = network(torch.empty(1, 3, resolution_px, resolution_px))
        expected = (1, encoder.tokens(resolution_px), encoder.output_channels)
        assert tuple(tokens.shape) == expected


@pytest.mark.parametrize("name", sorted(PUBLISHED_HEADS))
def test_fused_and_with_its_head_an_encoder_has_the_published_count(name):
    """Within 0.1 % for Apple's own encoders, whose source is known to the digit; within 1 % for
    the rest, whose published counts are rounded or of a slightly different export."""
    encoder = CATALOGUE[name]
    trunk = encoders.build_without_values(encoder.spec(), encoder.sweep_resolutions_px[0])
    millions = (n_parameters(trunk) + PUBLISHED_HEADS[name]) / 1e6
    tolerance = 0.001 if name.startswith("fastvit") else 0.01
    assert millions == pytest.approx(encoder.published_parameters_m, rel=tolerance)


@pytest.mark.parametrize(
    ("architecture", "resolution_px"),
    [
        ("convnext_atto", 128),
        ("vit_tiny_patch16_224", 112),
        ("eva02_tiny_patch14_224", 112),
        ("vitamin_small_224", 112),
    ],
)
def test_random_weights_keep_every_family_finite_and_near_one(architecture, resolution_px):
    network = encoders.build(spec(architecture), resolution_px)
    with torch.inference_mode():
        tokens = network(torch.randn(1, 3, resolution_px, resolution_px))
    assert torch.isfinite(tokens).all()
    assert 0.01 < float(tokens.std()) < 100


def test_equal_seeds_give_equal_networks_and_others_do_not():
    def first(seed):
        network = encoders.build(spec("convnext_atto"), 64, seed=seed)
        return next(network.parameters())

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


def test_no_two_layers_have_equal_weights():
    """OpenVINO merges equal constants: the network would fit in a cache it does not fit in."""
    network = encoders.build(spec("vit_tiny_patch16_224"), 112)
    matrices = [value for value in network.parameters() if value.ndim >= 2 and value.numel() > 999]
    seen = {tuple(value.reshape(-1)[:8].tolist()) for value in matrices}
    assert len(seen) == len(matrices)


def test_a_batch_norm_starts_as_the_identity():
    network = torch.nn.BatchNorm2d(4)
    network.running_mean.fill_(7)
    network.running_var.fill_(7)
    random_weights.fill(network)
    assert network.running_mean.eq(0).all()
    assert network.running_var.eq(1).all()
    assert network.weight.eq(1).all()


def test_a_parameter_larger_than_the_block_is_filled_to_its_end(monkeypatch):
    monkeypatch.setattr(random_weights, "BLOCK_VALUES", 64)
    layer = torch.nn.Linear(50, 7)
    with torch.no_grad():
        layer.weight.fill_(torch.nan)
    random_weights.fill(layer)
    assert torch.isfinite(layer.weight).all()
    assert float(layer.weight.detach().std()) == pytest.approx(50**-0.5, rel=0.3)


def test_folding_branches_leaves_the_output_as_it_was():
    network = encoders.create_on_meta(spec("fastvit_t8"), 64)
    encoders.drop_head(network.network)
    network = network.to_empty(device="cpu")
    random_weights.fill(network)
    network.eval()
    pixels = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(pixels)
        encoders.fold_branches(network, "cpu")
        after = network(pixels)
    assert torch.allclose(before, after, rtol=1e-3, atol=1e-4)


def test_the_class_token_is_no_visual_token():
    network = encoders.build(spec("vit_tiny_patch16_224"), 64)
    with torch.inference_mode():
        tokens = network(torch.zeros(1, 3, 64, 64))
    assert tokens.shape[1] == 16


def test_an_unknown_architecture_is_refused_with_what_to_do():
    with pytest.raises(UnsupportedError, match="has no architecture 'fastvit_mci9'"):
        encoders.create_on_meta(spec("fastvit_mci9"), 64)


def test_an_unknown_builder_is_refused():
    with pytest.raises(UnsupportedError, match="no builder 'hub'"):
        encoders.create_on_meta({"builder": "hub", "architecture": "x", "options": {}}, 64)
