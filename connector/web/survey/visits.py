"""Who came to the pages of which survey, and what they have given so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from flask import request, url_for

from connector.feedback.customers.phone_origins import Origin, origin_of
from connector.feedback.surveys.answers import AnswerError, check_answer
from connector.feedback.surveys.invitations import Invitation
from connector.feedback.surveys.model import Question, Survey
from connector.ids import digest
from connector.web.survey.contacts import Known, as_shown, known_of
from connector.web.survey.forms import as_words
from connector.web.survey.rendering import Frame, OpenUntil
from connector.web.survey.sheets import Sheet, branch_of, branches_of


@dataclass(frozen=True, slots=True)
class SurveyVisit:
    """Who came: the invitation, its survey, the customer's facts, and the frame of their pages."""

    token: str
    invitation: Invitation
    survey: Survey
    customer: Mapping[str, Any]
    frame: Frame

    @property
    def has_answered(self) -> bool:
        return self.invitation.answered_at is not None

    @property
    def origin(self) -> Origin:
        """Where the person's phone number is from, if it does not say so."""
        return origin_of(self.customer, self.frame.brand.country)

    @property
    def known(self) -> Known:
        return known_of(self.survey, self.invitation.answers, self.customer, self.origin)

    def url(self, endpoint: str, anchor: str | None = None) -> str:
        """An address of this visit; the chosen language goes along."""
        language = self.frame.language if "lang" in request.args else None  # None is left out of the address
        change = 1 if endpoint == "show" and self.has_answered else None
        return url_for(f"survey.{endpoint}", _anchor=anchor, token=self.token, lang=language, change=change)

    @property
    def change(self) -> OpenUntil:
        return OpenUntil(self.url("show"), self.invitation.expires_at)

    def sheet(
        self, values: Mapping[str, Any], errors: Mapping[str, str], chosen: int | None = None, *, ahead: bool = True
    ) -> Sheet:
        """The page for the answers so far; ``values`` (what was typed) is shown in their place where it differs. Not
        ``ahead``: without what other scores would lead to."""
        preset = {} if chosen is None else {self.survey.main.id: chosen}
        answers = {**self.invitation.answers, **preset}
        branch = branch_of(self.survey, answers, self.customer)
        branches = branches_of(self.survey, answers, self.customer) if ahead else ()
        before = self.survey.score(self.invitation.answers)
        so_far = "" if before is None else as_words(self.survey.main, before, self.frame.language, self.frame.say)
        shown = {**answers, **as_shown(self.survey, answers), **values}
        return Sheet(
            self.survey, branch, shown, errors, chosen, branches, self.known.masked(self.origin),
            before=so_far, is_change=self.has_answered, revision=self.invitation.revision,
        )  # fmt: skip

    @property
    def band(self) -> str:
        return self.survey.band(self.invitation.answers)

    @property
    def asked(self) -> tuple[Question, ...]:
        return self.survey.asked(self.invitation.answers, self.customer)

    @property
    def chosen(self) -> int | None:
        """The score that was clicked in the mail, if it is one, and another than they gave."""
        try:
            chosen = check_answer(self.survey.main, request.args.get("score"))
        except AnswerError:
            return None
        return None if chosen == self.survey.score(self.invitation.answers) else chosen

    @property
    def wants_to_change(self) -> bool:
        """They followed the thank-you's link, or clicked another score in the mail."""
        return "change" in request.args or self.chosen is not None


_MOST = 1_000  # visits that are remembered: some 10 MB


@dataclass(frozen=True, slots=True)
class DrawnVisits:
    """Whose forms this process drew lately; by digest, as the token is a secret."""

    _visits: OrderedDict[str, SurveyVisit] = field(default_factory=OrderedDict)
    _guard: Lock = field(default_factory=Lock)

    def remember(self, visit: SurveyVisit) -> None:
        with self._guard:
            self._visits[digest(visit.token)] = visit
            self._visits.move_to_end(digest(visit.token))
            while len(self._visits) > _MOST:
                self._visits.popitem(last=False)

    def of(self, token: str) -> SurveyVisit | None:
        with self._guard:
            return self._visits.get(digest(token))
