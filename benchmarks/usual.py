"""What one would write instead: a Flask view, a Celery task, and Redis between them.

It is here to be measured beside the product on the same machine (``benchmarks.beside``). It keeps no record: what it
has accepted and not yet done is lost with its worker, and what it repeats may happen twice.

    USUAL_BROKER=redis://127.0.0.1:6379/8 USUAL_VENDOR=http://127.0.0.1:6300 python -m benchmarks.usual web 8000
    ... python -m benchmarks.usual worker
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
from typing import Any

import requests
from celery import Celery
from celery.signals import worker_ready
from flask import Flask, Response, abort, request
from waitress import serve

from benchmarks.load import CONNECTION, SECRET

THREADS = 16  # of the worker: a task waits for its vendors most of the time
READY = "ready"
VENDOR = os.environ.get("USUAL_VENDOR", "")

web = Flask(__name__)
tasks = Celery("usual", broker=os.environ.get("USUAL_BROKER", "memory://"))
tasks.conf.update(worker_hijack_root_logger=False, worker_redirect_stdouts=False)
tasks.conf.update(broker_connection_retry_on_startup=True)
_local = threading.local()


@web.post(f"/webhooks/{CONNECTION}")
def receive() -> Response:
    """Check the signature, hand the answer on, say thank you."""
    body = request.get_data()
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(f"v1,{mac}", request.headers["webhook-signature"]):
        abort(401)
    close_the_loop.delay(json.loads(body)["data"])
    return Response(status=202)


@tasks.task(autoretry_for=(requests.RequestException,), retry_backoff=True, ignore_result=True)
def close_the_loop(answer: dict[str, Any]) -> None:
    """A ticket for a detractor who consents, and the score."""
    customer, number = answer["customer"], answer["response_id"]
    if answer["score"] <= 6 and answer["contact_consent"]:
        body = f"{answer['score']}: {answer['comment']} ({number})"
        ticket = {"subject": f"Call back {customer['name']}", "comment": {"body": body}}
        sent = _session().post(
            f"{VENDOR}/api/v2/tickets", json={"ticket": ticket}, headers={"Idempotency-Key": number}, timeout=30
        )
        sent.raise_for_status()
    contact = {"id": customer["salesforce_contact_id"], "NPS_Score__c": answer["score"]}
    written = _session().patch(f"{VENDOR}/services/data/composite/sobjects", json={"records": [contact]}, timeout=30)
    written.raise_for_status()


def _session() -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    return _local.session


if __name__ == "__main__":
    if sys.argv[1] == "web":
        print(READY, flush=True)  # it listens in a moment
        serve(web, host="127.0.0.1", port=int(sys.argv[2]), threads=32, connection_limit=2000, _quiet=True)
    else:
        worker_ready.connect(lambda **_: print(READY, flush=True), weak=False)
        tasks.worker_main(["--quiet", "worker", "--pool", "threads", "--concurrency", str(THREADS), "--loglevel",
                           "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"])  # fmt: skip
