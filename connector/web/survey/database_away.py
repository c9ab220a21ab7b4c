"""The database does not answer: what was typed must not be lost. The form is shown again with all of it, as it was
drawn before; where this process did not draw it, what was typed travels along and is sent again with one press."""

from __future__ import annotations

import logging
from dataclasses import replace

from flask import request
from werkzeug import Response as AnyResponse

from connector.web.survey import rendering
from connector.web.survey.forms import read_form
from connector.web.survey.reception import Reception
from connector.web.survey.visits import SurveyVisit

log = logging.getLogger(__name__)

RETRY_AFTER = "10"  # seconds
_MOST_FIELDS = 200
_SHOWN_FROM = 20  # letters: what is shorter is a tick or a number, and needs no reading again


class AwayPages(Reception):
    """What the pages say while the database does not answer."""

    def away(self, error: Exception) -> AnyResponse:
        """503. Nothing was saved, and the page says so."""
        log.error("the database does not answer (%s)", type(error).__name__)
        visit = self.drawn.of(str((request.view_args or {}).get("token", "")))
        answer = self._not_saved(visit) if request.method == "POST" else self._not_shown(visit)
        answer.status_code = 503
        answer.headers["Retry-After"] = RETRY_AFTER
        return answer

    def _not_shown(self, visit: SurveyVisit | None) -> AnyResponse:
        return rendering.not_shown(visit.frame if visit else self.frame())

    def _not_saved(self, visit: SurveyVisit | None) -> AnyResponse:
        if visit is not None and request.endpoint == "survey.submit":
            return self._form_again(visit)
        sent = [(name, value) for name, value in request.form.items(multi=True)][:_MOST_FIELDS]
        words = [value for name, value in sent if name.startswith("q.") and len(value) >= _SHOWN_FROM]
        return rendering.not_saved(visit.frame if visit else self.frame(), request.full_path.rstrip("?"), sent, words)

    def _form_again(self, visit: SurveyVisit) -> AnyResponse:
        """With the questions that follow from what was typed."""
        given = read_form(visit.survey, request.form, visit.origin, visit.known)
        answers = {**visit.invitation.answers, **given.answers}
        typed = replace(visit, invitation=replace(visit.invitation, answers=answers))
        sheet = replace(typed.sheet(given.raw, {}), revision=given.revision or visit.invitation.revision)
        here, save, seen = (visit.url(endpoint) for endpoint in ("submit", "answer", "seen"))
        return rendering.question_page(visit.frame, sheet, here, save, seen, is_unsaved=True)
