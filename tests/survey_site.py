"""A site with the survey pages alone: real HTTP on an ephemeral port, SQLite in a file, a clock that is set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from connector.config.answers import SettlingWindows
from connector.feedback.messaging.brands import Brand
from connector.feedback.surveys.answering.settling import Settling
from connector.feedback.surveys.files import Survey, built_in, parse
from connector.feedback.surveys.who_pressed.guard import PersonsOnly
from connector.feedback.surveys.who_pressed.judging import is_person
from connector.ids import digest, new_id, survey_token
from connector.storage.engine.database import Database
from connector.storage.schema.tables import (
    consents,
    customers,
    definitions,
    deliveries,
    invitations,
    metadata,
)
from connector.web.survey.routes import blueprint
from sandbox.serving import Server

AT_ONCE = SettlingWindows(settle_after_send=timedelta())
HINTS = ("survey.opened", "survey.doubted", "survey.started", "survey.score_given")
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
"""What a person's program says of itself; that of the tests would be taken for a scanner's."""
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Site:
    """The running site. ``now`` is what its clock says; ``rings`` counts how often the intake was woken. Answers that
    are sent count at once, unless ``windows`` say otherwise."""

    database: Database
    surveys: dict[str, Survey]
    settling: Settling
    url: str = ""
    now: datetime = NOON
    rings: int = 0
    customer: str = field(default_factory=new_id)
    brands: dict[str, Brand] = field(default_factory=dict)

    def invite(self, survey: str = "after-support", **columns: Any) -> str:
        """A sent invitation; gives its token."""
        id_ = new_id()
        token = survey_token("a secret of the tests", id_)
        row = {
            "id": id_, "token_digest": digest(token), "survey": survey, "definition_id": self._definition(survey),
            "customer_id": self.customer, "channel": "email", "language": "en", "status": "sent",
            "context": {"ticket_id": "42"}, "answers": {}, "created_at": NOON, "sent_at": NOON - timedelta(hours=1),
            "expires_at": NOON + timedelta(days=30),
        }  # fmt: skip
        with self.database.write() as tx:
            tx.execute(insert(invitations).values(**{**row, **columns}))
        return token

    def _definition(self, slug: str) -> str:
        with self.database.write() as tx:
            row = tx.execute(select(definitions.c.id).where(definitions.c.slug == slug)).scalar_one_or_none()
            if row is None:
                row = new_id()
                tx.execute(insert(definitions).values(
                    id=row, kind="survey", slug=slug, version=1, digest="", body="", active=True, created_at=NOON,
                ))  # fmt: skip
        return str(row)

    def invitation(self, token: str) -> Any:
        with self.database.read() as tx:
            return tx.execute(select(invitations).where(invitations.c.token_digest == digest(token))).one()

    def events(self) -> list[dict[str, Any]]:
        """What our own pages reported, oldest first, but for what merely tells that somebody is at it."""
        return [event for event in self.all_events() if event["type"] not in HINTS]

    def all_events(self) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return [json.loads(row.body) for row in tx.execute(select(deliveries).order_by(deliveries.c.id))]

    def settle(self, **span: float) -> int:
        """Let time pass, then count what is due. → how many answers were."""
        self.now += timedelta(**span)
        return self.settling.due(lambda: self.now, 100)

    def consents(self) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.execute(select(consents).order_by(consents.c.kind)))

    def person(self) -> Any:
        with self.database.read() as tx:
            return tx.execute(select(customers).where(customers.c.id == self.customer)).one()

    def ring(self) -> None:
        self.rings += 1


@contextmanager
def survey_site(
    folder: Path, surveys: Mapping[str, Survey] | None = None, brand: Brand | None = None,
    windows: SettlingWindows = AT_ONCE, database_url: str = "", behind: Callable[[Flask], None] = lambda _app: None,
) -> Iterator[Site]:  # fmt: skip
    """The site, running until the block ends; ``behind`` puts something before it."""
    database = Database(database_url or f"sqlite:///{folder / 'surveys.db'}")
    metadata.create_all(database.engine)
    known = {**{slug: parse(text, slug) for slug, text in built_in().items()}, **(surveys or {})}
    settling = Settling(database, lambda slug, _id: known[slug], windows, PersonsOnly(database), is_person)
    site = Site(database, known, settling)
    with database.write() as tx:
        tx.execute(insert(customers).values(
            id=site.customer, name="Ann Bakker", email="ann@example.com", locale="en", facts={"tier": "gold"},
            created_at=NOON, updated_at=NOON,
        ))  # fmt: skip
    app = Flask("survey-site")
    behind(app)
    site.brands["default"] = brand or Brand(title="Acme", accent="#0b6e4f", footer={"": "Acme, Amsterdam"})
    app.register_blueprint(
        blueprint(site.settling, site.brands, lambda: site.now, site.ring)
    )
    server = Server(app)
    site.url = server.url
    try:
        yield site
    finally:
        server.close()
        database.close()
