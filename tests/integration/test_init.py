"""``ringback init``: a whole installation from a few answers, and nothing that was there is lost."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli.common import environment_file
from connector.cli.common.environment_file import assignment, take_in, values_in
from connector.cli.init.library_choice import choose
from connector.cli.main import main
from workflows.library import library_texts

OPTIONS = {
    "title": "Acme", "zendesk": "https://acme.zendesk.com", "salesforce": "https://acme.my.salesforce.com",
    "mail": "smtp://localhost:1025", "sender": "Acme <feedback@acme.example>", "team": "care@acme.example",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ringback(*words: str, **env: str) -> Result:
    """A command; what it takes in from ringback.env is gone after it."""
    before = dict(os.environ)
    try:
        return CliRunner(env=env).invoke(main, words)
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]


def init(*words: str, **options: str) -> Result:
    given = [word for name, value in {**OPTIONS, **options}.items() for word in (f"--{name.replace('_', '-')}", value)]
    return ringback("init", *given, *words)


def checked(**env: str) -> Any:
    result = ringback("config", "check", "--json", **env)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


FILLED = {
    "ZENDESK_CLIENT_ID": "id", "ZENDESK_CLIENT_SECRET": "s", "SALESFORCE_CLIENT_ID": "id",
    "SALESFORCE_CLIENT_SECRET": "s", "SALESFORCE_ORGANIZATION_ID": "00D000000000001",
}  # fmt: skip


def _in_the_file(name: str) -> int:
    return Path("ringback.env").read_text().index(f"{name}=")


def test_what_is_written_passes_the_check_once_the_vendors_secrets_are_filled_in() -> None:
    result = init()
    assert result.exit_code == 0, result.output
    assert f"fill in in ringback.env: {', '.join(sorted(FILLED, key=_in_the_file))}" in result.output
    assert ringback("config", "check").exit_code != 0
    found = checked(**FILLED)
    assert found["connections"] == {"zendesk": "zendesk", "salesforce": "salesforce", "shop": "inbound", "mail": "smtp"}
    assert sorted(found["workflows"]) == sorted(each.stem for each in Path("workflows").iterdir())
    assert set(found["surveys"]) >= {"after-support", "retention"}


def test_for_the_stand_ins_nothing_is_asked_and_nothing_is_left_to_fill_in() -> None:
    result = ringback("init", "--sandbox")
    assert (result.exit_code, "fill in" in result.output) == (0, False)
    assert checked()["base_url"] == "http://127.0.0.1:8000"
    assert "delay: 10 seconds" in Path("workflows/after-support.yaml").read_text()


def test_secrets_are_in_a_file_of_their_own_that_only_its_owner_may_read() -> None:
    init(mail="smtp://me:hunter2@mail.acme.example:587")
    assert stat.S_IMODE(Path("ringback.env").stat().st_mode) == 0o600
    made = values_in(Path("ringback.env").read_text())
    assert made["MAIL_URL"] == "smtp://me:hunter2@mail.acme.example:587"
    assert len(made["RINGBACK_SECRET_KEY"]) >= 32
    settings = Path("ringback.yaml").read_text()
    assert not any(value in settings for name, value in made.items() if value and name != "RINGBACK_BASE_URL")


def test_two_installations_have_secrets_of_their_own() -> None:
    init("--folder", "one")
    init("--folder", "two")
    one, two = (values_in(Path(f"{name}/ringback.env").read_text()) for name in ("one", "two"))
    for name in ("RINGBACK_SECRET_KEY", "SHOP_WEBHOOK_SECRET", "SALESFORCE_WEBHOOK_TOKEN"):
        assert one[name] != two[name]


@pytest.mark.parametrize("there", ["ringback.yaml", "ringback.env", "workflows/after-support.yaml"])
def test_nothing_that_is_there_is_overwritten(there: str) -> None:
    Path(there).parent.mkdir(exist_ok=True)
    Path(there).write_text("mine")
    Path(there).chmod(0o600)
    result = init()
    assert (result.exit_code, f"{there}: there already" in result.output) == (2, True)
    assert Path(there).read_text() == "mine"
    assert [str(each) for each in Path().rglob("*") if each.is_file()] == [there]


@pytest.mark.parametrize(("option", "value", "said"), [
    ("team", "nobody", "teams.care-team.email[0]"), ("time_zone", "Mars/Olympus", "calendar.timezone"),
    ("country", "XX", "country"), ("zendesk", "acme", "base_url"), ("mail", "mailto:x", "mail"),
    ("sender", "Acme", "sender"), ("base_url", "ftp://x", "RINGBACK_BASE_URL"), ("mail", "smtp://u:p'@h", "MAIL_URL"),
])
def test_what_does_not_fit_is_named_and_nothing_is_written(option: str, value: str, said: str) -> None:
    result = init(**{option: value})
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("title", ['A "b" c', "${HOME}", "x: y # z", "Ünïcode", "'"])
def test_whatever_the_organisation_is_called_stays_its_name(title: str) -> None:
    assert init(title=title).exit_code == 0
    checked(**FILLED)
    preview = ringback("workflow", "list", "--library")
    assert preview.exit_code == 0


def test_who_cannot_be_asked_hears_what_is_missing() -> None:
    result = ringback("init", "--title", "Acme")
    assert (result.exit_code, "nobody is here to be asked: --sender, --team" in result.output) == (2, True)


@pytest.mark.parametrize("connected", [frozenset(), {"zendesk"}, {"salesforce"}, {"zendesk", "salesforce"}])
def test_no_workflow_names_a_system_that_is_not_connected(connected: frozenset[str]) -> None:
    texts = choose(frozenset(connected)).workflows.values()
    for name in {"zendesk", "salesforce"} - connected:
        assert not any(f"connection: {name}" in text for text in texts)


def test_an_unknown_workflow_is_refused_with_those_that_there_are() -> None:
    result = init("--workflow", "nope")
    assert (result.exit_code, "no built-in workflow 'nope'" in result.output) == (2, True)


# ringback.env


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    environment_file.write_private(tmp_path / "ringback.env", "A=file\nB=file\nC=\n")
    environ = {"A": "mine", "B": ""}
    take_in(environ)
    assert environ == {"A": "mine", "B": "file"}


def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    init()
    (tmp_path / "ringback.env").chmod(0o640)
    assert "Run: chmod 600 ringback.env" in ringback("runs").output


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    environment_file.write_private(tmp_path / "ringback.env", "")
    (tmp_path / "ringback.env").write_bytes(b"A=\xff\n")
    assert "ringback.env is no text in UTF-8" in ringback("runs").output


@pytest.mark.parametrize("value", ["", "plain", "a b", "a#b", "$HOME", "${X}", '"', "é", "a\\nb", "a=b", " x "])
def test_a_value_comes_back_as_it_was_written(value: str) -> None:
    assert values_in(assignment("NAME", value)) == {"NAME": value}


@pytest.mark.parametrize("value", ["it's", "two\nlines", "\x00"])
def test_a_value_that_no_line_holds_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="NAME holds"):
        assignment("NAME", value)


# workflow import


def test_several_built_in_workflows_are_copied_at_once_or_none_of_them() -> None:
    ringback("init", "--sandbox")
    more = ("proactive-recovery", "loop-in-salesforce")
    wanted = [word for name in more for word in ("--library", name)]
    assert "There is no built-in workflow 'x'" in ringback("workflow", "import", *wanted, "--library", "x").output
    assert not any(Path(f"workflows/{name}.yaml").exists() for name in more)
    result = ringback("workflow", "import", *wanted)
    assert result.exit_code == 0, result.output
    assert all(Path(f"workflows/{name}.yaml").exists() for name in more)


def test_all_are_copied_but_those_that_are_there() -> None:
    ringback("init", "--sandbox")
    Path("workflows/after-support.yaml").write_text("workflow: after-support\n# mine\n")
    assert ringback("workflow", "import", "--all").exit_code == 0
    assert {each.name for each in Path("workflows").iterdir()} == set(library_texts())
    assert Path("workflows/after-support.yaml").read_text().endswith("# mine\n")
