"""Questions to DNS. What is not there is empty; that nobody answers is an error."""

from __future__ import annotations

from collections.abc import Sequence

from dns.exception import DNSException
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT
from dns.resolver import NXDOMAIN, NoAnswer, Resolver
from dns.reversename import from_address

SECONDS = 5.0
"""How long a question may take in all."""


class DnsSilentError(Exception):
    """No name server answers this question now."""


class Dns:
    """What the world is told of names. ``resolver`` is the machine's own unless another is given."""

    def __init__(self, resolver: Resolver | None = None, seconds: float = SECONDS) -> None:
        self._resolver, self._seconds = resolver, seconds

    def texts(self, name: str) -> Sequence[str]:
        """TXT records, each with its parts joined; signs that are no UTF-8 are replaced."""
        parts = (record.strings for record in self._ask(name, "TXT") if isinstance(record, TXT))
        return [b"".join(each).decode(errors="replace") for each in parts]

    def addresses(self, name: str) -> Sequence[str]:
        """IPv4 and IPv6."""
        return [str(record) for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def mail_hosts(self, name: str) -> Sequence[str]:
        """Where mail for a domain goes, nearest first; [""] where it says that it takes none (RFC 7505)."""
        records = [record for record in self._ask(name, "MX") if isinstance(record, MX)]
        return [_plain(record.exchange) for record in sorted(records, key=lambda each: each.preference)]

    def names(self, address: str) -> Sequence[str]:
        """What an IP address is called."""
        return [_plain(record) for record in self._ask(from_address(address).to_text(), "PTR")]

    def _ask(self, name: str, kind: str) -> Sequence[object]:
        try:
            resolver = self._resolver or Resolver()
            return list(resolver.resolve(name.rstrip(".") + ".", kind, lifetime=self._seconds))
        except (NXDOMAIN, NoAnswer):
            return []
        except DNSException as error:
            raise DnsSilentError(f"no name server tells of {name} ({type(error).__name__})") from error


def _plain(name: object) -> str:
    return str(name).rstrip(".").lower()
