"""``ringback survey validate``, ``list`` and ``copy``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from connector.cli.common.context import BadInputError, read_config, read_settings
from connector.cli.common.definition_commands import add_to
from connector.cli.common.output import as_json_option, show
from connector.cli.common.validation import FileVerdict, report
from connector.cli.surveys.asking import not_asked, plan
from connector.cli.surveys.folder import surveys_folder
from connector.cli.surveys.translate import translate, words
from connector.config.file import Config
from connector.config.settings import Settings
from connector.definitions import files_in, parse_survey, read_surveys, read_text
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.checks.customer_facts import KnownFacts, known_facts, unknown_facts
from connector.storage.engine.database import Database
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
    settings = read_settings()
    catalogues, known = Catalogues(read_config(settings, hint=False).translations), _known_facts(settings)
    report([_check(file, catalogues, known) for file in files_in(files)], as_json)


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


def _known_facts(settings: Settings) -> KnownFacts:
    """What customers have, where there is a database to look into; surveys are checked without one, too."""
    file = settings.database_file
    if file is not None and not file.exists():
        return KnownFacts(frozenset(), 0)
    try:
        with closing(Database(settings.database_url, pool_size=1)) as database, database.read() as tx:
            return known_facts(tx)
    except SQLAlchemyError:
        return KnownFacts(frozenset(), 0)


def _check(file: Path, catalogues: Catalogues, known: KnownFacts) -> FileVerdict:
    try:
        read = parse_survey(catalogues, read_text(file), file.name)
    except DefinitionError as error:
        return FileVerdict(str(file), "", error.mistakes)
    return FileVerdict(str(file), read.slug, (*surveys.lint(read), *unknown_facts(read, known)))


def _line(body: str, origin: str) -> SurveyLine:
    read = surveys.parse(body, "survey")
    return SurveyLine(read.slug, read.metric, len(read.questions), tuple(read.languages), read.name, origin)


add_to(survey, DefinitionKind.SURVEY)
survey.add_command(translate)
survey.add_command(words)
survey.add_command(plan)
survey.add_command(not_asked)
