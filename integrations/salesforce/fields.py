"""The names of what Ringback keeps in a Salesforce org, in one place for those who make them and those who write them.

All are defaults: a connection may name others. An empty name leaves that value out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonFields:
    """On Contact and on Lead: the newest answer, and what it means for the person."""

    score: str = "NPS_Score__c"  # number, 0 to 10
    band: str = "NPS_Band__c"  # text: promoter, passive, detractor
    answered_at: str = "NPS_Date__c"  # date and time
    comment: str = "NPS_Comment__c"  # long text, up to 32,000 characters
    quadrant: str = "Loyalty_Quadrant__c"  # text: pure loyalty, trapped loyalty, false loyalty, disloyalty
    loop_status: str = "Loop_Status__c"  # text of 40: how far the loop about the newest answer is
    trend: str = "NPS_Trend__c"  # text: see TRENDS
    responses: str = "NPS_Responses__c"  # number: how many NPS answers the person gave


@dataclass(frozen=True, slots=True)
class AccountFields:
    """On Account: the NPS of its people, each by their newest answer."""

    score: str = "Account_NPS__c"  # number with one decimal, -100 to 100
    responses: str = "Account_NPS_Responses__c"  # number: of how many people
    answered_at: str = "NPS_Date__c"  # date and time of the newest of these answers


@dataclass(frozen=True, slots=True)
class ResponseFields:
    """A record per answer."""

    sobject: str = "Ringback_Response__c"
    response_id: str = "Response_Id__c"  # text of 26, external id, unique, case-sensitive
    metric: str = "Metric__c"  # text: nps, nls, csat, ces
    score: str = "Score__c"  # number
    factor: str = "Factor__c"  # number: -1, 0 or 1; the average of a report's NPS rows times 100 is their NPS
    band: str = "Band__c"  # text
    comment: str = "Comment__c"  # long text
    survey: str = "Survey__c"  # text of 100
    moment: str = "Moment__c"  # text of 100: what in the journey was asked about
    answered_at: str = "Answered_At__c"  # date and time
    ticket_link: str = "Ticket_Link__c"  # URL
    loop_status: str = "Loop_Status__c"  # text of 40
    contact: str = "Contact__c"  # lookup, as the two below
    account: str = "Account__c"
    lead: str = "Lead__c"


PHONES: dict[str, tuple[str, ...]] = {
    "Contact": ("MobilePhone", "Phone", "HomePhone", "OtherPhone"),
    "Lead": ("MobilePhone", "Phone"),
}
"""Where Salesforce keeps a person's number, the first that is filled counts; an assistant's is not theirs."""

PERSON, ACCOUNT, RESPONSE = PersonFields(), AccountFields(), ResponseFields()

TRENDS = ("first answer", "rising", "steady", "falling")
"""The newest answer beside the one before it."""
