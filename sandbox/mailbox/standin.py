"""The mail box as others use it: an SMTP port, a page, a JSON API, and a Python handle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.clock import Clock, system_clock
from sandbox.control import JsonWithMoments
from sandbox.late_app import LateApp
from sandbox.mailbox.smtp import SmtpServer
from sandbox.mailbox.store import MailStore, Refusal, Stage, StoredMail

_LONGEST_WAIT = 60.0  # seconds
# The mail is shown as its reader sees it, but it runs nothing, fetches nothing from afar, and is no part of this
# site. What its links open is a page like any other, so that a survey can be answered.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data: http://127.0.0.1:* http://localhost:*"
)
_LINKS_IN_A_NEW_WINDOW = '<base target="_blank">'


class MailboxStandIn:
    """Takes every mail. It is a WSGI app for the pages; the SMTP side listens as soon as it is made."""

    def __init__(
        self, clock: Clock = system_clock, *, smtp_port: int = 0, credentials: tuple[str, str] | None = None
    ) -> None:
        self.store = MailStore()
        self._smtp = SmtpServer(self.store, clock, smtp_port, credentials)
        self.smtp_port = self._smtp.port
        self.base_url = "http://127.0.0.1"
        self._pages = LateApp(self._app)

    def _app(self) -> Flask:
        app = Flask(__name__, template_folder="../templates", static_folder="../static")
        app.json = JsonWithMoments(app)
        for blueprint in (_pages(self.store), _control(self.store)):
            app.register_blueprint(blueprint)
        return app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._pages(environ, start_response)

    def release(self) -> None:
        """Let nothing wait any longer: the first step of an orderly end."""
        self.store.release()

    def close(self) -> None:
        """Stop taking mail."""
        self.release()
        self._smtp.close()

    @property
    def smtp_url(self) -> str:
        """As the product's settings want it: "smtp://127.0.0.1:2525"."""
        return f"smtp://127.0.0.1:{self.smtp_port}"

    @property
    def mails(self) -> list[StoredMail]:
        return self.store.to()

    def to(self, address: str) -> list[StoredMail]:
        """The mails to an address, oldest first."""
        return self.store.to(address)

    def wait(self, address: str = "", count: int = 1, timeout: float = 60.0) -> list[StoredMail]:
        """Wait until ``count`` mails to ``address`` are there, ``timeout`` seconds at most."""
        return self.store.wait(address, count, timeout)

    def refuse(
        self,
        to: str = "",
        stage: Stage = Stage.RCPT,
        code: int = 550,
        text: str = "5.1.1 No such user here",
        times: int = 1,
    ) -> None:
        """The next ``times`` mails to addresses that match ``to`` are refused, or cut off after DATA."""
        self.store.refuse(Refusal(to, stage, code, text, times))

    def clear(self) -> None:
        self.store.clear()


def _shown(mail: StoredMail) -> dict[str, Any]:
    return {**asdict(mail), "raw": mail.raw.decode("utf-8", "replace")}


def _pages(store: MailStore) -> Blueprint:
    blueprint = Blueprint("mails", __name__)

    @blueprint.get("/")
    @blueprint.get("/mails")
    def mails() -> str:
        address = request.args.get("to", "")
        return render_template("mailbox/mails.html", mails=store.to(address)[::-1], address=address)

    @blueprint.get("/mails/<int:number>")
    def mail(number: int) -> ResponseReturnValue:
        found = store.number(number)
        page = render_template("mailbox/mail.html", mail=found, number=number)
        return page, 404 if found is None else 200

    @blueprint.get("/mails/<int:number>/html")
    def html(number: int) -> ResponseReturnValue:
        found = store.number(number)
        if found is None or not found.html:
            return "", 404
        page = _LINKS_IN_A_NEW_WINDOW + found.html
        return (
            page,
            200,
            {"Content-Security-Policy": _MAIL_POLICY, "Content-Type": "text/html; charset=utf-8"},
        )

    return blueprint


def _control(store: MailStore) -> Blueprint:
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox")

    @blueprint.get("/mails")
    def mails() -> Response:
        """?to= one address, ?wait= seconds to wait for ?count= mails."""
        address, count = request.args.get("to", ""), request.args.get("count", 1, int)
        wait = min(request.args.get("wait", 0.0, float), _LONGEST_WAIT)
        found = store.wait(address, count, wait) if wait > 0 else store.to(address)
        return jsonify(mails=[_shown(mail) for mail in found])

    @blueprint.delete("/mails")
    def clear() -> ResponseReturnValue:
        store.clear()
        return "", 204

    @blueprint.post("/refusals")
    def refuse() -> ResponseReturnValue:
        given = request.get_json()
        try:
            store.refuse(Refusal(**{**given, "stage": Stage(given.get("stage", "rcpt"))}))
        except (TypeError, ValueError) as error:
            return jsonify(error=str(error)), 400
        return "", 204

    return blueprint
