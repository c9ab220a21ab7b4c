"""The stand-in as others use it: a WSGI app, and a Python handle on what is inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException

from sandbox.clock import Clock, system_clock
from sandbox.control import JsonWithMoments, control_blueprint
from sandbox.gateway import Gateway, SeenRequest
from sandbox.late_app import LateApp
from sandbox.outbox import Outbox
from sandbox.salesforce import package, people
from sandbox.salesforce.api import api_blueprint, unknown_path
from sandbox.salesforce.bulk import Jobs
from sandbox.salesforce.deployments import Deployments
from sandbox.salesforce.errors import Problem
from sandbox.salesforce.ids import long_id
from sandbox.salesforce.org import (
    ADMIN,
    CLIENT_ID,
    CLIENT_SECRET,
    INTEGRATION,
    ORGANIZATION_ID,
    SALES,
    USERS,
    Org,
    Usage,
)
from sandbox.salesforce.outbound import Delivery, OutboundMessages
from sandbox.salesforce.records import Record, Refusal, Write
from sandbox.salesforce.schema import Field


class SalesforceStandIn:
    """One organisation. It is its own WSGI app: ``Server(SalesforceStandIn())``.

    Records are handed out as copies, with Python values (a score is a float, a moment a datetime). ``pace``
    shortens the pauses between delivery attempts. Seeded: an integration user, a sales user, a connected app.
    """

    organization_id = ORGANIZATION_ID
    client_id, client_secret = CLIENT_ID, CLIENT_SECRET
    integration_username, sales_username, admin_username = INTEGRATION, SALES, ADMIN

    def __init__(self, clock: Clock = system_clock, *, pace: float = 1.0) -> None:
        self.outbox = Outbox(pace)
        self.org = Org(clock, self.outbox)
        self.gateway = Gateway(LateApp(self._app), clock, inside=("/sandbox", "/static", "/lightning"))

    def _app(self) -> Flask:
        app = Flask(__name__, template_folder="../templates", static_folder="../static")
        app.json = JsonWithMoments(app)
        app.url_map.strict_slashes = False
        for blueprint in (api_blueprint(self.org), people.page_blueprint(self.org), self._control()):
            app.register_blueprint(blueprint)
        app.register_error_handler(HTTPException, unknown_path)
        return app

    def _control(self) -> Blueprint:
        blueprint = control_blueprint(self.gateway)
        people.control_routes(blueprint, self.org)
        return blueprint

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.gateway(environ, start_response)

    def release(self) -> None:
        """Let nothing wait any longer: the first step of an orderly end."""
        self.gateway.release()
        self.org.closing.set()

    def close(self) -> None:
        """Stop sending."""
        self.release()
        self.outbox.close()
        self.org.close()

    @property
    def base_url(self) -> str:
        return self.org.access.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.org.access.base_url = url

    @property
    def faults(self) -> Any:
        """The ``FaultPlan``: ``faults.add(Fault(path="/composite", status=503))``."""
        return self.gateway.faults

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        return self.gateway.requests

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every attempt to deliver an outbound message."""
        return tuple(self.org.outbound.log)

    @property
    def outbound(self) -> OutboundMessages:
        """Set ``outbound.endpoint`` to switch messages on; ``fields`` and ``schedule`` as you like."""
        return self.org.outbound

    @property
    def usage(self) -> Usage:
        """Today's calls; set ``usage.most`` to run out of them."""
        return self.org.usage

    def settle(self, timeout: float = 60.0) -> bool:
        """Wait until every message is acknowledged or given up."""
        return self.outbox.settle(timeout)

    @property
    def contacts(self) -> list[Record]:
        """The contacts that are not deleted."""
        return self.org.records.all("Contact")

    @property
    def accounts(self) -> list[Record]:
        return self.org.records.all("Account")

    @property
    def writes(self) -> list[Write]:
        """Every accepted write of every record, oldest first."""
        with self.org.records.lock:
            return deepcopy(self.org.records.writes)

    def writes_of(self, record_id: str) -> list[Write]:
        """The accepted writes of one record, oldest first."""
        return [write for write in self.writes if write.record == long_id(record_id)]

    def contact(self, record_id: str) -> Record:
        """Raises RecordError (NOT_FOUND, ENTITY_IS_DELETED)."""
        return self.org.records.get("Contact", record_id)

    def account(self, record_id: str) -> Record:
        """Raises RecordError (NOT_FOUND, ENTITY_IS_DELETED)."""
        return self.org.records.get("Account", record_id)

    def add_contact(self, last_name: str, email: str | None = None, **fields: Any) -> Record:
        """A contact that sales entered. Field names are Salesforce's: ``FirstName``, ``AccountId``, …"""
        given = {"LastName": last_name, "Email": email, **fields}
        return self.org.records.create("Contact", given, USERS[SALES]["id"])

    def add_account(self, name: str, **fields: Any) -> Record:
        return self.org.records.create("Account", {"Name": name, **fields}, USERS[SALES]["id"])

    def all(self, kind: str) -> list[Record]:
        """The records of one object that are not deleted: "Case", "CaseComment", "Task", …"""
        return self.org.records.all(kind)

    def add(self, kind: str, **fields: Any) -> Record:
        """A record of any object that sales or service entered."""
        return self.org.records.create(kind, fields, USERS[SALES]["id"])

    def change(self, kind: str, record_id: str, **fields: Any) -> Record:
        """Somebody of sales or service changes a record; a message goes out if one is set up for the object."""
        return self.org.records.update(kind, record_id, fields, USERS[SALES]["id"])

    def delete(self, kind: str, record_id: str, *, master: str | None = None) -> None:
        """Somebody deletes a record, or merges it into ``master``."""
        self.org.records.delete(kind, record_id, USERS[SALES]["id"], master=master)
    def add_lead(self, last_name: str, email: str | None = None, **fields: Any) -> Record:
        given = {"LastName": last_name, "Company": "Unknown", "Email": email, **fields}
        return self.org.records.create("Lead", given, USERS[SALES]["id"])

    def lead(self, record_id: str) -> Record:
        """Raises RecordError (NOT_FOUND, ENTITY_IS_DELETED)."""
        return self.org.records.get("Lead", record_id)

    def install_package(self) -> None:
        """The fields and the object that a package for scores brings."""
        package.install(self.org.records)

    @property
    def answers(self) -> list[Record]:
        """The records of answers, once the package is installed."""
        return self.org.records.all(package.ANSWER)

    @property
    def bulk(self) -> Jobs:
        """The jobs of Bulk API 2.0; ``bulk.slowness`` makes them take longer."""
        return self.org.jobs

    @property
    def collisions(self) -> int:
        """How often a write met an account that another write had locked."""
        return self.org.records.collisions

    def trouble(self, pick: Callable[[str], str | None]) -> None:
        """Let writes fail with the code that ``pick`` names for the record's id ("" for a new one), if any."""

        def problem(record_id: str) -> Problem | None:
            code = pick(record_id)
            return Problem(code, "it is so programmed") if code else None

        self.org.records.trouble(problem)

    def restore(self, kind: str, record_id: str) -> None:
        """Somebody takes a record back out of the recycle bin."""
        self.org.records.restore(kind, record_id, USERS[SALES]["id"])

    def change_contact(self, record_id: str, **fields: Any) -> Record:
        """Sales changes a contact: an outbound message goes out."""
        return self.org.by_a_user([(record_id, fields)])[0]

    def change_contacts(self, changes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Record]:
        """Sales changes many contacts at once: as few messages as possible go out, 100 notifications in each."""
        return self.org.by_a_user(changes)

    def delete_contact(self, record_id: str, *, master: str | None = None) -> None:
        """Sales deletes a contact, or merges it into ``master``."""
        self.org.records.delete("Contact", record_id, USERS[SALES]["id"], master=master)

    def refuse(
        self,
        record_id: str,
        code: str,
        message: str = "refused",
        *,
        fields: Sequence[str] = (),
        times: int = 1,
    ) -> None:
        """The next writes of this record fail with ``code``, as FIELD_CUSTOM_VALIDATION_EXCEPTION."""
        self.org.records.refuse(Refusal(record_id, Problem(code, message, tuple(fields)), times))

    def add_field(self, kind: str, name: str, field_type: str = "string", **more: Any) -> None:
        """An admin adds a custom field to "Contact" or "Account"."""
        self.org.records.add_field(kind, Field(name, field_type, **more))

    def forget_custom(self) -> None:
        """Take away all custom fields and objects: an organisation that nobody has set up yet."""
        self.org.forget_custom()

    @property
    def deployments(self) -> Deployments:
        """What was deployed by the Metadata API; ``refuse`` programs a refusal, ``delete`` is a person in Setup."""
        return self.org.deployments

    def become_production(self) -> None:
        """From now on people work here: flows that are deployed arrive switched off."""
        self.org.deployments.live = True

    def token(self, username: str) -> str:
        """An access token of one of the users, as a browser or another program would have one."""
        return str(self.org.access.session(username)["access_token"])

    def hold_locks(self, seconds: float) -> None:
        """How long each write keeps its account locked; a second write meanwhile gets UNABLE_TO_LOCK_ROW."""
        self.org.collections.hold = seconds

    def expire_sessions(self) -> None:
        """Every access token stops working."""
        self.org.access.expire_all()

    def require_signature(self, public_key: str) -> None:
        """JWT assertions must be signed by the private half of this PEM key."""
        self.org.access.public_key = public_key

    def redeliver(self, delivery: Delivery) -> None:
        """Send an outbound message once more, as happens when an acknowledgement gets lost."""
        self.org.outbound.again(delivery)
