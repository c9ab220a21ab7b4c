"""What Salesforce answers instead of a result: a list of one or more {message, errorCode}."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a record was refused. Collections spell the code ``statusCode``, all else ``errorCode``."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def in_collection(self) -> dict[str, Any]:
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def alone(self) -> dict[str, Any]:
        return {"message": self.message, "errorCode": self.code, "fields": list(self.fields)}


class RecordError(Exception):
    """One record is refused; in a collection the others go on."""

    def __init__(self, code: str, message: str, fields: Sequence[str] = (), status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.problem, self.status = Problem(code, message, tuple(fields)), status


class ApiError(Exception):
    """The whole call is refused."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


def api_error(status: int, code: str, message: str) -> ApiError:
    return ApiError(status, [{"message": message, "errorCode": code}])


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    return api_error(404, "NOT_FOUND", message)


def no_external_id(field: str) -> ApiError:
    return not_found(f"Provided external ID field does not exist or is not accessible: {field}")


def deleted() -> RecordError:
    return RecordError("ENTITY_IS_DELETED", "entity is deleted", status=404)


def no_such_column(field: str, sobject: str) -> RecordError:
    return RecordError("INVALID_FIELD", f"No such column '{field}' on sobject of type {sobject}")


def locked(ids: Sequence[str]) -> RecordError:
    named = ",".join(ids)
    message = f"unable to obtain exclusive access to this record or {len(ids)} records: {named}"
    return RecordError("UNABLE_TO_LOCK_ROW", message)
