"""``message.send``: a plain e-mail to the customer. ``alert.send``: a word to a team of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from connector.config import alert_targets
from connector.config.file import Team
from connector.feedback.base.actions import (
    ActionContext,
    Clients,
    CompletionContext,
    Effect,
    Intent,
    NotPossibleError,
    Output,
    Result,
)
from connector.feedback.mail_feedback import undeliverable
from connector.feedback.messaging.mail_names import harmless_name, unlinked_name
from connector.feedback.messaging.text import one_line, visible
from connector.feedback.messaging.way_out import WayOut
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.schema.tables import customers, runs
from integrations.errors import IntegrationError, Permanent
from integrations.mail.verp import Marks, Origin
from integrations.messaging import Alerter, Mail
from workflows.sentences import say

OPTED_OUT = say("reason.no_mail_wanted")


class SendMessage:
    """One mail to the customer with the way out, unless they opted out, checked again when it leaves."""

    def __init__(self, database: Database, clients: Clients, post: Post, render: Any, way_out: WayOut) -> None:
        self._database, self._clients, self._post, self._render = database, clients, post, render
        self._way_out = way_out

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        customer = ask.facts.customer
        to = ask.params.get("to") or customer.get("email")
        if not to:
            return Output({"done": False, "reason": say("refusal.no_address")})
        via, _ = self._clients.messenger(ask.params.get("via"))
        subject, text = (guarded(ask.params[part], customer.get("name")) for part in ("subject", "text"))
        subject = one_line(subject)
        look = self._render(subject, text, customer.get("locale"), ask.workflow, self._way_out.mark(ask.run_id))
        name = harmless_name(customer.get("name"))
        mail = {"to": to, "to_name": name, "subject": subject, "text": text, **look}
        return Intent(via, {"mail": mail, "customer": customer.get("id")})

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [self._send(effect) for effect in effects]

    def _send(self, effect: Effect) -> Result:
        if (reason := why_not(self._database, effect)) is not None:
            return {"done": False, "reason": reason}
        return self._post.send(effect, effect.request["mail"])

    def finish(self, done: CompletionContext) -> Output:
        if done.result.get("done") is False:
            return Output(done.result)
        return Output({"sent_to": done.effect.request["mail"]["to"]})


class SendAlert:
    """Tells a team, one address after the other: each is a call of its own, so that none is told twice because
    another failed."""

    def __init__(self, clients: Clients, post: Post, alerter: Alerter, teams: Mapping[str, Team]) -> None:
        self._clients, self._post, self._alerter, self._teams = clients, post, alerter, teams

    def batch(self, connection: str) -> int:
        return 1

    def prepare(self, ask: ActionContext) -> Intent | Output:
        team = self._team(str(ask.params["to"]))
        addresses = [*team.email, *map(alert_targets.mark, team.notify)]
        whose = ask.facts.customer.get("name")
        subject = one_line(guarded(ask.params.get("subject") or f"Ringback: {ask.workflow}", whose))
        text = "\n\n".join(filter(None, (guarded(ask.params["text"], whose), self._link(ask.params.get("ticket")))))
        request = {"team": team.name, "addresses": addresses, "subject": subject, "text": text}
        return self._intent(request, 0)

    def _link(self, ticket: Any) -> str:
        """Where a ticket ("zendesk:7") opens, for who has read enough; "" without one."""
        connection, _, ticket_id = str(ticket or "").rpartition(":")
        return self._clients.helpdesk(connection).ticket_url(ticket_id) if connection and ticket_id else ""

    def _team(self, name: str) -> Team:
        """A team of ours, or one person by address: the owner of an account, say."""
        if "@" in name and name not in self._teams:
            return Team(name, email=(name,))
        team = self._teams.get(name)
        if team is None or not (team.email or team.notify):
            known = ", ".join(sorted(self._teams)) or "none"
            raise NotPossibleError(
                f"to: {name!r} is no team with an address. Add it under teams: in ringback.yaml (known: {known})."
            )
        return team

    def _intent(self, request: Mapping[str, Any], stage: int) -> Intent:
        address = request["addresses"][stage]
        connection = self._clients.messenger(None)[0] if "://" not in address else "alerts"
        return Intent(connection, request, stage=stage)

    def perform(self, effects: Sequence[Effect], now: datetime) -> list[Result]:
        return [self._tell(effect) for effect in effects]

    def _tell(self, effect: Effect) -> Result:
        request, address = effect.request, effect.request["addresses"][effect.stage]
        if "://" not in address:
            mail = {"to": address, "subject": request["subject"], "text": request["text"]}
            return self._post.send(effect, mail)
        target = alert_targets.marked(address, self._teams.get(request["team"]))
        if target is None:
            reason = f"the address is no longer among those of {request['team']} in ringback.yaml"
            return Permanent(reason, code="bad_target")
        try:
            self._alerter.alert([target], request["subject"], request["text"])
        except IntegrationError as error:
            return error
        return {}

    def finish(self, done: CompletionContext) -> Intent | Output:
        request, following = done.effect.request, done.effect.stage + 1
        if following < len(request["addresses"]):
            return self._intent(request, following)
        return Output({"told": request["team"]})


class Post:
    """Hands mails over. Key, date and envelope come from the effect, so that a repeat is the same mail, to the byte."""

    def __init__(self, clients: Clients, secret_keys: SecretKeys) -> None:
        self._clients, self._marks = clients, Marks(*secret_keys.every)

    def send(self, effect: Effect, fields: Mapping[str, Any], invitation: str | None = None) -> Result:
        """``fields`` are those of ``Mail`` that were stored. What comes back is known as the invitation's, if it is
        one, else as the effect's."""
        origin = (Origin.INVITATION, invitation) if invitation else (Origin.EFFECT, effect.id)
        same = {"key": effect.key, "mark": self._marks.make(*origin), "date": effect.first_tried_at}
        try:
            _, messenger = self._clients.messenger(effect.connection)
            messenger.send(Mail(**{**fields, **same}))
        except IntegrationError as error:
            return error
        except NotPossibleError as error:  # a connection that was taken out of the configuration
            return Permanent(str(error))
        return {}


def guarded(words: object, name: object) -> str:
    """Words of a workflow that may hold a stranger's: nothing invisible, and the customer's name as it may stand in a
    mail."""
    text, whole = str(words), str(name or "")
    safe = unlinked_name(whole)
    return visible(text.replace(whole, safe) if whole and safe != whole else text)


def why_not(database: Database, effect: Effect) -> str | None:
    """The reason not to send a mail to a customer, as of now: they opted out (the run knows who they are also after two
    became one), or mail to this address comes back."""
    whose = customers.c.id == runs.c.customer_id
    statement = select(customers.c.opted_out_at).join(runs, whose).where(runs.c.id == effect.run_id)
    with database.read() as tx:
        opted_out = tx.execute(statement).scalar_one_or_none() is not None
        return OPTED_OUT if opted_out else undeliverable.why_not(tx, effect.request["mail"]["to"])
