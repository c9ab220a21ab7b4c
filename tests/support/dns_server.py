"""A name server on loopback: what it knows is in a table, what it does not know does not exist."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], Sequence[str]]
"""(name, type) → records as they stand in a zone file: ("acme.example", "TXT") → ['"v=spf1 -all"']."""


class _Answer(socketserver.BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        content, socket = self.request
        query = dns.message.from_wire(content)
        [question] = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if self.server.is_silent(name):
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif records := self.server.zone.get((name, kind)):
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        elif name not in {known for known, _ in self.server.zone}:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        socket.sendto(reply.to_wire(max_size=65535), self.client_address)


class NameServer(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, zone: Zone) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.zone, self.out_of_order = dict(zone), frozenset[str]()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def is_silent(self, name: str) -> bool:
        return name in self.out_of_order

    def handle_error(self, request: Any, client_address: Any) -> None:
        raise


@contextmanager
def name_server(zone: Zone) -> Iterator[NameServer]:
    with NameServer(zone) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
