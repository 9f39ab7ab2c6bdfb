"""A grid that defines no points is refused with file and line, never planned as the default."""

from pathlib import Path

import pytest

from paretobench.config import expand
from paretobench.errors import ConfigError

HEADER = "# @package _global_\nname: mine\n"


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "sweeps" / "grid" / "mine.yaml"
    file.parent.mkdir(parents=True)
    return file


BLOCKS = "    blocks:\n      - {encoder: [fastvit], resolution: [256]}\n"
WRONG = {
    "empty": ("", "sweeps/grid/mine.yaml is empty"),
    "only a comment": ("# nothing\n", "is empty"),
    "no header": (
        f"name: mine\nhydra:\n  sweeper:\n{BLOCKS}",
        "first line must be # @package _glo",
    ),
    "header of another package": (
        f"# @package grid\nhydra:\n  sweeper:\n{BLOCKS}",
        "first line must be # @package _global_",
    ),
    "block for blocks": (
        HEADER + "hydra:\n  sweeper:\n" + BLOCKS.replace("blocks", "block"),
        "line 5: unknown key 'block' in hydra.sweeper; did you mean 'blocks'?",
    ),
    "sweper for sweeper": (
        HEADER + "hydra:\n  sweper:\n" + BLOCKS,
        "line 4: unknown key 'sweper' in hydra; did you mean 'sweeper'?",
    ),
    "a callback": (
        HEADER + "hydra:\n  callbacks: {mine: {_target_: os.system}}\n",
        "line 4: unknown key 'callbacks' in hydra",
    ),
    "a target": (
        HEADER + "mine: {_target_: os.system}\n" + "hydra:\n  sweeper:\n" + BLOCKS,
        "unknown setting 'mine'",
    ),
    "a list": ("# @package _global_\n- a\n- b\n", "line 2: a grid must be a mapping"),
    "a word": ("# @package _global_\nfastvithd\n", "line 2: a grid must be a mapping"),
    "hydra is a list": (HEADER + "hydra: [1]\n", "line 3: hydra must be a mapping"),
    "sweeper is empty": (HEADER + "hydra:\n  sweeper:\n", "hydra.sweeper must be a mapping"),
    "blocks is a mapping": (
        HEADER + "hydra:\n  sweeper:\n    blocks: {encoder: [fastvit]}\n",
        "line 5: hydra.sweeper.blocks must be a list",
    ),
    "a block is a number": (
        HEADER + "hydra:\n  sweeper:\n    blocks: [3]\n",
        "line 5: a block must be a mapping",
    ),
    "params is a list": (
        HEADER + "hydra:\n  sweeper:\n    params: [llm]\n",
        "line 5: hydra.sweeper.params must be a mapping",
    ),
    "a misspelt axis": (
        HEADER + "hydra:\n  sweeper:\n    blocks:\n      - {encoders: [fastvit]}\n",
        "'encoders' is none of them; did you mean 'encoder'?",
    ),
    "no sweeper at all": (HEADER + "fidelity: quick\n", "defines no points"),
    "empty blocks": (HEADER + "hydra: {sweeper: {blocks: []}}\n", "defines no points"),
    "empty block": (HEADER + "hydra: {sweeper: {blocks: [{}]}}\n", "defines no points"),
    "broken YAML": (HEADER + "hydra: [\n", "sweeps/grid/mine.yaml, line 4 is not valid YAML"),
    "an unknown encoder": (
        HEADER + "hydra: {sweeper: {blocks: [{encoder: nothing}]}}\n",
        "unknown encoder 'nothing'",
    ),
    "a resolution that is none": (
        HEADER + "hydra: {sweeper: {blocks: [{encoder: fastvit, resolution: 3x4}]}}\n",
        "resolution=3x4",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_grid_that_defines_no_points_is_refused(grid: Path, fault: str) -> None:
    text, message = WRONG[fault]
    grid.write_text(text)
    with pytest.raises(ConfigError) as caught:
        expand(["+grid=mine"])
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "hydra:\n  sweeper:\n" + BLOCKS,
        HEADER + "hydra: {sweeper: {params: {llm: 'qwen2_0_5b,qwen2_1_5b'}}}\n",
        "\n# A note.\n#@package _global_\nhydra: {sweeper: {blocks: [{encoder: fastvit}]}}\n",
        "# @package _global_\ndefaults: [smoke]\nfidelity: quick\n",
    ],
)
def test_what_defines_points_is_planned(grid: Path, text: str) -> None:
    grid.write_text(text)
    assert expand(["+grid=mine"]).points


def test_every_bundled_grid_is_accepted() -> None:
    from paretobench.config.groups import Groups

    for name in Groups().members("grid"):
        points = expand([f"+grid={name}"]).points
        assert points != expand([]).points
