"""The command line: verbs are parsed here, done elsewhere, and printed here and nowhere else.

Results go to stdout, progress and warnings to stderr. A failure this package raises on purpose
is one message of at most three lines and a non-zero exit; anything else is a bug and shows its
traceback. Verbs load on demand, so that `paretobench --help` needs nothing but click.
"""

from __future__ import annotations

import errno
import importlib
import keyword
import os
import sys
from collections.abc import Sequence

import click

from paretobench.cli.streams import StoppedBySignal, exit_status, stopping_signals, usable_streams
from paretobench.errors import ParetobenchError, UnknownNameError
from paretobench.installation import check_is_alone
from paretobench.version import __version__

VERBS = {
    "sweep": "Plan, measure, join scores, store and report a grid.",
    "plan": "Show what a sweep would measure; runs nothing.",
    "measure": "Time one workload: JSON in, JSON out.",
    "report": "Draw figures and tables from a database or from the paper's own tables.",
    "ls": "List sweeps, points, workloads, failures, environments or published rows.",
    "show": "Show everything known about one point.",
    "export": "Write the table as csv, markdown, latex, json or parquet.",
    "best": "The best point under a latency budget or above an accuracy.",
    "next": "What to score, train or measure next, and what it is expected to bring.",
    "compare": "Two encoders, sweeps or databases: ratio, gain, BD-TTFT.",
    "duel": "Time two builds or settings in turn, and say which is faster.",
    "claims": "Recompute the paper's headline claims and say which hold.",
    "audit": "Recompute the published tables and list every mismatch.",
    "score": "Run lmms-eval on a checkpoint for a point.",
    "import": "Import scores, lmms-eval results, timing reports or another database.",
    "verify": "Check a bundle or a database against its own hashes, and who signed it.",
    "tokens": "What an image costs each vision-language model: passes and tokens.",
    "init": "Write a small grid of your own to start from.",
    "artifacts": "Convert a grid's networks without measuring; list and check what is there.",
    "doctor": "What this machine can run, and whether it is quiet enough to measure.",
}
"""Verb -> its help in one line. The verb's module has its name, and `import` an underscore more."""

START = """\
First chart, from the paper's own tables, nothing to install:  paretobench report --published
What this machine can run:                                     paretobench doctor
Two-minute sweep on this machine:                              paretobench sweep +grid=smoke
The whole job:                                                 paretobench sweep +grid=qwen2_family
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when used, not when listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of a user's day, not of the alphabet."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its command, its help with examples."""
        if cmd_name not in VERBS:
            return None
        from paretobench.cli.examples import epilog

        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"paretobench.cli.{name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        command.epilog = command.epilog or epilog(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown verb is answered with the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            raise UnknownNameError("command", args[0], VERBS, "'paretobench --help' explains them.")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.version_option(__version__, prog_name="paretobench")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Latency/accuracy Pareto benchmarking of vision-language models on your own device."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        click.echo()
        click.echo(START, nl=False)


def _fail(message: str, status: int) -> int:
    click.echo(f"paretobench: {message}", err=True)
    return status


def _stopped(stop: BaseException) -> int:
    """The status of a verb that was interrupted; click makes an Abort of any interrupt."""
    cause = stop.__cause__ if isinstance(stop, click.Abort) else stop
    interrupt = cause if isinstance(cause, KeyboardInterrupt) else KeyboardInterrupt()
    by = f" by {cause}" if isinstance(cause, StoppedBySignal) else ""
    status = exit_status(interrupt)
    return _fail(f"stopped{by}; what was finished is stored, the same command continues", status)


def _run(args: Sequence[str] | None) -> int:
    try:
        check_is_alone()
        result = group.main(
            args=list(args) if args is not None else None,
            prog_name="paretobench",
            standalone_mode=False,
        )
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        return _stopped(stop)
    except ParetobenchError as error:
        return _fail(str(error), error.exit_status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename:
            return _fail(f"{error.filename}: {error.strerror}; name a place where you may write", 1)
        if error.errno != errno.ENOSPC:
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        return _fail(f"the disk is full{where}; free some space, the same command continues", 1)


def main(args: Sequence[str] | None = None) -> None:
    """Entry point of the `paretobench` command."""
    with usable_streams(), stopping_signals():
        status = _run(args)
    sys.exit(status)
