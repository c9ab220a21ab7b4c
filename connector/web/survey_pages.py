"""The pages a customer sees: the survey, the thank-you, and the way out of surveys.

No cookie and no session: the token in the address is the secret, and whoever has it may answer. That is also why
the forms carry no CSRF token: a forged request would have to know the address, and who knows it needs no forgery;
there is no login that a stranger's page could borrow.

Link scanners open every address in a mail, some of them with a browser. So a GET records nothing but the time of
the first look, not even with ``?score=9``: the score is only chosen on the page, and the person sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy import Connection

from connector.clock import Clock
from connector.feedback import invitations
from connector.feedback.brands import Brand, choose
from connector.feedback.invitations import Invitation
from connector.feedback.languages import languages, say_in
from connector.feedback.survey_answers import AnswerError, check_answer
from connector.feedback.survey_values import Survey
from connector.ids import digest
from connector.storage.database import Database
from connector.web.survey_forms import Form, Given, read_form, sentence
from connector.web.survey_views import (
    already, brand_style, expired, question_page, safe_headers, stopped, stop_question, thank_you, too_large, unknown,
)

MAX_BODY = 256 * 1024  # bytes: several open answers of 5,000 characters, each up to 12 bytes in a form
LANGUAGE_ARGUMENT = "lang"
