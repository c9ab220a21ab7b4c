"""What Zendesk tells back of a thing, compared with what it was sent: the same, however it is told; and a change, if it
is one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integrations.zendesk import mapping
from integrations.zendesk.setup.blueprint import (
    MACRO,
    TRIGGER,
    VIEW,
    WEBHOOK,
    AccountNames,
    Wanted,
    blueprint,
    resolved,
)
from integrations.zendesk.setup.drift import drift

ENDPOINT = "https://feedback.acme.example/webhooks/zendesk"
ALL = [
    each for by_trigger in (False, True)
    for each in blueprint(AccountNames("nl", ENDPOINT, mapping.DEFAULT_FIELDS, by_trigger=by_trigger))
]  # fmt: skip
IDS = {each.place: str(number) for number, each in enumerate(ALL, 360000001000)}


def sent(wanted: Wanted) -> dict[str, Any]:
    return dict(resolved(wanted.body, IDS))


def told(wanted: Wanted) -> dict[str, Any]:
    """As Zendesk's reference shows a record that was made with this body."""
    body = copy.deepcopy(sent(wanted))
    shown = {"id": 1, "raw_title": body.get("title"), "raw_description": body.get("description"), **body}
    if wanted.kind == VIEW:
        output = body.pop("output")
        columns = [{"id": "subject" if each == "description" else each, "title": "T"} for each in output["columns"]]
        sort = {"id": output["sort_by"], "order": output["sort_order"], "title": "T"}
        conditions = {"all": body.pop("all"), "any": body.pop("any")}
        shown = {**body, "id": 1, "conditions": conditions, "execution": {"columns": columns, "sort": sort}}
    return shown


def kinds(*which: str) -> list[Wanted]:
    return [each for each in ALL if each.kind in which]


def name(value: object) -> str:
    return "-".join(value.place) if isinstance(value, Wanted) else ""


@pytest.mark.parametrize("wanted", ALL, ids=name)
def test_what_is_told_as_the_reference_shows_it_is_as_it_was_sent(wanted: Wanted) -> None:
    assert drift(wanted.kind, told(wanted), sent(wanted), ours=True).says == ()


def _texts(value: Any) -> Any:
    """Numbers and truths as texts."""
    if isinstance(value, dict):
        return {key: _texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return json.dumps(value) if isinstance(value, bool | int) else value


def _conditions(shown: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    yield from shown.get("conditions", {}).values()


def _reordered(shown: dict[str, Any]) -> None:
    for each in _conditions(shown):
        each.reverse()


def _with_empty_values(shown: dict[str, Any]) -> None:
    for each in _conditions(shown):
        for condition in each:
            condition.setdefault("value", "")


def _as_texts(shown: dict[str, Any]) -> None:
    shown.update({key: _texts(shown[key]) for key in ("conditions", "actions", "execution") if key in shown})


def _html_in_its_own_way(shown: dict[str, Any]) -> None:
    for action in shown.get("actions", ()):
        if action["field"] == "comment_value_html":
            action["value"] = ["channel:all", action["value"].replace("&quot;", '"').replace("<li>", "\n<li>")]


def _slashes(shown: dict[str, Any]) -> None:
    events = [each.replace("event-type:user.", "event-type/user.") for each in shown.get("subscriptions", ())]
    shown["subscriptions"] = sorted(events)


@pytest.mark.parametrize("otherwise", [_reordered, _with_empty_values, _as_texts, _html_in_its_own_way, _slashes])
@pytest.mark.parametrize("wanted", kinds(VIEW, MACRO, TRIGGER, WEBHOOK), ids=name)
def test_what_is_told_otherwise_and_means_the_same_is_no_difference(
    wanted: Wanted, otherwise: Callable[[dict[str, Any]], None]
) -> None:
    shown = told(wanted)
    otherwise(shown)
    assert drift(wanted.kind, shown, sent(wanted), ours=True).says == ()


@pytest.mark.parametrize("wanted", kinds(VIEW), ids=name)
@pytest.mark.parametrize("place", [0, -1])
def test_a_column_that_is_gone_or_moved_is_a_difference(wanted: Wanted, place: int) -> None:
    shown = told(wanted)
    del shown["execution"]["columns"][place]
    assert drift(VIEW, shown, sent(wanted), ours=True).says == ("its columns or their order differ",)
    moved = told(wanted)
    moved["execution"]["columns"].reverse()
    assert drift(VIEW, moved, sent(wanted), ours=True).says


@pytest.mark.parametrize("wanted", kinds(MACRO), ids=name)
def test_words_that_an_agent_would_read_otherwise_are_a_difference(wanted: Wanted) -> None:
    shown = told(wanted)
    for action in shown["actions"]:
        action["value"] = action["value"].replace("<p>", "<p>Not ")
    assert drift(MACRO, shown, sent(wanted), ours=True).says == ("what it does differs",)


def test_a_subscription_that_is_gone_is_named() -> None:
    [webhook] = [each for each in kinds(WEBHOOK) if each.key == "events"]
    shown = told(webhook)
    shown["subscriptions"].remove("zen:event-type:user.merged")
    assert drift(WEBHOOK, shown, sent(webhook), ours=True).says == ("not subscribed to user.merged",)
