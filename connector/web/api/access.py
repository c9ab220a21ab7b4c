"""Who calls: the bearer token, whether it is valid, and whether its scopes allow it.

There are no cookies, so a page of someone else's cannot make a browser act in another's name.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Request

from connector.access.audit import TOKEN, Actor, AuditEntry, object_of
from connector.access.rights import may
from connector.storage.engine.database import Database
from connector.storage.stores import api_tokens
from connector.storage.stores.api_tokens import SEEN_EVERY, ApiToken
from connector.web.api.operation import Call, Operation, Parts
from connector.web.api.problems import Fault, ProblemError

_CODE = re.compile(r"[A-Za-z0-9_.:-]{0,60}")
_REMEDY = "Send `Authorization: Bearer rb_…`; make a token with `ringback token create NAME --scope SCOPE`."


def caller(request: Request, parts: Parts, operation: Operation) -> ApiToken:
    """The token of a request that may do this. Raises ProblemError 401 or 403."""
    database, scope, now = parts.database, operation.scope, parts.clock()
    token = _token(request, database)
    state = token.state(now) if token else "unknown"
    if token is None or state != "valid":
        raise _unauthorised(f"The token is {state}.", 'Bearer realm="ringback", error="invalid_token"')
    if not may(token, scope):
        refused = AuditEntry(action="refused", object_kind="operation", object=operation.name, after={"scope": scope})
        parts.audit.note(_actor(token), refused, now)
        raise _forbidden(token, scope)
    if token.last_used_at is None or token.last_used_at <= now - SEEN_EVERY:
        database.transact(lambda tx: api_tokens.seen(tx, token, now))
    return token


def tell(operation: Operation, call: Call, token: ApiToken) -> None:
    """What a token did, into the audit log: what it sent by its fingerprints, but for words of ours. What only shows
    is told of where it shows a customer."""
    if operation.method == "GET" and "customer_id" not in call.path:
        return
    kind, object_ = object_of(operation.path.replace("/<connection>", ""), call.path)
    after = {name: _told(call, value) for name, value in sorted(call.given.items())}
    entry = AuditEntry(action=operation.name, object_kind=kind, object=object_, after=after)
    call.parts.audit.note(_actor(token), entry, call.parts.clock())


def _told(call: Call, value: Any) -> Any:
    if isinstance(value, bool | int | None):
        return value
    return value if isinstance(value, str) and _CODE.fullmatch(value) else call.parts.audit.fingerprint(repr(value))


def _actor(token: ApiToken) -> Actor:
    return Actor(TOKEN, token.name)


def _token(request: Request, database: Database) -> ApiToken | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorised("There is no bearer token.", 'Bearer realm="ringback"')
    with database.read() as tx:
        return api_tokens.find(tx, secret.strip())


def _unauthorised(why: str, challenge: str) -> ProblemError:
    """The fault shows no value: it may be a secret."""
    faults = [Fault("Authorization", "", why, _REMEDY)]
    return ProblemError(
        401, "unauthenticated", f"{why} {_REMEDY}", faults=faults, headers={"WWW-Authenticate": challenge}
    )


def _forbidden(token: ApiToken, scope: str) -> ProblemError:
    why = f"The token {token.name!r} may not do this: it lacks the scope {scope}."
    faults = [Fault("scope", " ".join(token.scopes), why, f"Use a token with the scope {scope}.")]
    challenge = f'Bearer realm="ringback", error="insufficient_scope", scope="{scope}"'
    return ProblemError(403, "forbidden", why, faults=faults, headers={"WWW-Authenticate": challenge})
