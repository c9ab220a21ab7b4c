"""Whether the way out of surveys is reached by https: mail programs show one-click to nothing else (RFC 8058, 3.1)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from connector.observe.findings import Finding, broken, ok, warning
from integrations.transport import tls

_SECONDS = 10.0
_CHECK = "https"


def check_https(base_url: str) -> Iterator[Finding]:
    """Our own address, asked as a mail program asks it."""
    parts = urlsplit(base_url)
    if parts.scheme != "https":
        remedy = "Put a TLS proxy in front and set RINGBACK_BASE_URL to https://…."
        yield broken(_CHECK, f"{base_url} is no https, so no mail program offers the one-click way out.", remedy)
        return
    try:
        status = _asked(parts.hostname or "", parts.port or 443, f"{parts.path.rstrip('/')}/healthz")
    except ssl.SSLCertVerificationError as error:
        remedy = "Renew it, or let it name this host; a certificate of your own needs RINGBACK_CA_FILE here."
        yield broken(_CHECK, f"the certificate of {base_url} is not good: {error.verify_message}.", remedy)
    except (OSError, HTTPException, ValueError) as error:
        remedy = "See that it is reached from outside; from this machine it may lead nowhere."
        yield warning(_CHECK, f"{base_url} is not reached from here ({type(error).__name__}).", remedy)
    else:
        yield _answered(base_url, status)


def _answered(base_url: str, status: int) -> Finding:
    if status != 200:
        remedy = "See that the proxy hands requests on to Ringback."
        return broken(_CHECK, f"{base_url} answers, but not as Ringback does (status {status}).", remedy)
    return ok(_CHECK, f"{base_url} is reached, and its certificate is good")


def _asked(host: str, port: int, path: str) -> int:
    connection = HTTPSConnection(host, port, timeout=_SECONDS, context=tls.context())
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
