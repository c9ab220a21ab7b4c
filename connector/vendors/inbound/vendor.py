"""Any other system that signs by Standard Webhooks, as one row. It is never called."""

from __future__ import annotations

from collections.abc import Iterator

from connector.config.file import ConnectionConfig
from connector.vendors.base import SECRET, Vendor, secrets_of
from connector.vendors.option_checks import EVERYBODYS, is_secret
from webhooks.inbound.source import InboundSource
from webhooks.signatures import standard_key
from workflows.errors import Mistake


def _mistakes(each: ConnectionConfig) -> Iterator[Mistake]:
    for name in each.options.keys() - {SECRET, *EVERYBODYS}:  # it would be obeyed by nobody, in silence
        remedy = f"It has no settings of its own but {SECRET}: remove it, or correct its name."
        yield Mistake(f"connections.{each.name}.{name}", "is not known here.", remedy)
    path = f"connections.{each.name}.{SECRET}"
    if not secrets_of(each):
        yield Mistake(path, "is missing.", "Without it nobody's events can be told from forgeries.")
    for secret in filter(is_secret, secrets_of(each)):
        try:
            standard_key(secret)
        except ValueError:
            yield Mistake(path, "is no secret of Standard Webhooks.", "It is whsec_ and base64.")


VENDOR = Vendor(kind="inbound", title="another system", source=InboundSource(), check_options=_mistakes,
                emits_anything=True)  # fmt: skip
