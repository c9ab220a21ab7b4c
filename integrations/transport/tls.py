"""Whom we trust when TLS is spoken: the authorities that this machine trusts, and one of the house's own.

The own one is a PEM file that ``RINGBACK_CA_FILE`` names, read where it is used as OpenSSL reads ``SSL_CERT_FILE``, so
that no way out of the house can be forgotten. Certificates and names of hosts are always checked.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CA_FILE = "RINGBACK_CA_FILE"
"""The setting: a file of certificates of authorities, in PEM."""


def own_authority() -> str | None:
    """The path of the house's own authorities, if it names any."""
    return os.environ.get(CA_FILE, "").strip() or None


def context() -> ssl.SSLContext:
    """A context that checks certificate and host; shared, so nobody may change it. Raises OSError, ssl.SSLError."""
    return _made(own_authority(), os.environ.get("SSL_CERT_FILE", ""))


@lru_cache(maxsize=4)
def _made(own: str | None, _of_the_machine: str) -> ssl.SSLContext:
    """The second names the machine's authorities where somebody chose others: OpenSSL reads it itself."""
    made = ssl.create_default_context()
    if own is not None:
        made.load_verify_locations(own)
    return made


def readable(file: Path) -> bool:
    """Whether the file holds an authority's certificate."""
    try:
        ssl.create_default_context(cafile=str(file))
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return False
    return True


def of_broker(url: str) -> dict[str, Any] | None:
    """How Celery and kombu shall speak TLS to a broker; None: they shall not. Told nothing, kombu takes any certificate
    of a Redis (``rediss://``), and that of any host of a RabbitMQ (``amqps://``)."""
    parts, own = urlsplit(url), own_authority()
    if parts.scheme == "rediss":
        redis = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
        return redis | ({"ssl_ca_certs": own} if own else {})
    if parts.scheme == "amqps":
        return {"server_hostname": parts.hostname, "cert_reqs": ssl.CERT_REQUIRED} | ({"ca_certs": own} if own else {})
    return None
