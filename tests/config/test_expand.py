"""From overrides to requests, and what a wrong word is answered."""

import itertools
from pathlib import Path

import pytest

from paretobench.config import Settings, composition, expand, load_catalogue
from paretobench.config.axes import AxisCombination
from paretobench.config.composer import Composer, hydra_session
from paretobench.config.groups import Groups
from paretobench.errors import ConfigError, ParetobenchError, UnknownNameError


@pytest.fixture(autouse=True)
def empty_cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sweeps(tmp_path) -> Path:
    """A `./sweeps` folder of the user's own."""
    for group in ("encoder", "llm", "grid", "device"):
        (tmp_path / "sweeps" / group).mkdir(parents=True)
    return tmp_path / "sweeps"


MINE = """
label: Mine
family: Mine
architecture: fastvit_mci2
token_stride_px: 32
token_rounding: ceil
parameters: 35000000
output_channels: 1280
resolutions: {multiple_px: 32}
sweep_resolutions_px: [128]
"""


def names(request):
    return [(p.encoder.name, p.resolution_px, p.llm.name, p.tiling.name) for p in request.points]


def test_qwen2_family_has_48_points_named_as_the_grid():
    request = expand(["+grid=qwen2_family"])
    assert len(request.points) == 48 and not request.refused
    assert request.name == request.settings.name == "qwen2_family"


def test_smoke_is_two_encoders_at_two_resolutions():
    assert names(expand(["+grid=smoke"])) == [
        (encoder, px, "qwen2_0_5b", "none")
        for encoder, px in itertools.product(["fastvithd", "fastvit"], [256, 512])
    ]


def test_vicuna_7b_is_tables_1_and_4():
    found = expand(["+grid=vicuna_7b"]).points
    assert len(found) == 11 and {p.llm.name for p in found} == {"vicuna_7b"}


def test_overrides_narrow_a_grid():
    request = expand(["+grid=qwen2_family", "llm=qwen2_0_5b", "encoder=vit_l14,fastvit"])
    assert {(e, px) for e, px, _, _ in names(request)} == {
        ("vit_l14", 336),
        *(("fastvit", px) for px in (256, 512, 768, 1024)),
    }


def test_a_product_lists_what_cannot_exist_with_the_reason():
    request = expand(["encoder=fastvithd,vit_l14", "resolution=336,512"])
    assert len(request.points) == 3
    (refusal,) = request.refused
    assert (refusal.encoder, refusal.resolution_px) == ("vit_l14", 512)
    assert "224, 336, 672" in refusal.reason and "position embeddings" in refusal.reason


def test_lists_ranges_globs_and_brackets_all_mean_lists():
    assert len(expand(["llm=glob(qwen2_*,exclude=qwen2_5*)", "resolution=256"]).points) == 3
    wanted = [256, 512, 768, 1024]
    assert [px for _, px, _, _ in names(expand(["resolution=range(256,1025,256)"]))] == wanted
    assert names(expand(["resolution=[512,256]"])) == names(expand(["resolution=512,256"]))


def test_an_open_resolution_is_what_the_encoder_lists():
    assert [px for _, px, _, _ in names(expand(["encoder=siglip_so400m"]))] == [384]


def test_asking_twice_gives_one_point():
    assert len(expand(["resolution=256,256"]).points) == 1


def test_settings_arrive_with_their_types():
    request = expand(["check=3", "cell_timeout_s=20", "wait=false", "accuracy=none", "name=mine"])
    assert request.settings == Settings(
        name="mine", check=3, cell_timeout_s=20.0, wait=False, accuracy="none"
    )


def test_the_root_file_and_the_settings_class_have_the_same_defaults():
    assert expand([]).settings == Settings()


def test_a_device_is_its_file_with_overrides():
    device = expand(["device=cpu", "device.encode.precision=fp32"]).devices[0]
    assert device.name == "cpu" and device.executor == "local"
    assert (device.encode["backend"], device.encode["precision"]) == ("openvino", "fp32")
    assert device.prefill["backend"] == "torch"


def test_an_option_that_only_this_profile_has_can_be_overridden():
    device = expand(["device=cuda", "device.encode.options.mode=eager"]).devices[0]
    assert device.encode["options"]["mode"] == "eager"
    assert device.prefill["options"]["mode"] == "best"


def test_an_override_inside_a_model_reaches_every_point():
    request = expand(["encoder=fastvithd,fastvit", "encoder.token_stride_px=16", "resolution=256"])
    assert [p.encoder.token_stride_px for p in request.points] == [16, 16]
    assert [p.encoder.architecture for p in request.points] == ["fastvit_mci3", "fastvit_mci2"]


def test_a_changed_model_does_not_pass_for_the_published_one():
    plain = expand(["resolution=256"]).points[0]
    changed = expand(["resolution=256", "encoder.token_stride_px=16"]).points[0]
    assert changed.encoder.name.startswith("fastvithd~") and changed.key != plain.key
    named = expand(["resolution=256", "encoder.token_stride_px=16", "+encoder.name=mine"])
    assert named.points[0].encoder.name == "mine"
    same = expand(["resolution=256", "encoder.token_stride_px=64"])
    assert same.points[0].key == plain.key


def test_the_users_folder_adds_encoders_and_grids(sweeps):
    (sweeps / "encoder" / "mine.yaml").write_text(MINE)
    (sweeps / "grid" / "own.yaml").write_text(
        "# @package _global_\nname: own\nhydra:\n  sweeper:\n    params: {llm: vicuna_7b}\n"
        "    blocks:\n      - {encoder: [mine, vit_l14]}\n"
    )
    assert names(expand(["+grid=own"])) == [
        ("mine", 128, "vicuna_7b", "none"),
        ("vit_l14", 336, "vicuna_7b", "none"),
    ]
    assert load_catalogue().encoders["mine"].sweep_resolutions_px == (128,)


def test_a_folder_can_be_named_instead(sweeps, tmp_path, monkeypatch):
    (sweeps / "encoder" / "mine.yaml").write_text(MINE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "mine" not in load_catalogue().encoders
    assert "mine" in load_catalogue(sweeps).encoders
    assert names(expand(["encoder=mine"], sweeps)) == [("mine", 128, "qwen2_0_5b", "none")]


def test_the_users_file_wins_over_the_bundled_one(sweeps):
    (sweeps / "encoder" / "fastvithd.yaml").write_text(MINE)
    assert expand(["encoder=fastvithd"]).points[0].encoder.label == "Mine"
    assert load_catalogue().encoders["fastvithd"].label == "Mine"


def test_a_file_with_defaults_of_its_own_is_composed_by_hydra(sweeps):
    (sweeps / "encoder" / "bigger.yaml").write_text(
        "defaults: [fastvithd]\nlabel: Bigger\nsweep_resolutions_px: [1536]\n"
    )
    request = expand(["encoder=fastvit,bigger", "name=x"])
    last = request.points[-1]
    assert (last.encoder.label, last.encoder.token_stride_px) == ("Bigger", 64)
    assert last.resolution_px == 1536
    assert load_catalogue().encoders["bigger"] == last.encoder


@pytest.mark.parametrize(
    "extra", [[], ["encoder.token_stride_px=16"], ["llm.max_positions=100", "seed=3"]]
)
def test_points_equal_those_of_a_full_composition(extra):
    """The reason `Composer` may take files instead of composing."""
    words = ["+grid=qwen2_family", *extra]
    points = expand(words).points[::7]
    for point in points:
        each = [
            f"encoder={point.encoder.name.split('~')[0]}",
            f"llm={point.llm.name.split('~')[0]}",
            f"resolution={point.resolution_px}",
        ]
        groups = Groups()
        with hydra_session(groups):
            composer = Composer(groups, composition.parse([*words, *each], groups))
            composer._untouched = set()
            chosen = (point.encoder.name, point.tiling.name, point.llm.name)
            encoder, tiling, llm = (name.split("~")[0] for name in chosen)
            row = AxisCombination(encoder, None, tiling, llm)
            full = composition._Models(composer, None).of(row)
        assert full == (point.encoder, point.llm, point.tiling)


WRONG = {
    "encoder=fastvithdd": "unknown encoder 'fastvithdd'; did you mean 'fastvithd'?",
    "llm=qwen2_05b": "unknown language model 'qwen2_05b'; did you mean 'qwen2_0_5b'?",
    "device=cppu": "unknown device 'cppu'; did you mean 'cpu'?",
    "+grid=smok": "unknown grid 'smok'; did you mean 'smoke'?",
    "encodr=fastvithd": "did you mean encoder=fastvithd?",
    "+foo=1": "unknown override '+foo=1'",
    "grid=smoke": "a grid is added: write +grid=smoke",
    "+encoder=fastvit": "write encoder=fastvit",
    "~device": "cannot be removed",
    "encoder.tokn=3": "unknown override 'encoder.tokn'",
    "+encoder.tokn=3": "unknown field 'tokn'",
    "device.encode.precison=fp16": "unknown override 'device.encode.precison'",
    "+device.encode.precison=fp16": "did you mean 'precision'?",
    "+device.where=fp16": "field of device auto 'where'",
    "device.encode=fast": "auto: encode must be {backend: NAME, precision: auto}",
    "encoder.parameters=many": "encoder/fastvithd.yaml: parameters must be a whole number",
    "resolution=big": "resolution=big must be a whole number of pixels",
    "resolution=0": "resolution=0 must be a whole number of pixels",
    "resolution=interval(1,3)": "an interval has no end of values",
    "llm=glob(zz*)": "nothing matches",
    "x": "write NAME=VALUE",
    "seed=abc": "seed=abc must be a whole number",
    "wait=maybe": "wait=maybe must be true or false",
    "seed=true": "seed=True must be a whole number",
    "seed=1,2": "only vlm, encoder, resolution, tiling, llm, image",
    "fidelity=quik": "unknown fidelity 'quik'; did you mean 'quick'?",
    "precision_goal=0": "precision_goal=0.0 must be above 0",
    "cell_timeout_s=-1": "must be above 0 seconds",
    "check=all": "check='all' must be 'front' or a number",
    "encoder=vit_l14 resolution=512": "no point can run: vit_l14@512",
    "resolution=511,513": "1 more were refused likewise",
}


@pytest.mark.parametrize("typed", WRONG)
def test_a_wrong_word_is_answered_in_at_most_three_lines(typed):
    with pytest.raises(ConfigError) as caught:
        expand(typed.split())
    assert WRONG[typed] in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
    assert caught.value.exit_status == 2


BROKEN = {
    "name: [a\n": "sweeps/encoder/mine.yaml, line 2 is not valid YAML",
    "- a\n- b\n": "sweeps/encoder/mine.yaml",
    "label: x\n": "lacks family",
    MINE + "strid: 3\n": "unknown field 'strid'",
    MINE.replace("32\n", "wide\n", 1): "token_stride_px must be a whole number, not 'wide'",
    MINE.replace("ceil", "up"): "token_rounding must be ceil or floor, not 'up'",
    MINE + "parts: [{encoder: nothing, resolution_px: 3}]": "unknown encoder 'nothing'",
    MINE + "parts: [3]": "a part is {encoder: NAME, resolution_px: N}, not 3",
}


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("read", [lambda: expand(["encoder=mine"]), load_catalogue])
def test_a_broken_file_of_the_users_is_named_with_its_fault(sweeps, text, read):
    (sweeps / "encoder" / "mine.yaml").write_text(text)
    with pytest.raises(ParetobenchError) as caught:
        read()
    message = str(caught.value)
    assert BROKEN[text] in message
    assert len(message.splitlines()) <= 3


def test_a_broken_file_that_is_not_used_does_not_stop_a_sweep(sweeps):
    (sweeps / "encoder" / "mine.yaml").write_text("name: [a\n")
    assert expand(["encoder=fastvit"]).points


def test_a_grid_cannot_bring_settings_that_do_not_exist(sweeps):
    (sweeps / "grid" / "own.yaml").write_text(
        "# @package _global_\nfidelty: quick\nhydra: {sweeper: {params: {llm: vicuna_7b}}}\n"
    )
    with pytest.raises(UnknownNameError, match="did you mean 'fidelity'"):
        expand(["+grid=own"])


def test_a_thousand_points_take_few_compositions(sweeps, monkeypatch):
    """Hydra needs some 100 ms for each: one for each combination of choices, none for a value."""
    encoders = ["fastvithd", "fastvit", "convnext_l", "convnext_xxl"]
    (sweeps / "grid" / "own.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params: {llm: 'glob(*)'}\n    blocks:\n"
        f"      - {{encoder: {encoders}, resolution: {list(range(64, 2049, 32))}}}\n"
    )
    composed = []
    full = composition.Composer.full
    monkeypatch.setattr(
        composition.Composer,
        "full",
        lambda composer, **chosen: composed.append(chosen) or full(composer, **chosen),
    )
    request = expand(["+grid=own"])
    assert len(request.points) >= 1000
    assert len(composed) <= 1 + len(encoders) + len(load_catalogue().llms)


def test_an_option_of_a_chosen_tiling_is_known_whatever_the_device():
    words = ["encoder=internvit_300m", "tiling=internvl_dynamic", "resolution=448", "device=cpu"]
    (point,) = expand([*words, "tiling.options.width_px=1344"]).points
    assert point.tiling.options["width_px"] == 1344


@pytest.mark.parametrize(
    ("words", "encoder", "llm"),
    [
        (["encoder=FastViTHD", "resolution=512"], "fastvithd", "qwen2_0_5b"),
        (["encoder=VIT_L14", "resolution=336", "llm=Qwen2-1.5b"], "vit_l14", "qwen2_1_5b"),
    ],
)
def test_names_mean_the_same_whatever_their_case_and_dashes(
    words: list[str], encoder: str, llm: str
) -> None:
    (point,) = expand(words).points
    assert (point.encoder.name, point.llm.name) == (encoder, llm)
