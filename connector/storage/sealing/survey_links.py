"""The secret part of survey links. It is derived from the invitation's id by the secret key in use when it was made, so
nothing of it is stored; when that key is to go, the secret is kept instead, sealed by the key that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from connector.ids import digest, survey_token
from connector.secret_keys import SecretKeys, mark_of
from connector.storage.engine.database import Database
from connector.storage.engine.encryption import Box
from connector.storage.schema.tables import invitations
from integrations.errors import NotYet, Permanent

PURPOSE = "survey links"
_UNTIL_RESTARTED = 60.0  # seconds
_i = invitations.c


class SurveyLinks:
    """Makes the secrets of new invitations, and finds those of earlier ones, for mails that leave now."""

    def __init__(self, database: Database, keys: SecretKeys) -> None:
        self._database, self._keys, self._box = database, keys, Box(keys, PURPOSE)

    def columns(self, invitation: str) -> Mapping[str, str]:
        """What a new invitation keeps of its secret."""
        return {"token_digest": digest(survey_token(self._keys.first, invitation)), "token_key": self._keys.mark}

    def secret(self, invitation: str) -> str:
        """22 URL-safe characters. Raises NotYet when the key it hangs on is not among ours: another process may have
        it; Permanent when it was given up."""
        asked = select(_i.id, _i.token_key, _i.token_kept).where(_i.id == invitation)
        with self._database.read() as tx:
            row = tx.execute(asked).one_or_none()
        if row is None or not row.token_key:
            raise Permanent("the link of this invitation is no more", code="link_gone")
        found = secret_of(row, self._keys, self._box)
        if found is None:
            said = f"the link hangs on the secret key {row.token_key}, which this process does not have"
            raise NotYet(f"{said}; see `ringback secret-key status`", retry_after=_UNTIL_RESTARTED, code="secret_key")
        return found


def secret_of(row: Any, keys: SecretKeys, box: Box) -> str | None:
    """The secret of an invitation's row (id, token_key, token_kept); None when its key is not among ``keys``."""
    if row.token_kept is not None:
        return box.open(row.token_kept)
    key = keys.of(row.token_key)
    return survey_token(key, row.id) if key else None


def kept(secret: str, keys: SecretKeys, box: Box) -> dict[str, Any]:
    """The columns of an invitation that no longer hangs on the key which made its secret."""
    return {"token_key": mark_of(keys.first), "token_kept": box.seal(secret)}
