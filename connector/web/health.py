"""``/healthz``: the process answers. ``/readyz``: it can do its work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from connector.clock import Clock
from connector.observe import disk
from connector.observe.backlog import LATE, lateness
from connector.storage.engine.database import Database


def blueprint(database: Database, clock: Clock) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def ready() -> tuple[Response, int]:
        try:
            if full := disk.full(database):
                return jsonify(status="not ready", why=full), 503
            database.try_writing()
            with database.read() as tx:
                late = lateness(tx, clock())
        except SQLAlchemyError as error:
            why = f"the database does not answer, or takes no writes ({type(error).__name__})"
            return jsonify(status="not ready", why=why), 503
        if late > LATE:
            return jsonify(status="not ready", why=f"work that is due has waited for {late:.0f} s"), 503
        return jsonify(status="ready"), 200

    return routes
