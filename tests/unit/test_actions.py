"""The catalogues of actions and events hold together."""

from __future__ import annotations

import pytest

from workflows.actions import ACTIONS, ActionSpec, EffectClass
from workflows.events import EVENT_TYPES, EventType

every_action = pytest.mark.parametrize("spec", ACTIONS.values(), ids=ACTIONS)
every_event = pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=EVENT_TYPES)


@every_action
def test_an_action_asks_for_no_parameter_twice(spec: ActionSpec) -> None:
    assert len(set(spec.params)) == len(spec.params)


@every_action
def test_a_blind_action_always_has_a_delivery_rule(spec: ActionSpec) -> None:
    assert (spec.effect is EffectClass.BLIND) == (spec.delivery is not None)


@every_action
def test_an_action_leaves_nothing_under_a_name_that_the_engine_uses(spec: ActionSpec) -> None:
    assert not {"done", "skipped", "timed_out", "failed"} & set(spec.outputs)


@every_event
def test_an_event_is_about_one_of_its_fields_or_the_customer(event: EventType) -> None:
    assert event.subject in {*event.fields, "customer"}
