"""What TAB offers: as click asks for each shell, and in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paretobench.cli import completion


def offered(folder: Path, *words: str, shell: str = "bash") -> list[str]:
    """What is offered in place of the last of `words`, asked as the shell's script asks."""
    cword = words[-1] if shell == "fish" else str(len(words))
    asked = {
        "_PARETOBENCH_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "\n".join(("paretobench", *words)),
        "COMP_CWORD": cword,
    }
    result = subprocess.run(
        [sys.executable, "-m", "paretobench"],
        cwd=folder,
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stdout.splitlines()
    if shell == "zsh":
        return [value for kind, value in zip(lines[::3], lines[1::3], strict=True)]
    return [line.partition(",")[2].split("\t")[0] for line in lines if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_verbs_are_offered(tmp_path: Path, shell: str) -> None:
    assert "sweep" in offered(tmp_path, "sw", shell=shell)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("+grid=qw", "+grid=qwen2_family"),
        ("encoder=fastvith", "encoder=fastvithd"),
        ("llm=vic", "llm=vicuna_7b"),
        ("device=m1", "device=m1_max_paper"),
        ("tiling=sph", "tiling=sphinx"),
        ("executor/accuracy=su", "executor/accuracy=submitit"),
        ("fidelity=ri", "fidelity=rigorous"),
        ("dry_run=t", "dry_run=true"),
        ("reso", "resolution="),
    ],
)
def test_an_override_that_is_one_word_is_completed(
    tmp_path: Path, shell: str, typed: str, expected: str
) -> None:
    assert offered(tmp_path, "sweep", typed, shell=shell) == [expected]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("+grid", "=", "qw"), ["qwen2_family"]),
        (("llm=qwen2_0_5b", "device", "=", "m1"), ["m1_max_paper"]),
        (("encoder", "=", "fastvithd,vit_l"), ["fastvithd,vit_l14"]),
        (("encoder", "=", "fastvithd,fastvith"), []),
        (("fidelity", "="), ["quick", "standard", "rigorous", "audit"]),
        (("nonsense", "=", "a"), []),
    ],
)
def test_bash_splits_an_override_at_the_equals_sign(
    tmp_path: Path, typed: tuple[str, ...], expected: list[str]
) -> None:
    assert offered(tmp_path, "plan", *typed) == expected


def test_the_users_own_grid_is_offered(tmp_path: Path) -> None:
    (tmp_path / "sweeps" / "grid").mkdir(parents=True)
    (tmp_path / "sweeps" / "grid" / "mine.yaml").write_text("not: [even, yaml")
    assert offered(tmp_path, "sweep", "+grid=mi", shell="zsh") == ["+grid=mine"]


def test_options_offer_the_names_of_their_group(tmp_path: Path) -> None:
    assert offered(tmp_path, "import", "--encoder", "convnext_x") == ["convnext_xxl"]
    assert offered(tmp_path, "compare", "fastvithd", "vit_l") == ["vit_l14"]


@pytest.mark.parametrize("verb", ["sweep", "plan", "artifacts build"])
def test_every_verb_that_takes_a_grid_offers_the_grids(tmp_path: Path, verb: str) -> None:
    assert offered(tmp_path, *verb.split(), "+grid=qw", shell="zsh") == ["+grid=qwen2_family"]


def test_every_name_offered_can_be_composed() -> None:
    from paretobench.config import load_catalogue

    catalogue = load_catalogue()
    assert completion.names("encoder") == sorted(catalogue.encoders)
    assert completion.names("llm") == sorted(catalogue.llms)
    assert completion.names("tiling") == sorted(catalogue.tilings)


def test_a_shell_never_waits_for_hydra_or_a_framework() -> None:
    code = (
        "import sys; from paretobench.cli import completion; completion.override_values(); "
        "print(sorted({'hydra', 'omegaconf', 'numpy', 'pandas', 'torch'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


SCRIPTS = {
    "bash": (
        'eval "$(_PARETOBENCH_COMPLETE=bash_source paretobench)"; '
        "COMP_WORDS=(paretobench sweep +grid = qw); COMP_CWORD=4; "
        "_paretobench_completion paretobench; printf '%s\\n' \"${COMPREPLY[@]}\""
    ),
    "zsh": (
        "compdef() { registered=$1 }; compadd() { shift 4; print -l -- ${(P)1} }; "
        'eval "$(_PARETOBENCH_COMPLETE=zsh_source paretobench)"; '
        "words=(paretobench sweep +grid=qw); CURRENT=3; $registered"
    ),
    "fish": (
        "_PARETOBENCH_COMPLETE=fish_source paretobench | source; "
        "complete --do-complete 'paretobench sweep +grid=qw'"
    ),
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_shell_itself_completes_a_grid(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    command = tmp_path / "bin" / "paretobench"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m paretobench "$@"\n')
    command.chmod(0o755)
    result = subprocess.run(
        [shell, "-c", SCRIPTS[shell]],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    wanted = "qwen2_family" if shell == "bash" else "+grid=qwen2_family"
    assert result.stdout.split() == [wanted], result.stderr
