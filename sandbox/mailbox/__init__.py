"""A mail box for the whole world: takes every mail by SMTP, and shows it."""

from sandbox.mailbox.standin import MailboxStandIn

__all__ = ["MailboxStandIn"]
