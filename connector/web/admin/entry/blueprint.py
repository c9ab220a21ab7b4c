"""The routes before the frame: sign-in, codes, newcomers, the provider."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy.exc import OperationalError

from connector.services import Services
from connector.web.admin import rendering as frame
from connector.web.admin.entry import rendering
from connector.web.admin.entry.doors import Doors
from connector.web.admin.entry.gate import SessionGate
from connector.web.admin.entry.letters import Letters
from connector.web.admin.entry.newcomers import Newcomers
from connector.web.admin.entry.provider import ProviderDoors

_LARGEST = 1024 * 1024
"""Bytes: what is carried through a sign-in, as a form writes it."""


def blueprint(services: Services, gate: SessionGate, letters: Letters) -> Blueprint:
    """Below ``/admin``; open to everybody, and closed while there is no admin."""
    doors, newcomers = Doors(services, gate), Newcomers(services, gate, letters)
    routes = Blueprint("entry", __name__, url_prefix="/admin", template_folder="../../templates")
    for rule, name, show, take in _routes(doors, newcomers):
        routes.add_url_rule(rule, name, show, methods=["GET"])
        routes.add_url_rule(rule, f"{name}_sent", take, methods=["POST"])
    provider = ProviderDoors(services, gate)
    routes.add_url_rule("/oidc/start", "to_provider", provider.there, methods=["GET"])
    routes.add_url_rule("/oidc/back", "from_provider", provider.back, methods=["GET"])
    routes.add_url_rule("/oidc/ended", "ended_at_provider", provider.ended, methods=["POST"])
    routes.register_error_handler(OperationalError, lambda error: rendering.away(services, error))
    routes.before_request(_limits)
    routes.after_request(frame.guard)
    return routes


def _routes(doors: Doors, newcomers: Newcomers) -> tuple[tuple[str, str, Any, Any], ...]:
    """Address, name, and what shows and what takes the form there."""
    return (
        ("/sign-in", "sign_in", doors.sign_in, doors.signed_in),
        ("/sign-in/code", "code", doors.code, doors.code_given),
        ("/sign-in/set-up", "set_up", doors.set_up, doors.set_up_done),
        ("/sign-in/again", "again", doors.again, doors.again_given),
        ("/forgot", "forgot", newcomers.forgot, newcomers.asked),
        ("/welcome/<secret>", "welcome", newcomers.welcome, newcomers.chosen),
        ("/first/<secret>", "first", newcomers.first, newcomers.first_made),
    )


def _limits() -> None:
    request.max_content_length = _LARGEST
    request.max_form_memory_size = _LARGEST


