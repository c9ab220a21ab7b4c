"""All tables. Every time is UTC; every id of ours is made by ``connector.ids.new_id``.

Indexes are part of the design: a claim, a sweep and a look-up touch only rows that are due, however many wait.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC on every database; a naive one is a bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_Json = JSON().with_variant(JSONB(), "postgresql")
_Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself
_Id = String(26)


def _id() -> Column[str]:
    return Column("id", _Id, primary_key=True)


def _ref(name: str, target: str, **more: Any) -> Column[str]:
    return Column(name, _Id, ForeignKey(f"{target}.id"), **more)


def is_now(column: Column[str], value: str) -> ColumnElement[bool]:
    """``column = 'value'`` with the value inline: a partial index on it is used only when the planner sees it."""
    return column == literal_column(f"'{value}'")


# The partial indexes' own words: in others the planner of SQLite does not recognise them.
SET_ASIDE: ColumnElement[bool] = literal_column("deliveries.status IN ('unreadable', 'failed')")
ENDED_BADLY: ColumnElement[bool] = literal_column("effects.status IN ('failed', 'review')")
_STOPPED_RUNS = "status IN ('failed', 'dead', 'needs_review', 'done_with_failure')"
STOPPED_RUNS: ColumnElement[bool] = literal_column(f"runs.{_STOPPED_RUNS}")
_OPEN_CALLBACKS = "status IN ('asked', 'open', 'taken', 'contacted', 'reopened')"
OPEN_CALLBACKS: ColumnElement[bool] = literal_column(f"callbacks.{_OPEN_CALLBACKS}")
_SOLVED_CALLBACKS = "status IN ('solved', 'not_reached', 'recovered', 'not_recovered')"
SOLVED_CALLBACKS: ColumnElement[bool] = literal_column(f"callbacks.{_SOLVED_CALLBACKS}")
_OPEN_INVITATIONS = "status IN ('sent', 'opened', 'started')"
OPEN_INVITATIONS: ColumnElement[bool] = literal_column(f"invitations.{_OPEN_INVITATIONS}")
EMPTIABLE: ColumnElement[bool] = literal_column("deliveries.status IN ('done', 'ignored')")


def _where(condition: str) -> dict[str, Any]:
    """A partial index with its condition inline, so that both planners can use it with bound parameters."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("connection", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("content_type", String(200), nullable=False),
    Column("headers", _Json, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", String(12), nullable=False),  # new, done, ignored, unreadable, failed
    Column("reason", Text, nullable=False, default=""),
    Column("processed_at", UtcDateTime),
    Column("emptied_at", UtcDateTime),  # when headers and body went; the key stays, to know a doubled delivery
    Column("begun", Integer, nullable=False, default=0, server_default="0"),  # how often, by an engine that then fell
    UniqueConstraint("connection", "key"),
    Index("ix_deliveries_list", "connection", "id"),
    Index("ix_deliveries_new", "connection", "id", **_where("status = 'new'")),
    Index("ix_deliveries_ignored", "id", **_where("status = 'ignored'")),
    Index("ix_deliveries_content", "received_at", **_where("status IN ('done', 'ignored') AND emptied_at IS NULL")),
    Index("ix_deliveries_trouble", "id", **_where("status IN ('unreadable', 'failed')")),
)

customers = Table(
    "customers",
    metadata,
    _id(),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("locale", String(35)),
    Column("time_zone", String(64)),  # by its IANA name, as a helpdesk knows it
    Column("facts", _Json, nullable=False),
    Column("known_at", _Json),  # fact → the moment of what is known of it, as text that sorts
    Column("opted_out_at", UtcDateTime),
    Column("loyalty", String(20), nullable=False, default=""),  # newest NPS by newest NLS; "" without both
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("system", String(100), primary_key=True),  # "email", or a connection's name
    Column("value", String(320), primary_key=True),
    _ref("customer_id", "customers", nullable=False, index=True),
    Column("gone_at", UtcDateTime),  # the record was deleted or merged: it leads here, but nothing is written on it
)

phones = Table(  # who has been seen with a number; several may share it, so it is no identity
    "phones",
    metadata,
    Column("number", String(40), primary_key=True),  # E.164, ";ext=12" after it where there is one
    Column("customer_id", _Id, ForeignKey("customers.id"), primary_key=True, index=True),
)

identity_conflicts = Table(  # the review list
    "identity_conflicts",
    metadata,
    _id(),
    Column("kind", String(10), nullable=False),  # customers, records
    Column("mark", String(80), nullable=False, unique=True),  # the same for the same case
    Column("connection", String(100), nullable=False),  # of the records
    Column("event_id", _Id, nullable=False),  # the first that met it
    Column("kept", _Id, nullable=False),  # the customer the event was given to
    Column("others", _Json, nullable=False),  # the customers its other ids point to, or the records
    Column("seen_at", UtcDateTime, nullable=False),  # last
    Column("times", Integer, nullable=False),
    Column("status", String(10), nullable=False),  # open, decided
    Column("decision", String(60), nullable=False),  # same, different, or a record's id
    Column("decided_by", String(100), nullable=False),
    Column("decided_at", UtcDateTime),
    Index("ix_identity_conflicts_list", "status", "seen_at"),
)

positions = Table(  # how far something that goes on for long has come
    "positions",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("at", String(200), nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
    Column("taken_until", UtcDateTime),  # somebody moves it on until then
)

events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("id", _Id, nullable=False, unique=True),
    Column("connection", String(100), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("type", String(100), nullable=False),
    Column("subject", String(200)),
    Column("customer_id", _Id),
    Column("time", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("delivery_id", _Serial, index=True),
    Column("data", _Json, nullable=False),
    Column("decisions", _Json, nullable=False),  # which workflows it started, and why the others not
    UniqueConstraint("connection", "external_id"),
    Index("ix_events_look_back", "type", "subject", "seq"),
    Index("ix_events_of_customer", "customer_id", "time"),
)

definitions = Table(
    "definitions",
    metadata,
    _id(),
    Column("kind", String(20), nullable=False),  # workflow, survey
    Column("slug", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("origin", String(10), nullable=False, default="file"),  # file, browser, api, library
    Column("author", String(200), nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    UniqueConstraint("kind", "slug", "version"),
)

definition_states = Table(  # what is known of a slug beside its versions
    "definition_states",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("slug", String(100), primary_key=True),
    Column("file_digest", String(64), nullable=False, default=""),  # of the file that was last taken into account
    Column("waiting", Text),  # what the file says now, where the browser's differs too; empty: the file is gone
    Column("waiting_since", UtcDateTime),
    Column("off_at", UtcDateTime),  # switched off by a person: it starts nothing, whatever its versions say
    Column("off_by", String(200), nullable=False, default=""),
    Column("off_reason", Text, nullable=False, default=""),
)

definition_drafts = Table(  # a text that somebody is writing, until they publish it or throw it away
    "definition_drafts",
    metadata,
    Column("user_id", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("slug", String(100), primary_key=True),  # empty: of a new one
    Column("body", Text, nullable=False),
    Column("based_on", Integer, nullable=False),  # the version that they began with
    Column("updated_at", UtcDateTime, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    _id(),
    Column("workflow", String(100), nullable=False),
    _ref("definition_id", "definitions", nullable=False),
    Column("key", String(300), nullable=False),
    Column("slot", String(400), unique=True),  # held while live, so that one key has one run; empty if parallel
    Column("status", String(20), nullable=False),
    Column("due_at", UtcDateTime),
    Column("epoch", Integer, nullable=False, default=0),
    Column("state", _Json, nullable=False),
    Column("facts", _Json, nullable=False),
    Column("event_seq", BigInteger, nullable=False, index=True),
    Column("customer_id", _Id, index=True),
    Column("step", String(100), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("failures", Integer, nullable=False, default=0),
    Column("started_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # With the state, though it is always the same: else SQLite prefers an index that has it, and reads all of that.
    Index("ix_runs_ready", "workflow", "due_at", "status", **_where("status = 'ready'")),
    Index("ix_runs_timers", "workflow", "due_at", **_where("status = 'waiting' AND due_at IS NOT NULL")),
    Index("ix_runs_queue", "workflow", "key", "id", **_where("status = 'queued'")),
    Index("ix_runs_list", "workflow", "id"),
    Index("ix_runs_list_both", "workflow", "status", "id"),
    # One per state, and none that begins with it: SQLite would take that one for every question about a state.
    Index("ix_runs_waiting", "id", **_where("status = 'waiting'")),
    Index("ix_runs_succeeded", "id", **_where("status = 'succeeded'")),
    Index("ix_runs_cancelled", "id", **_where("status = 'cancelled'")),
    Index("ix_runs_dismissed", "id", **_where("status = 'dismissed'")),
    Index("ix_runs_stopped", "id", **_where(_STOPPED_RUNS)),
    Index("ix_runs_ended", "ended_at", **_where("ended_at IS NOT NULL")),
)

waits = Table(
    "waits",
    metadata,
    _id(),
    _ref("run_id", "runs", nullable=False, index=True),
    Column("visit", String(120), nullable=False),
    Column("event_type", String(100), nullable=False),
    Column("subject", String(200)),  # empty: every event of the type is looked at
    Column("status", String(12), nullable=False),  # open, matched, timed_out, cancelled
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("event_seq", BigInteger),  # the event that matched
    Index("ix_waits_open", "event_type", "subject", **_where("status = 'open'")),
)

history = Table(
    "history",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _ref("run_id", "runs", nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("notes", _Json, nullable=False),  # [{step, kind, text, data}]: one row per decision, however long
)

effects = Table(
    "effects",
    metadata,
    _id(),
    _ref("run_id", "runs", nullable=False, index=True),
    Column("visit", String(120), nullable=False),
    Column("stage", Integer, nullable=False),  # an action may need several calls, one after the other
    Column("action", String(60), nullable=False),
    Column("connection", String(100), nullable=False),
    Column("workflow", String(100), nullable=False),  # whose turn it is when several have much to do
    Column("effect_class", String(1), nullable=False),
    Column("delivery", String(16)),
    Column("key", String(200), nullable=False, unique=True),  # the idempotency key: run + visit, not attempt
    Column("request", _Json, nullable=False),
    Column("serial", String(300)),  # effects with the same serial never run side by side
    Column("bucket", String(40)),  # the vendor's limit that its requests count towards
    Column("cost", Integer, nullable=False, default=1),  # how many requests it makes
    Column("beside", Integer, nullable=False, default=0),  # and how many more, which count towards no ``bucket``
    Column("status", String(12), nullable=False),  # due, performing, done, failed, review, cancelled
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("epoch", Integer, nullable=False, default=0),
    Column("owner", String(26)),
    Column("leads", Boolean, nullable=False, default=False),  # the first of those that went into one call
    Column("lease_until", UtcDateTime),
    Column("unsure", Boolean, nullable=False, default=False),  # an earlier try may have happened
    Column("first_tried_at", UtcDateTime),
    Column("retry", _Json),
    Column("outcome", _Json),
    Column("error", Text, nullable=False, default=""),
    Column("error_kind", String(16), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_effects_due", "connection", "workflow", "due_at", **_where("status = 'due'")),
    Index("ix_effects_leases", "lease_until", **_where("status = 'performing'")),
    Index("ix_effects_serial", "connection", "serial", **_where("status = 'performing'")),
    Index("ix_effects_trouble", "id", **_where("status IN ('failed', 'review')")),
)

connections = Table(
    "connections",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("status", String(10), nullable=False),  # active, paused, open, probing; stopped: by a person
    Column("reason", Text, nullable=False, default=""),
    Column("blocked_until", UtcDateTime),
    Column("failures", Integer, nullable=False, default=0),  # calls in a row that met no working vendor
    Column("failing_since", UtcDateTime),  # the first of them
    Column("spent", _Json),  # the same for kinds of requests and records with limits of their own: name → until
    Column("budget_until", UtcDateTime),  # up to when the requests already made use up the rate budget
    Column("turn", String(100), nullable=False, default=""),  # the workflow that was served last
    Column("wrote_at", UtcDateTime),  # the last write of people, where a vendor takes so many a second
    Column("own_user", String(100)),
    Column("token", LargeBinary),  # encrypted
    Column("token_lease_until", UtcDateTime),  # somebody is asking for the next one; a refresh token works once
    Column("logins_until", UtcDateTime),  # up to when the tokens already asked for use up the pace of logins
    Column("updated_at", UtcDateTime, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    _id(),
    Column("token_digest", String(64), nullable=False, unique=True),
    Column("token_key", String(8), nullable=False, default=""),  # the mark of the secret key its link hangs on
    Column("token_kept", LargeBinary),  # the link's secret, sealed, where another key made it; else it is derived
    Column("survey", String(100), nullable=False),
    _ref("definition_id", "definitions", nullable=False),
    _ref("customer_id", "customers", nullable=False),
    Column("run_id", _Id),
    Column("channel", String(20), nullable=False),
    Column("language", String(35), nullable=False),
    Column("status", String(12), nullable=False),  # prepared, sent, opened, started, answered, withheld, expired
    Column("reason", Text, nullable=False, default=""),
    Column("code", String(40), nullable=False, default=""),  # of the reason: what was not asked is counted by it
    Column("said", _Json),  # which sentence the reason is (``workflows.sentences``)
    Column("about", _Id),  # the first response a retention survey follows
    Column("once", String(200), unique=True),  # at most one invitation per value, ever
    Column("context", _Json, nullable=False),
    Column("variants", _Json, nullable=False, default={}),  # which of two wordings each part of the mail has
    Column("answers", _Json, nullable=False),  # as given so far
    Column("revision", Integer, nullable=False, default=0),  # counts the saves that changed something
    Column("changes", _Json, nullable=False, default={}),  # by question: revision and page of its last change
    Column("seen_language", String(35)),  # in which the last save was made: the wording of consents
    Column("touched_at", UtcDateTime),  # the last save
    Column("settles_at", UtcDateTime),  # when the answers as they stand count; null: nothing waits to
    Column("counted", _Json),  # what counted last: the answers, and what else a later change is compared with
    Column("agent", String(100), nullable=False, default=""),  # of the ticket that it is about, by the helpdesk's id
    Column("team", String(100), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("wanted_at", UtcDateTime),  # when it would leave if no hour were quiet
    Column("due_at", UtcDateTime),  # when it may leave
    Column("held", Text, nullable=False, default=""),  # whose clock says so, and what it waits for
    Column("planned_at", UtcDateTime),  # when that was last worked out
    Column("asked_at", UtcDateTime),  # when it was decided to send it: the fatigue rule counts from here
    Column("sent_at", UtcDateTime),
    Column("opened_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("reminded", Integer, nullable=False, default=0),  # how often
    Column("reminded_at", UtcDateTime),  # last
    Index("ix_invitations_fatigue", "customer_id", "asked_at"),
    Index("ix_invitations_settling", "settles_at", **_where("settles_at IS NOT NULL")),
    Index("ix_invitations_quota", "survey", "asked_at"),
    Index("ix_invitations_run", "run_id"),
    Index("ix_invitations_prepared", "id", **_where("status = 'prepared'")),
    Index("ix_invitations_open", "expires_at", **_where(_OPEN_INVITATIONS)),
    Index("ix_invitations_keys", "token_key", "survey"),
    Index("ix_invitations_sent", "sent_at", **_where("sent_at IS NOT NULL")),
)

responses = Table(
    "responses",
    metadata,
    _id(),
    Column("connection", String(100), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("survey", String(100), nullable=False),
    Column("metric", String(10), nullable=False),
    Column("scale", String(40), nullable=False, default=""),  # variant, points, direction: never mixed
    Column("score", Integer, nullable=False),
    Column("band", String(20), nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("contact_consent", Boolean, nullable=False),
    Column("customer_id", _Id),
    Column("invitation_id", _Id),
    Column("about", _Id, index=True),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("answers", _Json, nullable=False),
    Column("context", _Json, nullable=False),
    Column("brand", String(100), nullable=False, default=""),  # this and what follows: what figures are cut by
    Column("team", String(100), nullable=False, default=""),
    Column("product", String(100), nullable=False, default=""),
    Column("channel", String(100), nullable=False, default=""),
    Column("moment", String(100), nullable=False, default=""),
    Column("revision", Integer, nullable=False, default=1),  # 2 and more: the person changed it
    UniqueConstraint("connection", "external_id"),
    Index("ix_responses_latest", "customer_id", "metric", "answered_at"),
)

response_revisions = Table(  # what answers said before they were changed
    "response_revisions",
    metadata,
    Column("response_id", _Id, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", _Id, index=True),
    Column("score", Integer, nullable=False),
    Column("band", String(20), nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("contact_consent", Boolean, nullable=False),
    Column("answers", _Json, nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)

callbacks = Table(
    "callbacks",
    metadata,
    _id(),
    Column("connection", String(100), nullable=False),
    Column("external_id", String(200), nullable=False, unique=True),  # our mark on the ticket
    Column("ticket_id", String(60)),
    Column("response_id", _Id, index=True),
    Column("customer_id", _Id, index=True),
    Column("run_id", _Id, nullable=False),
    Column("status", String(16), nullable=False),  # see feedback.callback_life.Loop
    Column("due_at", UtcDateTime),  # when the call should have been made, as the ticket says
    Column("cycle", Integer, nullable=False),  # counts the solves; one retention survey each
    Column("tries", Integer, nullable=False, default=0),  # solves that did not reach the customer
    Column("moves", Integer, nullable=False, default=0),  # counts the changes of the status that we told
    Column(
        "changed_at", UtcDateTime, nullable=False
    ),  # the helpdesk's time of the latest change we know; so are these:
    Column("taken_at", UtcDateTime),  # an agent has it
    Column("contacted_at", UtcDateTime),  # an agent wrote on it for the first time
    Column("solved_at", UtcDateTime),  # the latest solve
    Column("outcome", String(60)),  # what the agent filled in
    Column("root_cause", String(60)),
    Column("closed_at", UtcDateTime),  # by our clock: outcome and root cause are known, the loop counts as closed
    Column("reminded", Boolean, nullable=False, default=False),  # the agent was asked for them
    Column("handed_over", Boolean, nullable=False, default=False),  # a second bad answer: a person's, for good
    Column("high_value", Boolean, nullable=False, default=False),  # the customer's, as it was told when it was asked
    Column("caller", String(100)),  # who makes it, as its team said then; whoever takes the ticket may be another
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("connection", "ticket_id"),
    Index("ix_callbacks_open", "connection", "id", **_where(_OPEN_CALLBACKS)),
    Index("ix_callbacks_solved", "connection", "changed_at", **_where(_SOLVED_CALLBACKS)),
)

writebacks = Table(
    "writebacks",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("record", String(60), primary_key=True),
    Column("metric", String(10), primary_key=True),
    Column("response_id", _Id, nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)

crm_people = Table(  # contacts and leads as they were last seen in a CRM
    "crm_people",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("record", String(60), primary_key=True),
    Column("kind", String(10), nullable=False),  # contact, lead
    Column("account", String(60), nullable=False),
    Column("merged_into", String(60), nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("opted_out", Boolean),  # null, here and below: it was not told
    Column("do_not_call", Boolean),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_crm_people_account", "connection", "account"),
    Index("ix_crm_people_merged", "connection", "merged_into"),
)

crm_written = Table(  # what stands on the records of a CRM: the digest of our values
    "crm_written",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("object", String(80), primary_key=True),
    Column("record", String(60), primary_key=True),
    Column("digest", String(40), nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)

crm_jobs = Table(  # the job that a CRM works on for us, at most one a connection
    "crm_jobs",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("job", String(60), nullable=False),
    Column("object", String(80), nullable=False),
    Column("digests", _Json, nullable=False),  # by record: what will stand there
    Column("started_at", UtcDateTime, nullable=False),
)

api_usage = Table(  # how much of a vendor's daily calls is used, an hour at a time
    "api_usage",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("used", Integer, nullable=False),
    Column("total", Integer, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    _id(),
    _ref("customer_id", "customers", nullable=False, index=True),
    Column("kind", String(20), nullable=False),  # surveys, contact, improvements
    Column("granted", Boolean, nullable=False),
    Column("text_version", String(60), nullable=False),  # which wording the person saw
    Column("source", String(60), nullable=False),
    Column("by", String(100), nullable=False, default=""),  # who of the staff wrote it down
    Column("note", Text, nullable=False, default=""),  # and why
    Column("at", UtcDateTime, nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    _id(),
    _ref("customer_id", "customers", nullable=False, index=True),
    Column("survey", String(100), nullable=False),
    Column("run_id", _Id, nullable=False),
    Column("reason", Text, nullable=False),
    Column("code", String(40), nullable=False, default=""),  # of the reason: what was not asked is counted by it
    Column("numbers", _Json, nullable=False, default=dict),  # the rule's, and this person's
    Column("said", _Json),  # which sentence the reason is (``workflows.sentences``); null: an older program's
    Column("at", UtcDateTime, nullable=False),
    Index("ix_suppressions_run", "run_id"),
)

household_asks = Table(  # who was asked in which household, where such are kept in mind
    "household_asks",
    metadata,
    Column("household", String(64), primary_key=True),  # the digest of what makes it one
    _ref("invitation_id", "invitations", primary_key=True, index=True),
    _ref("customer_id", "customers", nullable=False, index=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Index("ix_household_asks_newest", "household", "asked_at"),
)

mail_returns = Table(  # what came back of our mail, a row per mail and kind
    "mail_returns",
    metadata,
    _id(),
    Column("mail", String(60), nullable=False),  # the id of the invitation, or of the effect that sent it
    Column("kind", String(10), nullable=False),  # hard, soft, complaint
    Column("address", String(320), nullable=False),  # whom we wrote to, normal; empty: not known any more
    Column("customer_id", _Id),
    Column("invitation_id", _Id),
    Column("status", String(20), nullable=False),  # RFC 3463's, or the kind of complaint
    Column("reason", String(100), nullable=False),
    Column("said", Text, nullable=False),  # in the other server's words
    Column("connection", String(100), nullable=False),  # who told us
    Column("mailed_at", UtcDateTime, nullable=False),  # when the mail left: the same, whoever tells of it and when
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("mail", "kind"),
    Index("ix_mail_returns_address", "address"),
    Index("ix_mail_returns_of_customer", "customer_id", "seen_at"),
    Index("ix_mail_returns_list", "seen_at"),
)

mail_suppressions = Table(  # addresses that take no mail
    "mail_suppressions",
    metadata,
    Column("address", String(320), primary_key=True),
    Column("customer_id", _Id, index=True),
    Column("kind", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime),  # empty: it is written to, as a person said
    Column("lifted_at", UtcDateTime),  # what left before then counts no more
    Column("lifted_by", String(100), nullable=False, default=""),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _id(),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),  # the secret itself is nowhere
    Column("scopes", _Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Index("ix_api_tokens_name", "name", unique=True, **_where("revoked_at IS NULL")),
)

users = Table(  # people of the house who sign in to the pages; see connector.access
    "users",
    metadata,
    _id(),
    Column("email", String(320), nullable=False, unique=True),  # in small letters
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("teams", _Json),  # names whose rows they see; null: all
    Column("brands", _Json),
    Column("personal", Boolean, nullable=False),  # whether they see what their role would show of customers
    Column("language", String(35), nullable=False),  # empty: the browser's
    Column("password", String(300)),  # Argon2id, in its own notation; null: none was chosen yet
    Column("password_at", UtcDateTime),
    Column("totp", LargeBinary),  # sealed
    Column("totp_step", BigInteger),  # the half minute of the last code: none counts twice
    Column("totp_at", UtcDateTime),  # when it was confirmed
    Column("issuer", String(500)),  # of OpenID Connect; with ``subject`` it is who somebody is there
    Column("subject", String(255)),
    Column("disabled_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("signed_in_at", UtcDateTime),
    UniqueConstraint("issuer", "subject"),
)

user_sessions = Table(
    "user_sessions",
    metadata,
    _id(),
    _ref("user_id", "users", nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),  # of what the cookie holds
    Column("stage", String(10), nullable=False),  # see access.sessions.Stage
    Column("created_at", UtcDateTime, nullable=False),
    Column("proved_at", UtcDateTime, nullable=False),  # when they last proved who they are
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
    Column("network", String(50), nullable=False),  # shortened: a /24 or /48
    Column("agent", String(200), nullable=False),  # what their browser says it is
    Column("issuer", String(500)),  # by OpenID Connect: whose session it is
    Column("sid", String(255), index=True),  # and which; so that it can be ended from there
    Column("looks_as", String(20)),  # the role as which an admin looks at the pages
)

user_recovery_codes = Table(
    "user_recovery_codes",
    metadata,
    _id(),
    _ref("user_id", "users", nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("used_at", UtcDateTime),
)

user_links = Table(  # one-time addresses: an invitation, a new password
    "user_links",
    metadata,
    _id(),
    _ref("user_id", "users", nullable=False, index=True),
    Column("purpose", String(10), nullable=False),  # invite, reset
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

oidc_tokens_seen = Table(  # logout tokens that had their effect; each counts once
    "oidc_tokens_seen",
    metadata,
    Column("digest", String(64), primary_key=True),  # of issuer and jti
    Column("ends_at", UtcDateTime, nullable=False, index=True),
)

audit_log = Table(  # who did what; rows are added and never changed. Each carries the hash of the one before it
    "audit_log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 without a gap
    Column("at", UtcDateTime, nullable=False),
    Column("actor_kind", String(10), nullable=False),  # user, token, command, system, nobody
    Column("actor", String(100), nullable=False),  # a user's id; else a name
    Column("action", String(60), nullable=False),
    Column("object_kind", String(40), nullable=False),
    Column("object", String(200), nullable=False),  # people by id
    Column("before", _Json, nullable=False),
    Column("after", _Json, nullable=False),
    Column("network", String(50), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_log_of_object", "object_kind", "object", "seq"),
    Index("ix_audit_log_of_actor", "actor", "seq"),
)

audit_head = Table(  # one row: the end of the chain, locked by whoever adds to it
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("keys", LargeBinary),  # sealed; from which row on under which key the hashes are
)

provisioned = Table(
    "provisioned",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("kind", String(40), primary_key=True),  # what it is at the vendor: ticket_field, view, webhook …
    Column("key", String(100), primary_key=True),  # our name of it, the same in every account
    Column("vendor_id", String(100), nullable=False),
    Column("made", Boolean, nullable=False),  # by us: only such things are taken away again
    Column("secret", LargeBinary),  # sealed; what the vendor signs its webhooks with
    Column("made_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

press_traces = Table(  # what was touched of an invitation's links and page, and from which network; see who_pressed
    "press_traces",
    metadata,
    _id(),
    Column("invitation_id", _Id, nullable=False),
    Column("network", String(50), nullable=False),  # shortened: a /24 or /48
    Column("touched", String(12), nullable=False),  # see who_pressed.traces.Touched
    Column("value", String(10), nullable=False),  # the score, where it was one
    Column("slot", BigInteger, nullable=False),  # the two minutes that the row stands for
    Column("times", Integer, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("scanner", Boolean, nullable=False),  # by a program that says that it is one
    Column("trapped", Boolean, nullable=False),  # with the field filled in that people do not see
    Column("pointers", Integer),  # what the page's script noticed; null: it did not report
    Column("strokes", Integer),
    Column("seen_ms", Integer),
    UniqueConstraint("invitation_id", "network", "touched", "value", "slot"),
)

doubted_presses = Table(  # what somebody pressed that was no person, or may not have been
    "doubted_presses",
    metadata,
    _id(),
    _ref("invitation_id", "invitations", nullable=False),
    _ref("customer_id", "customers", nullable=False, index=True),
    Column("survey", String(100), nullable=False),
    Column("what", String(10), nullable=False),  # answer, opt_out
    Column("verdict", String(10), nullable=False),  # doubtful, machine
    Column("rule", String(40), nullable=False),
    Column("signals", _Json, nullable=False),
    Column("answers", _Json, nullable=False),  # as given
    Column("language", String(35), nullable=False),
    Column("pressed_at", UtcDateTime, nullable=False),
    Column("judged_at", UtcDateTime, nullable=False),
    Column("asked_at", UtcDateTime),  # when the mail was booked that asks "Was this you?"
    Column("status", String(10), nullable=False),  # open, confirmed, denied, released, replaced
    Column("decided_by", String(100), nullable=False),
    Column("reason", Text, nullable=False),  # why it was released
    Column("decided_at", UtcDateTime),
    Index("ix_doubted_presses_of_invitation", "invitation_id", "what", "id"),
    Index("ix_doubted_presses_open", "verdict", "id", **_where("status = 'open'")),
)

guesses = Table(  # addresses of survey pages that were tried and do not exist, by network; see flow_control
    "guesses",
    metadata,
    Column("network", String(50), primary_key=True),
    Column("until", UtcDateTime, nullable=False, index=True),  # up to when those made use up what is allowed
)

OF_CUSTOMERS = tuple(table for table in metadata.sorted_tables if "customer_id" in table.c)
"""The tables whose ``customer_id`` says whose a row is. At a merge of customers all of them follow: read off the
tables, so that none can be forgotten. Which feature answers for which is in ``feedback.registry``."""
