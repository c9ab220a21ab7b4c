"""Under which keys the audit log's hashes are. Each secret key begins a stretch of its own; the keys of earlier
stretches are kept sealed, so that the whole log can be verified when the secret key itself is gone.

Somebody who saw an old secret key can make up rows of its stretch, and still not put them in: the first row of the next
stretch holds the hash before it, under a key that they do not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from connector.access.errors import AccessError
from connector.secret_keys import SecretKeys
from connector.storage.engine.encryption import Box
from connector.storage.sealing.sealed_rows import AUDIT_KEYS

Stretches = Sequence[tuple[int, bytes]]
"""From which row on, and the key; in order."""


class ChainKeys:
    """The keys of one installation's log."""

    def __init__(self, keys: SecretKeys) -> None:
        self._box = Box(keys, AUDIT_KEYS)
        self.current = hashlib.sha256(f"ringback audit {keys.first}".encode()).digest()

    def opened(self, sealed: bytes | None) -> Stretches:
        """Raises AccessError where another secret key sealed them."""
        text = self._box.open(sealed)
        if sealed and text is None:
            said = "The keys of the audit log are sealed with a secret key that is not here"
            raise AccessError(f"{said}; see `ringback secret-key status`.")
        return [(seq, bytes.fromhex(key)) for seq, key in json.loads(text or "[]")]

    def sealed_from(self, seq: int, before: Stretches) -> bytes | None:
        """``before`` with a stretch of the current key that begins at ``seq``; None when that is the one under way."""
        if before and before[-1][1] == self.current:
            return None
        return self._box.seal(json.dumps([(at, key.hex()) for at, key in [*before, (seq, self.current)]]))


def key_of(seq: int, stretches: Stretches) -> bytes | None:
    """The key of a row; None when none was kept for it."""
    return next((key for first, key in reversed(stretches) if first <= seq), None)
