"""By the organisation's provider (OpenID Connect): there, back, and the end of sessions that it tells us of."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

from flask import Response, abort, redirect, request, url_for
from werkzeug import Response as AnyResponse

from connector.access.errors import BlockedError, sentence
from connector.access.provider_people import ProviderPeople
from connector.access.way_in.sessions import Stage
from connector.services import Services
from connector.storage.engine.encryption import Box
from connector.web.admin.addresses import inside
from connector.web.admin.entry import cookies, current, rendering
from connector.web.admin.entry.gate import SessionGate
from integrations.oidc.errors import NotProvedError, ProviderAwayError, ProviderError
from integrations.oidc.provider import Client, Journey, Provider

log = logging.getLogger(__name__)

_LASTS = 600  # seconds between there and back
_AWAY = sentence("The provider does not answer now. Try again in a moment.")
_NOT_PROVED = sentence("The provider's answer does not belong to this sign-in, or came too late. Try again.")


class ProviderDoors:
    """The views; nothing is there without ``oidc`` in the configuration."""

    def __init__(self, services: Services, gate: SessionGate) -> None:
        self._services, self._gate = services, gate
        self._box = Box(services.secret_keys, "sign-in at the provider")
        config, access = services.config.sign_in.oidc, services.access
        self._provider = self._people = None
        if config is not None:
            client = Client(
                issuer=config.issuer,
                client_id=config.client_id,
                client_secret=config.client_secret,
                return_to=f"{services.settings.base_url}/admin/oidc/back",
                scopes=config.scopes,
                groups=config.groups,
            )
            self._provider = Provider(client, lambda: services.clock().timestamp())
            self._people = ProviderPeople(services.database, access.sign_in, access.audit, config)

    def there(self) -> AnyResponse:
        """To the provider. What belongs to this journey goes with the browser, sealed."""
        provider, _ = self._parts()
        try:
            address, journey = provider.depart(fresh="again" in request.args)
        except ProviderAwayError as error:
            return self._failed(error, _AWAY)
        now = self._services.clock().timestamp()
        kept = {**asdict(journey), "next": inside(request.args.get("next", "")), "at": now}
        response = redirect(address, 303)
        sealed = self._box.seal(json.dumps(kept)).decode()
        return cookies.lend(response, self._services.settings, sealed, _LASTS)

    def back(self) -> AnyResponse:
        """From the provider, by the browser."""
        provider, people = self._parts()
        held = self._held()
        if held is None:
            return self._failed(NotProvedError("the browser brought back no journey of ours"), _NOT_PROVED)
        journey, next_ = held
        state, code, issuer = (request.args.get(name, "") for name in ("state", "code", "iss"))
        try:
            told = provider.arrive(journey, state, code, issuer)
            done = people.enter(told, current.came(), self._services.clock())
        except ProviderAwayError as error:
            return self._failed(error, _AWAY)
        except NotProvedError as error:
            return self._failed(error, _NOT_PROVED)
        except BlockedError as error:
            return self._failed(error, error.words)
        self._end_before()
        response = cookies.keep(redirect(request.script_root + next_, 303), self._services.settings, done.secret)
        return cookies.lend(response, self._services.settings, "", 0)

    def ended(self) -> Response:
        """The provider's own word that a session is over (Back-Channel Logout 1.0, 2.7)."""
        provider, people = self._parts()
        try:
            told = provider.ended(request.form.get("logout_token", ""))
        except ProviderError as error:
            log.warning("a logout token was refused: %s", error.reason)
            return Response("invalid_request", 400, mimetype="text/plain")
        people.ended(told, self._services.clock())
        return Response(status=200)

    # --- parts

    def _parts(self) -> tuple[Provider, ProviderPeople]:
        if self._provider is None or self._people is None or not self._gate.is_open():
            abort(404)
        return self._provider, self._people

    def _held(self) -> tuple[Journey, str] | None:
        text = self._box.open(cookies.lent(request, self._services.settings).encode())
        kept = json.loads(text) if text else None
        if kept is None or self._services.clock().timestamp() - kept.pop("at") > _LASTS:
            return None
        return Journey(**{name: kept[name] for name in ("state", "nonce", "verifier", "fresh")}), inside(kept["next"])

    def _end_before(self) -> None:
        """The session that this browser had is over: nobody can have planted it."""
        found = current.look_up(self._services)
        if found is not None and found.session.stage is Stage.FULL:
            self._services.access.sign_in.sign_out(found.session, current.came(), self._services.clock())

    def _failed(self, error: Exception, words: str) -> AnyResponse:
        log.warning("a sign-in at the provider failed: %s", getattr(error, "reason", type(error).__name__))
        say = rendering.words()
        way = (url_for("entry.sign_in"), say("To the sign-in"))
        status = 503 if isinstance(error, ProviderAwayError) else 403
        response = rendering.message(self._services, say("You are not signed in"), say(words), status=status, way=way)
        return cookies.lend(response, self._services.settings, "", 0)
