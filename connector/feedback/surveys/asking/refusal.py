"""A reason not to ask: the sentence that people read, its code that is counted, and the rule's numbers."""

from __future__ import annotations

from typing import Any


class Refusal(str):
    """The sentence, as the history, the suppression and the agent's sidebar show it. ``code`` stays the same however
    the sentence is worded; ``numbers`` are the rule's and this person's, as JSON keeps them."""

    code: str
    numbers: dict[str, Any]

    def __new__(cls, code: str, sentence: str, **numbers: Any) -> Refusal:
        made = super().__new__(cls, sentence)
        made.code, made.numbers = code, numbers
        return made

    def told(self) -> dict[str, Any]:
        """As the output of a step and the result of a call."""
        return {"done": False, "reason": str(self), "code": self.code, "numbers": self.numbers}
