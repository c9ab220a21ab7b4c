"""All stand-ins at once, on ports of their own."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

from sandbox.clock import Clock, system_clock
from sandbox.mailbox import MailboxStandIn
from sandbox.salesforce import SalesforceStandIn
from sandbox.serving import Server
from sandbox.zendesk import GENEROUS, Limits, ZendeskStandIn


class World:
    """``with World() as world:`` serves Zendesk, Salesforce and a mail box on 127.0.0.1.

    Ports of 0 are any free ones. ``clock`` is the time of all stand-ins. ``pace`` shortens their pauses between
    delivery attempts (a vendor's 30 s last 0.3 s). ``limits`` are Zendesk's rate limits; the default lets
    everything through, ``Limits()`` are the vendor's own.
    """

    def __init__(
        self,
        zendesk_port: int = 0,
        salesforce_port: int = 0,
        mail_port: int = 0,
        smtp_port: int = 0,
        *,
        clock: Clock = system_clock,
        pace: float = 0.01,
        limits: Limits = GENEROUS,
    ) -> None:
        self._open = ExitStack()
        try:
            self.mailbox = MailboxStandIn(clock, smtp_port=smtp_port)
            self._open.callback(self.mailbox.close)
            self.zendesk = ZendeskStandIn(clock, pace=pace, limits=limits)
            self._open.callback(self.zendesk.close)
            self.salesforce = SalesforceStandIn(clock, pace=pace)
            self._open.callback(self.salesforce.close)
            self._serve(self.mailbox, mail_port)
            self._serve(self.zendesk, zendesk_port)
            self._serve(self.salesforce, salesforce_port)
        except BaseException:
            self.close()
            raise

    def _serve(self, standin: ZendeskStandIn | SalesforceStandIn | MailboxStandIn, port: int) -> None:
        server = Server(standin, port)
        self._open.callback(server.close)
        self._open.callback(standin.release)  # runs first: a server waits for the requests in hand
        standin.base_url = server.url

    @property
    def zendesk_url(self) -> str:
        return self.zendesk.base_url

    @property
    def salesforce_url(self) -> str:
        return self.salesforce.base_url

    @property
    def mail_url(self) -> str:
        return self.mailbox.base_url

    @property
    def smtp_url(self) -> str:
        return self.mailbox.smtp_url

    def close(self) -> None:
        """Stop everything; what was known is gone."""
        self._open.close()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
