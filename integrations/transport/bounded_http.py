"""HTTP as it leaves the house: certificates are checked, by our own authorities too."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from integrations.transport import tls


class BoundedAdapter(HTTPAdapter):
    """An adapter that repeats nothing."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """The library would know its own list of authorities alone."""
        super().init_poolmanager(*args, **options, ssl_context=tls.context())


def plain_session() -> requests.Session:
    """A session without credentials that no setting of the machine changes: no proxy, no .netrc."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundedAdapter())
    return session
