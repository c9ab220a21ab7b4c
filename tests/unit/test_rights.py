"""Roles, scopes and reach; and what is left of personal data for those who may not see it."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, fields

from connector.access import masking, rights
from connector.access.audit import object_of
from connector.access.masked_fields import PERSONAL, without_personal
from connector.access.rights import ROLES, SCOPES, TOKEN_SCOPES, Reach, may, viewer
from connector.config.sign_in.rules import ROLE_NAMES
from connector.web.api.blueprint import OPERATIONS


def of(role: str, **more: Any) -> rights.Viewer:
    return viewer("u1", "Ada", "ada@bank.example", role, **more)


def test_an_admin_may_everything_and_a_viewer_changes_nothing() -> None:
    assert all(may(of("admin"), scope) for scope in SCOPES)
    assert [scope for scope in SCOPES if may(of("viewer"), scope) and scope.endswith(":write")] == []


def test_only_an_admin_has_to_do_with_users_tokens_audit_and_the_system() -> None:
    only = {scope for scope in SCOPES if scope.partition(":")[0] in {"users", "tokens", "audit", "system"}}
    for role in set(ROLES) - {"admin"}:
        assert not only & of(role).scopes, role


def test_whoever_may_change_something_may_see_it() -> None:
    for role in ROLES:
        writes = {scope for scope in of(role).scopes if scope.endswith(":write")}
        assert {scope.replace(":write", ":read") for scope in writes} <= of(role).scopes, role


def test_every_role_has_a_home_and_one_that_is_no_more_has_nothing() -> None:
    assert all(may(of(role), rights.HOME) for role in ROLES)
    assert of("wizard").scopes == frozenset()


def test_a_scope_that_nobody_knows_is_a_mistake_of_ours_and_not_a_refusal() -> None:
    with pytest.raises(ValueError, match="runs:raed"):
        may(of("admin"), "runs:raed")


def test_every_operation_of_the_api_asks_for_a_scope_that_tokens_can_have_and_the_other_way_round() -> None:
    assert {operation.scope for operation in OPERATIONS} == set(TOKEN_SCOPES) - {rights.PERSONAL, "customers:write"}


def test_a_reach_cuts_the_rows_of_all_but_admins() -> None:
    narrow = {"teams": ["care"], "brands": ["acme"]}
    lead, admin = of("lead", **narrow).reach, of("admin", **narrow).reach
    assert (lead.has_team("care"), lead.has_team("sales"), lead.has_team("")) == (True, False, False)
    assert (lead.has_brand("acme"), lead.has_brand("other"), lead.has_brand("")) == (True, False, True)
    assert admin == Reach()
    assert all((admin.has_team("sales"), admin.has_team(""), admin.has_brand("other")))


def test_a_reach_of_no_team_sees_no_row_of_a_team() -> None:
    assert not of("agent", teams=[]).reach.has_team("care")


def test_personal_data_is_a_right_that_can_be_taken_from_one_person() -> None:
    assert masking.shown(of("agent"), "Ann de Vries") == "Ann de Vries"
    assert masking.shown(of("agent", personal=False), "Ann de Vries") == masking.HIDDEN
    assert masking.shown(of("viewer"), "ann@example.com") == masking.HIDDEN


def test_a_mask_keeps_the_kind_of_a_value_and_that_there_is_none() -> None:
    values: list[Any] = ["Ann", "", None, {"email": "a@b.c"}, {}, ["x"], [], 31612345678, True]
    assert [masking.hidden(value) for value in values] == ["•••", "", None, {}, {}, [], [], "•••", "•••"]


class _PersonSchema(Schema):
    name = fields.String(metadata=PERSONAL)
    id = fields.String()


class _AllSchema(Schema):
    people = fields.List(fields.Nested(_PersonSchema))
    one = fields.Nested(_PersonSchema, allow_none=True, data_key="first")
    words = fields.List(fields.String(), metadata=PERSONAL)


def test_fields_of_a_schema_are_emptied_at_every_depth() -> None:
    whole = {"people": [{"name": "Ann", "id": "1"}], "first": None, "words": ["hello"]}
    assert without_personal(_AllSchema(), whole) == {"people": [{"name": "•••", "id": "1"}], "first": None, "words": []}


def test_the_configuration_knows_the_same_roles() -> None:
    assert tuple(ROLES) == ROLE_NAMES


@pytest.mark.parametrize(
    ("rule", "about"),
    [
        ("/runs/<run_id>/cancel", ("run", "7")),
        ("/connections/<name>/pause", ("connection", "zendesk")),
        ("/customers/review/<case_id>", ("review", "")),
        ("/runs/bulk", ("", "")),
    ],
)
def test_an_address_says_what_it_is_about(rule: str, about: tuple[str, str]) -> None:
    assert object_of(rule, {"run_id": "7", "name": "zendesk"}) == about
