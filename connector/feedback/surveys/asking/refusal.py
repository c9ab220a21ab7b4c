"""A reason not to ask: the sentence that people read, its code that is counted, and the rule's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.sentences import Sentence, kept, say


class Refusal(Sentence):
    """The sentence, as the history, the suppression and the agent's sidebar show it. ``code`` stays the same however
    the sentence is worded; ``numbers`` are the rule's and this person's, as JSON keeps them."""

    code: str
    numbers: dict[str, Any]

    def __new__(cls, code: str, id_: str, words: Mapping[str, Any] | None = None, /, **numbers: Any) -> Refusal:
        """``id_`` is of ``workflows.sentences``; ``words`` are what it says besides, or otherwise, than ``numbers``."""
        values = {**numbers, **(words or {})}
        made: Refusal = super().__new__(cls, id_, say(id_, **values), values)  # type: ignore[assignment]  # it is of cls
        made.code, made.numbers = code, numbers
        return made

    def told(self) -> dict[str, Any]:
        """As the output of a step and the result of a call."""
        return {"done": False, "reason": str(self), "code": self.code, "numbers": self.numbers, "said": kept(self)}
