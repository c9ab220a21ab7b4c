"""Whole numbers, however they are written: one test for the rule, one for each place that reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from connector.config.file import ConfigError, read_config
from connector.feedback.surveys.answers import check_answer
from connector.feedback.surveys.files import built_in, parse
from connector.feedback.surveys.model import Question, QuestionType
from connector.web.api.schemas import DeliveryQuerySchema
from connector.web.api.schemas_agent import LogFeedbackSchema, LookUpSchema
from integrations.salesforce.options import SalesforceOptions
from tests.unit.test_signatures import NOW
from webhooks.delivery import Account, Delivery, Translation
from webhooks.parsing import identity
from webhooks.salesforce.records import RecordNotification
from webhooks.salesforce.rules import meaning
from webhooks.salesforce.source import SalesforceSource
from workflows.definitions import Do, Retry
from workflows.errors import DefinitionError
from workflows.schema import load
from workflows.scoring import SCALES
from workflows.whole import whole

TRIES = """workflow: w
trigger: {{event: a.b}}
steps: [{{id: s, do: alert.send, with: {{to: t, text: x}}, retry: {{attempts: {}}}}}]
"""
CLICK = {"key": "0123456789", "agent": {"name": "Bo"}, "ticket_id": "7", "comment": "Kind"}


@pytest.mark.parametrize(("written", "read"), [
    ("9", 9), ("9.0", 9), ("1e1", 10), ("1E+1", 10), ("-0.0", 0), ("90e-1", 9), ("9007199254740992.0", 2**53),
    ("9.5", None), ("1e300", None), ("true", None), ("null", None), ('"9"', None), ("[9]", None), ("NaN", None),
    ("Infinity", None),
])
def test_a_number_without_a_fraction_is_whole_however_it_is_written(written: str, read: int | None) -> None:
    assert whole(json.loads(written)) == read


@pytest.mark.parametrize(("written", "read"), [
    (8055, "8055"), (8055.0, "8055"), ("8055", "8055"), (0.0, None), (1.5, None), (1e300, None), (True, None),
])
def test_an_id_that_a_flow_writes_as_a_double_is_that_id(written: Any, read: str | None) -> None:
    assert identity(written) == read


@pytest.mark.parametrize(("schema", "given", "name"), [
    (LookUpSchema(), {}, "limit"), (LogFeedbackSchema(), CLICK, "score"),
], ids=["look up", "feedback"])
def test_a_body_of_the_api_may_write_a_whole_number_as_a_double(
    schema: Schema, given: dict[str, Any], name: str
) -> None:
    assert schema.load({**given, name: 9.0})[name] == 9
    for wrong in (9.5, True, float("inf"), "nine"):
        with pytest.raises(ValidationError) as error:
            schema.load({**given, name: wrong})
        assert list(error.value.messages_dict) == [name]


def test_a_query_holds_its_numbers_as_text_in_plain_digits() -> None:
    assert DeliveryQuerySchema().load({"limit": "20"})["limit"] == 20
    for wrong in ("20.7", "2_0", "٢٠", " ", "-", "9" * 30):
        with pytest.raises(ValidationError):
            DeliveryQuerySchema().load({"limit": wrong})


@pytest.mark.parametrize("wanted", [9, 9.0, "9"])
@pytest.mark.parametrize("found", [9, 9.0, "9"])
def test_a_rule_of_salesforce_meets_a_number_however_both_are_written(found: Any, wanted: Any) -> None:
    events = {"Visit__c": {"type": "visit.rated", "when": {"Score__c": wanted}}}
    rules, why = meaning(RecordNotification("t", "Visit__c", {"Score__c": found}), events)
    assert [rule.type for rule in rules] == ["visit.rated"], why


RATINGS = {"Rating__c": {"type": "survey.answered", "fields": {
    "score": "Score__c", "survey": "Survey__c", "metric": "Metric__c", "contact_consent": "Consent__c"}}}


def rating(**fields: Any) -> Translation:
    """What a record of the org that holds an answer means, by the connection's own rule."""
    record = {"Id": "a00000000000001AAA", "Survey__c": "visit", "Metric__c": "nps", "ContactId": "003000000000001AAA"}
    body = json.dumps({"object": "Rating__c", "record": {**record, **fields}}).encode()
    account = Account("crm", "salesforce", options={"events": RATINGS})
    return SalesforceSource().translate(Delivery("crm", "k", NOW, "application/json", {}, body), account)


def test_an_answer_that_an_org_keeps_is_read_like_any_other() -> None:
    [event] = rating(Score__c=9.0).events
    assert (event.data["score"], type(event.data["score"]), event.data["band"]) == (9, int, "promoter")
    assert (event.data["response_id"], event.data["record"]["Score__c"]) == ("a00000000000001AAA", 9.0)
    assert rating(Score__c=9.5) == Translation((), "", ("record 1: data.score is no whole number; send one",))


def test_an_answer_to_our_own_survey_may_come_as_a_double() -> None:
    question = Question(id="recommend", type=QuestionType.NPS, text={"en": "?"}, scale=SCALES["nps"])
    assert check_answer(question, 9.0) == check_answer(question, "9") == 9


def test_yaml_that_others_wrote_may_hold_whole_doubles() -> None:
    [step] = load(TRIES.format("3.0"), "w").steps
    assert isinstance(step, Do)
    assert step.retry == Retry(attempts=3)
    written, changes = re.subn(r"fatigue_days: \d+", "fatigue_days: 30.0", built_in()["after-support"])
    assert (changes, parse(written, "s").fatigue_days) == (1, 30)
    assert read_config("fatigue_days: 60.0", Path("ringback.yaml"), {}).fatigue_days == 60
    assert SalesforceOptions(only=["bulk_above"]).load({"bulk_above": 2000.0}) == {"bulk_above": 2000}


def test_a_broken_number_is_refused_where_it_was_cut_to_a_whole_one() -> None:
    with pytest.raises(ValidationError):
        SalesforceOptions(only=["bulk_above"]).load({"bulk_above": 2000.5})
    with pytest.raises(ConfigError, match=r"fatigue_days: 60.5 is no whole number\."):
        read_config("fatigue_days: 60.5", Path("ringback.yaml"), {})
    with pytest.raises(DefinitionError, match="must be a whole number"):
        load(TRIES.format("3.5"), "w")
