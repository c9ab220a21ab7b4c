"""Who is asked, as the helpdesk or the CRM knows them: their address, and why they are nobody to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.feedback.customers.time_zones import is_zone
from connector.feedback.surveys.asking import eligibility
from connector.feedback.surveys.asking.refusal import Refusal
from integrations.protocols import Helpdesk, VendorUser


def living(helpdesk: Helpdesk, request: Mapping[str, Any]) -> VendorUser | None:
    """The user; and where the helpdesk knows that one no more, the user who has their address now: merged users leave
    it to the one who stays, and not every account tells of merges."""
    user: VendorUser | None = helpdesk.get_user(request["find"])
    if user is not None or not request.get("email"):
        return user
    heirs = helpdesk.find_users(request["email"])
    return heirs[0] if len(heirs) == 1 else None


def told_of(user: VendorUser | None) -> dict[str, Any]:
    if user is None:
        return {}
    told = {"email": user.email, "name": user.name, "phone": user.phone, "locale": user.locale}
    told["time_zone"] = user.time_zone if is_zone(user.time_zone) else None
    return {**told, "user": user.id, "suspended": user.suspended, "staff": user.staff}


def contact_of(contact: VendorUser | None) -> dict[str, Any]:
    """Under the id that was asked for: a CRM may write it with more characters."""
    return {name: value for name, value in told_of(contact).items() if name != "user"}


def why_nobody(told: Mapping[str, Any], *, of_ticket: bool) -> Refusal | None:
    """Why the person whom the helpdesk told us of is not asked, or None. Who works there may be a customer elsewhere:
    only a ticket of theirs is between colleagues."""
    if not told:
        return eligibility.UNKNOWN
    if told.get("suspended"):
        return eligibility.SUSPENDED
    if told.get("staff") and of_ticket:
        return eligibility.STAFF
    return None if told.get("email") else eligibility.NO_ADDRESS_THERE
