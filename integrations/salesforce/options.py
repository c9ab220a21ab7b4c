"""The settings of a Salesforce connection, as they stand in ringback.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from marshmallow import ValidationError, fields, validate

from integrations.base_url import Address
from integrations.option_fields import (
    Auth,
    Checked,
    ConnectionOptions,
    FieldNames,
    FixedToken,
    Login,
    Options,
    meant,
    renamed,
    text_field,
)
from integrations.salesforce.fields import ACCOUNT, PERSON, RESPONSE
from integrations.salesforce.helpdesk.case_mapping import CASES, CaseNames
from integrations.salesforce.record_ids import fault
from integrations.salesforce.sales import VALUE

CASE_OBJECTS = ("Case", "ContactRequest")
_NEWEST = "newest"
LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class _Jwt(Options):
    @classmethod
    def check_loaded(cls, given: Mapping[str, Any]) -> None:
        """A wrong key is a mistake in the settings, not trouble at the first request."""
        private_key(given)

    client_id = text_field()
    username = text_field()
    private_key = fields.String()
    private_key_file = fields.String()
    audience = fields.String(validate=validate.OneOf([f"https://{host}" for host in LOGIN_HOSTS]))


def _my_domain(text: str) -> None:
    if Address.parse(text).host in LOGIN_HOSTS:
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
        for name in ("priorities", "statuses"):
            known = getattr(CASES, name)
            if strange := [word for word in read.get(name, ()) if word not in known]:
                raise ValidationError({name: {strange[0]: [f"is not known{meant(strange[0], known)}"]}})
        tables = {name: {**getattr(CASES, name), **read[name]} for name in ("priorities", "statuses") if name in read}
        return replace(CASES, **{**read, **tables})


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
            return replace(default, **renamed(type(default))().load(given))
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


class _Whole(fields.Integer):
    """A whole number, also where it is written as a broken one: 2000.0."""

    def _validated(self, value: Any) -> Any:
        is_whole = isinstance(value, float) and value.is_integer()
        return super()._validated(int(value) if is_whole else value)


class SalesforceOptions(ConnectionOptions):
    """``webhook_token``, ``events`` and ``gaps`` are read by who listens to the org."""

    webhook_token = events = gaps = fields.Raw()
    base_url = Checked(_my_domain)
    organization_id = _RecordId()
    auth = Auth({"client_credentials": Login, "jwt": _Jwt, "token": FixedToken})
    score_fields = FieldNames(data_key="fields")
    api_version = _Version(load_default="60.0")
    cases = _CaseNames(load_default=CASES)
    account_value = fields.String(
        load_default=VALUE, validate=validate.Regexp(r"[A-Za-z]\w*\Z", error="is no field name")
    )
    write_back = _WriteBack(load_default=None)
    api_reserve = _Share()
    bulk_above = _Whole(
        strict=True, validate=validate.Range(min=1, error="is no number of rows from 1 on"),
        error_messages={"invalid": "is no whole number"},
    )  # fmt: skip


def writes_everything(options: Mapping[str, Any]) -> bool:
    """Whether a connection keeps more than the newest score on contacts; that is what it does unless told otherwise."""
    return bool(options.get("write_back", _NEWEST) != _NEWEST)


def audience(host: str) -> str:
    """Whom a JWT assertion is for: sandboxes have their own login host (Salesforce, "JWT bearer flow")."""
    is_sandbox = ".sandbox." in host or "--" in host
    return f"https://{LOGIN_HOSTS[is_sandbox]}"


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
