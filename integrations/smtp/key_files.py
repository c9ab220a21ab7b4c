"""Private keys in files: who may read them, and whether mail can be signed with them."""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from integrations.smtp.dkim import PrivateKey

_BITS = range(2048, 4097)  # RFC 8301, 3.2: longer ones need not be understood
_OTHERS = stat.S_IRWXO | stat.S_IWGRP  # a group may read: services share keys so
_MOST_BYTES = 20_000


def read_key(path: str) -> PrivateKey:
    """The RSA or Ed25519 key in a PEM file. Raises ValueError with the path and the remedy."""
    file = Path(path)
    try:
        mode, content = file.stat().st_mode, _content(file)
    except OSError as error:
        remedy = "correct the path, or let our user read it"
        raise ValueError(f"{path} cannot be read ({error.strerror or type(error).__name__}); {remedy}") from error
    if mode & _OTHERS:
        raise ValueError(f"{path} is open to others (mode {stat.S_IMODE(mode):o}); run chmod 600 {path}")
    return _key(path, content)


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_MOST_BYTES)


def _key(path: str, content: bytes) -> PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:  # it has a password
        raise ValueError(f"{path} has a password; give a key without one, in a file that only we may read") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path} holds no private key; give it as PEM, as `openssl genpkey` writes it") from error
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size in _BITS):
        return key
    what = f"an RSA key of {key.key_size} bits" if isinstance(key, RSAPrivateKey) else "a key of another kind"
    raise ValueError(f"{path} holds {what}; mail is signed with RSA of 2048 to 4096 bits or Ed25519, make a new one")
