"""``ringback.yaml`` as a person would write it. Secrets are only named; ``ringback.env`` holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from connector.cli.init.installation import Installation

_HEAD = """\
# What this organisation decides. ${NAME} comes from ringback.env, or from the environment, which goes before.
# `ringback config check` says whether it all fits together.
"""
_ZENDESK = """\
  zendesk:
    kind: zendesk
    base_url: {base_url}
    auth: {{type: oauth, client_id: "${{ZENDESK_CLIENT_ID}}", client_secret: "${{ZENDESK_CLIENT_SECRET}}"}}
    # The webhook and its secret are made by `ringback provision zendesk`.
"""
_SALESFORCE = """\
  salesforce:
    kind: salesforce
    base_url: {base_url}
    auth:
      type: client_credentials
      client_id: "${{SALESFORCE_CLIENT_ID}}"
      client_secret: "${{SALESFORCE_CLIENT_SECRET}}"
    organization_id: "${{SALESFORCE_ORGANIZATION_ID}}"
    webhook_token: "${{SALESFORCE_WEBHOOK_TOKEN}}"    # the last part of the address that Salesforce sends to
"""
_REST = """\
  shop:                               # another system that tells of events; rename it, or take it out
    kind: inbound
    webhook_secret: "${{SHOP_WEBHOOK_SECRET}}"

  mail:
    kind: smtp
    url: "${{MAIL_URL}}"
    sender: {sender}

brands:
  default:
    title: {title}
    accent: "#1f5fbf"                 # what is legible on it is worked out
    country: {country}                     # where phone numbers without + are from

teams:                                # workflows write to them by these names
  # Calls unhappy customers back:
  care-team: {{email: [{team}]}}
  # Hears of a second bad answer:
  care-lead: {{email: [{lead}]}}

calendar:                             # "4 business hours" counts only these
  timezone: {time_zone}
  hours: mon-fri 09:00-17:30
  holidays: {country}

workflows: workflows/
surveys: surveys/

fatigue_days: 90                      # nobody is asked twice within these days
"""
_HURRIED = """
# For trying it. Left out, an answer counts two minutes after it was sent, so that a slip of the finger can be mended,
# and nobody is asked in their night.
answers: {settle_after_send: 0, settle_after_touch: 1 minute}
quiet_hours: none
"""


def settings_text(wanted: Installation) -> str:
    """The whole file."""
    return "".join(_parts(wanted))


def _parts(wanted: Installation) -> Iterator[str]:
    yield f"{_HEAD}\nconnections:\n"
    if wanted.zendesk:
        yield _ZENDESK.format(base_url=_quoted(wanted.zendesk.base_url)) + "\n"
    if wanted.salesforce:
        yield _SALESFORCE.format(base_url=_quoted(wanted.salesforce.base_url)) + "\n"
    yield _REST.format(
        sender=_quoted(wanted.sender), title=_quoted(wanted.title), country=_quoted(wanted.country),
        team=_quoted(wanted.team), lead=_quoted(wanted.lead or wanted.team), time_zone=_quoted(wanted.time_zone),
    )  # fmt: skip
    yield _HURRIED if wanted.hurried else ""


def _quoted(text: str) -> str:
    """JSON's strings are YAML's, too: whatever was typed stays a text. A $ begins no name of the environment."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${")
