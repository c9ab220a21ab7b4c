"""The words at the ends of each scale and under the smileys; English, to be said in the person's language."""

from __future__ import annotations

from workflows.scoring import CSAT, Metric, Scale

SMILEYS = ("😞", "😕", "😐", "😊", "😀")
"""Unhappiest first; for mails, which cannot hold drawings everywhere. All from Unicode 6.1, which old devices have."""


def _(words: str) -> str:
    """Marks words for the catalogue."""
    return words


def ends(scale: Scale) -> tuple[str, str]:
    """What the lowest and the highest score mean."""
    if scale.metric in (Metric.NPS, Metric.NLS):
        return _("Not at all likely"), _("Extremely likely")
    if scale.metric is Metric.CSAT:
        return _("Very dissatisfied"), _("Very satisfied")
    return (_("Very little effort"), _("Very much effort")) if scale.reversed else (_("Very difficult"), _("Very easy"))


def smiley_words() -> tuple[str, ...]:
    """What the five smileys mean, unhappiest first."""
    return _("Very dissatisfied"), _("Dissatisfied"), _("Neutral"), _("Satisfied"), _("Very satisfied")


def has_smileys(scale: Scale) -> bool:
    """Five points of satisfaction are smileys: they read alike in every culture."""
    return scale == CSAT
