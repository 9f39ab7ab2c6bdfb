"""The axis `image`: sizes as typed, lists in files, and the points that they make."""

from pathlib import Path

import pytest

from paretobench.config import expand
from paretobench.config.groups import Groups
from paretobench.config.images import images_of
from paretobench.domain import ImageSize
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.resources import sweeps_folder

POINT = ["encoder=internvit_300m", "tiling=internvl3_tiles", "llm=qwen2_5_0_5b"]


@pytest.fixture(autouse=True)
def empty_cwd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def own_list(folder: Path, text: str) -> None:
    (folder / "sweeps" / "image").mkdir(parents=True)
    (folder / "sweeps" / "image" / "mine.yaml").write_text(text)


def test_an_image_makes_a_point_of_its_own_at_its_longest_side():
    (point,) = expand([*POINT, "image=1654x2339"]).points
    assert point.identity()["tiling"] == "internvl3_tiles:1654x2339"
    assert point.resolution_px == 2339
    assert str(point).endswith("InternVL3 tiles 1654x2339 + Qwen2.5-0.5B")


def test_images_are_an_axis_like_any_other():
    request = expand([*POINT, "image=1024x768,1654x2339,a4_scans"])
    assert [point.tiling.name for point in request.points] == [
        "internvl3_tiles:1024x768",
        "internvl3_tiles:1654x2339",
        "internvl3_tiles:a4_scans",
    ]


def test_a_tiling_that_resizes_every_image_to_a_square_stays_the_point_it_is():
    plain = expand(["encoder=fastvithd", "resolution=512"]).points
    assert expand(["encoder=fastvithd", "resolution=512", "image=1024x768,640x480"]).points == plain


def test_a_grid_may_name_images(tmp_path):
    (tmp_path / "sweeps" / "grid").mkdir(parents=True)
    (tmp_path / "sweeps" / "grid" / "g.yaml").write_text(
        "# @package _global_\n"
        "hydra: {sweeper: {params: {image: [1024x768, a4_scans]}, blocks: "
        "[{encoder: [internvit_300m], tiling: [internvl3_tiles], llm: [qwen2_5_0_5b]}]}}\n"
    )
    assert len(expand(["+grid=g"]).points) == 2


def test_a_list_of_the_users_own_has_its_weights(tmp_path):
    own_list(tmp_path, "label: Mine\nsizes: {800x600: 3, 600x800: 1}\n")
    found = images_of("mine", Groups())
    assert found.sizes == (ImageSize(800, 600, 3), ImageSize(600, 800, 1))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("label: Mine\n", "sizes"),
        ("sizes: {800x600: 0}\n", "800x600"),
        ("sizes: {800x600: 0.5}\n", "0.5"),
        ("sizes: {big: 1}\n", "big"),
        ("sizes: {800x600: 1}\nweights: 3\n", "weights"),
    ],
)
def test_a_wrong_list_is_refused_with_its_file_and_what_is_wrong(tmp_path, text, named):
    own_list(tmp_path, text)
    with pytest.raises((ConfigError, UnknownNameError)) as refused:
        expand([*POINT, "image=mine"])
    assert "image/mine.yaml" in str(refused.value) and named in str(refused.value)


@pytest.mark.parametrize("wrong", ["1024x0", "1024", "docvka"])
def test_what_is_neither_a_size_nor_a_list_is_refused(wrong):
    with pytest.raises((ConfigError, UnknownNameError), match=wrong):
        expand([*POINT, f"image={wrong}"])


def test_an_image_that_a_rule_refuses_is_a_refused_point():
    words = [
        "encoder=siglip_so400m_14",
        "tiling=phi4_hd",
        "llm=phi4_mini",
        "image=9000x5,1024x768",
    ]
    request = expand(words)
    assert len(request.points) == 1
    assert request.refused[0].tiling == "phi4_hd:9000x5"


@pytest.mark.parametrize("path", sorted((sweeps_folder() / "image").glob("*.yaml")), ids=str)
def test_every_bundled_list_has_a_source(path):
    found = images_of(path.stem, Groups())
    assert found.source and len(found.sizes) > 1
