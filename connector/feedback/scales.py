"""The scale of a score question: which scores there are, in which order, and what they are stored under.

What a score means (its band) is ``workflows.scoring``'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflows import scoring

_RANGES = {"nps": (0, 10), "nls": (0, 10)}
_POINTS = {"nps": 11, "nls": 11, "csat": 5, "ces": 7}
POSSIBLE_POINTS = {"nps": (11,), "nls": (11,), "csat": (5, 10), "ces": (5, 7)}
VARIANTS = {"nps": ("standard", "european"), "nls": ("standard", "european")}
DIRECTIONS = {"ces": ("ease", "effort")}


@dataclass(frozen=True, slots=True)
class Scale:
    """``points`` is how many scores there are; ``direction`` says what a high effort score means."""

    metric: str
    points: int
    variant: str = ""
    direction: str = ""

    @property
    def lowest(self) -> int:
        return _RANGES.get(self.metric, (1, 0))[0]

    @property
    def highest(self) -> int:
        return self.lowest + self.points - 1

    @property
    def scores(self) -> range:
        return range(self.lowest, self.highest + 1)

    @property
    def bands(self) -> frozenset[str]:
        """Every band a score of this scale can have."""
        return frozenset(self.band(score) for score in self.scores)


def default_scale(metric: str, points: int = 0, variant: str = "", direction: str = "") -> Scale:
    """The scale with what was left out filled in: 0 to 10, five smileys, seven points of ease."""
    usual_variant = VARIANTS.get(metric, ("",))[0]
    usual_direction = DIRECTIONS.get(metric, ("",))[0]
    return Scale(metric, points or _POINTS.get(metric, 0), variant or usual_variant, direction or usual_direction)
