"""What we ask of Amazon SNS: its certificates, and that a subscription is confirmed."""

from __future__ import annotations

from urllib.parse import urlsplit

from integrations.error_mapping import Dialect
from integrations.http import VendorSession


class Amazon:
    """Goes where it is told; whoever tells it has looked at the address."""

    def certificate(self, address: str) -> bytes:
        """The certificate in PEM. Raises IntegrationError."""
        return _session(address).request("GET", address, as_text=True).content

    def confirm(self, address: str) -> None:
        """Visit the address that confirms a subscription. Raises IntegrationError."""
        _session(address).request("GET", address, as_text=True)


def _session(address: str) -> VendorSession:
    parts = urlsplit(address)
    return VendorSession(f"{parts.scheme}://{parts.netloc}", Dialect("Amazon SNS"), read_timeout=10.0)
