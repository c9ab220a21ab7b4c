"""What is wrong with a survey's file is told with its place, its value and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from connector.feedback.surveys.checks.customer_facts import KnownFacts, known_facts, unknown_facts
from connector.feedback.surveys.files import built_in, lint, parse
from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.schema.tables import customers, metadata
from workflows.errors import DefinitionError
from workflows.scoring import Band
from workflows.yaml_text import read

NOW = datetime(2026, 11, 30, tzinfo=UTC)
PULSE = built_in()["pulse"]
IN_BRACES = 'Inside { } and [ ], put a text with ? : , or a bracket in quotes: {en: "How are you?"}.'


@pytest.mark.parametrize(("text", "place", "remedy"), [
    ("intro: {en: How did we do?, nl: b}", 'line 1, column 26: This is no YAML: ', IN_BRACES),
    ("intro: {en: How? Well, nl: b}", '"intro: {en: How? Well, nl: b}"', IN_BRACES),
    ("intro: {en: Why: because}", '"intro: {en: Why: because}"', IN_BRACES),
    ("intro: {en: ?}", '"intro: {en: ?}"', IN_BRACES),
    ("intro:\n  en: Note: this", 'mapping values are not allowed here in "en: Note: this"',
     'Put a text with a colon in quotes: "Note: this".'),
    ("intro:\n  en: {{ agent }} helped", '"en: {{ agent }} helped"', "Put a text with {{ or {% in quotes: "),
    ("intro:\n  en: @all of you", '"en: @all of you"', "Put a text that begins with this sign in quotes."),
])  # fmt: skip
def test_a_text_that_needs_quotes_says_so(text: str, place: str, remedy: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        read(text, "survey")
    [told] = map(str, refused.value.mistakes)
    assert place in told
    assert remedy in told


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Connection]:
    database = Database(f"sqlite:///{tmp_path}/facts.db")
    metadata.create_all(database.engine)
    with database.write() as connection:
        for facts in ({"tier": "gold"}, {"city": "Breda"}):
            row = {"id": new_id(), "name": "Ann", "facts": facts, "created_at": NOW, "updated_at": NOW}
            connection.execute(insert(customers).values(**row))
    with database.read() as connection:
        yield connection
    database.close()


def with_facts(condition: str, greeting: str) -> str:
    text = PULSE.replace('if: band == "detractor"', f"if: {condition}")
    return text.replace("Hello{% if customer.name != '' %}", greeting + "{% if customer.name != '' %}")


def test_a_fact_that_nobody_has_is_named_and_guessed_at(tx: Connection) -> None:
    greeting = "Hello from {{ customer.city }} {{ customer.citty }}"
    survey = parse(with_facts('customer.teir == "gold"', greeting), "pulse")
    assert [str(each) for each in unknown_facts(survey, known_facts(tx))] == [
        'questions[1].if: customer.teir: none of the 2 customers looked at has it. Did you mean "tier"?',
        'mail.greeting.en: customer.citty: none of the 2 customers looked at has it. Did you mean "city"?',
    ]
    assert all(each.warning for each in unknown_facts(survey, known_facts(tx)))


@pytest.mark.parametrize("fact", ["tier", "city", "name", "email", "loyalty", "locale", "opted_out"])
def test_a_fact_that_somebody_has_is_good(tx: Connection, fact: str) -> None:
    survey = parse(with_facts(f'customer.{fact} == "x"', "Hello"), "pulse")
    assert list(unknown_facts(survey, known_facts(tx))) == []


def test_a_house_without_customers_is_told_nothing() -> None:
    survey = parse(with_facts('customer.teir == "gold"', "Hello"), "pulse")
    assert list(unknown_facts(survey, KnownFacts(frozenset(), 0))) == []


def test_the_european_nps_is_a_scale_like_any_other() -> None:
    text = built_in()["relationship"].replace("type: nps\n", "type: nps\n    scale: european-nps\n", 1)
    survey = parse(text, "relationship")
    assert lint(survey) == ()
    assert [survey.band({"score": score}) for score in (5, 6, 8)] == [Band.DETRACTOR, Band.PASSIVE, Band.PROMOTER]
