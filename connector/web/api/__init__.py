"""``/api/v1``: what people do with commands, for programs. Every request carries a token with scopes."""

from connector.web.api.blueprint import blueprint

__all__ = ["blueprint"]
