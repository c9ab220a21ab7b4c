"""Certificates of an authority of our own, and a TLS server that writes down what it was told."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """A certificate authority that nobody's machine trusts; ``file`` is its certificate in PEM."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key, self._name = folder, ec.generate_private_key(ec.SECP256R1()), _name("Our Own CA")
        public = self._key.public_key()
        built = _builder(self._name, self._name, public).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), True
        )
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        self.file = folder / "ca.pem"
        self.file.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def certificate(self, host: str) -> Path:
        """Key and certificate of a server, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _builder(_name(host), self._name, key.public_key())
        built = built.add_extension(x509.SubjectAlternativeName([_general(host)]), False)
        built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        signed = built.sign(self._key, hashes.SHA256())
        clear, form = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
        path = self._folder / f"{host}.pem"
        private = key.private_bytes(serialization.Encoding.PEM, form, clear)
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        return path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(issuer, name, key, x509.random_serial_number(), now - _DAY, now + _DAY)


@dataclass
class Listener:
    """What clients said once they had trusted the certificate, a value per connection that said something."""

    port: int
    said: list[bytes] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening(certificate: Path, greeting: bytes = b"", asked: int = 0) -> Iterator[Listener]:
    """A TLS server on the loopback that greets, keeps the first words and hangs up. ``asked``: so many bytes ask it
    for TLS in the clear, as PostgreSQL's clients do; it says S."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as door:
        listener = Listener(door.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(door, context, listener, greeting, asked), daemon=True)
        thread.start()
        yield listener
        door.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(door: socket.socket, context: ssl.SSLContext, listener: Listener, greeting: bytes, asked: int) -> None:
    while True:
        try:
            raw, _ = door.accept()
        except OSError:
            return
        with suppress(OSError), raw:
            raw.settimeout(5)
            if asked and raw.recv(asked):
                raw.sendall(b"S")
            with context.wrap_socket(raw, server_side=True) as client:
                client.sendall(greeting)
                if words := client.recv(65_536):
                    listener.said.append(words)
                    listener.heard.set()
