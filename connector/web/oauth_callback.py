"""``/connect/<connection>``: where an admin's browser comes back to after agreeing at the vendor's page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Blueprint, Response, make_response, render_template, request

from connector.clock import Clock
from connector.secret_keys import SecretKeys
from connector.vendors import oauth_consent
from integrations.errors import IntegrationError

log = logging.getLogger(__name__)

Complete = Callable[[str, str, str], None]
"""(connection, code, verifier): get the tokens and keep them. Raises IntegrationError; KeyError without connection."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def blueprint(keys: SecretKeys, complete: Complete, clock: Clock) -> Blueprint:
    routes = Blueprint("connecting", __name__, template_folder="templates")

    @routes.get("/connect/<connection>")
    def back(connection: str) -> Response:
        known = oauth_consent.resume(keys, connection, request.args.get("state", ""), clock())
        if known is None:
            return _page(400, "This link has ended", "Run `ringback connections authorize` again and open the new one.")
        code = request.args.get("code", "")
        if not code:
            return _page(400, "Not connected", "Nobody agreed. Nothing has changed.")
        try:
            complete(connection, code, known.verifier)
        except KeyError:
            return _page(404, "No such connection", "Look into ringback.yaml.")
        except IntegrationError as error:
            log.warning("connection %s could not be authorised: %s", connection, error.reason)
            return _page(502, "Not connected", f"{error.reason}.")
        log.info("connection %s was authorised", connection)
        return _page(200, "Connected", "Ringback may act for you now. You can close this page.")

    return routes


def _page(status: int, title: str, text: str) -> Response:
    answer = make_response(render_template("connect/page.html", title=title, text=text), status)
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address holds the code
    answer.headers["Cache-Control"] = "no-store"
    return answer
