"""The stand-in as others use it: a WSGI app, and a Python handle on what is inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import datetime
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from sandbox.clock import Clock, system_clock
from sandbox.control import JsonWithMoments, control_blueprint
from sandbox.gateway import Gateway, SeenRequest
from sandbox.late_app import LateApp
from sandbox.outbox import Outbox
from sandbox.zendesk import agent
from sandbox.zendesk.api import api_blueprint, unknown_path
from sandbox.zendesk.desk import AGENT_EMAIL, API_TOKEN, CLIENT_ID, CLIENT_SECRET, INTEGRATION_EMAIL, Desk
from sandbox.zendesk.jobs import Jobs
from sandbox.zendesk.limits import Limits
from sandbox.zendesk.state import ACCOUNT_ID, Json, Notice
from sandbox.zendesk.webhooks import Delivery


class ZendeskStandIn:
    """One Zendesk account. It is its own WSGI app: ``Server(ZendeskStandIn())``.

    Records are handed out as copies in Zendesk's JSON. ``pace`` shortens the pauses between delivery attempts.
    Seeded: an integration user with an OAuth client and an API token, an agent, groups and custom fields.
    """

    account_id = ACCOUNT_ID
    integration_email, agent_email = INTEGRATION_EMAIL, AGENT_EMAIL
    client_id, client_secret, api_token = CLIENT_ID, CLIENT_SECRET, API_TOKEN

    def __init__(
        self, clock: Clock = system_clock, *, pace: float = 1.0, limits: Limits | None = None
    ) -> None:
        self.outbox = Outbox(pace)
        self.desk = Desk(clock, self.outbox, limits or Limits())
        pages = _without_json_suffix(LateApp(self._app))
        self.gateway = Gateway(pages, clock, inside=("/sandbox", "/static", "/agent"))

    def _app(self) -> Flask:
        app = Flask(__name__, template_folder="../templates", static_folder="../static")
        app.json = JsonWithMoments(app)
        for blueprint in (api_blueprint(self.desk), agent.agent_blueprint(self.desk), self._control()):
            app.register_blueprint(blueprint)
        app.register_error_handler(HTTPException, unknown_path)
        return app

    def _control(self) -> Any:
        blueprint = control_blueprint(self.gateway)
        agent.control_routes(blueprint, self.desk)
        return blueprint

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.gateway(environ, start_response)

    def release(self) -> None:
        """Let nothing wait any longer: the first step of an orderly end."""
        self.gateway.release()

    def close(self) -> None:
        """Stop sending."""
        self.release()
        self.outbox.close()
        self.desk.webhooks.close()

    @property
    def base_url(self) -> str:
        return self.desk.state.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.desk.state.move_to(url)

    @property
    def faults(self) -> Any:
        """The ``FaultPlan``: ``faults.add(Fault(path="/tickets", status=503))``."""
        return self.gateway.faults

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        return self.gateway.requests

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every webhook attempt so far."""
        return self.desk.webhooks.log

    def settle(self, timeout: float = 60.0) -> bool:
        """Wait until every webhook is delivered or given up."""
        return self.outbox.settle(timeout)

    @property
    def tickets(self) -> list[Json]:
        """All tickets, also the deleted ones (status "deleted")."""
        return self._copy(self.desk.state.tickets.values())

    @property
    def users(self) -> list[Json]:
        return self._copy(self.desk.state.users.values())

    @property
    def notices(self) -> list[Notice]:
        """The e-mails that Zendesk would have sent to customers."""
        return self._copy(self.desk.state.notices)

    @property
    def integration_user(self) -> Json:
        return deepcopy(self.desk.integration)

    @property
    def agent(self) -> Json:
        return deepcopy(self.desk.agent)

    def ticket(self, ticket_id: int | str) -> Json:
        """Raises KeyError."""
        with self.desk.state.lock:
            return deepcopy(self.desk.state.tickets[int(ticket_id)])

    def user(self, user_id: int | str) -> Json:
        """Raises KeyError."""
        with self.desk.state.lock:
            return deepcopy(self.desk.state.users[int(user_id)])

    def comments(self, ticket_id: int | str) -> list[Json]:
        return self._copy(self.desk.state.comments.get(int(ticket_id), []))

    def audits(self, ticket_id: int | str) -> list[Json]:
        return self._copy(self.desk.state.audits.get(int(ticket_id), []))

    def field_id(self, title: str) -> int:
        """The id of the ticket field with this title. Raises KeyError."""
        with self.desk.state.lock:
            ids = {field["title"]: field["id"] for field in self.desk.state.ticket_fields.values()}
        return int(ids[title])

    def add_user(self, name: str, email: str | None = None, **more: Any) -> Json:
        """A customer who is known already."""
        return self.desk.add_user(name, email, **more)

    def add_organization(self, name: str) -> Json:
        """A company; users belong to it by their ``organization_id``."""
        with self.desk.state.lock:
            return deepcopy(self.desk.add_organization(name))

    def organization(self, organization_id: int | str) -> Json:
        """Raises 404."""
        with self.desk.state.lock:
            return deepcopy(self.desk.state.organizations[int(organization_id)])

    @property
    def jobs(self) -> Jobs:
        """The background jobs; ``jobs.slowness`` makes them take longer."""
        return self.desk.jobs

    def write_in(self, name: str, email: str, subject: str, body: str, **more: Any) -> Json:
        """A customer sends a new ticket."""
        return agent.write_in(self.desk, name, email, subject, body, **more)

    def act(self, action: str, ticket_id: int | str, **given: Any) -> Json:
        """An agent's (or, for "reply", the customer's) action: see ``agent.ACTIONS``. → the ticket afterwards."""
        return agent.act(self.desk, action, int(ticket_id), **given)

    def solve(self, ticket_id: int | str, comment: str = "", *, public: bool = False) -> Json:
        """The agent solves the ticket."""
        return self.act("solve", ticket_id, comment=comment, public=public)

    def reopen(self, ticket_id: int | str) -> Json:
        """The agent opens the ticket again."""
        return self.act("reopen", ticket_id)

    def merge_users(self, gone: int | str, stays: int | str) -> Json:
        """An agent merges one customer into another. → who stays."""
        with self.desk.state.lock:
            return deepcopy(self.desk.merge_users(int(gone), int(stays)))

    def delete_user(self, user_id: int | str, *, for_good: bool = False) -> None:
        """An agent deletes a customer; ``for_good`` as privacy asks, afterwards."""
        with self.desk.state.lock:
            delete = self.desk.delete_user_for_good if for_good else self.desk.delete_user
            delete(int(user_id))

    def subscribe(
        self, endpoint: str, *event_types: str, secret: str | None = None, name: str | None = None
    ) -> Json:
        """A webhook on ticket events ("ticket.created", …). → the webhook, with its signing secret as ``secret``."""
        return self.desk.subscribe(endpoint, event_types, secret, name)

    def rotate_secret(self, webhook_id: str, secret: str | None = None) -> str:
        """Sign with a new secret from now on. → the secret."""
        with self.desk.state.lock:
            return self.desk.webhooks.rotate(webhook_id, secret)

    def redeliver(self, delivery: Delivery) -> None:
        """Send a delivery once more, as at-least-once senders do."""
        with self.desk.state.lock:
            self.desk.webhooks.again(delivery)

    def revoke_tokens(self) -> None:
        """Every OAuth token stops working."""
        with self.desk.state.lock:
            self.desk.access.revoke_all()

    def withdraw_agreement(self) -> None:
        """Refresh tokens stop working, too: somebody must agree anew."""
        with self.desk.state.lock:
            self.desk.access.withdraw()

    def now(self) -> datetime:
        return self.desk.state.clock()

    def _copy(self, records: Iterable[Any]) -> list[Any]:
        with self.desk.state.lock:
            return deepcopy(list(records))


def _without_json_suffix(app: Any) -> Any:
    """Zendesk takes every API path with and without ".json"."""

    def strip(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"].startswith("/api/"):
            environ["PATH_INFO"] = environ["PATH_INFO"].removesuffix(".json")
        return app(environ, start_response)

    return strip
