"""Alerts to a team's chat tool by apprise: Slack, Teams, a JSON webhook, and whatever else it knows by URL."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import apprise
from apprise.manager_plugins import NotificationManager

from integrations import request_deadline
from integrations.alerts.guard import guard_plugins, witnessed
from integrations.alerts.words import calls_nobody
from integrations.errors import Ambiguous, Permanent, Transient
from integrations.messaging import BY_PROGRAM
from integrations.transport import tls

# It logs the URLs it does not understand, with the tokens in them.
logging.getLogger("apprise").setLevel(logging.CRITICAL)

# Without its event loop: an alert is sent in the caller's thread, and has been sent when ``alert`` returns.
_ASSET = apprise.AppriseAsset(app_id="Ringback", app_desc="Ringback", app_url="", async_mode=False)


_FOR_PROGRAMS = ("json", "xml", "form", "mailto")


class AppriseAlerter:
    """An ``Alerter`` whose targets are apprise URLs ("slack://…", "msteams://…", "jsons://…")."""

    def __init__(self) -> None:
        # Apprise loads its plugins at the first alert otherwise, with warnings about modules that only its
        # mail plugin uses; and filters for warnings belong to the whole process, so this is no work for a thread.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            NotificationManager().load_modules()  # type: ignore[no-untyped-call]  # apprise types only parts of itself
        guard_plugins()

    def alert(self, targets: Sequence[str], title: str, text: str) -> None:
        """Tell every target, also when one fails. Raises Permanent for a URL that apprise does not know, Ambiguous when
        nobody knows whether a target took it, Transient when it did not; all name the target's place and kind, not its
        secrets."""
        services = [_service(place, url) for place, url in enumerate(targets, 1)]
        if services:
            request_deadline.check()
        with witnessed() as seen:
            failed = [
                _named(place, url)
                for place, (service, url) in enumerate(zip(services, targets, strict=True), 1)
                if not _tell(service, title, text)
            ]
        if failed and seen.unsure:
            raise Ambiguous(f"nobody knows whether the alert was taken by {', '.join(failed)}", code="lost")
        if failed:
            raise Transient(f"the alert was not taken by {', '.join(failed)}", code="alert_refused")


def _tell(service: apprise.NotifyBase, title: str, text: str) -> bool:
    """What a program reads stays as it is; what people read in a chat tool calls nobody by name."""
    if not _is_for_programs(service):
        title, text = calls_nobody(title), calls_nobody(text)
    return bool(service.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT))


def _is_for_programs(service: apprise.NotifyBase) -> bool:
    known: Any = NotificationManager()  # type: ignore[no-untyped-call]  # apprise types only parts of itself
    return isinstance(service, tuple(known[scheme] for scheme in _FOR_PROGRAMS))


def _service(place: int, url: str) -> apprise.NotifyBase:
    service = apprise.Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    if service is None:
        raise Permanent(f"{_named(place, url)} is no address apprise knows; correct it", code="bad_target")
    if not service.verify_certificate:
        reason = f"{_named(place, url)} leaves out the look at certificates; remove verify=no, and if the server's is "
        raise Permanent(f"{reason}signed by an authority of your own, name that by {tls.CA_FILE}", code="bad_target")
    if isinstance(service, NotificationManager()["mailto"]):  # type: ignore[no-untyped-call]  # loaded when needed
        service.headers = {**BY_PROGRAM, **service.headers}
    return service


def _named(place: int, url: str) -> str:
    scheme = urlsplit(url).scheme
    return f"target {place} ({scheme})" if scheme.isalnum() else f"target {place}"
