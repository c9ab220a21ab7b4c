"""An admin who sets up the stand-in Zendesk by ``ringback provision zendesk``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from connector.cli.main import main
from connector.storage.engine.database import Database
from sandbox.gateway import SeenRequest
from sandbox.world import World
from tests.oracles import SHARED
from tests.support.openapi import check_request

BASE_URL = "https://feedback.acme.example"
SECRET_KEY = "a secret key of the tests, long enough"


class Admin:
    """At a command line, beside a database and a Zendesk account."""

    def __init__(self, world: World, folder: Path, template: Path) -> None:
        self.world, self.zendesk, self.folder, self._template = world, world.zendesk, folder, template
        self.database_url = f"sqlite:///{folder}/ringback.db"
        self.environment = {
            "RINGBACK_DATABASE_URL": self.database_url, "RINGBACK_BASE_URL": BASE_URL,
            "RINGBACK_SECRET_KEY": SECRET_KEY, "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
        }  # fmt: skip
        self.configure({"type": "oauth", "client_id": self.zendesk.client_id,
                        "client_secret": self.zendesk.client_secret})  # fmt: skip
        self.lose_database()

    def configure(self, auth: dict[str, Any], **more: Any) -> None:
        connection = {"kind": "zendesk", "base_url": self.world.zendesk_url, "auth": auth, **more}
        (self.folder / "ringback.yaml").write_text(yaml.safe_dump({"connections": {"zendesk": connection}}), "utf-8")

    def lose_database(self) -> None:
        """And begin with an empty one."""
        for each in self.folder.glob("ringback.db*"):
            os.unlink(each)
        shutil.copy(self._template, self.folder / "ringback.db")

    def run(self, *words: str, code: int | None = 0) -> str:
        """What ``ringback`` prints; its exit code must be ``code``. None: 0, or 1 where something is to do."""
        result: Result = CliRunner().invoke(main, list(words), env=self.environment, prog_name="ringback")
        assert result.exit_code in ((0, 1) if code is None else (code,)), result.output
        assert "Traceback" not in result.output
        return result.output

    def provision(self, *words: str, code: int | None = 0) -> str:
        return self.run("provision", "zendesk", "zendesk", *words, code=code)

    def plan(self, *words: str) -> dict[str, list[tuple[str, str]]]:
        """What would be done: verb → (kind, key) of each, without those that are as they should be."""
        told = json.loads(self.provision(*words, "--dry-run", "--json", code=None))["plan"]
        plan: dict[str, list[tuple[str, str]]] = {}
        for each in told:
            if each["verb"] not in ("keep", "tell"):
                plan.setdefault(each["verb"], []).append((each["kind"], each["key"]))
        return plan

    @contextmanager
    def database(self) -> Iterator[Database]:
        with closing(Database(self.database_url, pool_size=2)) as opened:
            yield opened

    @property
    def writes(self) -> list[SeenRequest]:
        """Every request so far that changed something in the account."""
        return [each for each in self.zendesk.requests if each.method != "GET" and each.path != "/oauth/tokens"]

    def furniture(self) -> dict[str, list[dict[str, Any]]]:
        """All fields, views, macros, triggers and webhooks of the account."""
        known = self.zendesk.desk.state.snapshot()
        kinds = ("ticket_fields", "user_fields", "organization_fields", "views", "macros", "triggers", "webhooks")
        return {kind: known[kind] for kind in kinds}

    def thing(self, kind: str, title: str) -> dict[str, Any]:
        """The record itself, to be changed as an admin in Zendesk would."""
        held = getattr(self.zendesk.desk.state, kind).values()
        found: dict[str, Any] = next(each for each in held if title in (each.get("title"), each.get("name")))
        return found

    def check_requests(self) -> None:
        """Hold every request so far against Zendesk's own description, where it is at hand."""
        if SHARED.is_dir():
            for each in self.zendesk.requests:
                check_request(each.method, each.path, each.json() if each.body else None)


@contextmanager
def an_admin(folder: Path, template: Path) -> Iterator[Admin]:
    with World() as world:
        admin = Admin(world, folder, template)
        yield admin
        admin.check_requests()
