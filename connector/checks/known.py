"""What only the database knows of an installation, and checks of files need: facts of customers, surveys in force."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from connector.feedback.surveys.checks.customer_facts import KnownFacts, known_facts
from connector.storage.stores import definitions
from connector.storage.stores.definitions import DefinitionKind


@dataclass(frozen=True, slots=True)
class KnownHere:
    """``facts`` that customers have; ``surveys`` by slug, also those that were published in the browser alone."""

    facts: KnownFacts
    surveys: frozenset[str]


NOTHING_KNOWN = KnownHere(KnownFacts(frozenset(), 0), frozenset())


def read_known(tx: Connection) -> KnownHere:
    """As the database has it now."""
    in_force = definitions.active(tx, DefinitionKind.SURVEY)
    return KnownHere(known_facts(tx), frozenset(each.slug for each in in_force))
