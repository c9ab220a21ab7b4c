"""Values of parameters that nobody would obey are refused in the file, with the path, the value and what there is."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from workflows.errors import DefinitionError
from workflows.json_schema import json_schema
from workflows.parameters import flag, texts
from workflows.schema import load
from workflows.yaml_text import read

NEEDED = {
    "survey.send": "survey: after-support", "ticket.comment": "ticket: t, body: b", "ticket.update": "ticket: t",
    "callback.reopen": "ticket: t, body: b", "ticket.open": "connection: z, subject: s",
}  # fmt: skip


def written(action: str, parameter: str) -> str:
    step = f"{{id: s, do: {action}, with: {{{NEEDED[action]}, {parameter}}}}}"
    return f"workflow: w\ntrigger: {{event: a.b}}\nsteps: [{step}]\n"


@pytest.mark.parametrize(("action", "parameter", "said"), [
    ("survey.send", "channel: sms", 'steps[0].with.channel: No survey can be sent by "sms". There is email: write'),
    ("survey.send", "channel: [email, sms]", "steps[0].with.channel: No survey can be sent by"),
    ("survey.send", "channel: Email", "steps[0].with.channel: No survey can be sent by"),
    ("survey.send", "verify: no", 'steps[0].with.verify: "no" is neither true nor false. Write true or false.'),
    ("survey.send", "delay: tomorrow", 'steps[0].with.delay: "tomorrow" is no time span.'),
    ("survey.send", "delay: 3", 'steps[0].with.delay: "3" is no time span.'),
    ("survey.send", 'languages: "nl, en"', "steps[0].with.languages:"),
    ("survey.send", "context: lamp", 'steps[0].with.context: "lamp" is no mapping.'),
    ("ticket.comment", "public: no", 'steps[0].with.public: "no" is neither true nor false.'),
    ("ticket.update", "tags: vip", 'steps[0].with.tags: "vip" is no list of texts.'),
    ("ticket.update", "remove_tags: {vip: true}", "steps[0].with.remove_tags:"),
    ("ticket.update", 'custom_fields: "{{ event.fields }}"', "steps[0].with.custom_fields:"),
    ("ticket.open", "due: 4 business years", "steps[0].with.due:"),
    ("callback.reopen", "final: 1", 'steps[0].with.final: "1" is neither true nor false.'),
])
def test_a_value_that_nobody_would_obey_is_refused(action: str, parameter: str, said: str) -> None:
    text = written(action, parameter)
    with pytest.raises(DefinitionError) as error:
        load(text, "w")
    assert said in str(error.value)


@pytest.mark.parametrize(("action", "parameter"), [
    ("survey.send", "channel: sms"), ("survey.send", "verify: no"), ("survey.send", "delay: 3"),
    ("ticket.update", "tags: vip"), ("ticket.update", "custom_fields: x"),
])
def test_the_schema_for_editors_says_so_too(action: str, parameter: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read(written(action, parameter), "w"), json_schema())


@pytest.mark.parametrize(("action", "parameter"), [
    ("survey.send", "channel: email"), ("survey.send", 'channel: "{{ event.channel }}"'),
    ("survey.send", "channel: null"),
    ("survey.send", "languages: nl"), ("survey.send", "languages: [nl, nl-BE]"), ("survey.send", 'delay: ""'),
    ("survey.send", 'verify: "{{ event.new }}"'), ("ticket.update", 'tags: ["{{ event.band }}", 7]'),
    ("ticket.open", 'due: "{{ event.hours }} business hours"'), ("ticket.update", "custom_fields: {a: 1}"),
])
def test_what_can_be_obeyed_or_is_only_known_later_is_taken(action: str, parameter: str) -> None:
    text = written(action, parameter)
    assert load(text, "w").steps
    jsonschema.validate(read(text, "w"), json_schema())


@pytest.mark.parametrize(("told", "meant"), [
    (True, True), ("true", True), (" true ", True), ("false", False), ("no", False), ("yes", False), (1, False),
    (None, False), ("", False),
])
def test_only_a_plain_yes_is_one(told: Any, meant: bool) -> None:
    assert flag(told) is meant


@pytest.mark.parametrize(("told", "meant"), [("vip", ["vip"]), (["vip", 7, " "], ["vip", "7"]), (None, []), ("", [])])
def test_one_text_is_not_its_letters(told: Any, meant: list[str]) -> None:
    assert texts(told) == meant
