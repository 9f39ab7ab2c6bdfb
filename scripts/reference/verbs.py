"""The page of the command line: every verb, its arguments, options and examples, from click."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from paretobench import cli, errors
from scripts.reference.markup import GENERATED, code, table


def page() -> str:
    """The whole page."""
    parts = ["# Command line", GENERATED, _overview(), *map(_section, commands()), _statuses()]
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every verb by its full name, a group's own verbs after it."""
    context = click.Context(cli.group, info_name="paretobench")
    for verb in cli.VERBS:
        command = cli.group.get_command(context, verb)
        assert command is not None
        yield verb, command
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=verb)
            for name in command.list_commands(inner):
                below = command.get_command(inner, name)
                assert below is not None
                yield f"{verb} {name}", below


def _overview() -> str:
    intro = (
        "Results go to stdout, progress and warnings to stderr. `paretobench VERB --help` prints "
        "the same as this page."
    )
    rows = [(f"[`{verb}`](#{anchor(verb)})", text) for verb, text in cli.VERBS.items()]
    return intro + "\n\n" + table(("verb", "does"), rows)


def anchor(name: str) -> str:
    """The address of a verb's section on the page."""
    return name.replace(" ", "-")


def _section(named: tuple[str, click.Command]) -> str:
    name, command = named
    context = click.Context(command, info_name=f"paretobench {name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    level = "##" if " " not in name else "###"
    parts = [f"{level} {name} {{ #{anchor(name)} }}", f"```text\n{usage}\n```", _help(command)]
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    rows = [_option(each) for each in options if "--help" not in each.opts]
    if rows:
        parts.append(table(("option", "value", "default", "what it does"), rows))
    if examples := _examples(command):
        parts.append("```sh\n" + "\n".join(examples) + "\n```")
    return "\n\n".join(parts)


def _help(command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "").replace("\f", "")
    return re.sub(r"^\x08\n", "", text, flags=re.M)


def _option(option: click.Option) -> tuple[str, str, str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    text, default = option.help or "", ""
    if said := re.search(r" ?\[default: ([^\]]*)\]", text):
        default = said[1]
        text = text.replace(said[0], "")
    elif option.show_default and option.default not in (None, ()):
        default = str(option.default)
    return names, _value(option), code(default), text + (" Repeatable." if _repeats(option) else "")


def _repeats(option: click.Option) -> bool:
    said = re.search(r"repeatable|several times", option.help or "", flags=re.I)
    return bool(option.multiple) and not said


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return ", ".join(code(each) for each in option.type.choices)
    return code(option.metavar or option.type.name.upper())


def _examples(command: click.Command) -> list[str]:
    lines = (command.epilog or "").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("paretobench")]


def _statuses() -> str:
    """Exit statuses, and the errors behind them, from the tree of errors."""
    rows = [("0", "", "every point has a TTFT, every file was read, the question has an answer")]
    rows += [
        (str(kind.exit_status), code(kind.__name__), (kind.__doc__ or "").splitlines()[0])
        for kind in _errors(errors.ParetobenchError)
    ]
    rows.append(("2", "", "a verb or an option that does not exist, or lacks its value"))
    rows.append(("130", "", "stopped with Ctrl-C; what was finished is stored"))
    head = "## Exit statuses { #exit-statuses }\n\n"
    said = "An error made on purpose is one message of at most three lines on stderr.\n\n"
    return head + said + table(("status", "error", "when"), rows)


def _errors(kind: type[errors.ParetobenchError]) -> Iterator[type[errors.ParetobenchError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from _errors(below)
