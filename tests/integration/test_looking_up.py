"""Commands for who looks something up: customers, answers with their figures, and what a survey asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.feedback.customers import directory
from connector.feedback.responses.figures import figures, listed, narrowed
from tests.support.house import Harness, a_home, answer

ANN = {"email": "ann@example.com", "name": "Ann Jansen", "phone": "+31 6 12345678", "zendesk_user_id": "4711"}
NOTHING = "trigger: {event: ticket.spam}\nsteps: [{id: end, stop: nothing}]\n"
BEN = {"email": "ben@example.com", "name": "Ben de Wit"}


@pytest.fixture
def home(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Harness]:
    """Two customers with four answers; the commands work on its database."""
    monkeypatch.setenv("RINGBACK_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    with a_home(database_url, it=NOTHING) as home:
        for score, who in ((3, ANN), (9, BEN), (10, BEN), (7, ANN)):
            home.deliver(answer(score, customer=who, contact_consent=False))
            home.settle()
            home.wait(minutes=1)
        yield home


def said(*words: str, code: int = 0) -> str:
    found = CliRunner().invoke(main, words)
    assert found.exit_code == code, found.output
    return found.output


def test_somebody_is_found_by_what_is_known_of_them(home: Harness) -> None:
    for text in ("ann@example.com", "Jansen", "ann jan", "06 1234 5678", "zendesk:4711", "4711"):
        [found] = json.loads(said("customers", "find", text, "--json"))
        assert (found["name"], found["answers"], found["ids"]) == ("Ann Jansen", 2, {"zendesk": "4711"}), text


def test_who_is_unknown_and_who_is_several_is_said(home: Harness) -> None:
    assert "Nobody was found" in said("customers", "find", "nobody@example.com")
    assert "Nobody is known as 'nobody'" in said("customers", "show", "nobody", code=2)
    assert "Several are known as 'n'" in said("customers", "show", "n", code=2)
    with home.house.database.read() as tx:
        assert len(directory.find(tx, "e")) == 2
        assert directory.find(tx, "%") == []


def test_a_customer_is_shown_with_answers_and_what_happened(home: Harness) -> None:
    told = said("customers", "show", "ann@example.com")
    for part in ("Ann Jansen", "zendesk:4711", "may be asked", "Waited a week.", "detractor", "passive"):
        assert part in told
    picture = json.loads(said("customers", "show", "ann@example.com", "--json"))
    assert [each["score"] for each in picture["answers"]] == [7, 3]
    assert picture["timeline"][0]["kind"]


def test_answers_are_listed_with_n_score_and_interval(home: Harness) -> None:
    told = said("responses", "list")
    assert "nps" in told
    assert "+25" in told  # 2 of 4 are promoters, 1 is a detractor
    with home.house.database.read() as tx:
        [figure] = figures(tx, narrowed())
        assert (figure.n, figure.promoters, figure.passives, figure.detractors, figure.score) == (4, 2, 1, 1, 25)
        assert figure.interval is not None
        assert -100 < figure.interval.low < 25 < figure.interval.high < 100
        assert [each.score for each in listed(tx, narrowed(), 2)] == [7, 10]
        assert figures(tx, narrowed(metric="csat")) == []


def test_the_figures_are_of_all_answers_and_not_of_the_page(home: Harness) -> None:
    found = json.loads(said("responses", "list", "--limit", "1", "--json"))
    assert (found["figures"][0]["n"], len(found["items"])) == (4, 1)


def test_a_survey_is_shown_and_previewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = said("survey", "show", "retention", "--language", "nl")
    assert "Hoe tevreden bent u met de oplossing?" in told
    assert 'band != ""' in told
    assert "It is in en, nl" in said("survey", "show", "retention", "--language", "fr", code=2)
    assert "Did you mean" in said("survey", "show", "retentoin", code=2)
    assert "Wrote" in said("survey", "preview", "retention", "--out", "seen")
    assert "en/page.html" in (tmp_path / "seen/index.html").read_text("utf-8")
