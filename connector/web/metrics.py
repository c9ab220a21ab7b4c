"""``GET /metrics`` for Prometheus: what waits, what this process counted.

Without a token it answers only a machine that is its own: the caller comes from the loopback *and* the
installation is known by a loopback address. A public one has a proxy in front, often on the same machine, and
then the whole world comes from the loopback.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from connector.observe.counters import UNKNOWN, Counters
from integrations.base_url import is_local

_REASONS = {
    400: "unreadable",
    401: "not_genuine",
    403: "not_genuine",
    404: "unknown_connection",
    405: "wrong_method",
    413: "too_large",
    500: "unreadable",  # Salesforce repeats a message for a day after a 500
    503: "store_down",
}

_CLOSED = "set RINGBACK_METRICS_TOKEN and send it as a bearer token, or use --metrics-port on this machine\n"
_WRONG = "send RINGBACK_METRICS_TOKEN as a bearer token: Authorization: Bearer ...\n"


def install(app: Flask, counters: Counters, token: str | None, base_url: str) -> None:
    """Give the app its page, and count what its webhooks refuse."""
    app.register_blueprint(blueprint(counters.registry, token, base_url))
    count_refusals(app, counters)


def blueprint(registry: CollectorRegistry, token: str | None, base_url: str) -> Blueprint:
    """The page. ``token`` opens it from anywhere; None: see above. ``base_url`` is our own address."""
    routes = Blueprint("metrics", __name__)
    at_home = is_local(urlsplit(base_url).hostname or "")

    @routes.get("/metrics")
    def metrics() -> Response:
        if token and not _brought(token):
            return Response(_WRONG, 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
        if not token and not (at_home and is_local(request.remote_addr or "")):
            return Response(_CLOSED, 403, mimetype="text/plain")
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    return routes


def count_refusals(app: Flask, counters: Counters) -> None:
    """Count webhook requests that are answered with an error, by their connection and the kind of error."""

    @app.after_request
    def count(response: Response) -> Response:
        if request.blueprint == "webhooks" and response.status_code >= 400:
            count_refusal(counters, (request.view_args or {}).get("connection", UNKNOWN), response.status_code)
        return response


def count_refusal(counters: Counters, connection: str, status: int) -> None:
    """A webhook request of ``connection`` was answered with ``status``."""
    known = status not in (404, 405)  # else the name is whatever the caller wrote
    counters.refused(connection if known else UNKNOWN, _REASONS.get(status, "refused"))


def _brought(token: str) -> bool:
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        return False
    return hmac.compare_digest(given.token.encode(), token.encode())
