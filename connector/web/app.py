"""The web side, put together: webhooks in, survey pages, the API, health and metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Blueprint, Flask, render_template
from sqlalchemy.exc import SQLAlchemyError

from connector.feedback.messaging.way_out import WayOut
from connector.runtime.doorbell import INTAKE
from connector.runtime.runs.outlook import Outlook
from connector.runtime.runs.workflow_cache import WorkflowCache
from connector.services import Services
from connector.storage.engine.database import AWAY
from connector.storage.flow_control import connection_state
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.vendors.oauth_consent import return_address
from connector.web import api, front, health, metrics, oauth_callback, way_out
from connector.web.admin import blueprint as admin
from connector.web.admin.entry import blueprint as entry
from connector.web.admin.entry.gate import SessionGate
from connector.web.admin.entry.letters import Letters
from connector.web.admin.page import Gate
from connector.web.api.operation import Parts
from connector.web.clocks_apart import ClocksApart
from connector.web.mounting import mounted, mounted_door
from connector.web.senders import Noticed, seen_through
from connector.web.survey import routes as survey_routes
from integrations.roles import Role
from webhooks import receiver
from webhooks.asgi import App, AsgiApp, KeepSoon
from webhooks.delivery import Delivery
from webhooks.errors import OutOfTime, StoreDown

log = logging.getLogger(__name__)

PAGE_THREADS = 16
"""Pages that are made side by side."""


def web_app(services: Services, gate: Gate | None = None, home: Blueprint | None = None) -> Flask:
    """All of it as Flask has it. See ``front_door``. ``gate`` stands before the admin pages; without one, that of
    sessions. ``home`` is what is at the address alone; without it, what runs here."""
    app = Flask("ringback", static_folder=None)
    app.url_map.merge_slashes = False  # it would redirect, to the host that the caller names
    app.url_map.strict_slashes = False
    app.register_blueprint(receiver.blueprint(services.accounts, _keep(services), services.clock))
    app.register_blueprint(
        survey_routes.blueprint(
            services.settling, services.mailer.brands, services.clock, lambda: services.bell.ring(INTAKE),
            outlook=Outlook(WorkflowCache(), services.config.calendar, _callers(services)),
            answers_are_read=services.connections.hears_answers(),
        )
    )  # fmt: skip
    app.register_blueprint(
        way_out.blueprint(
            services.database, WayOut(services.secret_keys), services.mailer.brands, services.clock,
            lambda: services.bell.ring(INTAKE),
        )
    )  # fmt: skip
    app.register_blueprint(health.blueprint(services.database, services.clock))
    app.register_blueprint(oauth_callback.blueprint(services.secret_keys, _completing(services), services.clock))
    app.register_blueprint(api.blueprint(_parts(services)))
    sessions, letters = SessionGate(services), Letters(services)
    app.register_blueprint(entry.blueprint(services, sessions, letters))
    app.register_blueprint(home or front.blueprint(services.mailer.brands, sessions.is_open))
    app.register_blueprint(admin.blueprint(services, gate or sessions))
    for error in AWAY:
        app.register_error_handler(error, _database_away)
    metrics.install(app, services.counters, services.settings.metrics_token, services.settings.base_url)
    pages = mounted(app.wsgi_app, services.settings.base_url)
    noticed = Noticed(services.database, services.clock)
    app.wsgi_app = seen_through(pages, services.settings.trusted_proxies, noticed)  # type: ignore[method-assign, assignment]
    return app


def _refused(
    services: Services, apart: ClocksApart, connection: str, status: int, error: Exception | None
) -> None:
    metrics.count_refusal(services.counters, connection, status)
    if isinstance(error, OutOfTime):
        apart(connection, error.apart)


def _database_away(error: Exception) -> tuple[str, int, dict[str, str]]:
    """What no room of pages answers itself."""
    log.error("the database does not answer (%s)", type(error).__name__)
    title, text = "The database is away", "Nothing was changed. Try again in a moment."
    headers = {"Retry-After": "10", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return render_template("connect/page.html", title=title, text=text), 503, headers


def _callers(services: Services) -> Mapping[str, str]:
    """By team, who calls customers back."""
    return {name: team.caller for name, team in services.config.teams.items() if team.caller}


def front_door(services: Services, pages: Flask) -> App:
    """What a web server serves: webhooks on its event loop, ``pages`` in threads."""
    refused = partial(_refused, services, ClocksApart(services.database, services.clock))
    reception = receiver.Receiver(services.accounts, services.clock)
    in_threads: Any = WSGIMiddleware(pages, workers=PAGE_THREADS)  # type: ignore[arg-type]  # TypedDicts of its own
    door = AsgiApp(reception, _keep_soon(services), refused, in_threads)
    return mounted_door(door, services.settings.base_url)


def _parts(services: Services) -> Parts:
    return Parts(
        database=services.database,
        controls=services.controls,
        switches=services.switches,
        definitions=services.definitions,
        definition_reader=services.definition_reader,
        doubts=services.doubts,
        agents=services.agents,
        planner=services.planner,
        helpdesks=services.connections.having(Role.HELPDESK),
        ids=services.connections.ids,
        audit=services.access.audit,
        clock=services.clock,
        ring=services.bell.ring,
    )


def _completing(services: Services) -> oauth_callback.Complete:
    def complete(connection: str, code: str, verifier: str) -> None:
        """The connection works from now on, also where it was paused for its credentials."""
        back = return_address(services.settings.base_url, connection)
        token = services.connections.oauth_client(connection).exchange(code, back, verifier)
        DatabaseTokenStore(services.database, connection, services.secret_keys, services.clock).replace(token)
        services.database.transact(lambda tx: connection_state.resume(tx, connection, services.clock()))

    return complete


def _keep(services: Services) -> receiver.Keep:
    """Store, then ring. A database that does not answer is the only reason to send a sender away."""

    def keep(delivery: Delivery, unreadable: str) -> bool:
        with _or_store_down():
            new = services.inbox.keep(delivery, unreadable)
        return _kept(services, delivery, unreadable, new)

    return keep


def _keep_soon(services: Services) -> KeepSoon:
    """The same, for an event loop."""

    async def keep(delivery: Delivery, unreadable: str) -> bool:
        with _or_store_down():
            new = await asyncio.wrap_future(services.inbox.enter(delivery, unreadable))
        return _kept(services, delivery, unreadable, new)

    return keep


def _kept(services: Services, delivery: Delivery, unreadable: str, new: bool) -> bool:
    services.counters.kept(delivery.connection, "unreadable" if unreadable else "new" if new else "duplicate")
    if new and not unreadable:
        services.bell.ring(INTAKE)
    return new


@contextmanager
def _or_store_down() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        log.exception("the inbox cannot be written")
        raise StoreDown("the inbox cannot be written") from error
