"""``ringback survey translate`` and ``words``: texts for a translator, and back."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connector.cli.common.context import BadInputError, read_config, read_settings
from connector.cli.surveys.folder import surveys_folder
from connector.config.file import Config
from connector.definitions import read_surveys, read_text
from connector.feedback.messaging.translations import Catalogues, locale_of
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.languages.portable import export, read, translated
from connector.feedback.surveys.languages.yaml_edits import with_wordings
from connector.feedback.surveys.model import Survey
from workflows.errors import DefinitionError, Mistake
from workflows.suggestions import did_you_mean

_File = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("name")
@click.option("--language", "key", required=True, help="The language or tone: de, ar, nl-informal.")
@click.option("--export", "to", type=_File, help="Write a PO file for a translator; - prints it.")
@click.option("--import", "source", type=_File, help="Read the translated PO file into the survey's YAML.")
def translate(name: str, key: str, to: Path | None, source: Path | None) -> None:
    """Hand out the texts of the survey NAME to be translated, or take them back.

    What comes back must fill in the same names, lead to the same places and run the scale the same way; it is put into
    the survey's file, in which all else stays as it is. A built-in survey is copied into your folder for it.
    """
    if (to is None) == (source is None):
        raise BadInputError("Say one of the two: --export FILE or --import FILE.")
    _check_language(key)
    config = read_config(read_settings())
    bodies = read_surveys(config)
    if name not in bodies:
        raise BadInputError(f"There is no survey {name!r}. {did_you_mean(name, bodies)}")
    survey = surveys.parse(bodies[name], name)
    if to is not None:
        _give(export(survey, key), to)
    elif source is not None:
        _take(config, survey, bodies[name], key, source)


@click.command()
@click.argument("language")
@click.option("--out", "to", type=_File, default=Path("-"), help="The file to write; else it is printed.")
def words(language: str, to: Path) -> None:
    """Write the fixed words of pages and mails as a PO file, with those that are there in LANGUAGE.

    Filled in and saved as <language>/survey.po in the folder that `translations:` of ringback.yaml names, it makes the
    language one that surveys can be in.
    """
    _check_language(language)
    _give(Catalogues(read_config(read_settings(), hint=False).translations).template(language), to)


def _check_language(key: str) -> None:
    if locale_of(key.removesuffix("-informal").removesuffix("-formal")) is None:
        raise BadInputError(f"{key!r} is no language. Write its code: de, pt-BR, ar, or nl-informal for a tone.")


def _give(text: str, to: Path) -> None:
    if str(to) == "-":
        click.echo(text, nl=False)
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, "utf-8")
    click.echo(f"Wrote {to}.")


def _take(config: Config, survey: Survey, body: str, key: str, source: Path) -> None:
    po = sys.stdin.read() if str(source) == "-" else read_text(source)
    wordings = read(po, survey, key)
    wanted = translated(survey, key, wordings)
    kept = {path: wording for path, wording in wordings.items() if _differs(survey, wanted, path)}
    file = _file_of(config, survey.slug)
    written = _written(body, key, kept, wanted, file)
    file.write_text(written, "utf-8")
    click.echo(f"Wrote {len(kept)} texts in {key} to {file}. Look at them with `ringback survey validate {file}`.")


def _differs(survey: Survey, wanted: Survey, path: str) -> bool:
    from connector.feedback.surveys.languages.wordings import texts

    return dict(texts(survey))[path] != dict(texts(wanted))[path]


def _written(body: str, key: str, wordings: dict[str, str], wanted: Survey, file: Path) -> str:
    """The survey's YAML with the wordings; it must read as what is wanted, or nothing is written."""
    try:
        written = with_wordings(body, key, wordings)
        if surveys.parse(written, file.name) == wanted:
            return written
    except (LookupError, DefinitionError):
        pass
    remedy = "Write the texts into it by hand; nothing was changed."
    raise DefinitionError(str(file), (Mistake("file", "its form is one that cannot be written into.", remedy),))


def _file_of(config: Config, slug: str) -> Path:
    """Where the survey stands among the house's own; for a built-in one, where it is going to."""
    folder = surveys_folder(config)
    found = [each for each in sorted(folder.glob("*.y*ml")) if _slug(each) == slug]
    return found[0] if found else folder / f"{slug}.yaml"


def _slug(file: Path) -> str:
    return surveys.parse(read_text(file), file.name).slug
