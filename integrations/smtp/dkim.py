"""Signing mail with DKIM (RFC 6376), by RSA and Ed25519 (RFC 8463); relaxed canonicalization of headers and body. Pure.

The time of a signature is the mail's date, so a mail that is handed over again is signed the same, byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
Headers = Sequence[tuple[str, str]]
"""Names and values as they travel, folded."""

SIGNED = (
    "From", "Reply-To", "Subject", "Date", "To", "Message-ID", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted",
)  # fmt: skip
"""What a signature covers, as far as it is there: RFC 6376, 5.4.1, and what one-click must (RFC 8058, 4)."""

_OVERSIGNED = ("From",)
"""Named once more than they are there, so that nobody can add another (RFC 6376, 8.15)."""

_BLANKS = re.compile(rb"[ \t]+")
_LINE = 74  # characters that a line of the signature holds, before it is folded


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One key of a domain; its public half stands in DNS under ``record_name``."""

    domain: str
    selector: str
    private: PrivateKey = field(repr=False)

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record that receivers look the key up in (RFC 6376, 3.6.1; RFC 8463, 4)."""
        return f"v=DKIM1; k={self._kind}; p={base64.b64encode(self._public).decode()}"

    @property
    def _kind(self) -> str:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def algorithm(self) -> str:
        return f"{self._kind}-sha256"

    @property
    def _public(self) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, content: bytes) -> bytes:
        """The signature of the canonical headers."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(content, PKCS1v15(), hashes.SHA256())
        return self.private.sign(hashlib.sha256(content).digest())  # RFC 8463, 3: of the digest


def fitting(keys: Sequence[DkimKey], domain: str) -> tuple[DkimKey, ...]:
    """The keys that speak for a sender of this domain: its own, else those of the nearest domain above it, with which
    it is still aligned (RFC 7489, 3.1.1)."""
    above = [key for key in keys if f".{domain}".endswith(f".{key.domain}")]
    nearest = max((len(key.domain) for key in above), default=0)
    return tuple(key for key in above if len(key.domain) == nearest)


def signatures(headers: Headers, body: bytes, keys: Sequence[DkimKey], date: datetime) -> Iterator[tuple[str, str]]:
    """A DKIM-Signature header of each key, to stand before the others. ``body`` ends its lines with CRLF."""
    if not keys:
        return
    signed, canonical = _signed(headers)
    tags = {"c": "relaxed/relaxed", "t": str(int(date.timestamp())), "h": signed, "bh": _digest(relaxed_body(body))}
    for key in keys:
        told = {"v": "1", "a": key.algorithm, "d": key.domain, "s": key.selector, **tags, "b": ""}
        unsigned = _folded(told)
        proof = key.sign(canonical + relaxed_header("DKIM-Signature", unsigned).removesuffix(b"\r\n"))
        yield "DKIM-Signature", unsigned + _in_lines(base64.b64encode(proof).decode())


def relaxed_header(name: str, value: str) -> bytes:
    """RFC 6376, 3.4.2."""
    return name.lower().encode() + b":" + _blanks_as_one(value.replace("\r\n", "").encode()).strip(b" ") + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.4: blanks as one, none at the ends of lines, no empty lines at the end."""
    lines = _blanks_as_one(body).replace(b" \r\n", b"\r\n").rstrip(b" ")
    content = re.sub(rb"(?:\r\n)+\Z", b"", lines)
    return content + b"\r\n" if content else b""


def _signed(headers: Headers) -> tuple[str, bytes]:
    """The names in the order they are signed, and their canonical form. Of ours none is there twice."""
    there: Mapping[str, tuple[str, str]] = {name.lower(): (name, value) for name, value in headers}
    covered = [there[name.lower()] for name in SIGNED if name.lower() in there]
    names = [*(name for name, _ in covered), *_OVERSIGNED]
    return ":".join(names), b"".join(relaxed_header(name, value) for name, value in covered)


def _blanks_as_one(text: bytes) -> bytes:
    return _BLANKS.sub(b" ", text)


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _folded(tags: Mapping[str, str]) -> str:
    """The tags on as few lines as hold them, broken where blanks may stand."""
    lines, width = [""], len("DKIM-Signature: ")
    for piece in _pieces(tags):
        if width + len(piece) > _LINE:
            lines.append("")
            piece, width = piece.lstrip(), 1
        lines[-1] += piece
        width += len(piece)
    return "\r\n ".join(lines)


def _pieces(tags: Mapping[str, str]) -> Iterator[str]:
    """What may not be broken: a tag, and of h= a name."""
    for name, value in tags.items():
        first, *more = f"{name}={value}{'' if name == 'b' else ';'}".split(":")
        yield f" {first}" if name != "v" else first
        yield from (f":{each}" for each in more)


def _in_lines(signature: str) -> str:
    return "".join(f"\r\n {signature[start : start + _LINE]}" for start in range(0, len(signature), _LINE))
