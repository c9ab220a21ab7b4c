"""``survey.confirm``: one mail that asks whether a doubtful answer was theirs. Never a second one.

The tap is on the page, where the same guard stands before it: a program that opens this mail's link says nothing by
that. Who answered or tapped meanwhile, or wants no mail, gets none; quiet hours hold for it as for invitations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from sqlalchemy import Connection, select

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    Output,
    Result,
)
from connector.feedback.customers import identity as customers
from connector.feedback.messaging.actions import Post, why_not
from connector.feedback.messaging.brands import Brand, choose
from connector.feedback.messaging.email_layout import brand_headers, render_message
from connector.feedback.messaging.mail_names import harmless_name, unlinked_name
from connector.feedback.surveys.asking.departures import Departures
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.invitation_email import Mailer
from connector.feedback.surveys.model import Survey
from connector.feedback.surveys.who_pressed import doubts
from connector.feedback.surveys.who_pressed.doubts import Doubt, DoubtStatus
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import invitations
from connector.storage.sealing.survey_links import SurveyLinks
from integrations.messaging import Mail
from workflows import durations
from workflows.sentences import say

_TOKEN = "ringback-survey-token"  # noqa: S105 - stands in stored mails where the secret goes when they leave
_NOTHING = say("reason.nothing_doubtful")
DEFAULT_DELAY = "4 hours"
"""Who comes back by themselves is asked on the page, and needs no mail."""


class ConfirmAnswer:
    """Asks by one mail, in the language and brand of the survey."""

    def __init__(
        self, *, database: Database, clients: Clients, surveys: SurveyCatalog, mailer: Mailer,
        departures: Departures, secret_keys: SecretKeys,
    ) -> None:  # fmt: skip
        self._database, self._clients, self._surveys = database, clients, surveys
        self._post = Post(clients, secret_keys)
        self._mailer, self._departures, self._links = mailer, departures, SurveyLinks(database, secret_keys)

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        doubt = doubts.find(ask.tx, str(ask.params["doubt"]))
        if doubt is None or doubt.status is not DoubtStatus.OPEN or doubt.asked_at is not None:
            return Output({"done": False, "reason": _NOTHING})
        customer = customers.load(ask.tx, [doubt.customer]).get(doubt.customer)
        if customer is None or not customer.email:
            return Output({"done": False, "reason": say("reason.not_asked_no_address")})
        via, _ = self._clients.messenger(ask.params.get("via"))
        survey = self._survey(ask.tx, doubt)
        delay = durations.parse(str(ask.params.get("delay") or DEFAULT_DELAY))
        departure = self._departures.of(customer, survey, delay.after(ask.now, self._departures.calendar))
        mail = self._mail(doubt, survey, customer.view())
        request = {"doubt": doubt.id, "invitation": doubt.invitation, "mail": asdict(mail)}
        return Intent(via, request, due_at=departure.at)

    def _survey(self, tx: Connection, doubt: Doubt) -> Survey:
        of = select(invitations.c.definition_id).where(invitations.c.id == doubt.invitation)
        return self._surveys.get(doubt.survey, tx.execute(of).scalar_one())

    def _mail(self, doubt: Doubt, survey: Survey, customer: Mapping[str, Any]) -> Mail:
        brand = choose(self._mailer.brands, survey.brand)
        mail = render_question(doubt, customer, self._mailer.links(_TOKEN).page, brand, survey.fallback)
        return replace(mail, sender=brand.sender, headers=brand_headers(brand, survey.slug, "confirm"))

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [self._send(effect) for effect in effects]

    def _send(self, effect: Effect) -> Result:
        if (reason := why_not(self._database, effect)) is not None:
            return {"done": False, "reason": reason}
        token = self._links.secret(effect.request["invitation"])
        doubt, booked = effect.request["doubt"], effect.first_tried_at
        if not self._database.transact(lambda tx: doubts.mark_asked(tx, doubt, booked)):
            return {"done": False, "reason": _NOTHING}
        return self._post.send(effect, _with_token(effect.request["mail"], token), effect.request["invitation"])

    def finish(self, done: CompletionContext) -> Output:
        if done.result.get("done") is False:
            return Output(done.result)
        return Output({"sent_to": done.effect.request["mail"]["to"]})


def render_question(doubt: Doubt, customer: Mapping[str, Any], page: str, brand: Brand, fallback: str = "") -> Mail:
    """The mail that asks "Was this you?"."""
    say = brand.words(doubt.language, fallback)
    when = format_datetime(doubt.pressed_at, "d MMMM y, HH:mm 'UTC'", locale=say.locale)
    name = unlinked_name(customer.get("name"))
    text = "\n\n".join((
        say("Hello {name},").format(name=name) if name else say("Hello,"),
        say("On {when} somebody answered our survey with your link. Programs open links in mail, too, so we would like "
            "to be sure: was this you?").format(when=when),
        f"{say('One tap on this page is all it takes:')}\n{page}",
        say("Until then the answer does not count. We ask this only once."),
    ))  # fmt: skip
    subject = say("Was this you?")
    return Mail(
        to=str(customer.get("email") or ""), to_name=harmless_name(customer.get("name")), subject=subject, text=text,
        html=render_message(subject, text, doubt.language, brand),
    )  # fmt: skip


def _with_token(mail: Mapping[str, Any], token: str) -> dict[str, Any]:
    whole = Mail(**mail)
    return asdict(replace(whole, text=whole.text.replace(_TOKEN, token), html=whole.html.replace(_TOKEN, token)))
