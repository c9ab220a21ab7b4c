"""Which facts of customers a survey reads, and whether anybody has them: a misspelt one decides nothing, in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.feedback.customers.identity import Customer
from connector.feedback.surveys.languages.wordings import mail_texts
from connector.feedback.surveys.model import Survey
from connector.storage.schema.tables import customers
from workflows.errors import ConditionError, Mistake, TemplateError
from workflows.expressions import references
from workflows.suggestions import did_you_mean
from workflows.templates import template_references

_LOOKED_AT = 5_000  # customers, the newest first: enough to know what facts a house has
_NEWEST = select(customers.c.facts).order_by(customers.c.updated_at.desc()).limit(_LOOKED_AT)
_ALWAYS = frozenset(Customer("").view())


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """The facts that ``customers`` of a house have, by name."""

    names: frozenset[str]
    customers: int


def known_facts(tx: Connection) -> KnownFacts:
    """What the newest customers have."""
    found = [row.facts or {} for row in tx.execute(_NEWEST)]
    return KnownFacts(_ALWAYS.union(*found), len(found))


def unknown_facts(survey: Survey, known: KnownFacts) -> Iterator[Mistake]:
    """Each fact that the survey reads and nobody has; none while there are no customers."""
    for path, names in facts_read(survey).items():
        for name in sorted(names - known.names) if known.customers else ():
            told = f"customer.{name}: none of the {known.customers} customers looked at has it."
            yield Mistake(path, told, did_you_mean(name, known.names), warning=True)


def facts_read(survey: Survey) -> Mapping[str, frozenset[str]]:
    """Place in the file → the facts of customers that are read there."""
    conditions = {f"questions[{i}].if": question.condition or "" for i, question in enumerate(survey.questions)}
    found = {path: _facts(_references(text)) for path, text in conditions.items() if text}
    for path, text in mail_texts(survey):
        for language, wording in text.items():
            found[f"{path}.{language}"] = _facts(_filled_in(wording))
    return found


def _references(condition: str) -> frozenset[str]:
    try:
        return frozenset(references(condition))
    except ConditionError:  # told elsewhere
        return frozenset()


def _filled_in(wording: str) -> frozenset[str]:
    try:
        return template_references(wording)
    except TemplateError:
        return frozenset()


def _facts(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.split(".")[1] for name in names if name.startswith("customer."))
