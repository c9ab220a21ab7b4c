"""Whether somebody can sign in to the pages, also when the provider is away."""

from __future__ import annotations

from sqlalchemy import Connection

from connector.access import users
from connector.config.sign_in.rules import SignInRules
from connector.observe.findings import Finding, broken, ok


def check_people(tx: Connection, rules: SignInRules) -> Finding:
    """That nobody can yet is no fault: a house may do without its pages."""
    able = [user for user in users.every(tx) if user.state == "active"]
    admins = sum(user.role == "admin" for user in able)
    if not rules.password and not any(_opens(user, rules) for user in able):
        remedy = "`ringback admin create` with the address of `sign_in.emergency`, or name another one there."
        return broken("users", "sign_in.emergency is no admin with a password, and no other password counts.", remedy)
    if not admins:
        return ok("users", "nobody can sign in yet; `ringback serve` prints where the first admin is made")
    return ok("users", f"{len(able)} can sign in, {admins} of them as admin")


def _opens(user: users.User, rules: SignInRules) -> bool:
    return user.email == rules.emergency and user.role == "admin" and user.password is not None
