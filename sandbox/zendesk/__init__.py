"""A stand-in for Zendesk Support: its REST API, its webhooks, and a page where an agent solves a ticket."""

from sandbox.zendesk.limits import GENEROUS, Limits
from sandbox.zendesk.standin import ZendeskStandIn

__all__ = ["GENEROUS", "Limits", "ZendeskStandIn"]
