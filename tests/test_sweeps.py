"""Every model in `sweeps/` is what it says: built at its true size and counted."""

import pytest

from paretobench.config import expand, load_catalogue
from paretobench.domain import Device, Runtime
from paretobench.planning.cost import Machine
from paretobench.planning.plan import plan_grid
from paretobench.resources import sweeps_folder

CATALOGUE = load_catalogue()
SINGLE = {name: one for name, one in CATALOGUE.encoders.items() if not one.parts}
SYSTEMS = {name: one for name, one in CATALOGUE.encoders.items() if one.parts}

# The paper counts the CLIP head, FastViT's fused branches, or a pool that a VLM drops.
PRINTED_WITH_MORE = {"siglip_so400m": 0.05, "siglip_b16": 0.08, "fastvithd": 0.02, "fastvit": 0.02}
# Three printed counts are not those of the network that the text describes; see the YAMLs.
PRINTED_WRONG = {"convllava_l", "fastvit_naive", "davit"}


@pytest.mark.parametrize("name", sorted(SINGLE))
def test_an_encoder_builds_with_its_parameters_tokens_and_width(name):
    torch = pytest.importorskip("torch")
    from paretobench.backends.models import is_tower
    from paretobench.backends.models.weights import builder_of

    encoder = SINGLE[name]
    px = encoder.sweep_resolutions_px[0]
    network = builder_of(encoder.spec()).create_on_meta(encoder.spec(), px)
    assert sum(one.numel() for one in network.parameters()) == encoder.parameters
    if is_tower(encoder.spec()):
        return  # a tower reads its grid's values, which are not there without storage
    with torch.no_grad():
        tokens = network(torch.empty(1, 3, px, px, device="meta"))
    assert tuple(tokens.shape) == (1, encoder.tokens(px), encoder.output_channels)


@pytest.mark.parametrize("name", sorted(CATALOGUE.llms))
def test_a_language_model_builds_with_its_parameters(name):
    torch = pytest.importorskip("torch")
    from paretobench.backends.models import torch_llm

    llm = CATALOGUE.llms[name]
    model = torch_llm.create_on_meta(llm.spec(), torch.float32, "sdpa")
    assert sum(parameter.numel() for parameter in model.parameters()) == llm.parameters


PRINTED = {name for name, one in CATALOGUE.encoders.items() if one.published_parameters_m}


@pytest.mark.parametrize("name", sorted(PRINTED - PRINTED_WRONG))
def test_parameters_agree_with_what_the_paper_prints(name):
    encoder = CATALOGUE.encoders[name]
    printed = encoder.published_parameters_m * 1e6
    assert encoder.parameters == pytest.approx(printed, rel=PRINTED_WITH_MORE.get(name, 0.012))


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_a_system_has_the_parameters_of_its_parts(name):
    system = SYSTEMS[name]
    assert system.parameters == sum(part.encoder.parameters for part in system.parts)
    for part in system.parts:
        assert part.encoder.resolutions.accepts(part.resolution_px)


@pytest.mark.parametrize("name", sorted(CATALOGUE.encoders))
def test_an_encoder_accepts_what_it_sweeps_and_says_why_it_refuses(name):
    encoder = CATALOGUE.encoders[name]
    assert all(encoder.resolutions.accepts(px) for px in encoder.sweep_resolutions_px)
    assert not encoder.resolutions.accepts(333) and encoder.resolutions.why
    assert encoder.source and encoder.label


@pytest.mark.parametrize("name", sorted(CATALOGUE.llms))
def test_a_language_model_names_its_size_and_source(name):
    llm = CATALOGUE.llms[name]
    assert (llm.source and llm.size_label in llm.label) or llm.name == "phi3_mini"
    assert llm.n_heads % llm.n_kv_heads == 0


@pytest.mark.parametrize("name", sorted(CATALOGUE.tilings))
def test_a_tiling_names_its_source(name):
    assert CATALOGUE.tilings[name].source and CATALOGUE.tilings[name].label


@pytest.mark.parametrize(
    "path", sorted((sweeps_folder() / "grid").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_grid_expands_and_keeps_its_name(path):
    request = expand([f"+grid={path.stem}"])
    assert request.points and request.name == path.stem and not request.refused


@pytest.mark.parametrize(
    "path", sorted((sweeps_folder() / "device").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_device_can_be_asked_for(path):
    device = expand(["+grid=smoke", f"device={path.stem}"]).devices[0]
    assert device.name == path.stem and device.encode["backend"] and device.prefill["backend"]


def test_cambrian_1_is_planned_as_the_sum_of_its_four_encoders():
    device = Device("t", Runtime("torch", "fp16"), Runtime("torch", "fp16"))
    (point,) = expand(["encoder=cambrian_1", "llm=llama3_8b"]).points
    (planned,) = plan_grid([point], (), device, Machine(64 << 30)).points
    assert {workload.label for workload, _ in planned.encodes} == {
        "SigLIP-SO400M@384",
        "ConvNeXt-XXL@1024",
        "DINOv2-L/14@518",
        "ViT-L/14@336",
    }
    assert (planned.tiles.passes, planned.tiles.visual_tokens) == (4, 576)


def test_minigemini_hd_has_2880_tokens_from_two_encoders():
    (point,) = expand(["encoder=minigemini_hd", "llm=llama3_8b"]).points
    device = Device("t", Runtime("torch", "fp16"), Runtime("torch", "fp16"))
    (planned,) = plan_grid([point], (), device, Machine(64 << 30)).points
    assert (planned.tiles.passes, planned.tiles.visual_tokens) == (2, 2880)


def test_deepseek_vl_is_placed_on_the_encoder_that_gives_its_576_tokens():
    (point,) = expand(["encoder=siglip_l16", "llm=deepseek_llm_1_3b"]).points
    device = Device("t", Runtime("torch", "fp16"), Runtime("torch", "fp16"))
    (planned,) = plan_grid([point], (), device, Machine(64 << 30)).points
    assert planned.tiles.visual_tokens == 576


def test_the_table_6_grid_is_every_system_whose_models_are_published():
    from paretobench.paper import published

    rows = [
        s for s in published.scores() if (s.source.table, s.source.version) == ("Table 6", "v1")
    ]
    printed = {(s.encoder, s.resolution_px, s.llm, s.tiling) for s in rows}
    unpublished = {row for row in printed if row[2].startswith("unstated")}
    planned = {
        (p.encoder.name, p.resolution_px, p.llm.name, p.tiling.name)
        for p in expand(["+grid=table6"]).points
    }
    assert planned == printed - unpublished and len(unpublished) == 2


def test_every_encoder_llm_and_tiling_that_the_list_of_systems_names_is_there():
    import yaml

    from paretobench.resources import published_folder

    listed = yaml.safe_load((published_folder() / "systems_map.yaml").read_text())
    known = {
        "encoder": set(CATALOGUE.encoders),
        "llm": set(CATALOGUE.llms),
        "tiling": set(CATALOGUE.tilings),
    }
    for systems in listed.values():
        for entry in systems.values():
            for kind, names in known.items():
                assert set(entry.get(kind, [])) <= names
