"""ringback.yaml: what is read, and what is refused with which words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config.file import FATIGUE_DAYS, Config, ConfigError, Team, load_config, read_config
from connector.config.yaml_reader import put_in
from workflows.durations import parse


def read(text: str, home: Path = Path(), **environ: str) -> Config:
    return read_config(text, home / "ringback.yaml", environ)


def mistakes(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        read(text, **environ)
    return [str(mistake) for mistake in refused.value.mistakes]


def test_a_whole_file_becomes_frozen_values(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "asks").mkdir()
    config = read(
        """
        connections:
          zendesk-nl: {kind: zendesk, base_url: https://acme.example, webhook_secret: ["${NEW}", old]}
        brands:
          acme: {colour: "#0b5fff"}
        teams:
          care-team: {email: [care@acme.example], notify: ["json://localhost/hook"]}
        calendar: {timezone: Europe/Brussels, hours: mon-fri 09:00-17:30, holidays: [2026-07-21]}
        workflows: flows/
        surveys: asks/
        fatigue_days: 30
        """,
        tmp_path,
        NEW="s3cret",
    )
    connection = config.connections["zendesk-nl"]
    assert (connection.name, connection.kind) == ("zendesk-nl", "zendesk")
    assert connection.options == {"base_url": "https://acme.example", "webhook_secret": ["s3cret", "old"]}
    assert config.brands == {"acme": {"colour": "#0b5fff"}}
    assert config.teams["care-team"] == Team("care-team", ("care@acme.example",), ("json://localhost/hook",))
    assert config.calendar.timezone == "Europe/Brussels"
    assert config.calendar.hours == dict.fromkeys(range(5), ((time(9), time(17, 30)),))
    assert config.calendar.holidays == {date(2026, 7, 21)}
    assert (config.workflows, config.surveys, config.fatigue_days) == (
        tmp_path / "flows",
        tmp_path / "asks",
        30,
    )
    assert config.of_kind("zendesk") == (connection,)


@pytest.mark.parametrize("text", ["", "# only a comment", "~", "{}"])
def test_an_empty_file_leaves_everything_at_its_default(text: str) -> None:
    config = read(text)
    assert (config.connections, config.workflows, config.fatigue_days) == ({}, None, FATIGUE_DAYS)


def test_a_key_whose_lines_are_all_commented_out_is_as_if_absent() -> None:
    assert read("connections:\n  # zendesk: …\nteams:\n").connections == {}


def test_secrets_do_not_show_in_a_printed_configuration() -> None:
    config = read(
        "connections: {mail: {kind: smtp, url: 'smtp://u:hunter2@h'}}\nteams: {a: {notify: ['x://hunter2']}}"
    )
    assert "hunter2" not in repr(config)


def test_a_missing_default_file_is_an_empty_configuration_and_a_missing_named_one_an_error(
    tmp_path: Path,
) -> None:
    assert load_config(tmp_path / "ringback.yaml", named=False) == Config()
    with pytest.raises(ConfigError, match=r"does not exist\. Create it, or correct RINGBACK_CONFIG"):
        load_config(tmp_path / "ringback.yaml", named=True)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ringback.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="readable file in UTF-8"):
        load_config(file)


def test_every_mistake_is_told_at_once_with_its_path() -> None:
    found = mistakes(
        """
        connections:
          Zendesk: {kind: zendesk}
          ringback: {kind: inbound}
          mail: {url: smtp://localhost}
          sms: text
        teems: {}
        teams: {care: {email: [nobody, 3], notfy: []}, empty: {}}
        calendar: {timezone: Mars/Base, hours: always, holidays: Atlantis}
        workflows: /nowhere/at/all
        fatigue_days: 4000
        """
    )
    beginnings = [
        "connections.Zendesk: is no name.",
        "connections.ringback: is the name of the product itself.",
        "connections.mail.kind: is missing.",
        "connections.sms: must be a mapping.",
        "teams.care.email[0]: 'nobody' is no e-mail address.",
        "teams.care.email[1]: must be text.",
        "teams.care.notfy: is not known here. Did you mean notify?",
        "teams.empty: reaches nobody.",
        "calendar.timezone: 'Mars/Base' is no time zone.",
        "calendar.hours: 'always' names no weekday.",
        "calendar.holidays: 'Atlantis' is no country we know.",
        "workflows: the folder /nowhere/at/all does not exist.",
        "fatigue_days: 4000 is not between 0 and 3650.",
        "teems: is not known here. Did you mean teams?",
    ]
    for beginning in beginnings:
        assert any(each.startswith(beginning) for each in found), beginning
    assert len(found) == len(beginnings)


@pytest.mark.parametrize("text", ["- a list", "just words", "12"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert mistakes(text) == [
        "file: must be a mapping. Write its keys below it, indented, each with a colon."
    ]


# What the environment puts in.


def test_a_missing_variable_is_named_with_its_path_and_only_once() -> None:
    kind, token = mistakes("connections: {z: {kind: '${KIND}', auth: [{token: '${TOKEN}'}]}}")
    assert kind.startswith("connections.z.kind: the environment variable KIND is not set. Set it, or give")
    assert token.startswith("connections.z.auth[0].token: the environment variable TOKEN is not set.")
    assert token.endswith("${TOKEN:-default}.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "1"),
        ("${A}-${A}", "1-1"),
        ("${B:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${A:-two}", "1"),
        ("${B:-}", ""),
        ("$${A}", "${A}"),
        ("cost: $5", "cost: $5"),
        ("${A:-${B}", "1"),
    ],
)
def test_variables_are_put_in(text: str, value: str) -> None:
    assert put_in(text, {"A": "1", "EMPTY": ""}) == (value, ())


@pytest.mark.parametrize("text", ["${A", "${}", "${1A}", "${A B}"])
def test_a_broken_variable_is_a_mistake(text: str) -> None:
    _, found = put_in({"key": [text]}, {"A": "1"})
    assert [each.path for each in found] == ["key[0]"]
    assert "is no variable" in found[0].message


def test_an_empty_variable_counts_as_missing() -> None:
    assert mistakes("brands: {a: {b: '${EMPTY}'}}", EMPTY="")[0].startswith(
        "brands.a.b: the environment variable"
    )


def test_a_value_from_the_environment_cannot_become_yaml() -> None:
    config = read("brands: {a: {b: '${EVIL}'}}", EVIL="x}\nteams: {a: [${EVIL}]}")
    assert config.brands["a"]["b"] == "x}\nteams: {a: [${EVIL}]}"


@given(
    st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
)
def test_values_without_a_dollar_are_untouched(value: object) -> None:
    if "$" not in repr(value):
        assert put_in(value, {}) == (value, ())


# YAML, read strictly.


def test_a_key_that_is_there_twice_is_refused_with_its_line() -> None:
    assert mistakes("teams: {}\nbrands: {}\nteams: {}") == [
        "line 3, column 1: the key 'teams' is here a second time: keep one of them."
    ]


def test_a_key_that_is_there_twice_below_is_refused_too() -> None:
    assert mistakes("brands:\n  a: {x: 1, x: 2}")[0].startswith("line 2, column 13: the key 'x'")


def test_a_bomb_of_aliases_is_refused_at_its_first_fuse() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"
    assert mistakes(bomb) == ["line 2, column 8: an alias (*) is not accepted: write the value out."]


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a: " + "{b: " * 5000, "x: [", "a:\n\tb: 1", "a: \x00", "x: !!python/name:os.system"]
)
def test_hostile_yaml_is_refused_in_one_sentence(text: str) -> None:
    assert len(mistakes(text)) == 1


def test_a_file_of_a_megabyte_is_refused() -> None:
    assert "longer than 1000000 characters" in mistakes("#" * 1_000_001)[0]


def test_norway_and_no_are_words() -> None:
    config = read("brands: {a: {country: NO, answer: no, on: off, day: 2026-01-01, yes_: true}}")
    assert config.brands["a"] == {
        "country": "NO",
        "answer": "no",
        "on": "off",
        "day": "2026-01-01",
        "yes_": True,
    }
    assert read("calendar: {holidays: NO}").calendar.holidays


# Business hours.


def test_hours_differ_by_day_and_may_have_a_break() -> None:
    hours = read("calendar: {hours: {mon-thu: '13:00-17:00, 9:00-12:30', sat: '10:00-24:00'}}").calendar.hours
    assert hours[0] == ((time(9), time(12, 30)), (time(13), time(17)))
    assert hours[5] == ((time(10), time(0)),)
    assert sorted(hours) == [0, 1, 2, 3, 5]


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("mon-fri 17:00-09:00", "17:00–09:00 does not fit"),
        ("mon-fri 9-17", "'9-17' is no opening"),
        ("mon-fri 09:00-25:00", "25:00 is no time of day"),
        ("monthly 09:00-17:00", "'monthly' names no weekday"),
        ("sunset 20:00-22:00", "'sunset' names no weekday"),
        ("monfri 09:00-17:00", "'monfri' names no weekday"),
        ("mon-fri-sun 09:00-17:00", "'mon-fri-sun' names no weekday; 'fri-sun' is none"),
        ("'mon,wedn,fri 09:00-17:00'", "'mon,wedn,fri' names no weekday; 'wedn' is none"),
        ("'mon- 09:00-17:00'", "'mon-' names no weekday"),
        ("'mon-fri 09:00-17:00, sat 10:00-16:00'", "'sat 10:00-16:00' is no opening"),
        ("'mon-fri 09:00-17:00 or so'", "'09:00-17:00 or so' is no opening"),
        ("mon-fri", "'' is no opening"),
        ("'09:00-17:00'", "'' names no weekday"),
        ("{mon-fri: '09:00-17:00', fri: '09:00-12:00'}", "'fri' names Friday a second time. Give each day"),
        ("{mon: [09:00-12:00, later]}", "'later' is no opening"),
        ("{mon: [09:00-12:00, 11:00-17:00]}", "does not fit"),
        ("{mon: []}", "'[]' is no opening"),
        ("7", "cannot be read"),
        ("{mon: '09:00-13:00, 12:00-17:00'}", "does not fit"),
        ("[mon]", "cannot be read"),
        ("{}", "cannot be read"),
    ],
)
def test_hours_that_cannot_be_are_refused(hours: str, said: str) -> None:
    assert said in mistakes(f"calendar: {{hours: {hours}}}")[0]


NINE_TO_FIVE = ((time(9), time(17)),)


@pytest.mark.parametrize(("hours", "days"), [
    ("'mon,wed,fri 09:00-17:00'", [0, 2, 4]), ("mon, wed, fri 09:00-17:00", [0, 2, 4]), ("mon wed 09:00-17:00", [0, 2]),
    ("'mon/wed & fri 09:00-17:00'", [0, 2, 4]), ("Mon - Wed, Sat 09:00 - 17:00", [0, 1, 2, 5]),
    ("Monday to Thursday and Sunday 09:00-17:00", [0, 1, 2, 3, 6]),
    ("fri-mon 09:00-17:00", [0, 4, 5, 6]), ("sun-sun 09:00-17:00", [6]), ("mon–fri 09:00–17:00", [0, 1, 2, 3, 4]),
    ("ma t/m wo en vrijdag 09:00-17:00", [0, 1, 2, 4]), ("maandag-donderdag 09:00-17:00", [0, 1, 2, 3]),
    ("[mon 09:00-17:00, 'wed/fri 09:00-17:00']", [0, 2, 4]),
    ("{mon-fri: 09:00-17:00, sat/sun: 09:00-17:00}", [*range(7)]),
    ("{'mon,wed': 09:00-17:00, fri: 09:00-17:00}", [0, 2, 4]), ("{tues & thurs: [09:00-17:00]}", [1, 3]),
])
def test_days_may_be_listed_in_every_usual_way_and_none_is_lost(hours: str, days: list[int]) -> None:
    assert read(f"calendar:\n  hours: {hours}").calendar.hours == dict.fromkeys(days, NINE_TO_FIVE)


def test_a_deadline_counts_the_days_that_were_listed() -> None:
    calendar = read("calendar: {timezone: Europe/Amsterdam, hours: 'mon,wed,fri 09:00-17:00'}").calendar
    monday = datetime(2026, 11, 30, 7, 2, tzinfo=UTC)
    assert parse("10 business hours").after(monday, calendar) == datetime(2026, 12, 2, 10, tzinfo=UTC)


def test_a_countrys_holidays_come_from_the_calendar_of_that_country() -> None:
    dutch = read("calendar: {holidays: NL}").calendar.holidays
    assert {date(2026, 4, 27), date(2026, 12, 25), date(2040, 12, 26)} <= dutch
    assert date(2026, 12, 24) not in dutch


def test_a_part_of_a_country_and_days_of_our_own_add_up() -> None:
    days = read("calendar: {holidays: [DE-BY, 2026-12-24]}").calendar.holidays
    assert {date(2026, 1, 6), date(2026, 12, 24)} <= days


@pytest.mark.parametrize("value", ["DE-XX", "DE-", "ZZ", "2026-02-30", "12", "[[NL]]", "true"])
def test_holidays_that_cannot_be_are_refused(value: str) -> None:
    assert mistakes(f"calendar: {{holidays: {value}}}")[0].startswith("calendar.holidays: ")


def test_who_is_of_high_value_is_read_and_a_figure_that_is_none_refused() -> None:
    value = read_config("customer_value: {high_from: 10000, high: [Gold]}\n", Path("ringback.yaml"), {}).customer_value
    assert [value.is_high(told) for told in (9_999, 10_000, "12000", "gold", "vip", None, True)] == [
        False, True, True, True, False, False, False,
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"customer_value\.high_from"):
        read_config("customer_value: {high_from: much}\n", Path("ringback.yaml"), {})
