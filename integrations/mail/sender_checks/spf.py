"""Whether a domain lets a machine send for it (RFC 7208), judged as a receiver does."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from integrations.mail.sender_checks.dns import Dns

MOST_LOOKUPS = 10
"""Mechanisms that ask DNS, in a record and all that it includes (4.6.4)."""

_MOST_VOIDS = 2  # questions that find nothing (4.6.4)
_MOST_NAMES = 10  # of a domain's mail hosts (4.6.4)


class SpfResult(StrEnum):
    """What a receiver concludes (2.6)."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class SpfAnswer:
    """The result, and for an error its reason. ``lookups``: mechanisms that asked DNS until it was clear."""

    result: SpfResult
    reason: str = ""
    lookups: int = 0


_QUALIFIERS = {"+": SpfResult.PASS, "-": SpfResult.FAIL, "~": SpfResult.SOFTFAIL, "?": SpfResult.NEUTRAL}
_TERM = re.compile(r"([-+~?]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:=])(.*?))?((?:/\d{1,3})?(?://\d{1,3})?)")
_MACRO = re.compile(r"%(?:\{([slodiphcrtvSLODIPHCRTV])(\d*)(r?)([-.+,/_=]*)\}|([%_-]))")


class _Error(Exception):
    """The record is wrong: permerror."""


def judge(dns: Dns, address: str, domain: str) -> SpfAnswer:
    """Whether ``domain`` lets the machine at ``address`` send mail in its name. Raises DnsSilentError."""
    look = _Look(dns, ipaddress.ip_address(address), domain)
    try:
        return SpfAnswer(look.judge(domain), "", look.lookups)
    except _Error as error:
        return SpfAnswer(SpfResult.PERMERROR, str(error), look.lookups)


def records(dns: Dns, domain: str) -> list[str]:
    """The domain's SPF records; there must be one."""
    return [each for each in dns.texts(domain) if re.match(r"v=spf1( |\Z)", each, re.IGNORECASE)]


class _Look:
    """One machine's look-up, through all records that are included."""

    def __init__(
        self, dns: Dns, address: ipaddress.IPv4Address | ipaddress.IPv6Address, domain: str
    ) -> None:
        self._dns, self._address, self._sender = dns, address, domain
        self._voids = 0
        self.lookups = 0

    def judge(self, domain: str) -> SpfResult:
        found = records(self._dns, domain)
        if len(found) > 1:
            raise _Error(f"{domain} has {len(found)} SPF records, and may have one")
        if not found:
            return SpfResult.NONE
        redirect = ""
        for term in found[0].split()[1:]:
            qualifier, name, sign, value, lengths = self._term(term)
            if sign == "=":
                redirect = value if name == "redirect" else redirect
            elif self._matches(name, value or domain, lengths, domain):
                return _QUALIFIERS[qualifier or "+"]
        return self._redirected(redirect, domain) if redirect else SpfResult.NEUTRAL

    def _term(self, term: str) -> tuple[str, str, str, str, str]:
        read = _TERM.fullmatch(term)
        if read is None:
            raise _Error(f"{term!r} is no part of an SPF record")
        qualifier, name, sign, value, lengths = read.groups(default="")
        return qualifier, name.lower(), sign, value, lengths

    def _redirected(self, target: str, domain: str) -> SpfResult:
        self._count()
        result = self.judge(self._expanded(target, domain))
        if result is SpfResult.NONE:
            raise _Error(f"redirect={target} leads to no SPF record")
        return result

    def _matches(self, name: str, value: str, lengths: str, domain: str) -> bool:
        mechanisms: Mapping[str, Callable[[str, str], bool]] = {
            "include": self._include, "a": self._a, "mx": self._mx, "exists": self._exists, "ptr": self._ptr,
        }  # fmt: skip
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            return self._within(value, lengths[1:])
        if name not in mechanisms:
            raise _Error(f"{name} is no mechanism of SPF")
        self._count()
        return mechanisms[name](self._expanded(value, domain), lengths)

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _Error(f"it asks DNS more than {MOST_LOOKUPS} times; name addresses in place of includes")

    def _include(self, target: str, _lengths: str) -> bool:
        result = self.judge(target)
        if result is SpfResult.NONE:
            raise _Error(f"include:{target} has no SPF record")
        return result is SpfResult.PASS

    def _a(self, target: str, lengths: str) -> bool:
        return self._among(self._found(self._dns.addresses(target)), lengths)

    def _mx(self, target: str, lengths: str) -> bool:
        hosts = self._found(self._dns.mail_hosts(target))[:_MOST_NAMES]
        return any(self._among(self._dns.addresses(host), lengths) for host in hosts if host)

    def _exists(self, target: str, _lengths: str) -> bool:
        return bool(self._found([each for each in self._dns.addresses(target) if ":" not in each]))

    def _ptr(self, target: str, _lengths: str) -> bool:
        names = self._found(self._dns.names(str(self._address)))[:_MOST_NAMES]
        own = [name for name in names if f".{name}".endswith(f".{target.lower()}")]
        return any(str(self._address) in self._dns.addresses(name) for name in own)

    def _found(self, answers: Sequence[str]) -> Sequence[str]:
        self._voids += not answers
        if self._voids > _MOST_VOIDS:
            raise _Error(f"more than {_MOST_VOIDS} of its names are not there; remove them")
        return answers

    def _among(self, addresses: Sequence[str], lengths: str) -> bool:
        """``lengths``: "/24//64", of IPv4 and of IPv6."""
        of_four, _, of_six = lengths.partition("//")
        return any(self._within(each, of_six if ":" in each else of_four[1:]) for each in addresses)

    def _within(self, address: str, length: str) -> bool:
        try:
            network = ipaddress.ip_network(f"{address}/{length}" if length else address, strict=False)
        except ValueError as error:
            raise _Error(f"{address}/{length} is no network") from error
        return self._address.version == network.version and self._address in network

    def _expanded(self, text: str, domain: str) -> str:
        """Macros filled in (7)."""
        address = self._address
        dotted = str(address) if address.version == 4 else ".".join(address.exploded.replace(":", ""))
        values = {
            "s": f"postmaster@{self._sender}", "l": "postmaster", "o": self._sender, "d": domain, "i": dotted,
            "h": self._sender, "v": "in-addr" if address.version == 4 else "ip6", "p": "unknown",
        }  # fmt: skip

        def fill(found: re.Match[str]) -> str:
            letter, digits, reverse, delimiters, literal = found.groups(default="")
            if literal:
                return {"%": "%", "_": " ", "-": "%20"}[literal]
            parts = re.split(f"[{re.escape(delimiters or '.')}]", values.get(letter.lower(), "unknown"))
            parts = parts[::-1] if reverse else parts
            return ".".join(parts[-int(digits) :] if digits and int(digits) else parts)

        if "%" in _MACRO.sub("", text):
            raise _Error(f"{text!r} holds a % that begins no macro")
        return _MACRO.sub(fill, text).rstrip(".").lower()
