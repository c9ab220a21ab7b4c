"""What an integration that writes scores back brings into an organisation: fields, and an object for answers."""

from __future__ import annotations

from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import Field, SObject, custom_object

ANSWER = "Ringback_Response__c"


def install(records: Records) -> None:
    """Add all of it; what is there already stays."""
    for kind in ("Contact", "Lead"):
        for field in _person():
            records.add_field(kind, field)
    for field in _account():
        records.add_field("Account", field)
    records.add_object(_answer())


def _person() -> tuple[Field, ...]:
    return (
        Field("Loyalty_Quadrant__c", "string", 40),
        Field("Loop_Status__c", "string", 40),
        Field("NPS_Trend__c", "string", 40),
        Field("NPS_Responses__c", "double"),
    )


def _account() -> tuple[Field, ...]:
    return (Field("Account_NPS__c", "double"), Field("Account_NPS_Responses__c", "double"))


def _answer() -> SObject:
    return custom_object(
        ANSWER,
        "a0R",
        Field("Response_Id__c", "string", 40, required=True, key=True, unique=True),
        Field("Metric__c", "string", 10),
        Field("Score__c", "double"),
        Field("Factor__c", "double"),
        Field("Band__c", "string", 40),
        Field("Comment__c", "textarea", 32768),
        Field("Survey__c", "string", 100),
        Field("Moment__c", "string", 100),
        Field("Answered_At__c", "datetime"),
        Field("Ticket_Link__c", "url", 255),
        Field("Loop_Status__c", "string", 40),
        Field("Contact__c", "reference", 18),
        Field("Account__c", "reference", 18),
        Field("Lead__c", "reference", 18),
    )
