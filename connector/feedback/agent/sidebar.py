"""What a support agent sees and does beside a ticket: the requester's picture, and the clicks that start something.

Who the agent is, is what the sidebar says; it is kept with everything that is logged (see docs/sidebar.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from connector.clock import Clock
from connector.feedback.agent import requests
from connector.feedback.agent.timeline import Timeline, TimelinePage
from connector.feedback.callbacks.store import CONCLUDED
from connector.feedback.consent.consents import DO_NOT_CALL
from connector.feedback.customers import identity as customers
from connector.feedback.customers.identity import Customer
from connector.feedback.customers.phone_numbers import dialled
from connector.feedback.customers.phone_origins import origin_of
from connector.feedback.responses.store import label_of
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.catalog import SurveyCatalog
from connector.feedback.surveys.languages.wordings import speaks_of_agent
from connector.ids import new_id
from connector.storage.engine.database import Database
from connector.storage.schema.tables import callbacks, events, identities, responses
from integrations import mailboxes
from workflows import scoring

REQUESTED, LOGGED = "survey.requested", "feedback.logged"
CONVERSATION = "conversation"
"""What stands for the survey of an answer that staff logged."""

NO_WORKFLOW = "no workflow sends surveys by hand; an admin can import the built-in one, send-by-hand"


@dataclass(frozen=True, slots=True)
class Requester:
    """The person beside the ticket, as the helpdesk knows them: all but the first two may be empty. Or, on the pages, a
    ``customer`` by our own id."""

    connection: str
    user_id: str
    email: str = ""
    name: str = ""
    locale: str = ""
    customer: str = ""

    def told(self) -> dict[str, Any]:
        """As an event of ours names its customer."""
        if self.customer:
            return {"id": self.customer}
        known = {name: getattr(self, name) for name in ("email", "name", "locale") if getattr(self, name)}
        return {**known, "ids": {self.connection: self.user_id}}


@dataclass(frozen=True, slots=True)
class Agent:
    """Who clicked, as the sidebar says; ``token`` is the name of the token it came with."""

    name: str
    email: str = ""
    id: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class SidebarScore:
    """The latest answer on one scale, and how many there are."""

    metric: str
    scale: str
    score: int
    band: str
    label: str
    survey: str
    comment: str
    answered_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class SurveyOffer:
    """A survey that can be sent by hand; ``why_not`` is empty when it would be sent now."""

    survey: str
    name: str
    why_not: str


@dataclass(frozen=True, slots=True)
class OpenCallback:
    """A callback ticket, and the answer it follows as far as it is known."""

    ticket_id: str
    status: str
    cycle: int
    created_at: datetime
    answer: Mapping[str, Any] | None = None
    phone: str = ""
    dial: str = ""  # E.164; "" when ``phone`` is no number that anybody has
    window: str = ""
    outcome: str = ""
    root_cause: str = ""
    concluded_by: str = ""


@dataclass(frozen=True, slots=True)
class SidebarView:
    """All that the sidebar shows, in one piece. ``customer`` is our id; None for a person we never heard of."""

    customer: str | None
    name: str
    opted_out: bool
    scores: Sequence[SidebarScore]
    quadrant: str
    callback: OpenCallback | None
    surveys: Sequence[SurveyOffer]
    timeline: TimelinePage = field(default_factory=lambda: TimelinePage((), None))


class SidebarService:
    """``listens`` says whether a workflow in force is triggered by an event type; ``fatigue_days`` is the rule for
    surveys that have none of their own."""

    def __init__(
        self,
        database: Database,
        surveys: SurveyCatalog,
        timeline: Timeline,
        fatigue_days: int,
        listens: Callable[[Connection, str], bool],
        clock: Clock,
        country: str = "NL",
    ) -> None:
        self._country = country
        self._database, self._surveys, self._fatigue_days = database, surveys, fatigue_days
        self._timeline, self._listens, self._clock = timeline, listens, clock

    def picture(self, requester: Requester, ticket_id: str, limit: int) -> SidebarView:
        """Everything of the requester, and the callback of the ticket that the agent looks at."""
        with self._database.read() as tx:
            customer = _find(tx, requester)
            callback = callback_of(tx, requester.connection, ticket_id, self._country) if ticket_id else None
            offers = self._offers(tx, customer)
            if customer is None:
                return SidebarView(None, requester.name, False, (), "", callback, offers)
            scores = _scores(tx, customer.id)
            opted_out = customer.opted_out_at is not None
            page = self._timeline.page(tx, customer.id, limit)
        name = customer.name or requester.name
        return SidebarView(customer.id, name, opted_out, scores, customer.loyalty, callback, offers, page)

    def timeline(self, customer_id: str, limit: int, before: str | None) -> TimelinePage | None:
        """More of a customer's line; None: there is no such customer. Raises CursorError."""
        with self._database.read() as tx:
            known = customers.load(tx, [customer_id])
            return self._timeline.page(tx, customer_id, limit, before) if known else None

    def callback(self, connection: str, ticket_id: str) -> OpenCallback | None:
        with self._database.read() as tx:
            return callback_of(tx, connection, ticket_id, self._country)

    def became(self, key: str) -> requests.RequestOutcome | None:
        """What became of a click; None: there was none with this key."""
        with self._database.read() as tx:
            return requests.became(tx, key)

    def survey_names(self) -> list[str]:
        """The surveys that may be sent by hand: not those that follow an answer already given."""
        return [survey.slug for survey in self._surveys.active() if not survey.passes_fatigue]

    def sends_by_hand(self) -> bool:
        """Whether a workflow in force sends what is asked for by hand."""
        with self._database.read() as tx:
            return self._listens(tx, REQUESTED)

    def send_survey(
        self, requester: Requester, agent: Agent, survey: str, ticket_id: str, key: str
    ) -> requests.RequestOutcome:
        """Ask for a survey to be sent now. The rules decide when it leaves; what they say now is told at once."""
        told = _circumstances(requester, agent, ticket_id)
        data = {"survey": survey, **told}

        def work(tx: Connection) -> requests.RequestOutcome:
            became = self._record(tx, REQUESTED, key, data)
            if became.state != "waiting":
                return became
            offers = {each.survey: each.why_not for each in self._offers(tx, _find(tx, requester))}
            why_not = offers.get(survey)
            return requests.RequestOutcome("withheld", why_not) if why_not else requests.RequestOutcome("waiting")

        return self._database.transact(work)

    def log_feedback(
        self, requester: Requester, agent: Agent, ticket_id: str, key: str, feedback: Mapping[str, Any]
    ) -> requests.RequestOutcome:
        """Keep what a customer said in a conversation. ``feedback`` has comment, conversation, contact_consent, and
        with a score metric and score; ``at``, an aware moment, is when it was said (else now). Raises ScoreError."""
        told = _circumstances(requester, agent, ticket_id)
        told["context"] |= {"conversation": feedback["conversation"], "logged_by": agent.name}
        data = {"response_id": new_id(), "survey": CONVERSATION, "comment": feedback["comment"],
                "contact_consent": feedback["contact_consent"], **told}  # fmt: skip
        if feedback.get("at") is not None:
            data["answered_at"] = feedback["at"].isoformat()
        if feedback.get("score") is not None:
            score = scoring.check_score(feedback["metric"], feedback["score"])
            data |= {"metric": feedback["metric"], "score": score}
        return self._database.transact(lambda tx: self._record(tx, LOGGED, key, data))

    def conclude(
        self, connection: str, ticket_id: str, agent: Agent, key: str, outcome: str, root_cause: str, note: str
    ) -> requests.RequestOutcome | None:
        """Say what came of a callback; None: the ticket is none."""
        ticket = f"{connection}:{ticket_id}"
        told = {"ticket": ticket, "ticket_id": ticket_id, "outcome": outcome, "root_cause": root_cause or None}
        data = {**told, "note": note, "by": asdict(agent)}

        def work(tx: Connection) -> requests.RequestOutcome | None:
            callback = _callback_row(tx, connection, ticket_id)
            if callback is None:
                return None
            person = {"customer": {"id": callback.customer_id}} if callback.customer_id else {}
            return self._record(tx, CONCLUDED, key, {**data, **person})

        return self._database.transact(work)

    def _record(self, tx: Connection, event_type: str, key: str, data: Mapping[str, Any]) -> requests.RequestOutcome:
        """Put a click into the inbox, unless it is there. → what became of it so far."""
        is_new = requests.record(self._database, tx, event_type, key, data, self._clock())
        return (
            requests.RequestOutcome("waiting")
            if is_new
            else requests.became(tx, key) or requests.RequestOutcome("waiting")
        )

    def _offers(self, tx: Connection, customer: Customer | None) -> list[SurveyOffer]:
        now, heard = self._clock(), self._listens(tx, REQUESTED)
        offers = []
        for survey in sorted(self._surveys.active(tx), key=lambda each: not speaks_of_agent(each)):
            if survey.passes_fatigue:
                continue  # it belongs to an answer already given, and asks about nothing else
            why = None if heard else f"not sent: {NO_WORKFLOW}"
            if customer is not None:
                why = why or eligibility.why_not(tx, customer, survey, {}, self._fatigue_days, now)
                why = why or eligibility.comes_back(tx, customer.email)
            offers.append(SurveyOffer(survey.slug, survey.name, why or ""))
        return offers


def _circumstances(requester: Requester, agent: Agent, ticket_id: str) -> dict[str, Any]:
    """What every click's event tells: the person, who clicked, and beside which ticket."""
    ticket = {"ticket": f"{requester.connection}:{ticket_id}", "ticket_id": ticket_id} if ticket_id else {}
    context = {**ticket, "agent": agent.name}
    return {**ticket, "context": context, "by": asdict(agent), "customer": requester.told()}


def _find(tx: Connection, requester: Requester) -> Customer | None:
    """The customer that is named by our id, or whom the helpdesk knows by theirs; else the one with this
    address, unless the helpdesk knows them by another id."""
    if requester.customer:
        return customers.load(tx, [requester.customer]).get(requester.customer)
    i, email = identities.c, mailboxes.normal(requester.email)
    here = and_(i.system == requester.connection, i.value == requester.user_id)
    wanted = or_(here, and_(i.system == "email", i.value == email)) if email else here
    rows = tx.execute(select(identities).where(wanted)).all()
    found = customers.load(tx, {row.customer_id for row in rows})
    by_system = {row.system: found[row.customer_id] for row in rows}
    if requester.connection in by_system:
        return by_system[requester.connection]
    same = by_system.get("email")
    return same if same is not None and requester.connection not in same.ids else None


_PLACE = {"partition_by": (responses.c.metric, responses.c.scale)}
_NEWEST = func.row_number().over(**_PLACE, order_by=(responses.c.answered_at.desc(), responses.c.id.desc()))  # type: ignore[arg-type]  # the stubs miss tuples


def _scores(tx: Connection, customer_id: str) -> list[SidebarScore]:
    """The latest answer on each scale, newest first: scales are never mixed."""
    counted = func.count().over(**_PLACE)  # type: ignore[arg-type]
    ranked = select(responses, _NEWEST.label("place"), counted.label("how_many"))
    mine = ranked.where(responses.c.customer_id == customer_id).subquery()
    rows = tx.execute(select(mine).where(mine.c.place == 1).order_by(mine.c.answered_at.desc()))
    return [
        SidebarScore(
            row.metric, row.scale, row.score, row.band, label_of(row.metric, row.band), row.survey, row.comment,
            row.answered_at, row.how_many,
        )
        for row in rows
    ]  # fmt: skip


def callback_of(tx: Connection, connection: str, ticket_id: str, country: str) -> OpenCallback | None:
    """The callback whose ticket this is; ``country`` is where numbers without + are from."""
    row = _callback_row(tx, connection, ticket_id)
    if row is None:
        return None
    contact = _contact(row.answers or {})
    person = customers.load(tx, [row.customer_id]).get(row.customer_id) if row.customer_id else None
    phone = contact.get("phone") or _may_be_dialled(person)
    conclusion = _conclusion(tx, f"{connection}:{ticket_id}") or (row.outcome or "", row.root_cause or "", "")
    number = dialled(phone, origin_of(person.facts if person else {}, country)) if phone else None
    dial, window = number.e164 if number else "", contact.get("window", "")
    known = (row.ticket_id, row.status, row.cycle, row.created_at, _answer(row), phone, dial, window)
    return OpenCallback(*known, *conclusion)


def _may_be_dialled(person: Customer | None) -> str:
    """The number we know otherwise, unless the CRM says not to call it. (One given with the answer is a wish.)"""
    return "" if person is None or person.facts.get(DO_NOT_CALL) else person.phone or ""


def _callback_row(tx: Connection, connection: str, ticket_id: str) -> Any:
    c, r = callbacks.c, responses.c
    joined = callbacks.outerjoin(responses, r.id == c.response_id)
    ours = (c.ticket_id, c.status, c.cycle, c.created_at, c.customer_id, c.outcome, c.root_cause)
    theirs = (r.id.label("response"), r.survey, r.metric, r.score, r.band, r.comment, r.answered_at, r.answers)
    where = (c.connection == connection, c.ticket_id == ticket_id)
    return tx.execute(select(*ours, *theirs).select_from(joined).where(*where)).one_or_none()


def _conclusion(tx: Connection, ticket: str) -> tuple[str, str, str] | None:
    """Outcome, root cause and who said so last in the sidebar; None, when nobody has since it was last reopened."""
    e = events.c
    kinds = (CONCLUDED, "ticket.reopened")
    told = select(e.type, e.data).where(e.type.in_(kinds), e.subject == ticket).order_by(e.seq.desc()).limit(1)
    last = tx.execute(told).one_or_none()
    if last is None or last.type != CONCLUDED:
        return None
    by = (last.data.get("by") or {}).get("name") or ""
    return last.data["outcome"], last.data.get("root_cause") or "", by


def _answer(row: Any) -> dict[str, Any] | None:
    if row.response is None:
        return None
    told = {name: getattr(row, name) for name in ("survey", "metric", "score", "band", "comment")}
    return {**told, "label": label_of(row.metric, row.band), "answered_at": row.answered_at}


def _contact(answers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contact details among the answers: of all questions only theirs has such an object."""
    found = (each for each in answers.values() if isinstance(each, Mapping))
    return next((each for each in found if {"phone", "email", "window"} & set(each)), {})
