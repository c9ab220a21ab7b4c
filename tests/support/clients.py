"""A vendor's client as a connection of that kind has it."""

from __future__ import annotations

from typing import Any

from connector.vendors.registry import VENDORS
from integrations import kind as kinds

KINDS = {name: vendor.client for name, vendor in VENDORS.items() if vendor.client is not None}


def build(kind: str, name: str, settings: Any, **sharing: Any) -> Any:
    """Raises OptionsError with every mistake in the settings."""
    return kinds.build(KINDS[kind], name, settings, **sharing)
