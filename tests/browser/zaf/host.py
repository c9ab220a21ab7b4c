"""Zendesk around the sidebar: the page, the app's files from its zip, and the proxy that knows the secure settings."""

from __future__ import annotations

import io
import json
import mimetypes
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask, Response, render_template_string, request
from playwright.sync_api import BrowserContext

from sandbox.serving import Server

_HERE = Path(__file__).parent
CDN = "https://static.zdassets.com/**"


@dataclass
class Workspace:
    """The agent's workspace. ``secure`` are settings that no browser sees; ``made`` are the requests sent on."""

    package: bytes
    secure: dict[str, str]
    values: dict[str, Any]
    location: str = "ticket_sidebar"
    url: str = ""
    is_down: bool = False
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
        frame = self.url.replace("127.0.0.1", "localhost") + "/app/assets/iframe.html"  # another origin, as it is there
        place = {"context": {"location": self.location}, "settings": self.settings, "values": self.values}
        return render_template_string((_HERE / "host.html").read_text("utf-8"), frame=frame, place=place)

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
        answer = requests.request(asked["type"], asked["url"], data=data, headers=headers, timeout=20)
        return Response(answer.content, answer.status_code, content_type=answer.headers["Content-Type"])

    def _filled(self, value: str) -> str:
        for name, secret in self.secure.items():
            value = value.replace("{{setting." + name + "}}", secret)
        return value

    def show(self, context: BrowserContext) -> None:
        """Let a browser find our SDK where Zendesk's would be."""
        sdk = (_HERE / "zaf_sdk.js").read_text("utf-8")
        context.route(CDN, lambda route: route.fulfill(body=sdk, content_type="text/javascript"))


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

    server = Server(app)
    workspace.url = server.url
    try:
        yield workspace
    finally:
        server.close()
