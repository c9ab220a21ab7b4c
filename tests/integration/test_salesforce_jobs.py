"""Jobs of many rows at Salesforce: what is in a cell stays there, and a job that fails says why, once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from connector.storage.schema import tables
from integrations.protocols import CrmRow
from integrations.salesforce.writeback.bulk import _csv, _fitting, _read
from sandbox.clock import HandClock
from sandbox.faults import Fault
from sandbox.world import World
from tests.integration.test_whole_writeback import WHOLE, whole
from tests.oracles import field_path
from tests.support.house import Harness, a_house, answer

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HARD = [
    "line 1\rline 2", "line 1\nline 2", "line 1\r\nline 2", "\r", "\n", 'he said "no"', '"', '""', "a, b; c\td", ",",
    "  spaces around  ", "\u2028between\u2029", "\x85\x0b\x0c\x1c", "\ufeffmark", "null\0byte", "'", "\\", "=1+1",
    "#N/A!", "plain", "Zoë 🙂",
]  # fmt: skip


@pytest.fixture
def home(database_url: str) -> Iterator[Harness]:
    """A house where every write but one of a single row is a job."""
    clock = HandClock()
    with World(clock=clock) as world:
        world.salesforce.install_package()
        config = whole(world, "    bulk_above: 1\n")
        with a_house(database_url, world, {"score": WHOLE}, clock=clock, config=config) as home:
            yield home


def answers(home: Harness, comments: list[str]) -> None:
    for number, comment in enumerate(comments):
        home.world.salesforce.add_contact("Jansen", f"b{number}@example.com")
        home.deliver(answer(9, email=f"b{number}@example.com", response_id=f"b-{number}", comment=comment))


def wait(home: Harness, minutes: int) -> None:
    home.settle()
    for _ in range(minutes):
        home.wait(minutes=1)


def rows(*comments: str | None) -> list[CrmRow]:
    return [CrmRow("Contact", f"00300000000000{n}", {"NPS_Comment__c": each}) for n, each in enumerate(comments)]


@pytest.mark.parametrize("text", HARD)
def test_a_reader_of_tables_finds_each_text_in_one_cell(text: str) -> None:
    table = _csv(rows(text, "fine"))
    [head, hard, fine] = list(csv.reader(io.StringIO(table, newline="")))
    assert head == ["Id", "NPS_Comment__c"]
    assert fine == ["003000000000001", "fine"]
    assert hard[0] == "003000000000000"
    assert hard[1].strip("'\" ") == text.replace("\0", "").replace("\ufeff", "").strip("'\" ")
    assert "\r" not in table.replace(f'"{text}"', "")


@pytest.mark.parametrize("text", ["#N/A", "#n/a", " #N/A "])
def test_a_text_that_is_the_sign_for_nothing_does_not_empty_the_field(text: str) -> None:
    [_, told, nothing] = list(csv.reader(io.StringIO(_csv(rows(text, None)))))
    assert told[1] == f'"{text}"'
    assert nothing[1] == "#N/A"


def test_a_result_that_cannot_be_read_costs_only_itself() -> None:
    table = 'sf__Id,sf__Error,Id\n,STRING_TOO_LONG:x:A --,1\nshort,line\n,"a\rb",2\n,x,3,too,many\n,,\n,y\0z,4\n'
    assert [line["Id"] for line in _read(table, "Id")] == ["1", "2", "4"]
    assert list(_read("", "Id")) == list(_read("sf__Id\nx\n", "Id")) == []


def test_a_lone_surrogate_costs_its_character_and_not_the_job() -> None:
    lone = rows("odd \ud800 text", "fine")
    assert len(_fitting(lone)) == 2
    assert b"odd ? text" in _csv(lone).encode("utf-8", "replace")


@on_sqlite
def test_every_text_arrives_as_it_was_and_its_neighbours_too(home: Harness) -> None:
    comments = ["regel 1\rregel 2", "#N/A", 'he said "no", twice\r\n', "fine"]
    answers(home, comments)
    wait(home, 6)
    seen = [str(each["NPS_Comment__c"]) for each in home.world.salesforce.contacts]
    assert seen == ["regel 1\rregel 2", '"#N/A"', 'he said "no", twice\r\n', "fine"]


@on_sqlite
def test_the_lone_carriage_return_that_people_met_arrives(home: Harness) -> None:
    told = json.loads(field_path("bulk-comment-with-a-lone-carriage-return.json").read_text())["inputs"]
    answers(home, [each["data"]["comment"] for each in told])
    wait(home, 6)
    assert [each["NPS_Comment__c"] for each in home.world.salesforce.contacts] == ["regel 1\rregel 2", "fine"]


@on_sqlite
def test_a_job_that_fails_for_a_field_says_so_once_and_for_good(home: Harness) -> None:
    for kind in ("Contact", "Ringback_Response__c"):
        home.world.salesforce.org.records.sobject(kind).fields.pop("nps_comment__c", None)
    answers(home, ["one", "two"])
    wait(home, 30)
    jobs = [job.told["object"] for job in home.world.salesforce.bulk.all.values()]
    assert jobs.count("Contact") == 1
    assert home.rows(tables.crm_jobs) == []
    reasons = {str(row.error) for row in home.rows(tables.effects)}
    assert all("InvalidBatch (fields: NPS_Comment__c); the field does not exist" in each for each in reasons)
    assert {row.status for row in home.rows(tables.effects)} == {"failed"}


def failed(message: str, state: str = "Failed") -> Fault:
    body: dict[str, Any] = {"id": "750000000000001AAA", "state": state, "object": "Contact", "errorMessage": message}
    return Fault(r"/jobs/ingest/\w+$", method="GET", status=200, body=body, times=9999)


def nothing() -> Fault:
    place = "/(successfulResults|failedResults|unprocessedrecords)$"
    return Fault(place, status=200, headers={"Content-Type": "text/csv"}, times=9999)


@on_sqlite
@pytest.mark.parametrize("fault", [failed("", "JobComplete"), failed("TooManyLockFailure : Too many lock failure(s)")])
def test_a_job_that_tells_of_no_record_is_tried_again_and_comes_to_its_end(home: Harness, fault: Fault) -> None:
    home.world.salesforce.faults.add(fault)
    home.world.salesforce.faults.add(nothing())
    answers(home, ["one", "two"])
    wait(home, 200)
    assert {row.status for row in home.rows(tables.effects)} <= {"failed", "done"}  # a row that is left alone is a call
    assert 1 < len(home.world.salesforce.bulk.all) < 20
    assert home.rows(tables.crm_jobs) == []
