"""The verb score: lmms-eval on one checkpoint, or on all of a checkpoints file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from paretobench.cli import completion
from paretobench.cli.console import emit_json, print_table, say
from paretobench.cli.options import as_json, place_options, protocol_option, store_option
from paretobench.errors import ConfigError, ParetobenchError
from paretobench.units import MISSING, percent

if TYPE_CHECKING:
    from paretobench.accuracy.lmms.job import Job
    from paretobench.accuracy.lmms.runner import ScoringOutcome
    from paretobench.domain.records import Score
    from paretobench.store import Store

_PLACE = ("encoder", "resolution_px", "llm", "tiling", "recipe")


@click.command("score")
@click.argument("checkpoint", required=False, shell_complete=completion.files)
@click.option("--checkpoints", metavar="FILE", help="Score all of a YAML file instead of one.")
@place_options("The point: its encoder.", "Its language model.", "Its tiling [default: none].")
@click.option(
    "--benchmark",
    "benchmarks",
    multiple=True,
    metavar="NAME",
    help="A suite, benchmark or task; repeatable [default: avg5].",
)
@protocol_option("Scoring rules.")
@click.option("--data", metavar="DIR", help="Data sets on disk, one folder per task.")
@click.option("--python", "interpreter", metavar="FILE", help="A Python that has lmms-eval.")
@click.option("--model", metavar="NAME", help="A model of lmms-eval's, for what ours cannot load.")
@click.option("--model-arg", multiple=True, metavar="KEY=VALUE", help="Passed to the model.")
@click.option("--revision", metavar="NAME", help="Revision of a hub checkpoint.")
@click.option("--device", metavar="NAME", help="auto, cpu, mps, cuda, cuda:1 [default: auto].")
@click.option("--dtype", metavar="NAME", help="auto, float32, bfloat16, float16 [default: auto].")
@click.option("--batch-size", type=click.IntRange(min=1), help="Prompts at once [default: 1].")
@click.option("--processes", type=click.IntRange(min=1), help="One per GPU [default: 1].")
@click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    help="Only the first items, or that fraction; the score is then partial.",
)
@click.option("--max-new-tokens", type=click.IntRange(min=1), help="Overrides the tasks' limits.")
@click.option("--gen-kwargs", metavar="K=V,...", help="Overrides generation settings.")
@click.option("--trust-remote-code", metavar="CHECKPOINT", help="Repeat its name to run its code.")
@click.option("--chat-template", metavar="FILE", help="A Jinja file, if the checkpoint has none.")
@click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="For one task.")
@click.option(
    "--keep",
    default="results/accuracy",
    show_default=True,
    metavar="DIR",
    help="Where finished tasks are kept.",
)
@store_option
@click.option(
    "--race",
    "is_race",
    is_flag=True,
    help="With --checkpoints: stop scoring what a faster one surely beats.",
)
@as_json
def score_command(
    checkpoint: str | None,
    checkpoints: str | None,
    keep: str,
    database: str,
    is_race: bool,
    as_json: bool,
    **said: Any,
) -> int:
    """Run lmms-eval on a checkpoint for a point."""
    jobs = _jobs(checkpoint, checkpoints, said)
    score = _score_by_race if is_race else _score_one_by_one
    scores, has_failures = score(jobs, Path(keep), database)
    if as_json:
        emit_json(scores)
    elif scores:
        print_table("", _COLUMNS, [_row(score) for score in scores])
    return 1 if has_failures else 0


def _score_one_by_one(jobs: Sequence[Job], keep: Path, database: str) -> tuple[list[Score], bool]:
    """Score every checkpoint to the end; one that cannot be scored costs no other."""
    from paretobench.store import Store

    outcomes: list[ScoringOutcome] = []
    refused = 0
    with Store.open(database) as store:
        for job in jobs:
            say(f"scoring {job.checkpoint} as {job.place.encoder}@{job.place.resolution_px}")
            try:
                outcomes.append(_score(job, keep, store))
            except ParetobenchError as error:
                if len(jobs) == 1:
                    raise
                say(str(error))
                refused += 1
    scores = [score for outcome in outcomes for score in outcome.scores]
    return scores, bool(refused) or any(outcome.failures for outcome in outcomes)


def _score_by_race(jobs: Sequence[Job], keep: Path, database: str) -> tuple[list[Score], bool]:
    """Score in stages, by the latencies that the database holds."""
    from paretobench.accuracy.lmms import runner
    from paretobench.accuracy.lmms.race import by_place, race
    from paretobench.report.view.stored import stored_view
    from paretobench.store import Store

    with Store.open(database) as store:
        rows = stored_view(store).rows
        ttft_s = {row.identity: row.ttft.value for row in rows if row.ttft is not None}
        named = by_place(jobs)
        missing = sorted(name for name, job in named.items() if job.place.names not in ttft_s)
        if missing:
            raise ConfigError(
                f"racing needs latencies, and {database} has none for {missing[0]}"
                f"{' and others' if missing[1:] else ''};\n'paretobench sweep' measures it"
            )

        latency_s = {name: ttft_s[job.place.names] for name, job in named.items()}
        found = race(
            named,
            latency_s,
            lambda job: runner.score(job, keep, say),
            on_event=say,
            on_scores=store.add_scores,
        )
        store.add_task_runs(found.runs)
    for line in found.report():
        say(line)
    return [score for of_one in found.scores.values() for score in of_one], bool(found.failures)


def _score(job: Job, keep: Path, store: Store) -> ScoringOutcome:
    from paretobench.accuracy.lmms import runner

    outcome = runner.score(job, keep, say, store.add_scores)
    store.add_scores(outcome.scores)
    store.add_task_runs(outcome.runs)
    return outcome


def _jobs(checkpoint: str | None, file: str | None, said: dict[str, Any]) -> list[Job]:
    from paretobench.accuracy.lmms.checkpoints import read_jobs

    if (checkpoint is None) == (file is None):
        raise ConfigError("name one CHECKPOINT, or a file of them with --checkpoints")
    if file is None:
        return [_expecting(_job(str(checkpoint), said))]
    if given := _given(said):
        raise ConfigError(
            f"{', '.join(given)} would not be used: with --checkpoints every entry of {file} says "
            "this for itself"
        )
    return [_expecting(job) for job in read_jobs(Path(file))]


def _given(names: Collection[str]) -> list[str]:
    """Which of some options the command line has, as a person writes them."""
    context = click.get_current_context()
    return [
        one.opts[0]
        for one in context.command.params
        if one.name in names
        and context.get_parameter_source(one.name) is ParameterSource.COMMANDLINE
    ]


def _job(checkpoint: str, said: dict[str, Any]) -> Job:
    from paretobench.accuracy.lmms import placing
    from paretobench.accuracy.lmms.job import Job, data_below

    options = {name: value for name, value in said.items() if value not in (None, ())}
    place = placing.place([checkpoint], {n: options.pop(n, None) for n in _PLACE})
    options["model_args"] = dict(map(_pair, options.pop("model_arg", ())))
    if "data" in options:
        options["data"] = data_below(Path(options["data"]))
    if "chat_template" in options:
        options["chat_template"] = Path(options["chat_template"])
    return Job(checkpoint=checkpoint, place=place, **options)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ConfigError(f"--model-arg {text!r} is no KEY=VALUE")
    return key, value


def _expecting(job: Job) -> Job:
    """The job with what its point makes of an image, where the catalogue knows the point."""
    from paretobench.accuracy.lmms.job import OWN_MODEL, expected_input
    from paretobench.config import load_catalogue

    if job.model != OWN_MODEL or job.tile_px is not None:
        return job
    catalogue = load_catalogue()
    encoder = catalogue.encoders.get(job.place.encoder)
    tiling = catalogue.tilings.get(job.place.tiling)
    if encoder is not None and tiling is not None:
        return replace(job, **expected_input(encoder, job.place.resolution_px, tiling))
    return replace(job, tile_px=job.place.resolution_px) if job.place.tiling == "none" else job


_COLUMNS = ("benchmark", "score %", "s.e.", "n", "protocol", "harness", "note")


def _row(score: Score) -> Sequence[str]:
    error = score.standard_error
    return (
        score.benchmark + (" (partial)" if score.is_partial else ""),
        percent(score.value),
        percent(error, 2) if error is not None else MISSING,
        str(score.n) if score.n is not None else MISSING,
        score.protocol,
        score.harness,
        score.source.note,
    )
