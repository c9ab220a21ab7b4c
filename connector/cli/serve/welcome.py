"""At the start, while nobody could sign in: the first admin is made from the environment, or an address is printed
where one makes themselves."""

from __future__ import annotations

import logging

from connector.access import users
from connector.access.audit import SYSTEM, Actor
from connector.access.errors import BlockedError, FieldError
from connector.access.way_in import first_admin
from connector.config.settings import DEFAULT_BASE_URL, SettingsError
from connector.services import Services
from workflows.errors import Mistake

log = logging.getLogger("ringback")


def welcome(house: Services, listening: str) -> None:
    """``listening`` is where this process is reached, for a house that was told no address of its own. Raises
    SettingsError when the environment's admin cannot be made."""
    with house.database.read() as tx:
        if users.any_admin(tx):
            return
    if house.settings.admin_email and house.settings.admin_password:
        _made(house)
        return
    base = house.settings.base_url
    address = listening if base == DEFAULT_BASE_URL else base
    secret = first_admin.token(house.secret_keys.first, house.clock())
    log.warning("nobody can sign in yet; make the first admin at %s/admin/first/%s", address, secret)


def _made(house: Services) -> None:
    email, password = house.settings.admin_email, house.settings.admin_password
    by, name = Actor(SYSTEM, "first start"), email.partition("@")[0]
    try:
        house.access.people.make_admin(by, email, name, password, house.clock(), only_first=True)
    except BlockedError:
        return  # another process was quicker
    except FieldError as error:
        which = "RINGBACK_ADMIN_PASSWORD" if error.field == "password" else "RINGBACK_ADMIN_EMAIL"
        raise SettingsError("The environment", (Mistake(which, "cannot be the first admin's.", str(error)),)) from error
    log.info("made the first admin; they sign in at %s/admin/", house.settings.base_url)
