"""``survey.send``: whether to ask, and asking. Checked when the step comes and again when the mail leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
    Write,
)
from connector.feedback.crm import record_merges
from connector.feedback.customers import identity as customers
from connector.feedback.customers import review_queue
from connector.feedback.customers.identity import Customer
from connector.feedback.messaging.actions import Post
from connector.feedback.surveys import mail_variants
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.asking.addressee import contact_of, living, told_of, why_nobody
from connector.feedback.surveys.asking.agents import STAGE as AGENT
from connector.feedback.surveys.asking.agents import Agents, named
from connector.feedback.surveys.asking.asked_rows import (
    INVITED,
    SENT,
    Place,
    invitation_row,
    whose,
    withheld,
)
from connector.feedback.surveys.asking.departures import Departure, Departures
from connector.feedback.surveys.asking.leaving.bookings import Bookings
from connector.feedback.surveys.asking.leaving.link_token import TOKEN, with_token
from connector.feedback.surveys.asking.selection import AskingRules
from connector.feedback.surveys.asking.step_parameters import expect_channel, languages, sample
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.languages.wordings import speaks_of_agent
from connector.feedback.surveys.model import Survey
from connector.ids import new_id
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.sealing.survey_links import SurveyLinks
from connector.storage.stores.inbox import insert_deliveries, own_event
from integrations.errors import Ambiguous, IntegrationError, NotYet, Transient
from integrations.messaging import Mail
from integrations.roles import Role
from workflows import durations
from workflows.events import Person
from workflows.parameters import flag

log = logging.getLogger(__name__)

_FROM_EVENT = {
    "ticket": "ticket", "ticket_id": "ticket_id", "subject": "subject", "product": "product", "team": "group_name",
    "moment": "type",
}  # fmt: skip
"""What the answer shall name without the workflow saying so → the event's field. Not event.agent: it is an id, and
nobody wants to read it."""

_ASKED = (Role.HELPDESK, Role.CRM)


Render = Callable[[Survey, str, Mapping[str, Any], Mapping[str, Any], str, Mapping[str, str]], Mail]
"""(survey, language, customer, context, token, variants) → the mail."""


class SendSurvey:
    """Three calls at most: ask the helpdesk who the customer is when we know no address, and who the agent is; then the
    mail."""

    def __init__(
        self,
        *,
        database: Database,
        clients: Clients,
        surveys: SurveyCatalog,
        render: Render,
        secret_keys: SecretKeys,
        rules: AskingRules,
        departures: Departures,
        look: Callable[[str, datetime], None],
    ) -> None:
        """``look`` sees to it that an opt-out in a CRM is known here."""
        self._clients, self._surveys, self._render = clients, surveys, render
        self._bookings = Bookings(database, surveys, rules, departures)
        self._rules, self._departures, self._look = rules, departures, look
        self._links, self._agents = SurveyLinks(database, secret_keys), Agents(clients)
        self._post = Post(clients, secret_keys)

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        self._bookings.survey(str(ask.params["survey"]), ask.tx)
        expect_channel(ask.params.get("channel"))
        customer = _customer(ask.tx, ask.facts.customer.get("id"))
        request = self._request(ask)
        place = Place(ask.run_id, ask.database, ask.tx, ask.now)
        if reason := eligibility.no_contact(ask.facts.event):
            return withheld(place, customer.id if customer else None, request["survey"], reason)
        if customer is None or not _reached(ask.tx, customer):
            return self._who(customer, request, place)
        if flag(ask.params.get("verify")) or _unread(customer, request):
            return self._who(customer, request, place)
        return self._invite(customer, request, place)

    def _request(self, ask: ActionContext) -> dict[str, Any]:
        event, params = ask.facts.event, ask.params
        context = {**(event.get("context") or {}), **(params.get("context") or {})}
        for name, told in _FROM_EVENT.items():
            if event.get(told):
                context.setdefault(name, event[told])
        due = None
        if params.get("delay"):
            due = durations.parse(str(params["delay"])).after(ask.now, self._departures.calendar)
        return {
            "survey": str(params["survey"]),
            "about": params.get("about") or None,
            "once": params.get("once") or None,
            "solved": event.get("ticket") if event.get("type") == "ticket.solved" else None,
            "of_ticket": str(event.get("type")).startswith("ticket.") and not event.get("callback"),
            "via": params.get("via"),
            "languages": languages(params.get("languages")),
            "sample": sample(params.get("sample")),
            "agent": str(event.get("agent") or ""),
            "ticket_of": str(event.get("ticket") or "").partition(":")[0],
            "team": str(event.get("group") or event.get("group_name") or ""),
            "context": context,
            "due_at": due.isoformat() if due else None,
        }

    def _who(self, customer: Customer | None, request: Mapping[str, Any], place: Place) -> Intent | Output:
        """Ask a helpdesk that knows this person for their address; what the rules forbid now need not be asked."""
        survey, _ = self._bookings.survey(request["survey"], place.tx)
        if customer and (reason := self._rules.why_not(place.tx, customer, survey, request, place.now)):
            return withheld(place, customer.id, survey.slug, reason)
        if customer and (known := self._known_as(customer, place.tx)):
            whom = {**request, "find": known[1], "email": customer.email}
            return Intent(known[0], whom, due_at=_due(request), reads_only=True)
        if customer and customer.email:
            return self._invite(customer, request, place)  # nobody to verify it with
        return withheld(place, customer.id if customer else None, survey.slug, eligibility.NO_ADDRESS)

    def _known_as(self, customer: Customer, tx: Connection) -> tuple[str, str] | None:
        """The account that can be asked about the customer, and their id there. Of the two the helpdesk knows who is
        suspended, and whether whom it has deleted is somebody else there now."""
        living = [each for each in customer.ids.items() if each[0] != "email" and "/" not in each[0]]  # no lead's page
        of_role = {role: [each for each in living if self._clients.has(each[0], role)] for role in _ASKED}
        if not of_role[Role.HELPDESK]:
            left = record_merges.records_of(tx, customer.id).items()
            of_role[Role.HELPDESK] = [each for each in left if self._clients.has(each[0], Role.HELPDESK)]
        return next((each for role in _ASKED for each in of_role[role]), None)

    def _invite(self, customer: Customer, request: Mapping[str, Any], place: Place) -> Intent | Output:
        """The invitation and its mail, whole, but for the secret of the link; before it, the agent's name."""
        survey, _ = self._bookings.survey(request["survey"], place.tx)
        reason = self._rules.why_not(place.tx, customer, survey, request, place.now)
        reason = reason or eligibility.comes_back(place.tx, customer.email)
        if reason := reason or eligibility.other_language(customer.locale, request.get("languages") or ()):
            return withheld(place, customer.id, survey.slug, reason)
        whole = self._agents.first(request, customer.id, place.now) if speaks_of_agent(survey) else request
        return whole if isinstance(whole, Intent) else self._mailed(customer, whole, place)

    def _mailed(self, customer: Customer, request: Mapping[str, Any], place: Place) -> Intent:
        survey, definition_id = self._bookings.survey(request["survey"], place.tx)
        via, _ = self._clients.messenger(request["via"])
        invitation = new_id()
        language = survey.language_for(customer.locale)
        variants = mail_variants.choose(survey.mail, invitation)
        mail = self._render(survey, language, customer.view(), request["context"], TOKEN, variants)
        departure = self._departures.of(customer, survey, _due(request) or place.now)
        row = invitation_row(invitation, customer, survey, definition_id, language, request, place)
        row |= {**self._links.columns(invitation), "variants": variants}
        row |= departure.columns(place.now)
        sent = {"invitation": invitation, "customer": customer.id, "mail": asdict(mail), "survey": survey.slug}
        written = (Write(INVITED, row),)
        return Intent(via, {**request, **sent}, due_at=departure.at, writes=written, stage=1)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [self._performed(effect, now) for effect in effects]

    def _performed(self, effect: Effect, now: datetime) -> Result:
        if effect.stage == AGENT:
            return self._agents.look(effect.request, now)
        return self._find(effect) if effect.stage == 0 else self._send(effect, now)

    def _find(self, effect: Effect) -> Result:
        try:
            if self._clients.has(effect.connection, Role.CRM):
                return contact_of(self._clients.crm(effect.connection).get_contact(effect.request["find"]))
            return told_of(living(self._clients.helpdesk(effect.connection), effect.request))
        except IntegrationError as error:
            return error

    def _send(self, effect: Effect, now: datetime) -> Result:
        request = effect.request
        token = self._links.secret(request["invitation"])
        if (known := self._before(effect, now)) is not None:
            return known
        result = self._post.send(effect, with_token(request["mail"], token), request["invitation"])
        if stayed(result) and not effect.unsure:
            self._take_back(request["invitation"])
        return result

    def _take_back(self, invitation: str) -> None:
        """The booking of a mail that stayed here. Should even this fail, what became of the mail is still certain."""
        try:
            self._bookings.take_back(invitation)
        except Exception:
            log.exception("a booking could not be taken back", extra={"invitation": invitation})

    def _before(self, effect: Effect, now: datetime) -> Result | None:
        """The last look; what stops the mail. An error here is never in doubt: requests to a CRM may have begun, but no
        mail."""
        try:
            self._look(effect.request["customer"], now)
            held = self._bookings.book(effect.request, now)
        except (IntegrationError, NotPossibleError):
            raise
        except Exception as error:
            log.exception("a mail was not begun", extra={"effect": effect.id, "run": effect.run_id})
            return Transient(f"an error of ours before the mail: {type(error).__name__}; see the log")
        if isinstance(held, Departure):
            return NotYet(held.held, retry_after=(held.at - now).total_seconds(), code="quiet_hours")
        return held.told() if held else None

    def finish(self, done: CompletionContext) -> Intent | Output:
        if done.effect.stage == AGENT:
            return self._introduced(done)
        return self._found(done) if done.effect.stage == 0 else self._sent(done)

    def _introduced(self, done: CompletionContext) -> Intent | Output:
        """The agent is known, as far as the helpdesk says; who the customer is may have changed meanwhile."""
        place = Place(done.effect.run_id, done.database, done.tx, done.now)
        request = named(done.effect.request, done.result)
        customer = _customer(done.tx, request.pop("of_customer"))
        if customer is None:
            return withheld(place, whose(place), request["survey"], eligibility.UNKNOWN)
        return self._invite(customer, request, place)

    def _found(self, done: CompletionContext) -> Intent | Output:
        told, asked = dict(done.result), done.effect.request
        request = {name: value for name, value in asked.items() if name not in ("find", "email")}
        place = Place(done.effect.run_id, done.database, done.tx, done.now)
        if reason := why_nobody(told, of_ticket=bool(request.get("of_ticket"))):
            return withheld(place, whose(place), request["survey"], reason)
        for name in ("suspended", "staff"):  # an answer of before this was asked has none
            told.pop(name, None)
        user = told.pop("user", asked["find"])
        if user != asked["find"]:
            record_merges.replaced(done.database, done.tx, done.effect.connection, asked["find"], user, done.now)
        person = Person(**told, ids={done.effect.connection: user})
        ids = self._clients.ids
        done.database.lock(done.tx, customers.lock_keys([person], ids, self._rules.country))
        resolver = customers.Resolver(done.database, done.tx, ids, done.now, self._rules.country)
        [(customer, conflict)] = resolver.resolve([person])
        if customer is None or (conflict and not conflict.by_phone):
            return withheld(place, whose(place), request["survey"], eligibility.ANOTHERS_ADDRESS)
        if conflict:
            review_queue.keep_conflict(done.tx, review_queue.ReviewMatch("", conflict.kept, conflict.others, done.now))
        return self._invite(customer, {**request, "due_at": None}, place)

    def _reminders(self, slug: str, tx: Connection) -> int:
        """How often the survey's file reminds; a survey that was taken away meanwhile does not."""
        found = self._surveys.find(slug, tx)
        return len(found[0].reminders) if found else 0

    def _sent(self, done: CompletionContext) -> Output:
        request, result = done.effect.request, done.result
        why = result["reason"] if result.get("done") is False else ""
        status = "withheld" if why else "sent"
        row = {"row": request["invitation"], "new_status": status, "moment": None if why else done.now, "why": why}
        row |= {"why_code": result.get("code", ""), "why_said": result.get("said")}
        if why:
            return Output(dict(result), (Write(SENT, row),))
        told = {"invitation": request["invitation"], "survey": request["survey"], "channel": "email"}
        told["reminders"] = self._reminders(request["survey"], done.tx)
        told["customer"] = {"id": request["customer"]}
        event = own_event("survey.sent", f"sent-{request['invitation']}", done.now, told)
        insert_deliveries(done.database, done.tx, [event])
        return Output({"invitation": request["invitation"], "sent_to": request["mail"]["to"]}, (Write(SENT, row),))


def _customer(tx: Connection, customer_id: str | None) -> Customer | None:
    return customers.load(tx, [customer_id]).get(customer_id) if customer_id else None


def _reached(tx: Connection, customer: Customer) -> bool:
    """Whether we know an address that takes mail; else a helpdesk may know another one by now."""
    return bool(customer.email) and eligibility.comes_back(tx, customer.email) is None


def _due(request: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(request["due_at"]) if request["due_at"] else None


def _unread(customer: Customer, request: Mapping[str, Any]) -> bool:
    """Whether a condition on the language needs the helpdesk, which knows it."""
    return bool(request["languages"]) and not customer.locale


def stayed(result: Result) -> bool:
    """Whether it is certain that no mail left: then the quiet time does not begin, and the occasion is still open."""
    return isinstance(result, IntegrationError) and not isinstance(result, Ambiguous)
