"""What is kept in English is told in every language when it is read; what an older program kept shows as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Formatter

import pytest

from connector.web.admin.words import LANGUAGES, speech
from workflows.expressions import condition
from workflows.sentences import SENTENCES, Sentence, found, kept, recognised, say, say_because, told

ROOT = Path(__file__).resolve().parents[2]
DUTCH = speech("nl")


def stored(text: str) -> str:
    """Written and read again, as the database does it."""
    row = json.loads(json.dumps({"text": str(text), "said": kept(text)}))
    return found(row["text"], row["said"])


def places(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


@pytest.mark.parametrize("id_", SENTENCES)
def test_every_sentence_has_words_in_every_language_with_the_same_places(id_: str) -> None:
    assert LANGUAGES == ("en", "nl")
    english = SENTENCES[id_]
    dutch = DUTCH(english)
    assert places(dutch) == places(english)
    values = {name: f"<{name}>" for name in places(english)}
    sentence = stored(say(id_, **values))
    assert told(sentence, speech("en")) == sentence
    assert told(sentence, DUTCH) == dutch.format(**values)


def test_every_id_is_said_somewhere() -> None:
    """Ids that are put together of parts are named by their beginning."""
    files = [file for room in ("workflows", "connector") for file in (ROOT / room).rglob("*.py")]
    code = "\n".join(file.read_text("utf-8") for file in files if file.name != "sentences.py")
    beginnings = ("status.", "condition.", "refusal.callback_", "no_reminder.", "refusal.quota", "refusal.team_quota")
    unsaid = [id_ for id_ in SENTENCES if not id_.startswith(beginnings) and f'"{_END.sub("", id_)}' not in code]
    assert unsaid == []


_END = re.compile(r"_(because|reason|error)$")


def test_a_sentence_within_a_sentence_is_told_too() -> None:
    verdict = condition('event.band == "low" && event.score < 3').decide({"event": {"band": "high", "score": 7}})
    skipped = stored(say("step.skipped", why=verdict.why))
    assert skipped == 'Skipped, because event.band == "low" is false (event.band is "high").'
    assert told(skipped, DUTCH) == 'Overgeslagen, want event.band == "low" is niet waar (event.band is "high").'


def test_a_reason_is_said_only_where_there_is_one() -> None:
    assert say_because("step.asked", "", action="alert.send") == "Asked for alert.send."
    why = say("branch.otherwise")
    assert say_because("step.asked", why, action="a") == "Asked for a, because no other branch applies."


@pytest.mark.parametrize(
    "said",
    [None, [], {}, "run.started", ["run.started"], ["no.such", {}], ["run.started", []], ["run.started", {"by": 1}], 7],
)
def test_what_another_program_kept_shows_as_it_is(said: object) -> None:
    text = found("Begun by chance.", said)
    assert text == "Begun by chance."
    assert told(text, DUTCH) is None


def test_a_result_that_was_kept_as_words_alone_is_recognised() -> None:
    alone = recognised("not sent: the customer wants no mail from us")
    assert told(alone, DUTCH) == "niet verstuurd: de klant wil geen post van ons"
    assert told(recognised("the vendor said no"), DUTCH) is None
    assert told(recognised("not sent: asked {days_ago} days ago, the rule is {rule_days}"), DUTCH) is None


def test_values_are_never_read_as_places() -> None:
    sentence = stored(say("run.cancelled", reason="{by} {0} {reason.__class__}"))
    assert told(sentence, DUTCH) == "Beëindigd: {by} {0} {reason.__class__}."
    assert isinstance(sentence, Sentence)
