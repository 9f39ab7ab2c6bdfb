"""Every rule against the processor of `transformers`, on sizes that are meant to trip it."""

import doctest
import importlib
import random
from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch")

from paretobench.config import load_catalogue, load_vlms
from paretobench.errors import ConfigError, PlanError, UnknownNameError
from paretobench.planning.tokens import RULES, count_tokens
from paretobench.resources import sweeps_folder
from scripts import models_page
from tests.planning.tokens.references import REFERENCES

SYSTEMS = {
    path.stem: yaml.safe_load(path.read_text()) for path in (sweeps_folder() / "vlm").glob("*.yaml")
}


def sizes(count, seed=20261127):
    """Ties, tiny ones, long ones, everyday ones; then random ones of all three kinds."""
    fixed = [
        (1024, 768), (768, 1024), (1654, 2339), (336, 336), (448, 448), (896, 896), (1, 1), (2, 2),
        (14, 14), (27, 29), (28, 28), (42, 42), (70, 14), (98, 98), (112, 112), (336, 672),
        (672, 336), (384, 384), (512, 512), (640, 640), (641, 640), (1024, 1024), (2048, 2048),
        (1344, 448), (1000, 5), (5, 1000), (100, 3000), (3000, 100), (199, 1), (1920, 1080),
        (3024, 4032), (4096, 4096), (1540, 1540), (1541, 1540), (560, 560), (113, 112), (112, 40),
        (256, 213), (213, 256), (308, 256), (1500, 1250), (2480, 3508), (1170, 2532),
    ]  # fmt: skip
    draw = random.Random(seed)
    while len(fixed) < count:
        kind = draw.randrange(4)
        if kind == 0:
            fixed.append((draw.randint(1, 130), draw.randint(1, 130)))
        elif kind == 1:
            long, short = draw.randint(600, 4000), draw.randint(4, 300)
            fixed.append((long, short) if draw.random() < 0.5 else (short, long))
        elif kind == 2:
            unit = draw.choice([14, 16, 28, 32, 48, 336, 364, 384, 448, 512])
            fixed.append((unit * draw.randint(1, 9), unit * draw.randint(1, 9)))
        else:
            fixed.append((draw.randint(130, 3000), draw.randint(130, 3000)))
    return fixed


def agree(name, cases):
    system, reference = SYSTEMS[name], REFERENCES[name]()
    counted = refused = 0
    for image in cases:
        try:
            found = count_tokens(system["rule"], image, system["options"])
        except PlanError:
            with pytest.raises((ValueError, RuntimeError, ZeroDivisionError, IndexError)):
                reference(image)
            refused += 1
            continue
        made = reference(image)
        inputs = {}
        for one in found.inputs:
            size = one.width_px, one.height_px
            inputs[size] = inputs.get(size, 0) + one.passes
        assert inputs == dict(made.inputs), (name, image)
        assert found.prefill_tokens == made.tokens, (name, image)
        counted += 1
    assert counted > 0.8 * len(cases)
    return counted, refused


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_rule_counts_as_the_models_processor_does(name):
    agree(name, sizes(60))


@pytest.mark.heavy
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_a_rule_counts_as_the_models_processor_does_on_400_sizes(name):
    agree(name, sizes(400))


def test_every_system_and_every_rule_has_a_processor_that_checks_it():
    assert set(SYSTEMS) == set(REFERENCES)
    assert {system["rule"] for system in SYSTEMS.values()} == set(RULES)


def test_a_wrong_option_is_answered_with_what_is_allowed():
    fixed = {"side_px": 3, "tokens": 1}
    with pytest.raises(UnknownNameError, match="max_pixels"):
        count_tokens("merged_patches", (10, 10), {"max_pixel": 3})
    with pytest.raises(ConfigError, match="needs the option tokens"):
        count_tokens("one_view", (10, 10), {"side_px": 3})
    for wrong in (-1, 1.5, "many", True, None):
        with pytest.raises(ConfigError, match="whole number"):
            count_tokens("one_view", (10, 10), {**fixed, "tokens": wrong})
    with pytest.raises(PlanError, match="at least 1x1"):
        count_tokens("one_view", (0, 10), fixed)


def test_a_bigger_budget_never_gives_fewer_tokens():
    for image in sizes(80):
        counts = [
            count_tokens("pooled_budget", image, {"patch_px": 16, "pool": 3, "max_tokens": budget})
            for budget in (280, 560, 1120)
        ]
        tokens = [one.visual_tokens for one in counts]
        assert tokens == sorted(tokens)
        assert all(found <= budget for found, budget in zip(tokens, (280, 560, 1120), strict=True))


@pytest.mark.parametrize("name", ["native", "canvases", "splits", "anyres", "__init__"])
def test_the_examples_in_the_docstrings_hold(name):
    found = doctest.testmod(importlib.import_module(f"paretobench.planning.tokens.{name}"))
    assert found.attempted and not found.failed


def test_the_page_of_models_shows_what_is_bundled():
    nowhere = Path("no such folder")
    wanted = models_page.page(load_vlms(nowhere), load_catalogue(nowhere))
    assert models_page.PAGE.read_text() == wanted
