"""Where a connection may go: one base URL, and nowhere else. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from integrations.errors import Permanent

_DEFAULT_PORT = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Address:
    """A vendor's account: scheme, host and port. ``aliases`` are hosts that a library asks for in its place."""

    scheme: str
    host: str
    port: int
    aliases: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, base_url: str, aliases: frozenset[str] = frozenset()) -> Address:
        """Read ``base_url``. Raises ValueError that says what is wrong with it and what to write instead."""
        parts = urlsplit(base_url)
        if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
            raise ValueError(f"{_shown(parts)} is no web address; write https:// and the account's host name")
        if parts.username or parts.password or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(f"{_shown(parts)} holds more than an address; write scheme, host and port only")
        if parts.scheme == "http" and not is_local(parts.hostname):
            raise ValueError(f"{_shown(parts)} would send credentials unencrypted; write https://{parts.hostname}")
        return cls(parts.scheme, parts.hostname, parts.port or _DEFAULT_PORT[parts.scheme], aliases)

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"{self.scheme}://{self.netloc}"

    def rewrite(self, url: str) -> str:
        """The same path and query at this address. Raises Permanent when ``url`` means any other place."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise Permanent("refused to follow a link that is no web address", code="foreign_host") from error
        if (parts.scheme or parts.netloc) and not self._is_meant(parts):
            raise Permanent(
                f"refused to follow a link to the host {parts.hostname or '?'}, the connection's base_url is "
                f"{self.url}; correct base_url if the account moved",
                code="foreign_host",
            )
        _check_path(parts.path)
        return f"{self.url}{parts.path}{'?' if parts.query else ''}{parts.query}"

    def _is_meant(self, parts: SplitResult) -> bool:
        if "@" in parts.netloc or parts.scheme not in _DEFAULT_PORT:
            return False
        # Libraries hard-code https, whatever scheme the base URL has: only host and port must agree.
        return parts.hostname in self.aliases or parts.netloc.lower().removesuffix(":443") == self.netloc


def _check_path(path: str) -> None:
    """Refuse paths that a server could read as something else than we wrote (``/../``, ``//host``)."""
    segments = unquote(path).replace("\\", "/").split("/")[1:]
    if not path.startswith("/") or any(part in (".", "..") for part in segments) or "" in segments[:-1]:
        raise Permanent("refused a request path with empty or dotted parts; check the ids in it", code="bad_path")


def is_local(host: str) -> bool:
    """Whether what is sent to ``host`` stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(parts: SplitResult) -> str:
    """The address as an error may show it: without user, password, path and query."""
    return f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else "this"
