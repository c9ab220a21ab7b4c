"""The SMTP side: aiosmtpd in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.clock import Clock
from sandbox.mailbox.store import MailStore, Stage
from sandbox.serving import HOST


class Handler:
    """Decides about each recipient and each mail."""

    def __init__(self, store: MailStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks the method up by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self._store.take_refusal((Stage.RCPT,), [address])
        if refusal is not None:
            return f"{refusal.code} {refusal.text}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd looks the method up by this name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        refusal = self._store.take_refusal((Stage.DATA, Stage.DROP_AFTER_DATA), list(envelope.rcpt_tos))
        if refusal is not None and refusal.stage is Stage.DATA:
            return f"{refusal.code} {refusal.text}"
        self._keep(envelope)
        if refusal is not None:
            _cut(server)
        return "250 OK"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else bytes(content)
        self._store.add(raw, envelope.mail_from or "", tuple(envelope.rcpt_tos), self._clock())


class SmtpServer:
    """SMTP on 127.0.0.1:``port`` (0: any free port). With ``credentials`` a client may, but need not, log in."""

    def __init__(
        self, store: MailStore, clock: Clock, port: int = 0, credentials: tuple[str, str] | None = None
    ) -> None:
        self._handler, self._credentials = Handler(store, clock), credentials
        self._loop = asyncio.new_event_loop()
        self._connections: weakref.WeakSet[SMTP] = weakref.WeakSet()
        # The caller's thread may have a running loop of its own (a test's browser has), so this one runs elsewhere.
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox:smtp", daemon=True)
        self._thread.start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._listen(port), self._loop).result()
        except BaseException:
            self._end()
            raise
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop serving. Open connections are cut."""
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self, port: int) -> asyncio.Server:
        return await self._loop.create_server(self._connection, HOST, port)

    def _connection(self) -> SMTP:
        connection = SMTP(
            self._handler,
            hostname="mail.sandbox.example",
            loop=self._loop,
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=self._authenticate if self._credentials else None,
        )
        self._connections.add(connection)
        return connection

    def _authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self._credentials, handled=False)

    async def _shut(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            _cut(connection)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _cut(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.Transport):
        connection.transport.abort()
