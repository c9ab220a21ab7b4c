"""An admin who sets up the stand-in org by ``ringback provision salesforce``."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml
from click.testing import CliRunner, Result

from connector.cli.main import main
from sandbox.world import World
from tests.support.metadata_wsdl import elements, mistakes

BASE_URL = "https://feedback.acme.example"
TOKEN = "a-long-token-in-the-path"


class SalesforceAdmin:
    """At a command line, beside a database and an org."""

    def __init__(self, world: World, folder: Path, template: Path) -> None:
        self.world, self.salesforce, self.folder, self._template = world, world.salesforce, folder, template
        self.environment = {
            "RINGBACK_DATABASE_URL": f"sqlite:///{folder}/ringback.db", "RINGBACK_BASE_URL": BASE_URL,
            "RINGBACK_SECRET_KEY": "a secret key of the tests, long enough",
            "RINGBACK_CONFIG": str(folder / "ringback.yaml"),
        }  # fmt: skip
        self.configure()
        self.lose_database()

    def configure(self, **more: Any) -> None:
        login = {"client_id": self.salesforce.client_id, "client_secret": self.salesforce.client_secret}
        connection = {"kind": "salesforce", "base_url": self.world.salesforce_url, "webhook_token": TOKEN,
                      "organization_id": self.salesforce.organization_id,
                      "auth": {"type": "client_credentials", **login}, **more}  # fmt: skip
        (self.folder / "ringback.yaml").write_text(yaml.safe_dump({"connections": {"salesforce": connection}}), "utf-8")

    def lose_database(self) -> None:
        """And begin with an empty one."""
        for each in self.folder.glob("ringback.db*"):
            os.unlink(each)
        shutil.copy(self._template, self.folder / "ringback.db")

    def provision(self, *words: str, code: int | None = 0, given: str | None = None) -> str:
        """What the command prints; its exit code must be ``code``."""
        asked = ["provision", "salesforce", "salesforce", *words]
        result: Result = CliRunner().invoke(main, asked, env=self.environment, prog_name="ringback", input=given)
        assert result.exit_code in ((0, 1) if code is None else (code,)), result.output
        assert "Traceback" not in result.output
        return result.output

    def plan(self, *words: str, code: int | None = None) -> dict[str, list[str]]:
        """What would be done: verb → "Kind name", without what is as it should be."""
        told = json.loads(self.provision(*words, "--dry-run", "--json", code=code))["plan"]
        plan: dict[str, list[str]] = {}
        for each in told:
            if each["verb"] not in ("keep", "tell"):
                plan.setdefault(each["verb"], []).append(f"{each['kind']} {each['key']}")
        return plan

    @property
    def changes(self) -> int:
        """How many deployments were more than a check."""
        return sum(not each.options["checkOnly"] for each in self.salesforce.deployments.log)

    def reader(self) -> Person:
        """A person of sales, with the permission set for readers."""
        org = self.salesforce.org
        [row] = [each for each in org.setup.all("PermissionSet") if each["Name"] == "Ringback_Reader"]
        person = self.person(self.salesforce.sales_username)
        org.setup.create("PermissionSetAssignment", {"AssigneeId": person.id, "PermissionSetId": row["Id"]}, "")
        return person

    def person(self, username: str) -> Person:
        return Person(self.world, username)

    def check_what_was_sent(self) -> None:
        """Every package and every answer of this test, against Salesforce's own schema."""
        optional = {"runTests"}
        for each in self.salesforce.deployments.log:
            assert set(each.options) == elements("DeployOptions") - optional
            archive = zipfile.ZipFile(io.BytesIO(each.package))
            assert {n: found for n in archive.namelist() if (found := mistakes(archive.read(n).decode()))} == {}
            answer = self.salesforce.deployments.look(each.id) or {}
            assert set(answer) <= elements("DeployResult")
            for message in (*answer["details"]["componentSuccesses"], *answer["details"]["componentFailures"]):
                assert set(message) <= elements("DeployMessage")


class Person:
    """Somebody with a session of their own, who asks the REST API."""

    def __init__(self, world: World, username: str) -> None:
        self._base = f"{world.salesforce_url}/services/data/v60.0"
        self._headers = {"Authorization": f"Bearer {world.salesforce.token(username)}"}
        self.id = self._ask("GET", f"{world.salesforce_url}/services/oauth2/userinfo").json()["user_id"]

    def _ask(self, method: str, url: str, **more: Any) -> requests.Response:
        return requests.request(method, url, headers=self._headers, timeout=60, **more)

    def query(self, soql: str) -> requests.Response:
        return self._ask("GET", f"{self._base}/query/", params={"q": soql})

    def read(self, kind: str, record: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", f"{self._base}/sobjects/{kind}/{record}").json()
        return found

    def write(self, kind: str, record: str, **values: Any) -> requests.Response:
        return self._ask("PATCH", f"{self._base}/sobjects/{kind}/{record}", json=values)

    def fields(self, kind: str) -> set[str]:
        described = self._ask("GET", f"{self._base}/sobjects/{kind}/describe").json()
        return {each["name"] for each in described["fields"]} if isinstance(described, dict) else set()


@contextmanager
def a_salesforce_admin(folder: Path, template: Path) -> Iterator[SalesforceAdmin]:
    """Beside an org that nobody has set up yet."""
    with World() as world:
        world.salesforce.forget_custom()
        admin = SalesforceAdmin(world, folder, template)
        yield admin
        admin.check_what_was_sent()
