"""The secret key is changed: links, delayed mails, tokens and webhooks go on, and the old key goes in good order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import LargeBinary, update

from connector.access.audit import Actor, AuditEntry
from connector.cli.main import main
from connector.cli.serve import sealing
from connector.clock import system_clock
from connector.config.settings import Settings, SettingsError
from connector.feedback.surveys import files
from connector.observe.findings import Verdict
from connector.observe.keys import check_keys
from connector.secret_keys import SecretKeys
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box
from connector.storage.schema import tables
from connector.storage.sealing import sealed_rows
from connector.storage.stores import provisioned
from connector.storage.stores.oauth_tokens import DatabaseTokenStore
from connector.storage.stores.provisioned import Made
from connector.storage.stores.webhook_secrets import PURPOSE, renewed
from integrations.auth.tokens import Token
from integrations.errors import NotYet
from integrations.mail.verp import Marks, Origin
from sandbox.clock import HandClock
from sandbox.world import World
from tests.support.house import Harness, a_house, config_of, signed_zendesk
from workflows import schema
from workflows.errors import DefinitionError
from workflows.library import load_library

A, B = "the first secret key, which somebody saw", "the second secret key, which nobody saw"
OLD, BOTH, NEW = SecretKeys(A), SecretKeys(B, (A,)), SecretKeys(B)
SIGNED_WITH = "zendesk chose this when we provisioned"
WORKFLOWS = {
    "ask": """\
trigger: {event: order.delivered}
run: {key: event.id, mode: parallel}
steps:
  - {id: ask, do: survey.send, with: {survey: after-support, delay: "{{ event.delay }}"}}
""",
    "survey-reminders": schema.dump(load_library()["survey-reminders"]),
}
REMINDERS = """
reminders:
  - {after: 4 days, subject: {en: "A minute?", nl: "Een minuut?"}, intro: {en: "Again", nl: "Nog eens"}}
  - {after: 3 days, subject: {en: "Last time", nl: "Laatste keer"}, intro: {en: "The end", nl: "Het einde"}}
"""


class Installation:
    """One database, and houses on it that know different keys."""

    def __init__(self, database_url: str, world: World, clock: HandClock) -> None:
        self._url, self._world, self._clock = database_url, world, clock
        self._workflows: dict[str, str] | None = WORKFLOWS

    @contextmanager
    def with_keys(self, keys: SecretKeys) -> Iterator[Harness]:
        built_in = re.sub(r"fatigue_days: \d+.*", "passes_fatigue: true", files.built_in()["after-support"])
        surveys = {"after-support": built_in + REMINDERS}
        config = re.sub(r"    webhook_secret: zendesk.*\n", "", config_of(self._world))
        with a_house(self._url, self._world, self._workflows, clock=self._clock, config=config, surveys=surveys,
                     secret_keys=keys) as home:  # fmt: skip
            self._workflows = None
            sealing.begin(home.house)
            yield home


@pytest.fixture
def installation(database_url: str) -> Iterator[Installation]:
    clock = HandClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    with World(clock=clock) as world:
        yield Installation(database_url, world, clock)


def ask(home: Harness, name: str, delay: str = "1 minute") -> None:
    person = {"email": f"{name}@example.com", "name": name.title()}
    data = {"customer": person, "delay": delay}
    assert home.deliver({"type": "order.delivered", "id": f"order-{name}", "data": data}) < 300
    home.settle()
    home.wait(minutes=1)


def provision(home: Harness, keys: SecretKeys) -> None:
    """As ``ringback provision zendesk`` leaves it, with a token beside it."""
    now, database = home.clock(), home.house.database
    sealed = renewed(Box(keys, PURPOSE), None, SIGNED_WITH)
    made = Made("webhook", "events", "77", True, now, now, sealed)
    database.transact(lambda tx: provisioned.remember(database, tx, "zendesk", made))
    DatabaseTokenStore(database, "zendesk", keys, home.clock).replace(Token("a token of zendesk", None))


def links(home: Harness, name: str) -> list[str]:
    return [link for mail in home.mails(f"{name}@example.com") for link in set(re.findall(r"/s/[\w-]{22}", mail.text))]


def opens(home: Harness, link: str) -> bool:
    return home.client.get(link).status_code == 200


def hears_zendesk(home: Harness) -> bool:
    body = b'{"type": "zen:event-type:ticket.status_changed", "id": "1", "detail": {"id": "4"}, "event": {}}'
    headers = signed_zendesk(body, f"invocation-{home.clock()}-{id(home)}", home.clock(), SIGNED_WITH)
    return home.post("/webhooks/zendesk", body, headers).status_code != 401


def token(home: Harness, keys: SecretKeys) -> Token | None:
    return DatabaseTokenStore(home.house.database, "zendesk", keys, home.clock).get()


def verdicts(home: Harness, keys: SecretKeys) -> list[tuple[Verdict, str]]:
    with home.house.database.read() as tx:
        return [(each.verdict, each.says) for each in check_keys(tx, keys, home.clock())]


def reseal(home: Harness, keys: SecretKeys) -> int:
    return sum(sealed_rows.reseal(home.house.database, keys, home.clock()))


def test_all_goes_on_through_a_rotation_and_without_the_old_key_after_it(installation: Installation) -> None:
    with installation.with_keys(OLD) as home:
        ask(home, "ann")
        ask(home, "bob", "2 days")
        provision(home, OLD)
        [link] = links(home, "ann")
        mark = Marks(A).make(Origin.EFFECT, "0" * 26)

    with installation.with_keys(BOTH) as home:
        ask(home, "cid", "6 days")
        assert opens(home, link)
        assert hears_zendesk(home)
        assert token(home, BOTH) == Token("a token of zendesk", None)
        assert Marks(*BOTH.every).read(mark) is not None
        home.wait(days=4)  # Bob's mail leaves, and Ann is reminded
        assert set(links(home, "ann")) == {link}
        assert opens(home, links(home, "bob")[0])
        [(_, old), (good, _)] = verdicts(home, BOTH)
        assert old == (f"on the old key {OLD.mark} still hang: the token of zendesk, the webhook secret of zendesk, "
                       "2 survey links (after-support 2).")  # fmt: skip
        assert good is Verdict.OK
        assert reseal(home, BOTH) == 4
        assert reseal(home, BOTH) == 0
        assert all(verdict is Verdict.OK for verdict, _ in verdicts(home, BOTH))

    with installation.with_keys(NEW) as home:
        home.wait(days=3)  # Cid's mail leaves, Bob is reminded, and Ann the last time
        assert len(links(home, "ann")) == 3
        assert set(links(home, "ann")) == {link}
        assert len(set(links(home, "bob"))) == 1
        for each in (link, links(home, "bob")[0], links(home, "cid")[0]):
            assert opens(home, each)
        assert hears_zendesk(home)
        assert token(home, NEW) == Token("a token of zendesk", None)


def test_an_old_key_that_is_still_needed_is_missed_at_the_start_and_by_the_doctor(installation: Installation) -> None:
    with installation.with_keys(OLD) as home:
        ask(home, "ann")
        provision(home, OLD)
        told = verdicts(home, NEW)
    with pytest.raises(DefinitionError) as refused, installation.with_keys(NEW):
        pass
    said = (f"the key {OLD.mark} is not among the secret keys, and on it hang: the token of zendesk, "
            "the webhook secret of zendesk, 1 survey link (after-support 1).")  # fmt: skip
    assert said in str(refused.value)
    assert "RINGBACK_SECRET_KEYS_OLD" in str(refused.value)
    assert A not in str(refused.value)
    assert told == [(Verdict.BROKEN, said)]


def test_a_process_that_was_not_started_anew_loses_nothing_when_others_reseal(installation: Installation) -> None:
    with installation.with_keys(OLD) as behind:
        provision(behind, OLD)
        ask(behind, "ann", "1 day")
        assert hears_zendesk(behind)
        assert reseal(behind, BOTH) == 3
        behind.clock.move(minutes=1)
        assert hears_zendesk(behind)
        with pytest.raises(NotYet, match="does not open in this process"):
            token(behind, OLD)
        behind.wait(days=1)
        assert links(behind, "ann") == []
        with installation.with_keys(BOTH) as home:
            home.wait(minutes=2)
            [link] = links(home, "ann")
            assert opens(home, link)


def test_resealing_is_taken_up_where_it_stopped_and_leaves_what_was_written_meanwhile(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_rows, "SLICE", 1)
    with installation.with_keys(OLD) as home:
        for name in ("ann", "bob", "cid"):
            ask(home, name)
        provision(home, OLD)
        slices = sealed_rows.reseal(home.house.database, BOTH, home.clock())
        assert [next(slices) for _ in range(3)] == [1, 1, 1]
        slices.close()
        DatabaseTokenStore(home.house.database, "zendesk", BOTH, home.clock).replace(Token("a fresh one", None))
        assert reseal(home, BOTH) == 2
        assert token(home, NEW) == Token("a fresh one", None)


def test_the_audit_log_stays_whole_and_verifiable_and_tampering_shows_in_every_stretch(
    installation: Installation,
) -> None:
    someone, did = Actor("user", "u1"), AuditEntry(action="user.role", object="u2")
    with installation.with_keys(OLD) as home:
        home.house.access.audit.note(someone, did, home.clock())
    with installation.with_keys(BOTH) as home:
        home.house.access.audit.note(someone, did, home.clock())
        reseal(home, BOTH)
    with installation.with_keys(NEW) as home:
        home.house.access.audit.note(someone, did, home.clock())
        verdict = home.house.access.audit.verify()
        assert (verdict.rows, verdict.broken) == (3, None)
        for seq in (1, 2, 3):
            log, database = tables.audit_log, home.house.database
            with database.write() as tx:
                tx.execute(update(log).where(log.c.seq == seq).values(object="u3"))
            assert home.house.access.audit.verify().broken == seq
            with database.write() as tx:
                tx.execute(update(log).where(log.c.seq == seq).values(object="u2"))


def test_links_of_invitations_that_ended_long_ago_are_let_go(installation: Installation) -> None:
    with installation.with_keys(OLD) as home:
        ask(home, "ann")
        ended = home.clock() - timedelta(days=31)
        with home.house.database.write() as tx:
            tx.execute(update(tables.invitations).values(expires_at=ended))
        assert reseal(home, BOTH) == 1
        row = home.one(tables.invitations)
        assert (row.token_key, row.token_kept) == ("", None)
        assert [verdict for verdict, _ in verdicts(home, NEW)] == [Verdict.OK]


# --- the commands


class Admin:
    """Somebody at the shell of an installation on SQLite, whose key is in a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ringback.secret"
        self._environment = {"RINGBACK_DATABASE_URL": f"sqlite:///{folder}/ringback.db",
                             "RINGBACK_CONFIG": str(folder / "ringback.yaml")}  # fmt: skip
        (folder / "ringback.yaml").write_text("connections: {}\n")
        self.says("migrate")

    def does(self, *words: str, **more: str) -> Result:
        return CliRunner().invoke(main, words, env={**self._environment, **more})

    def says(self, *words: str) -> str:
        done = self.does(*words)
        assert done.exit_code == 0, done.output
        return done.output


def test_a_key_in_a_file_is_rotated_resealed_and_removed_by_commands(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    first = admin.says("secret-key", "status").split("\n")[-2].split()[0]
    admin.says("secret-key", "rotate")
    new, old = admin.file.read_text().split()
    assert (SecretKeys(old).mark, admin.file.stat().st_mode & 0o777) == (first, 0o600)
    early = admin.does("secret-key", "reseal")
    assert early.exit_code == 1
    assert "Start `ringback serve`" in early.output
    assert f"may go: `ringback secret-key remove {first}`" in admin.says("secret-key", "reseal", "--stopped")
    refused = admin.does("secret-key", "remove", SecretKeys(new).mark)
    assert (refused.exit_code, "is the key in use" in refused.output) == (2, True)
    admin.says("secret-key", "remove", first)
    assert admin.file.read_text() == f"{new}\n"
    noted = [(line["action"], line["object"]) for line in json.loads(admin.says("audit", "list", "--json"))]
    assert noted == [("secret-key.removed", first), ("secret-key.resealed", SecretKeys(new).mark)]
    assert "2 rows" in admin.says("audit", "verify")
    for shown in (admin.says("secret-key", "status"), early.output):
        assert new not in shown
        assert old not in shown


def test_a_key_that_is_lost_is_given_up_only_when_somebody_says_so(tmp_path: Path) -> None:
    admin, lost = Admin(tmp_path), SecretKeys(A)
    admin.says("secret-key", "status")
    database = Database(f"sqlite:///{tmp_path}/ringback.db")
    DatabaseTokenStore(database, "zendesk", lost, system_clock).replace(Token("unreadable", None))
    kept = admin.does("secret-key", "remove", lost.mark)
    assert (kept.exit_code, "hang: the token of zendesk" in kept.output) == (1, True)
    assert "Given up: the token of zendesk" in admin.says("secret-key", "remove", lost.mark, "--lost")
    assert lost.mark not in admin.says("secret-key", "status")
    assert DatabaseTokenStore(database, "zendesk", lost, system_clock).get() is None
    database.close()


@pytest.mark.parametrize(("value", "keys"), [
    (f'"{A}", "{B}"', (A, B)), ("", ()), (f"{'x' * 32},{'y' * 40}", ("x" * 32, "y" * 40)),
])  # fmt: skip
def test_old_keys_are_named_with_commas_between_them(value: str, keys: tuple[str, ...]) -> None:
    assert Settings.from_environment({"RINGBACK_SECRET_KEYS_OLD": value}).old_keys == keys


@pytest.mark.parametrize("value", [A, f'"{A}', f"{'x' * 32},{'y' * 31}"])
def test_old_keys_that_cannot_be_read_are_refused_without_showing_them(value: str) -> None:
    with pytest.raises(SettingsError, match="double quotes") as refused:
        Settings.from_environment({"RINGBACK_SECRET_KEYS_OLD": value})
    assert value[:12] not in str(refused.value)


def test_every_sealed_column_is_known_to_resealing() -> None:
    """A feature that seals something of its own adds it there, or a rotation would lose it."""
    binary = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {f"{each.column.table.name}.{each.column.name}" for each in sealed_rows.SEALED}
    assert binary - sealed == {"deliveries.body", "invitations.token_kept"}
