"""What is wrong in what somebody wrote is said before it runs: by whichever command looks, in the same sentence."""

from __future__ import annotations

import logging
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from connector.checks.installation import Examiner
from connector.cli.common.environment_file import values_in
from connector.cli.main import main
from connector.cli.serve.loading import load_definitions
from connector.config.file import load_config
from connector.config.settings import Settings
from connector.feedback.surveys.files import built_in
from connector.observe import machine
from connector.storage.engine.database import Database
from connector.storage.schema.tables import customers
from workflows.errors import DefinitionError
from workflows.library import library_texts

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ringback.yaml"

CONFIGURATION = """\
connections:
  zendesk:
    kind: zendesk
    base_url: https://acme.zendesk.com
    auth: {type: oauth, client_id: ringback, client_secret: a-secret-of-some-length}
    webhook_secret: another-secret-of-some-length
  salesforce:
    kind: salesforce
    base_url: https://acme.my.salesforce.com
    auth: {type: client_credentials, client_id: ringback, client_secret: a-secret-of-some-length}
    organization_id: 00D000000000001
    webhook_token: a-token-of-some-length-at-least
  mail: {kind: smtp, url: "smtp://localhost:1025", sender: "Acme <feedback@acme.example>"}
brands:
  acme: {title: Acme Bicycles, accent: "#0b6e4f", country: NL}
teams:
  care-team: {email: [care@acme.example]}
calendar: {timezone: Europe/Amsterdam, hours: mon-fri 09:00-17:30, holidays: NL}
quiet_hours: {from: "20:00", until: "09:00"}
customer_value: {high_from: 10000}
retention: {runs: 400 days}
fatigue_days: 90
dates: [{field: customer.since}]
workflows: workflows/
surveys: surveys/
"""
WORKFLOW = """\
workflow: win-back
trigger:
  event: survey.answered
  if: event.band == "detractor"
steps:
  - id: alert
    do: alert.send
    with: {to: care-team, text: "{{ customer.name | upcase }} gave {{ event.score }}"}
  - id: callback
    do: ticket.open
    with: {connection: zendesk, subject: Call back, priority: high, due: 4 business hours}
  - id: solved
    wait: {event: ticket.solved, match: event.ticket == steps.callback.ticket, timeout: 7 days}
  - id: ask
    do: survey.send
    with: {survey: ours, about: "{{ event.response }}", delay: 1 hour}
"""
SURVEY = built_in()["retention"].replace("survey: retention\n", "survey: ours\nbrand: acme\n", 1)


@dataclass(frozen=True)
class Slip:
    """What somebody wrote instead of what was meant, and what is said of it: place, what is wrong, what to do."""

    meant: str
    wrote: str
    path: str
    says: str
    remedy: str


SPAN = 'Write a whole number and a unit, such as "90 seconds", "7 days" or "4 business hours".'

SLIPS_OF_CONFIGURATIONS = [
    Slip("kind: zendesk", "kind: zendesc", "connections.zendesk.kind", "'zendesc' is not known. Did you mean zendesk?",
         "Use one of inbound, mailbox, mailgun, salesforce, ses, smtp, zendesk."),
    Slip("type: oauth", "type: oaut", "connections.zendesk.auth.type", "oaut is not known.", "Did you mean oauth?"),
    Slip("https://acme.zendesk.com", "acme.zendesk.com", "connections.zendesk.base_url", "this is no web address.",
         "Write https:// and the account's host name."),
    Slip("00D000000000001", "12345", "connections.salesforce.organization_id", "is no id.",
         "Give the 15 or 18 letters and digits of the record."),
    Slip("another-secret-of-some-length", "abc", "connections.zendesk.webhook_secret",
         "can be guessed: it has fewer than 16 signs, or the same few again and again.",
         "Let a program make it: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."),
    Slip("a-token-of-some-length-at-least", "aaaaaaaaaaaaaaaaaaaaaaaa", "connections.salesforce.webhook_token",
         "can be guessed: it has fewer than 16 signs, or the same few again and again.",
         "Let a program make it: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."),
    Slip("smtp://localhost:1025", "localhost:1025", "connections.mail.url", "is no SMTP address.",
         "Write smtp://host:port or smtps://host:port."),
    Slip("kind: smtp", "kind: smpt", "connections.mail.kind", "'smpt' is not known. Did you mean smtp?",
         "Use one of inbound, mailbox, mailgun, salesforce, ses, smtp, zendesk."),
    Slip('"#0b6e4f"', "green", "brands.acme.accent", "'green' does not fit.", 'Write a colour as "#0b6e4f".'),
    Slip("#0b6e4f", "#ffee00", "brands.acme.accent",
         "#ffee00 has a contrast of 1.2, and 3 is needed: a button in it cannot be told from the page.",
         'The nearest colour that can be read is "#a19700".'),
    Slip("country: NL", "country: UK", "brands.acme.country", "'UK' does not fit.",
         "Write the two capital letters of ISO 3166: NL, or GB for the United Kingdom."),
    Slip("[care@acme.example]", "[]", "teams.care-team", "reaches nobody.", "Give it email, notify, or both."),
    Slip("teams:", "team:", "team", "is not known here.", "Did you mean teams?"),
    Slip("Europe/Amsterdam", "Europe/Amsterdm", "calendar.timezone", "'Europe/Amsterdm' is no time zone.",
         "Write one as Europe/Amsterdam."),
    Slip("mon-fri", "mon-fry", "calendar.hours", "'mon-fry' names no weekday; 'fry' is none.",
         'Name days as mon or monday, with a hyphen or commas between: "mon-fri", "mon, wed, fri".'),
    Slip("holidays: NL", "holidays: Holland", "calendar.holidays", "'Holland' is no country we know.",
         "Write a country as NL or DE-BY, days as 2026-12-24, or a list of both."),
    Slip("20:00", "25:00", "quiet_hours", "from: '25:00' is no time of day.", 'Write it in quotes, as "21:00".'),
    Slip("high_from: 10000", "high_from: much", "customer_value.high_from", "is no number: 'much', it is no figure.",
         "Give a figure in digits alone, as 10000."),
    Slip("400 days", "2 days", "retention.runs", "'2 days' is shorter than 30 days.",
         "Give it 30 days or more: until then it is needed."),
    Slip("fatigue_days: 90", "fatigue_days: never", "fatigue_days", "'never' is no whole number.",
         "Give a number of days, as 90."),
]  # fmt: skip
SLIPS_OF_WORKFLOWS = [
    Slip("to: care-team", "to: care-taem", "steps[0].with.to", 'There is no team "care-taem".',
         'Did you mean "care-team"?'),
    Slip("connection: zendesk", "connection: zendesc", "steps[1].with.connection",
         'There is no connection "zendesc".', 'Did you mean "zendesk"?'),
    Slip("survey: ours", "survey: our", "steps[3].with.survey", 'There is no survey "our".', 'Did you mean "ours"?'),
    Slip("upcase", "upcas", "steps[0].with.text",
         'The template "{{ customer.name | upcas }} gave {{ event.score }}" uses a filter that is not there, "upcas". '
         'Did you mean "upcase"?', "Mend the template."),
    Slip("priority: high", "priority: hihg", "steps[1].with.priority", 'There is no priority "hihg".',
         'Did you mean "high"?'),
    Slip("4 business hours", "tomorrow", "steps[1].with.due", '"tomorrow" is no time span.', SPAN),
    Slip("1 hour", "soon", "steps[3].with.delay", '"soon" is no time span.', SPAN),
    Slip("7 days", "a week", "steps[2].wait.timeout", '"a week" is no time span.', SPAN),
    Slip("event.band ==", "event.bnad ==", "trigger.if", "Nobody tells event.bnad: survey.answered has no such field.",
         'Did you mean "band"?'),
    Slip("event.score }}", "event.scroe }}", "steps[0].with.text",
         "Nobody tells event.scroe: survey.answered has no such field.", 'Did you mean "score"?'),
    Slip("event.ticket ==", "event.tickt ==", "steps[2].wait.match",
         "Nobody tells event.tickt: ticket.solved has no such field.", 'Did you mean "ticket"?'),
    Slip("customer.name", "customer.nmae", "steps[0].with.text", "Nobody tells customer.nmae.", 'Did you mean "name"?'),
    Slip("event.band ==", "event.band =", "trigger.if",
         'The condition `event.band = "detractor"` cannot be read: line 1, column 12: a single = compares nothing;',
         "use ==."),
    Slip("event.band ==", "evnt.band ==", "trigger.if", '"evnt" is not declared here.', 'Did you mean "event"?'),
    Slip("event: survey.answered", "event: parcel.lost", "trigger.event",
         "nothing that is configured sends parcel.lost.",
         "Connect whoever sends it: a connection of kind inbound may send any type. Or correct its name: "
         "docs/workflows.md lists those there are."),
    Slip("do: alert.send", "do: alert.sent", "steps[0].do", 'The action "alert.sent" is not known.',
         'Did you mean "alert.send"?'),
    Slip("steps.callback", "steps.calback", "steps[2].wait.match", 'There is no step "calback".',
         'Did you mean "callback"?'),
]  # fmt: skip
SLIPS_OF_SURVEYS = [
    Slip("metric: csat", "metric: cast", "metric", "'cast' is no metric.", "Use nps, nls, csat or ces."),
    Slip("brand: acme", "brand: acmee", "brand", 'There is no brand "acmee".', 'Did you mean "acme"?'),
    Slip("type: csat", "type: cast", "questions[0].type", "it is none of the kinds there are.",
         "Use one of nps, nls, csat, ces, choice, choices, text, consent, contact."),
    Slip('if: band != ""', 'if: band = ""', "questions[1].if",
         'The condition `band = ""` cannot be read: line 1, column 6: a single = compares nothing; use ==.',
         "Correct the condition."),
    Slip('if: band != ""', 'if: customer.teir == "gold"', "questions[1].if", "Nobody tells customer.teir.",
         'Did you mean "tier"?'),
    Slip('if: band != ""', "if: answers.scoer > 2", "questions[1].if", "answers.scoer is no earlier question.",
         "Name a question that comes before it."),
    Slip("expires_days: 14", "expires_day: 14", "expires_day", "it is not known.", "Did you mean expires_days?"),
    Slip("id: comment", "id: score", "questions[1].id", "'score' is there twice.", "Give it another id."),
]  # fmt: skip


class Place:
    """An installation in a folder, with a database; one file of it is wrong at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts = {
            "ringback.yaml": CONFIGURATION, "workflows/win-back.yaml": WORKFLOW, "surveys/ours.yaml": SURVEY,
        }  # fmt: skip
        for name in self.texts:
            (folder / name).parent.mkdir(exist_ok=True)
        self.mend()

    def mend(self) -> None:
        for name, text in self.texts.items():
            (self.folder / name).write_text(text, "utf-8")

    def write(self, name: str, slip: Slip) -> None:
        text = self.texts[name]
        assert slip.meant in text
        (self.folder / name).write_text(text.replace(slip.meant, slip.wrote, 1), "utf-8")

    def says(self, *words: str, code: int) -> str:
        found = CliRunner().invoke(main, words)
        assert found.exit_code == code, f"{words}: {found.output}"
        return found.output

    def serve_says(self, caplog: pytest.LogCaptureFixture) -> str:
        """What a start tells: in its log where it goes on, else as its last words."""
        caplog.clear()
        settings = Settings.from_environment()
        database = Database(settings.database_url, pool_size=1)
        try:
            with caplog.at_level(logging.ERROR):
                load_definitions(database, load_config(settings.config), NOW)
        except DefinitionError as error:
            return str(error)
        finally:
            database.close()
        return caplog.text


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied: nothing is in force in it."""
    file = tmp_path_factory.mktemp("made") / "ringback.db"
    environment = {"RINGBACK_DATABASE_URL": f"sqlite:///{file}", "RINGBACK_CONFIG": ""}
    assert CliRunner().invoke(main, ["migrate"], env=environment).exit_code == 0
    return file


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for file in made.parent.glob("ringback*"):
        shutil.copy2(file, tmp_path)
    monkeypatch.setenv("RINGBACK_DATABASE_URL", f"sqlite:///{tmp_path}/ringback.db")
    monkeypatch.setattr(machine, "check_packages", lambda: ())  # reads what every package says of itself, each time
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def told_alike(place: Place, slip: Slip, kind: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    sentence = f"{slip.path}: {slip.says} {slip.remedy}"
    assert sentence in place.says("config", "check", code=2)
    assert sentence in place.says(kind, "validate", where, code=2)
    assert sentence in place.says(kind, "import", code=2)
    assert sentence in place.serve_says(caplog)
    found = place.says("doctor", "--offline", code=1)
    assert sentence in " ".join(found.replace("→", "").split())


def test_what_is_right_is_refused_by_none_of_them(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.says("config", "check", code=0)
    place.says("workflow", "validate", "workflows", code=0)
    place.says("survey", "validate", "surveys", code=0)
    place.says("survey", "import", code=0)
    place.says("workflow", "import", code=0)
    assert place.serve_says(caplog) == ""
    assert "configuration: " not in place.says("doctor", "--offline", code=0)


def by_what_is_said(slip: Slip) -> str:
    return f"{slip.path} {slip.says}"


@pytest.mark.parametrize("slip", SLIPS_OF_CONFIGURATIONS, ids=by_what_is_said)
def test_a_wrong_configuration(slip: Slip, place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write("ringback.yaml", slip)
    told_alike(place, slip, "workflow", "workflows", caplog)


@pytest.mark.parametrize("slip", SLIPS_OF_WORKFLOWS, ids=by_what_is_said)
def test_a_wrong_workflow(slip: Slip, place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write("workflows/win-back.yaml", slip)
    told_alike(place, slip, "workflow", "workflows", caplog)


@pytest.mark.parametrize("slip", SLIPS_OF_SURVEYS, ids=by_what_is_said)
def test_a_wrong_survey(slip: Slip, place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write("surveys/ours.yaml", slip)
    told_alike(place, slip, "survey", "surveys", caplog)


def test_who_has_no_configuration_beside_the_files_is_told_of_the_files_alone(place: Place) -> None:
    (place.folder / "ringback.yaml").unlink()
    place.write("workflows/win-back.yaml", SLIPS_OF_WORKFLOWS[0])
    assert "good (win-back)" in place.says("workflow", "validate", "workflows", code=0)
    assert "None is configured: write it below teams" in place.says("workflow", "import", "workflows", code=2)


def test_where_the_secrets_are_not_files_are_checked_by_themselves(place: Place) -> None:
    slip = Slip("another-secret-of-some-length", "${NOBODYS_SECRET}", "", "", "")
    place.write("ringback.yaml", slip)
    assert "Values of the environment are missing" in place.says("workflow", "validate", "workflows", code=0)
    assert "NOBODYS_SECRET is not set" in place.says("workflow", "import", code=2)


def test_a_fact_that_customers_have_is_no_slip_of_the_pen(place: Place) -> None:
    database = Database(Settings.from_environment().database_url, pool_size=1)
    with database.write() as tx:
        known = {"email": "one@acme.example", "facts": {"nmae": "J."}}
        tx.execute(insert(customers).values(id="one", created_at=NOW, updated_at=NOW, **known))
    database.close()
    place.write("workflows/win-back.yaml", Slip("customer.name", "customer.nmae", "", "", ""))
    place.says("workflow", "validate", "workflows", code=0)


def test_of_who_writes_the_body_only_slips_of_the_pen_are_refused(place: Place) -> None:
    shop = "connections:\n  shop: {kind: inbound, webhook_secret: whsec_aHVudGVyMmh1bnRlcjJodW50ZXIy}\n"
    place.write("ringback.yaml", Slip("connections:\n", shop, "", "", ""))
    place.write("workflows/win-back.yaml", Slip("event.score }}", "event.parcel_size }}", "", "", ""))
    place.says("workflow", "validate", "workflows", code=0)
    place.write("workflows/win-back.yaml", Slip("event.score }}", "event.scroe }}", "", "", ""))
    assert 'Did you mean "score"?' in place.says("workflow", "validate", "workflows", code=2)


def test_the_library_needs_nothing_that_init_does_not_bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["init", "--sandbox"]).exit_code == 0
    for name, value in values_in(Path("ringback.env").read_text("utf-8")).items():
        monkeypatch.setenv(name, value)  # and not into the environment of the tests that follow
    for words in (["workflow", "import", "--all"], ["config", "check"]):
        found = CliRunner().invoke(main, words)
        assert found.exit_code == 0, found.output


def test_the_library_needs_nothing_that_the_example_does_not_bring() -> None:
    names = re.findall(r"\$\{(\w+)\}", EXAMPLE.read_text("utf-8"))
    secrets = dict.fromkeys(names, "a-secret-of-some-length") | {"SHOP_WEBHOOK_SECRET": f"whsec_{'QUJD' * 8}"}
    config = load_config(EXAMPLE, environ=secrets)
    examiner = Examiner(config)
    for name, text in library_texts().items():
        examiner.workflow(text, name)
