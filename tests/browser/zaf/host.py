"""Zendesk around the sidebar: the page, the app's files from its zip, and the proxy that knows the secure settings."""

from __future__ import annotations

import io
import json
import mimetypes
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from flask import Flask, Response, render_template_string, request
from playwright.sync_api import BrowserContext

from sandbox.serving import Server

_HERE = Path(__file__).parent
_SDK = _HERE.parent / "vendor" / "zaf_sdk"
CDN = "https://static.zdassets.com/**"
GUID = "6f4c2f1e-5a43-4a3b-9f0a-0b7a5f6c1d2e"
"""Of this installation of the app in this page; both sides name it in every message."""


def sdk() -> str:
    """Zendesk's SDK as one script that leaves ``ZAFClient`` behind, which is how its own build delivers it."""
    parts = {name: (_SDK / f"{name}.js").read_text("utf-8") for name in ("utils", "client", "index")}
    defined = "".join(f"define('./{name}', function(module, require) {{{text}\n}});" for name, text in parts.items())
    return (
        "(function() { var known = {}; function require(name) { return known[name]; }"
        "function define(name, body) { var module = {}; body(module, require); known[name] = module.exports; }"
        f"{defined} window.ZAFClient = require('./index'); }})();"
    )


@dataclass
class Workspace:
    """The agent's workspace. ``secure`` are settings that no browser sees; ``made`` are the requests sent on."""

    package: bytes
    secure: dict[str, str]
    values: dict[str, Any]
    location: str = "ticket_sidebar"
    url: str = ""
    is_down: bool = False
    latency: float = 0  # seconds that each file and each request takes longer, for measuring
    made: list[tuple[str, str]] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)  # settings that an admin changed

    def __post_init__(self) -> None:
        with zipfile.ZipFile(io.BytesIO(self.package)) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.manifest = json.loads(self.files["manifest.json"])

    @property
    def settings(self) -> dict[str, Any]:
        """What the page may know: never a secure one."""
        plain = [each for each in self.manifest["parameters"] if not each.get("secure")]
        return {each["name"]: each.get("default") for each in plain} | self.given

    def page(self) -> str:
        host = self.url.replace("127.0.0.1", "localhost")  # another origin than the page's, as it is there
        frame = f"{host}/app/assets/iframe.html?{urlencode({'origin': self.url, 'app_guid': GUID})}"
        place = {"guid": GUID, "context": self._context(), "metadata": self._metadata(), "values": self.values}
        return render_template_string((_HERE / "host.html").read_text("utf-8"), frame=frame, place=place)

    def _context(self) -> dict[str, Any]:
        about = {"instanceGuid": GUID, "product": "support", "account": {"subdomain": "acme"}}
        ticket = {"ticketId": self.values["ticket.id"]} if self.location == "ticket_sidebar" else {}
        return {**about, "location": self.location, **ticket}

    def _metadata(self) -> dict[str, Any]:
        told = {"appId": 1, "installationId": 2, "name": self.manifest["name"], "version": self.manifest["version"]}
        return {**told, "settings": self.settings}

    def proxy(self) -> Response:
        """Make the frame's request, with the secure settings put in where the app may send them."""
        asked = json.loads(request.get_data())
        host = urlsplit(asked["url"]).hostname
        if self.is_down:
            return Response("<html>Bad gateway</html>", 502, content_type="text/html")
        if asked.get("cors") or not asked.get("secure") or host not in self.manifest["domainWhitelist"]:
            return Response("the proxy takes secure requests to the app's own hosts only", 400)
        headers = {name: self._filled(value) for name, value in asked.get("headers", {}).items()}
        if asked.get("contentType"):
            headers["Content-Type"] = asked["contentType"]
        self.made.append((asked["type"], urlsplit(asked["url"]).path))
        data = asked.get("data", "").encode() or None
        answer = requests.request(asked["type"], asked["url"], data=data, headers=headers, timeout=60)
        return Response(answer.content, answer.status_code, content_type=answer.headers["Content-Type"])

    def _filled(self, value: str) -> str:
        for name, secret in self.secure.items():
            value = value.replace("{{setting." + name + "}}", secret)
        return value

    def show(self, context: BrowserContext) -> None:
        """Let a browser find the SDK where Zendesk's CDN would serve it."""
        script = sdk()
        context.route(CDN, lambda route: route.fulfill(body=script, content_type="text/javascript"))


@contextmanager
def open_workspace(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace on a port of its own, until the block ends."""
    app = Flask("zendesk-around-the-sidebar", static_folder=None)
    app.add_url_rule("/", "page", workspace.page)
    app.add_url_rule("/proxy", "proxy", workspace.proxy, methods=["POST"])

    @app.get("/host.js")
    def script() -> Response:
        return Response((_HERE / "host.js").read_text("utf-8"), content_type="text/javascript")

    @app.get("/app/<path:path>")
    def file(path: str) -> Response:
        return Response(workspace.files[path], content_type=mimetypes.guess_type(path)[0])

    @app.before_request
    def far_away() -> None:
        if workspace.latency:
            time.sleep(workspace.latency)

    server = Server(app)
    workspace.url = server.url
    try:
        yield workspace
    finally:
        server.close()
