"""Letters to people of the house, by the first mail connection: an invitation, a way to a new password.

They go at once and once. Nobody waits for one that was asked for at the door: its time would tell whether an address is
somebody's.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from connector.access.users import User
from connector.ids import new_id
from connector.services import Services
from connector.web.admin.words import Speech
from integrations.errors import IntegrationError
from integrations.messaging import Mail
from integrations.roles import Role

log = logging.getLogger(__name__)


class Letters:
    """Writes them and hands them over."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="letters")

    def address(self, secret: str) -> str:
        """Where somebody chooses their password."""
        return f"{self._services.settings.base_url}/admin/welcome/{secret}"

    def invite(self, user: User, secret: str, say: Speech) -> bool:
        """→ whether it left; else whoever invites has to pass the address on."""
        text = (
            say("Hello {name},", name=user.name),
            say("you are invited to Ringback. Choose your password at this address; it works once, for three days:"),
            self.address(secret),
            say("If you do not know why you got this, you need do nothing."),
        )
        return self._send(user, say("Your invitation to Ringback"), text)

    def reset(self, user: User, secret: str, say: Speech) -> Future[bool]:
        """On its way; nobody waits for it."""
        text = (
            say("Hello {name},", name=user.name),
            say("somebody asked for a new password for your account at Ringback. Choose it at this address; it works "
                "once, and for an hour:"),
            self.address(secret),
            say("If it was not you, you need do nothing: your password stays as it is."),
        )  # fmt: skip
        return self._pool.submit(self._send, user, say("A new password for Ringback"), text)

    def _send(self, user: User, subject: str, paragraphs: Sequence[str]) -> bool:
        if not self._services.connections.having(Role.MESSENGER):
            log.warning("a letter to a user did not leave: no connection can send mail")
            return False
        try:
            _, messenger = self._services.connections.messenger(None)
            messenger.send(Mail(user.email, subject, "\n\n".join(paragraphs), to_name=user.name, key=new_id()))
        except IntegrationError as error:
            log.warning("a letter to user %s did not leave (%s)", user.id, type(error).__name__)
            return False
        return True
