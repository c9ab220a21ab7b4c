"""The settings of each kind of connection, as they stand in ringback.yaml, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from integrations.base_url import Address
from integrations.salesforce.fields import ACCOUNT, PERSON, RESPONSE
from integrations.salesforce.helpdesk.case_mapping import CASES, CaseNames
from integrations.salesforce.record_ids import fault
from integrations.salesforce.sales import VALUE
from integrations.scores import FieldMap, ScoreFields
from integrations.smtp.client import MailServer, parse_sender
from integrations.zendesk.plans import PLANS
from integrations.zendesk.records import OrganizationFields

CONNECTOR_KEYS = (
    "kind", "webhook_secret", "webhook_token", "organization_id", "integration_user", "events", "gaps",
    "requests_per_minute", "concurrency",
)
"""Settings in the same mapping that are the connector's own business."""

_DEFAULT_METRIC = "nps"
_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class Options(Schema):
    """A schema whose mistakes say what to do: unknown keys with the nearest known one."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012  # the library reads it from the class and copies it
        "type": "is no mapping; write its keys below it",
        "unknown": "unknown",
    }

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **rest: Any) -> NoReturn:
        said = dict(error.messages_dict)
        if "_schema" in said:  # no mapping at all
            said["settings"] = said.pop("_schema")
        raise ValidationError({name: self._explained(name, what) for name, what in said.items()})

    def _explained(self, name: str, said: Any) -> Any:
        if said == ["unknown"]:
            return [f"is not known{meant(name, (field.data_key or own for own, field in self.fields.items()))}"]
        return ["is missing"] if said == [fields.Field.default_error_messages["required"]] else said


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not known."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(names)}"


def mistakes(messages: Any, path: str = "") -> list[str]:
    """Flatten marshmallow's messages into "auth.token: is missing"."""
    if not isinstance(messages, Mapping):
        return [f"{path}: {message}" for message in messages]
    deeper = ((f"{path}.{name}" if path else str(name), said) for name, said in messages.items())
    return [line for where, said in deeper for line in mistakes(said, where)]


def _text(**more: Any) -> fields.String:
    return fields.String(
        required=True, validate=validate.Length(min=1, error="is empty"),
        error_messages={"invalid": "is no text; put it in quotes", "null": "is empty"}, **more,
    )


class _Checked(fields.String):
    """A text that ``check`` reads without ValueError."""

    def __init__(self, check: Any, **more: Any) -> None:
        super().__init__(required=True, error_messages={"invalid": "is no text"}, **more)
        self._check = check

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Any:
        text = super()._deserialize(value, attr, data, **rest)
        try:
            self._check(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return text


class _Login(Options):
    client_id = _text()
    client_secret = _text()


class _ZendeskOAuth(_Login):
    scope = fields.String()
    grant = fields.String(
        load_default="client_credentials",
        validate=validate.OneOf(
            ["client_credentials", "authorization_code"],
            error="is not known; write client_credentials or authorization_code",
        ),
    )


class _ApiToken(Options):
    email = _text()
    token = _text()


class _FixedToken(Options):
    token = _text()


class _Jwt(Options):
    client_id = _text()
    username = _text()
    private_key = fields.String()
    private_key_file = fields.String()
    audience = fields.String(validate=validate.OneOf([f"https://{host}" for host in _LOGIN_HOSTS]))


class _Auth(fields.Field[Any]):
    """``auth: {type: …, …}``: its keys depend on its type."""

    def __init__(self, types: Mapping[str, type[Options]]) -> None:
        super().__init__(required=True)
        self._types = types

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError(f"is no mapping; write type: with one of {', '.join(self._types)}")
        kind = str(value.get("type") or "nothing")
        if kind not in self._types:
            raise ValidationError({"type": [f"{kind} is not known{meant(kind, self._types)}"]})
        keys = {name: each for name, each in value.items() if name != "type"}
        given = self._types[kind]().load(keys)
        if kind == "jwt":
            private_key(given)  # a wrong key is a mistake in the settings, not trouble at the first request
        return {**given, "type": kind}


class _Names(Options):
    """The vendor's field names for one metric."""

    score = fields.String(validate=validate.Regexp(r"[A-Za-z]\w*\Z", error="is no field name"))
    band = answered_at = comment = loop_status = fields.String(
        validate=validate.Regexp(r"([A-Za-z]\w*)?\Z", error="is no field name; leave it empty to leave it out")
    )


class _FieldNames(fields.Field[Any]):
    """``fields: {score: …, band: …}`` for NPS, and below a metric's name the same for that metric."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("is no mapping; write score: with the vendor's field name")
        nested = {name: each for name, each in value.items() if isinstance(each, Mapping)}
        plain = {name: each for name, each in value.items() if name not in nested}
        read = {_DEFAULT_METRIC: _Names().load(plain)}
        for metric, names in nested.items():
            read[metric] = {**read.get(metric, {}), **_loaded(metric, names)}
        return read


def _loaded(metric: str, names: Mapping[str, Any]) -> Any:
    try:
        read = _Names().load(names)
    except ValidationError as error:
        raise ValidationError({metric: error.messages}) from error
    if metric != _DEFAULT_METRIC and not read.get("score"):
        raise ValidationError({metric: {"score": ["is missing"]}})
    return read


class _Connection(Options):
    """What every connection may have beside its own keys."""

    kind = webhook_secret = webhook_token = integration_user = events = gaps = fields.Raw()
    organization_id: fields.Field[Any] = fields.Raw()
    requests_per_minute = concurrency = fields.Raw()


class _Plan(fields.Field[Any]):
    """The account's plan, which sets its rate limits."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> str:
        if str(value) not in PLANS:
            raise ValidationError(f"{value} is not known{meant(str(value), PLANS)}")
        return str(value)


def _renamed(names: type[Any]) -> type[Options]:
    """The schema of a table of names: each may be another name, or empty to leave its value out."""
    text = fields.String(validate=validate.Regexp(r"([A-Za-z]\w*)?\Z", error="is no name of a field or an object"))
    made = Options.from_dict({each.name: text for each in dataclass_fields(names)})
    return type(names.__name__, (made, Options), {})


class _Organizations(fields.Field[Any]):
    """true, false, or a mapping of names. → None or the names."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> OrganizationFields | None:
        if isinstance(value, bool):
            return OrganizationFields() if value else None
        if not isinstance(value, Mapping):
            raise ValidationError("is no table of names; write true, false or a mapping of names")
        return replace(OrganizationFields(), **_renamed(OrganizationFields)().load(value))


class ZendeskOptions(_Connection):
    plan = _Plan()
    organizations = _Organizations(load_default=None)
    base_url = _Checked(Address.parse)
    auth = _Auth({"oauth": _ZendeskOAuth, "api_token": _ApiToken, "token": _FixedToken})
    score_fields = _FieldNames(data_key="fields")


def _my_domain(text: str) -> None:
    if Address.parse(text).host in _LOGIN_HOSTS:
        raise ValueError("is Salesforce's login page; write the org's own address, https://….my.salesforce.com")


class _Version(fields.Field[Any]):
    """60.0, which YAML reads as a number, or v60.0."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> str:
        text = str(value).removeprefix("v")
        return str(validate.Regexp(r"\d{2}\.0\Z", error="is no API version; write it as v60.0")(text))


class _RecordId(fields.Field[Any]):
    """A Salesforce id; empty is none."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> str:
        if value and (wrong := fault(value)):
            raise ValidationError(f"is no id; {wrong}")
        return str(value or "")


CASE_OBJECTS = ("Case", "ContactRequest")


class _Cases(Options):
    """Names on a case. ``are_tickets`` is for those who read messages."""

    key = tags = due_at = fields.String(
        validate=validate.Regexp(r"([A-Za-z]\w*)?\Z", error="is no field name; leave it empty to leave it out")
    )
    object = fields.String(validate=validate.OneOf(CASE_OBJECTS, error="{input!r} is neither Case nor ContactRequest"))
    origin = fields.String()
    record_type = _RecordId()
    priorities = statuses = fields.Dict(keys=fields.String(), values=fields.String())
    are_tickets = fields.Boolean(truthy={True}, falsy={False})


class _CaseNames(fields.Field[Any]):
    """``cases: {key: …, statuses: {solved: Closed}}``"""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> CaseNames:
        read = dict(_Cases().load(value))
        read.pop("are_tickets", None)
        if read.get("key") == "":
            raise ValidationError({"key": ["is empty; a case must carry our key to be opened only once"]})
        tables = {name: {**getattr(CASES, name), **read[name]} for name in ("priorities", "statuses") if name in read}
        return replace(CASES, **{**read, **tables})


_NEWEST = "newest"


class _WriteBack(fields.Field[Any]):
    """``newest`` or ``everything``; or a mapping of names, for everything under other names. → None or the names."""

    _PARTS: ClassVar[Mapping[str, Any]] = {"people": PERSON, "accounts": ACCOUNT, "answers": RESPONSE}

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Any:
        if value == _NEWEST:
            return None
        if value == "everything":
            return dict(self._PARTS)
        if not isinstance(value, Mapping):
            parts = ", ".join(self._PARTS)
            raise ValidationError(f"{value!r} is neither newest nor everything, nor a mapping of {parts}")
        for name in value:
            if name not in self._PARTS:
                raise ValidationError({str(name): [f"is not known{meant(str(name), self._PARTS)}"]})
        return {name: self._part(name, value.get(name, True)) for name in self._PARTS}

    def _part(self, name: str, given: Any) -> Any:
        default = self._PARTS[name]
        if given is False and name != "people":
            return None
        if given is True:
            return default
        if not isinstance(given, Mapping):
            choice = "true" if name == "people" else "true, false"
            raise ValidationError({name: [f"is no table of names; write {choice} or a mapping of names"]})
        try:
            return replace(default, **_renamed(type(default))().load(given))
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from error


class _Share(fields.Field[Any]):
    """20% or 0.2; → a part of 1."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if isinstance(value, bool) or not 0 <= share < 1:
            raise ValidationError("is no share; write it as 20%")
        return share


class SalesforceOptions(_Connection):
    base_url = _Checked(_my_domain)
    organization_id = _RecordId()
    auth = _Auth({"client_credentials": _Login, "jwt": _Jwt, "token": _FixedToken})
    score_fields = _FieldNames(data_key="fields")
    api_version = _Version(load_default="60.0")
    cases = _CaseNames(load_default=CASES)
    account_value = fields.String(
        load_default=VALUE, validate=validate.Regexp(r"[A-Za-z]\w*\Z", error="is no field name")
    )
    write_back = _WriteBack(load_default=None)
    api_reserve = _Share()
    bulk_above = fields.Integer(
        strict=True, validate=validate.Range(min=1, error="is no number of rows from 1 on"),
        error_messages={"invalid": "is no whole number"},
    )  # fmt: skip


class SmtpOptions(_Connection):
    url = _Checked(MailServer.parse)
    sender = _Checked(parse_sender)


def writes_everything(options: Mapping[str, Any]) -> bool:
    """Whether a connection keeps more than the newest score on contacts; that is what it does unless told otherwise."""
    return bool(options.get("write_back", _NEWEST) != _NEWEST)


def field_map(given: Mapping[str, Mapping[str, str]] | None, defaults: FieldMap) -> FieldMap:
    """The settings' field names over the defaults, by metric."""
    named = given or {}
    fresh = {metric: ScoreFields(**names) for metric, names in named.items() if metric not in defaults}
    changed = {metric: replace(default, **named.get(metric, {})) for metric, default in defaults.items()}
    return {**changed, **fresh}


def audience(host: str) -> str:
    """Whom a JWT assertion is for: sandboxes have their own login host (Salesforce, "JWT bearer flow")."""
    is_sandbox = ".sandbox." in host or "--" in host
    return f"https://{_LOGIN_HOSTS[is_sandbox]}"


def private_key(auth: Mapping[str, Any]) -> str:
    """The PEM text of a JWT login. Raises ValidationError."""
    if bool(auth.get("private_key")) == bool(auth.get("private_key_file")):
        raise ValidationError({"private_key_file": ["is missing; give it, or else private_key"]})
    name = "private_key" if auth.get("private_key") else "private_key_file"
    try:
        text = auth.get("private_key") or Path(auth["private_key_file"]).read_text(encoding="ascii")
        load_pem_private_key(text.encode(), password=None)
    except (OSError, ValueError, TypeError) as error:
        trouble = f"holds no readable private key ({type(error).__name__}); give an unencrypted PEM file"
        raise ValidationError({name: [trouble]}) from error
    return str(text)
