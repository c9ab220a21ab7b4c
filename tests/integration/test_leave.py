"""Leave to begin: once the work may be another's, not one more request goes out."""

from __future__ import annotations

import pytest

from integrations import request_deadline
from integrations.auth.tokens import FixedCredentials
from integrations.error_mapping import Dialect
from integrations.errors import Transient
from integrations.http import VendorSession
from integrations.messaging import Mail
from integrations.smtp.client import SmtpMessenger
from sandbox.world import World
from tests.support.http import serving

MAIL = Mail(to="ann@example.com", subject="Thank you", text="We read it.", html="<p>We read it.</p>", key="run-1")


def test_of_a_call_with_several_requests_those_are_not_sent_that_come_too_late() -> None:
    answers = iter([True, False])
    with serving() as server, VendorSession(server.url, Dialect("Vendor"), FixedCredentials.bearer("x")) as session:
        with request_deadline.while_allowed(lambda: next(answers)):
            session.get("/first")
            with pytest.raises(Transient, match="not begun"):
                session.get("/second")
        assert [each.path for each in server.requests] == ["/first"]
        session.get("/third")  # the leave ends with its block
        assert len(server.requests) == 2


def test_a_mail_is_not_handed_over_too_late() -> None:
    with World() as world:
        messenger = SmtpMessenger(world.smtp_url, "Acme <feedback@acme.example>")
        with request_deadline.while_allowed(lambda: False), pytest.raises(Transient):
            messenger.send(MAIL)
        assert world.mailbox.to("ann@example.com") == []
        messenger.send(MAIL)
        messenger.close()
        assert len(world.mailbox.to("ann@example.com")) == 1
