"""``ringback workflow …``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from connector.checks.installation import Examiner
from connector.cli.common.acting import acting, by_option
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.common.definition_commands import add_to
from connector.cli.common.looking import examiner_here, examiner_of, expect_good
from connector.cli.common.output import as_json_option, show, show_json
from connector.cli.common.validation import FileVerdict, report
from connector.clock import system_clock
from connector.config.file import Config
from connector.definitions import files_in, read_each, read_text, read_workflows, with_files
from connector.runtime.operations.definition_overview import DefinitionLine, overview
from connector.storage.stores.definition_import import Change, What, import_definitions
from connector.storage.stores.definitions import DefinitionKind
from workflows import schema
from workflows.definitions import Workflow
from workflows.errors import DefinitionError
from workflows.library import library_texts, load_library
from workflows.workflow_tests import Report, read_script, run_script

_Files = tuple[Path, ...]
_files = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


@click.group()
def workflow() -> None:
    """Check, load, show and try workflows."""


@workflow.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@as_json_option
def validate(files: _Files, as_json: bool) -> None:
    """Check workflow FILES, or all those in a folder, and print every mistake with its place and remedy."""
    examiner, found = examiner_here()
    report([*found, *(_check(file, examiner) for file in files_in(files))], as_json)


@workflow.command(name="import")
@_files
@click.option(
    "--library", "names", metavar="NAME", multiple=True,
    help="Copy this built-in workflow into your folder, to be edited; may be repeated.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="As --library, for all built-in workflows that are not there yet.")
@click.option("--force", is_flag=True, help="With --library: overwrite the file that is there.")
@by_option
@as_json_option
def import_(files: _Files, names: tuple[str, ...], every: bool, force: bool, by: str, as_json: bool) -> None:
    """Load workflows into the database; a changed one becomes a new version.

    Without FILES it loads the configured folder, and retires the workflows whose files are gone. Runs that
    are going on keep the version they began with.
    """
    if every or names:
        _copy(names, every, force)
    else:
        _show_changes(_import(files, by), as_json)


@workflow.command()
@click.argument("slug")
@click.option("--reason", required=True, help="Why; it stands beside the workflow.")
@by_option
def off(slug: str, reason: str, by: str) -> None:
    """Let a workflow start nothing more, whatever its file says. Its runs go on."""
    with acting() as house:
        house.definitions.switch_off(slug, by, reason)
    click.echo(f"{slug} starts nothing more. `ringback workflow on {slug}` lets it start again.")


@workflow.command()
@click.argument("slug")
def on(slug: str) -> None:
    """Let a workflow that a person switched off start again."""
    with acting() as house:
        house.definitions.switch_on(slug)
    click.echo(f"{slug} starts again.")


@workflow.command(name="list")
@click.option("--library", "built_in", is_flag=True, help="Show the built-in workflows instead.")
@as_json_option
def list_(built_in: bool, as_json: bool) -> None:
    """Show the workflows in the database: the newest version of each."""
    if built_in:
        _show_library(as_json)
        return
    with open_database() as database, database.read() as tx:
        found = overview(tx, DefinitionKind.WORKFLOW, schema.load)
    columns = {
        "workflow": lambda each: each.slug,
        "version": lambda each: each.version,
        "state": _state,
        "from": lambda each: each.origin,
        "trigger": lambda each: each.trigger,
        "name": lambda each: each.name,
        "since (utc)": lambda each: each.since,
    }
    show(found, columns, as_json, empty="No workflows yet. Load some with `ringback workflow import`.")


@workflow.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@as_json_option
def test(files: _Files, as_json: bool) -> None:
    """Run test FILES, or all those in a folder: past events, a simulated clock, and what must come of them.

    The workflow under test is the one in the configured folder, or else the built-in one. Nothing is sent to
    anyone. The exit code is 1 when a test fails.
    """
    workflows = _known_workflows()
    reports = [_try(file, workflows) for file in files_in(files)]
    if as_json:
        show_json([_report_json(each) for each in reports])
    else:
        click.echo("\n".join(map(str, reports)) or "There is nothing to test: no YAML file was found there.")
    if any(each.mismatches for each in reports) or not reports:
        sys.exit(1)


def _known_workflows() -> dict[str, Workflow]:
    own = read_workflows(read_config(read_settings()))
    return {**load_library(), **{slug: schema.load(body, slug) for slug, body in own.items()}}


def _try(file: Path, workflows: Mapping[str, Workflow]) -> Report:
    script = read_script(read_text(file), file.name)
    if script.workflow not in workflows:
        raise BadInputError(
            f"{file}: there is no workflow {script.workflow!r}. Known are: {', '.join(workflows)}."
        )
    return run_script(script, workflows[script.workflow])


def _report_json(report: Report) -> dict[str, Any]:
    lines = [str(line) for line in report.trace.lines]
    return {
        "test": report.script.name,
        "passed": not report.mismatches,
        "mismatches": report.mismatches,
        "lines": lines,
    }


def _check(file: Path, examiner: Examiner | None) -> FileVerdict:
    try:
        read = (examiner.workflow if examiner else schema.load)(read_text(file), file.name)
    except DefinitionError as error:
        return FileVerdict(str(file), "", error.mistakes)
    return FileVerdict(str(file), read.slug, schema.lint(read))


def _import(files: Sequence[Path], by: str) -> list[Change]:
    """Raises DefinitionError with every mistake of the configuration and of what is to be loaded."""
    settings = read_settings()
    config = read_config(settings, hint=not files)
    places = files or [_folder(config)]
    examiner = examiner_of(settings, config)

    def read() -> Mapping[str, str]:
        return expect_good(examiner, read_each(files_in(places), examiner.workflow))

    def work(tx: Connection, bodies: Mapping[str, str]) -> list[Change]:
        now, others = system_clock(), not files
        return import_definitions(tx, DefinitionKind.WORKFLOW, bodies, now, retire_others=others, author=by)

    read()  # what is wrong with the files is said first, also where there is no database yet
    with open_database() as database:
        return with_files(database, config, read, work)


def _folder(config: Config) -> Path:
    if config.workflows is None:
        raise BadInputError(
            "No folder of workflows is configured. Name files, or write `workflows: workflows/` in "
            "ringback.yaml."
        )
    return config.workflows


def _show_changes(changes: list[Change], as_json: bool) -> None:
    columns = {
        "workflow": lambda each: each.slug,
        "version": lambda each: each.version,
        "what": lambda each: each.what,
    }
    show(changes, columns, as_json, empty="There is nothing to load: the folder holds no YAML file.")
    for each in changes:
        if each.what is What.DIFFERS:
            click.echo(
                f"{each.slug}: the file and what was published in the browser both changed, so nothing was done. "
                f"See `ringback workflow diff {each.slug}`, then "
                f"`ringback workflow resolve {each.slug} --take file|browser`.",
                err=True,
            )


def _copy(names: tuple[str, ...], every: bool, force: bool) -> None:
    """Nothing is written when one of the names is wrong; those of ``every`` that are there stay as they are."""
    built_in = {Path(file).stem: text for file, text in library_texts().items()}
    if strange := [name for name in names if name not in built_in]:
        raise BadInputError(f"There is no built-in workflow {strange[0]!r}. Built in are: {', '.join(built_in)}.")
    folder = _folder(read_config(read_settings()))
    folder.mkdir(parents=True, exist_ok=True)
    there = {name for name in built_in if (folder / f"{name}.yaml").exists()}
    wanted = [*names, *(each for each in built_in if every and each not in there | set(names))]
    if taken := [str(folder / f"{name}.yaml") for name in names if name in there and not force]:
        raise BadInputError(f"{', '.join(taken)} is there already. Use --force to overwrite it.")
    for name in wanted:
        (folder / f"{name}.yaml").write_text(built_in[name], "utf-8")
    told = ", ".join(str(folder / f"{name}.yaml") for name in wanted) or "nothing: all are there already"
    click.echo(f"Wrote {told}. Edit what you like, then load it with `ringback workflow import`.")


def _show_library(as_json: bool) -> None:
    found = list(load_library().values())
    if as_json:
        show_json([schema.to_dict(each) for each in found])
        return
    columns = {
        "workflow": lambda each: each.slug,
        "trigger": lambda each: each.trigger.told,
        "name": lambda each: each.name,
    }
    show(found, columns, False, empty="There are none.")


def _state(each: DefinitionLine) -> str:
    return f"{each.state}, file and browser differ" if each.differs else each.state


add_to(workflow, DefinitionKind.WORKFLOW)
