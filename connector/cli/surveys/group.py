"""``ringback survey validate``, ``import``, ``list`` and ``copy``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import Connection

from connector.checks.installation import Examiner
from connector.cli.common.context import BadInputError, open_database, read_config, read_settings
from connector.cli.common.definition_commands import add_to
from connector.cli.common.looking import examiner_here, examiner_of, expect_good, known_here
from connector.cli.common.output import as_json_option, show
from connector.cli.common.validation import FileVerdict, report
from connector.cli.surveys.asking import not_asked, plan
from connector.cli.surveys.folder import surveys_folder
from connector.cli.surveys.showing import preview
from connector.cli.surveys.showing import show as show_survey
from connector.cli.surveys.translate import translate, words
from connector.clock import system_clock
from connector.config.file import Config
from connector.definitions import (
    files_in,
    library_origins,
    parse_survey,
    read_each,
    read_surveys,
    read_text,
    with_files,
)
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.checks.customer_facts import KnownFacts, unknown_facts
from connector.feedback.surveys.model import Survey
from connector.storage.stores.definition_import import Change, import_definitions
from connector.storage.stores.definitions import DefinitionKind
from workflows.errors import DefinitionError
from workflows.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class SurveyLine:
    """A survey that can be sent. ``origin`` is "built in" or the configured folder."""

    slug: str
    metric: str
    questions: int
    languages: tuple[str, ...]
    name: str
    origin: str


@click.group()
def survey() -> None:
    """Check, show, copy and translate surveys."""


@survey.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@as_json_option
def validate(files: tuple[Path, ...], as_json: bool) -> None:
    """Check survey FILES, or all those in a folder, and print every mistake with its place and remedy."""
    examiner, found = examiner_here()
    known = known_here(read_settings()).facts
    report([*found, *(_check(file, examiner, known) for file in files_in(files))], as_json)


@survey.command(name="import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@as_json_option
def import_(files: tuple[Path, ...], as_json: bool) -> None:
    """Load surveys into the database; a changed one becomes a new version.

    Without FILES it loads the configured folder, over the built-in ones, and retires the surveys whose files are gone.
    Who was asked already keeps the version they were asked with.
    """
    columns = {
        "survey": lambda each: each.slug,
        "version": lambda each: each.version,
        "what": lambda each: each.what,
    }
    show(_import(files), columns, as_json, empty="There is nothing to load: the folder holds no YAML file.")


@survey.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
def copy(name: str, force: bool) -> None:
    """Copy the built-in survey NAME into your folder, to be edited; the file there replaces the built-in one."""
    built_in = surveys.built_in()
    if name not in built_in:
        raise BadInputError(f"There is no built-in survey {name!r}. {did_you_mean(name, built_in)}")
    file = surveys_folder(read_config(read_settings())) / f"{name}.yaml"
    try:
        with file.open("w" if force else "x", encoding="utf-8") as output:
            output.write(built_in[name])
    except FileExistsError:
        raise BadInputError(f"{file} is there already. Use --force to overwrite it.") from None
    click.echo(f"Wrote {file}. Edit it, and check it with `ringback survey validate {file}`.")


@survey.command(name="list")
@click.option("--library", is_flag=True, help="Show the built-in surveys alone, ready to use or to copy.")
@as_json_option
def list_(library: bool, as_json: bool) -> None:
    """Show the surveys: the built-in ones, and those of the configured folder, which go before."""
    built_in = surveys.built_in()
    config = Config() if library else read_config(read_settings())
    lines = [
        _line(body, "built in" if built_in.get(slug) == body else str(config.surveys))
        for slug, body in sorted(read_surveys(config).items())
    ]
    columns = {
        "survey": lambda each: each.slug,
        "metric": lambda each: each.metric,
        "questions": lambda each: each.questions,
        "languages": lambda each: ", ".join(each.languages),
        "name": lambda each: each.name,
        "from": lambda each: each.origin,
    }
    show(lines, columns, as_json, empty="No surveys.")


def _import(files: Sequence[Path]) -> list[Change]:
    """Raises DefinitionError with every mistake of the configuration and of what is to be loaded."""
    settings = read_settings()
    config = read_config(settings, hint=not files)
    places = files or [surveys_folder(config)]
    examiner = examiner_of(settings, config)

    def read() -> Mapping[str, str]:
        own = expect_good(examiner, read_each(files_in(places), examiner.survey))
        return own if files else {**surveys.built_in(), **own}

    def work(tx: Connection, bodies: Mapping[str, str]) -> list[Change]:
        origins = library_origins(DefinitionKind.SURVEY, bodies)
        return import_definitions(
            tx, DefinitionKind.SURVEY, bodies, system_clock(), retire_others=not files, origins=origins
        )

    with open_database() as database:
        return with_files(database, config, read, work)


def _check(file: Path, examiner: Examiner | None, known: KnownFacts) -> FileVerdict:
    try:
        read = (examiner.survey if examiner else _by_itself)(read_text(file), file.name)
    except DefinitionError as error:
        return FileVerdict(str(file), "", error.mistakes)
    return FileVerdict(str(file), read.slug, (*surveys.lint(read), *unknown_facts(read, known)))


def _by_itself(text: str, source: str) -> Survey:
    return parse_survey(Catalogues(), text, source)


def _line(body: str, origin: str) -> SurveyLine:
    read = surveys.parse(body, "survey")
    return SurveyLine(read.slug, read.metric, len(read.questions), tuple(read.languages), read.name, origin)


add_to(survey, DefinitionKind.SURVEY)
survey.add_command(show_survey)
survey.add_command(preview)
survey.add_command(translate)
survey.add_command(words)
survey.add_command(plan)
survey.add_command(not_asked)
