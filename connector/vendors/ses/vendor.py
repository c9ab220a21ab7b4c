"""Amazon SES, as one row. It is asked for certificates and for confirmations alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.config.file import ConnectionConfig
from connector.runtime.jobs.job import Job
from connector.vendors.base import JobParts, Vendor
from connector.vendors.option_checks import EVERYBODYS
from connector.vendors.ses import confirming
from connector.vendors.ses.confirming import SubscriptionConfirmer
from integrations.ses.certificates import FetchedCertificates
from integrations.ses.client import Amazon
from webhooks.ses.signature import Certificates, is_topic
from webhooks.ses.source import SesSource
from workflows.errors import Mistake

_TOPIC = "topic_arn"
_REMEDY = "Write the ARN of the topic to which SES publishes: arn:aws:sns:eu-west-1:123456789012:ses."


def _mistakes(each: ConnectionConfig) -> Iterator[Mistake]:
    path = f"connections.{each.name}"
    for name in each.options.keys() - {_TOPIC, *EVERYBODYS}:
        yield Mistake(f"{path}.{name}", "is not known here.", f"It has no settings of its own but {_TOPIC}.")
    given = each.options.get(_TOPIC) or ()
    topics = given if isinstance(given, list) else [given]
    if not topics or not all(map(is_topic, topics)):
        yield Mistake(f"{path}.{_TOPIC}", "is missing, or no ARN of a topic.", _REMEDY)


def vendor(amazon: Amazon, certificates: Certificates | None = None) -> Vendor:
    """The row. ``amazon`` is whom we ask; ``certificates`` gives what it is asked for."""

    def jobs(parts: JobParts) -> Sequence[Job]:
        if not parts.connections:
            return ()
        tick = SubscriptionConfirmer(parts, amazon.confirm).tick
        return (Job(name="confirm SNS subscriptions", run=tick, every=confirming.EVERY_SECONDS, jitter=5),)

    return Vendor(
        kind="ses",
        title="Amazon SES",
        source=SesSource(certificates or FetchedCertificates(amazon.certificate)),
        proof_option=_TOPIC,
        check_options=_mistakes,
        jobs=jobs,
        emits=lambda _options: ("survey.bounced", "customer.opted_out"),
        guide="docs/mail.md",
    )


VENDOR = vendor(Amazon())
