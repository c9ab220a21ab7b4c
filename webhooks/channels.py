"""How a ticket came, in one vocabulary, whoever tells it. Pure.

Zendesk names a channel in three ways: its events by the *via type* ("mail"), its REST API and export by what a ticket
was created by ("email"), a trigger's ``{{ticket.via}}`` in words for people ("Mail"); and its reference allows the
*via id* (4) in place of a type. Salesforce's ``Case.Origin`` is an org's own list; it begins as Phone, Email, Web.
Conditions compare with our names alone: ``NAMES``, and a via type as it is where no other name says more.

Sources: Zendesk's "Via types reference" and "Via object reference", the list of channels in its ticket events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMES: Mapping[str, tuple[str, ...]] = {
    "email": ("mail", "e_mail", "connect_mail", "mailgun", "email_to_case"),
    "web": (
        "web_form", "web_widget", "dropbox", "feedback_tab", "batch", "closed_ticket", "lotus", "web_to_case",
    ),
    "api": ("web_service", "web_service_api", "ticket_sharing", "import", "blog", "github"),
    "voice": (
        "phone", "telephone", "call", "voicemail", "phone_call", "phone_call_inbound", "phone_call_incoming",
        "phone_call_outbound", "phone_call_outgoing", "api_voicemail", "api_phone_call_inbound",
        "api_phone_call_outbound", "cti_voicemail", "cti_phone_call_inbound", "cti_phone_call_incoming",
        "cti_phone_call_outbound", "cti_phone_call_outgoing",
    ),
    "chat": ("live_chat", "chat_transcript", "chat_offline_message"),
    "messaging": ("native_messaging", "sunshine_conversations_api"),
    "sms": ("text", "text_message", "connect_sms", "twilio_sms", "messagebird_sms"),
    "facebook": (
        "facebook_post", "facebook_message", "facebook_private_message", "facebook_messenger",
        "sunshine_conversations_facebook_messenger",
    ),
    "twitter": (
        "x", "x_dm", "x_like", "x_formerly_twitter", "x_formerly_twitter_like", "twitter_dm", "twitter_like",
        "twitter_favorite", "sunshine_conversations_twitter_dm",
    ),
    "instagram": ("instagram_dm", "instagram_direct"),
    "forum": ("topic", "forum_topic", "helpcenter", "help_center", "help_center_post", "community"),
    "rule": ("trigger_automation",),
    "any_channel": ("channel_framework", "channel_integration"),
    "side_conversation": ("side_conversations",),
}  # fmt: skip
"""Our name → what others call it, in small letters with _ for all that is neither letter nor digit."""

_AS_THEY_ARE = (
    "whatsapp", "line", "wechat", "viber", "telegram", "kakaotalk", "mobile", "mobile_sdk", "apple_business_chat",
    "google_business_messages", "google_rcs", "business_messaging_slack_connect", "linked_problem", "merge",
    "user_merge", "recovered_from_suspended_tickets", "sample_ticket", "sample_interactive_ticket", "get_satisfaction",
    "answer_bot", "answer_bot_api", "answer_bot_for_agents", "answer_bot_for_sdk", "answer_bot_for_slack",
    "answer_bot_for_web_widget", "monitor_event", "logmein_rescue", "iphone", "omnichannel", "symphony",
)  # fmt: skip

_IDS = {
    0: "web", 4: "email", 5: "api", 8: "rule", 15: "iphone", 16: "get_satisfaction", 17: "web", 20: "web",
    23: "twitter", 24: "forum", 26: "twitter", 27: "web", 29: "chat", 30: "twitter", 31: "api", 33: "voice",
    34: "voice", 35: "voice", 36: "api", 37: "sms", 38: "facebook", 39: "api", 40: "api", 41: "facebook", 44: "voice",
    45: "voice", 46: "voice", 48: "web", 49: "mobile_sdk", 50: "forum", 55: "any_channel", 56: "mobile", 57: "sms",
    63: "answer_bot_for_agents", 64: "answer_bot_for_slack", 65: "answer_bot_for_sdk", 66: "answer_bot_api",
    67: "answer_bot_for_web_widget", 69: "side_conversation", 78: "facebook", 88: "twitter", 90: "chat",
    91: "business_messaging_slack_connect",
}  # fmt: skip
_OURS: Mapping[str, str] = {
    **{name: name for name in (*NAMES, *_AS_THEY_ARE)},
    **{other: ours for ours, others in NAMES.items() for other in others},
    **{str(number): ours for number, ours in _IDS.items()},
}
_NO_LETTER = re.compile(r"[\W_]+")


def neutral(told: object) -> str | None:
    """Our name of a channel; one that nobody here knows as it was told, in small letters; None without any."""
    if isinstance(told, bool) or not isinstance(told, str | int):
        return None
    text = str(told).strip().lower()
    return _OURS.get(_NO_LETTER.sub("_", text).strip("_"), text) or None
