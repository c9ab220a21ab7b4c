"""``ringback survey show`` and ``preview``: what a survey asks, in words and as customers see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from connector.cli.common.context import BadInputError, read_config, read_settings
from connector.cli.common.output import as_json_option, show_json, table
from connector.config.file import Config
from connector.definitions import read_surveys
from connector.feedback.messaging.brands import Brand, read_brands
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as surveys
from connector.feedback.surveys.model import Question, Survey
from workflows.suggestions import did_you_mean


@click.command()
@click.argument("slug")
@click.option("--language", help="Its words in this language; left out: the first of the survey's.")
@as_json_option
def show(slug: str, language: str | None, as_json: bool) -> None:
    """Show the survey SLUG: whom it is for, and every question with when it is asked."""
    survey = _survey(read_config(read_settings()), slug)
    spoken = language or survey.languages[0]
    if spoken not in survey.languages:
        raise BadInputError(f"--language: {slug} is not in {spoken!r}. It is in {', '.join(survey.languages)}.")
    if as_json:
        show_json({"survey": survey.slug, "language": spoken, **_head(survey), "questions": _questions(survey, spoken)})
        return
    click.echo(table(["what", "is"], [[name, value or "–"] for name, value in _head(survey).items()]))
    rows = [list(each.values()) for each in _questions(survey, spoken)]
    click.echo("\n" + table(["question", "kind", "must be answered", "asked if", "words"], rows))


@click.command()
@click.argument("slug")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to write to.")
@click.option("--brand", "name", help="In this brand's style; left out: the survey's own, or the first.")
def preview(slug: str, out: Path, name: str | None) -> None:
    """Write mail, page and thank-you of the survey SLUG as files that open in a browser. Nothing is sent to anyone."""
    config = read_config(read_settings())
    survey = _survey(config, slug)
    files = _made(_brand(config, survey, name), survey)
    for file, html in files.items():
        place = out / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(html, "utf-8")
    click.echo(f"Wrote {out / 'index.html'} and {len(files) - 1} files that it lists.")


def _made(brand: Brand, survey: Survey) -> Mapping[str, str]:
    from connector.web.survey.preview import preview as files_of  # slow to import

    return files_of(brand, survey)


def _survey(config: Config, slug: str) -> Survey:
    bodies = read_surveys(config)
    if slug not in bodies:
        raise BadInputError(f"There is no survey {slug!r}. {did_you_mean(slug, bodies)}")
    return surveys.parse(bodies[slug], slug)


def _brand(config: Config, survey: Survey, name: str | None) -> Brand:
    brands = read_brands(config.brands, Catalogues(config.translations))
    wanted = name or survey.brand or next(iter(brands))
    if wanted not in brands:
        raise BadInputError(f"There is no brand {wanted!r}. {did_you_mean(wanted, brands)}")
    return brands[wanted]


def _head(survey: Survey) -> dict[str, str]:
    return {
        "name": survey.name,
        "metric": survey.metric,
        "languages": ", ".join(survey.languages),
        "brand": survey.brand or "",
        "link is open": f"{survey.expires_days} days",
        "reminders": str(len(survey.reminders)),
    }


def _questions(survey: Survey, language: str) -> list[dict[str, Any]]:
    return [dict(_question(each, language)) for each in survey.questions]


def _question(question: Question, language: str) -> Iterator[tuple[str, str]]:
    yield "question", question.id
    yield "kind", question.type.value
    yield "required", "yes" if question.required else "no"
    yield "if", question.condition or ""
    yield "text", question.text.get(language, "")
