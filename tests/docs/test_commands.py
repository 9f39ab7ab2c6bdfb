"""Every command that README.md and the documentation show is run, or parsed and says why not.

Each page's commands run in order in a folder of their own, as a reader's shell would run them,
on the committed example's database. A sweep is run up to its plan; that of the tutorial is run
whole among the heavy tests. What `console` blocks show is what is printed.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from subprocess import CompletedProcess

import click
import pytest

from paretobench import cli
from paretobench.cli.examples import EXAMPLES
from tests.cli.test_completion import SCRIPTS
from tests.docs.commands import PAGES, ROOT, Command, File, read, run

EXAMPLE = ROOT / "results" / "examples" / "qwen2_family_cpu.db"

pytestmark = pytest.mark.timeout(900)  # a page is a dozen processes, one after the other

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader might be: a measured database, another one, and files of their own."""
    (tmp_path / "results").mkdir()
    for name in ("results/paretobench.db", "before.db", "after.db"):
        shutil.copy(EXAMPLE, tmp_path / name)
    shutil.copy(ROOT / "results" / "published" / "claims.yaml", tmp_path / "claims.yaml")
    (tmp_path / "scores.csv").write_text(
        "encoder,resolution_px,llm,recipe,benchmark,value_percent\n"
        "fastvithd,512,qwen2_0_5b,ours,avg5,53.1\n"
    )
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_works(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for step in read(page.read_text(encoding="utf-8")).steps:
        if isinstance(step, File):
            write(step, folder)
        elif step.ours and step.reason:
            parse(step.ours, folder)
        elif step.ours and "_COMPLETE=" not in step.text:
            check_run(step, planned(step), folder)
        else:
            check_other(step, folder)


def write(file: File, folder: Path) -> None:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.text, encoding="utf-8")


def planned(command: Command) -> str:
    """The command as it is run here: a sweep ends at its plan, a duel at its help."""
    verb = command.ours[1:2]
    if verb == ["duel"]:
        return f"{command.text} --help"
    if verb == ["sweep"]:
        return command.text.replace("paretobench sweep", "paretobench sweep dry_run=true")
    return command.text


def check_run(command: Command, text: str, folder: Path) -> None:
    result = (run_once if needs_no_folder(command) else run)(text, folder)
    assert result.returncode == 0, f"line {command.line}: {command.text}\n{result.stderr}"
    if command.expected is not None:
        assert tuple(line.rstrip() for line in result.stdout.splitlines()) == command.expected, (
            f"line {command.line}: python -m tests.docs.commands writes what it prints now"
        )


def needs_no_folder(command: Command) -> bool:
    """Whether every page gets the same from it: no database and no file of the reader's."""
    words = command.ours
    return words == ["paretobench", "claims"] or ("--published" in words and "--out" not in words)


_RESULTS: dict[str, CompletedProcess[str]] = {}


def run_once(text: str, folder: Path) -> CompletedProcess[str]:
    """As `run`, but what several pages show is run for the first of them alone."""
    if text not in _RESULTS:
        _RESULTS[text] = run(text, folder)
    return _RESULTS[text]


def parse(words: list[str], folder: Path) -> None:
    """What click and Hydra say to the words, without running them; a grid is planned."""
    group: click.Command = cli.group
    context, rest = click.Context(cli.group, info_name="paretobench"), words[1:]
    while isinstance(group, click.Group):
        found = group.get_command(context, rest[0])
        assert found is not None, f"{rest[0]} is no verb of {context.command_path}"
        group, name, rest = found, rest[0], rest[1:]
        context = (
            click.Context(group, parent=context, info_name=name)
            if isinstance(group, click.Group)
            else group.make_context(name, list(rest), parent=context)
        )
    if overrides := context.params.get("overrides"):
        from paretobench.config import expand

        assert expand(list(overrides), folder / "sweeps").points


def check_other(command: Command, folder: Path) -> None:
    """A command of another program: what can be known of it without its network."""
    words = command.words
    if command.reason:
        return
    if words[0] == "make":
        assert run(f"make -n -C {ROOT} {' '.join(words[1:])}", folder).returncode == 0
    elif words[:2] == ["pip", "install"]:
        check_pip(words[2:])
    elif "_COMPLETE=" in command.text:
        assert command.text in SCRIPTS[command.language]  # run there, in that shell
    elif words[0] == "python" or words[:3] == ["python3", "-m", "venv"]:
        check_run(command, command.text, folder)
    else:
        pytest.fail(f"line {command.line}: nothing checks {command.text!r}; say why it is not run")


def check_pip(words: list[str]) -> None:
    """What is installed is this project with an extra that it has, or a file of requirements."""
    for word in words:
        name, _, extra = word.rstrip("]").partition("[")
        if extra:
            assert name in (".", "paretobench-vlm") and extra in EXTRAS
        elif word.endswith(".txt"):
            assert (ROOT / word).is_file()
        else:
            assert word in (".", "-c", "-r", "--no-deps")


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_an_example_in_its_help(verb: str) -> None:
    command = cli.group.get_command(click.Context(cli.group), verb)
    assert command is not None
    shown = command.get_help(click.Context(command, info_name=verb))
    assert f"  paretobench {verb}" in shown


@pytest.mark.parametrize(
    "example", [text for lines in EXAMPLES.values() for text in lines], ids=lambda text: text[12:]
)
def test_every_example_of_a_verbs_help_works(
    example: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    command = Command(example, 0, "sh")
    if command.ours[1:3] == ["artifacts", "build"] or command.ours[1] in ("score", "measure"):
        # A checkpoint, or a runtime's minutes: their own tests run these.
        (folder / "workload.json").write_text("{}")
        parse(command.ours, folder)
    else:
        check_run(command, planned(command), folder)


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_the_tutorial_works_with_its_sweep_measured(tmp_path: Path) -> None:
    """From nothing: no database, the sweep really run."""
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    for command in read(text).commands:
        if command.ours:
            check_run(command, command.text, tmp_path)
    assert (tmp_path / "reports" / "smoke" / "pareto.png").stat().st_size > 10_000
    assert (tmp_path / "figures" / "pareto.pdf").read_bytes().startswith(b"%PDF")


def test_a_block_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="fence this block"):
        read("text\n\n    paretobench report --published\n")


def test_a_command_is_read_with_its_continuation_reason_and_output() -> None:
    shown = read(
        "<!-- not run: no\nMac -->\n```sh\n# only a comment\n"
        "paretobench plan \\\n  +grid=a # it's why\n```\n"
        "\n```console\n$ paretobench ls\none\n```\n```yaml\n# a/b.yaml\nx: 1\n```\n"
    )
    first, second, file = shown.steps
    assert isinstance(first, Command) and isinstance(second, Command) and isinstance(file, File)
    assert (first.ours, first.reason) == (["paretobench", "plan", "+grid=a"], "no Mac")
    assert (second.reason, second.expected) == ("", ("one",))
    assert (file.path, file.text) == ("a/b.yaml", "# a/b.yaml\nx: 1\n")
