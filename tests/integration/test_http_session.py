"""The one session: where it goes, who it says it is, what it makes of refusals."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.auth.tokens import (
    FixedCredentials,
    Grant,
    MemoryStore,
    SharedToken,
    Token,
    token_dialect,
)
from integrations.error_mapping import Dialect
from integrations.errors import Ambiguous, AuthFailed, IntegrationError, Permanent, RateLimited, Transient
from integrations.http import VendorSession
from integrations.salesforce.auth import client_credentials as salesforce_client_credentials
from integrations.salesforce.mapping import DIALECT as SALESFORCE
from integrations.zendesk.auth import client_credentials as zendesk_client_credentials
from integrations.zendesk.dialect import DIALECT as ZENDESK
from tests.support.http import Reply, Seen, Server, answer, serving

PLAIN = Dialect("Vendor")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def session_to(server: Server, dialect: Dialect = PLAIN, **options: object) -> VendorSession:
    return VendorSession(server.url, dialect, FixedCredentials.bearer("secret-token"), **options)  # type: ignore[arg-type]  # keywords of many types


# Where it goes


@pytest.mark.parametrize(
    "base_url",
    ["https://acme.zendesk.com", "https://acme.example:8443/", "http://localhost:6300", "http://127.0.0.2:80", "http://[::1]:9"],
)
def test_a_base_url_of_any_host_and_port_is_taken(base_url: str) -> None:
    with VendorSession(base_url, PLAIN) as session:
        assert session.address.url == base_url.rstrip("/").removesuffix(":80")


@pytest.mark.parametrize(
    ("base_url", "trouble"),
    [
        ("http://acme.zendesk.com", "unencrypted"),
        ("http://127.0.0.1.evil.example", "unencrypted"),
        ("acme.zendesk.com", "no web address"),
        ("ftp://acme.zendesk.com", "no web address"),
        ("https://user:pass@acme.zendesk.com", "more than an address"),
        ("https://acme.zendesk.com/api/v2", "more than an address"),
    ],
)
def test_a_base_url_that_could_leak_or_mislead_is_refused_with_a_remedy(base_url: str, trouble: str) -> None:
    with pytest.raises(ValueError, match=trouble) as refused:
        VendorSession(base_url, PLAIN)
    assert "write" in str(refused.value)
    assert "pass" not in str(refused.value)


def test_a_hard_coded_https_address_of_the_same_host_goes_to_the_base_url(server: Server) -> None:
    with session_to(server) as session:
        session.get(f"https://127.0.0.1:{server.server_port}/services/data?q=1")
        session.get("/api/v2/users/me.json")
    assert [seen.target for seen in server.requests] == ["/services/data?q=1", "/api/v2/users/me.json"]


def test_an_alias_stands_for_the_base_url(server: Server) -> None:
    with session_to(server, aliases=frozenset({"account.zendesk.invalid"})) as session:
        session.get("https://account.zendesk.invalid/api/v2/users/me.json")
    assert server.requests[0].path == "/api/v2/users/me.json"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api",
        "//evil.example/api",
        "https://127.0.0.1:{port}@evil.example/",
        "https://127.0.0.1:{port}.evil.example/",
        "https://user@127.0.0.1:{port}/",
        "https://127.0.0.1:1/",
        "ftp://127.0.0.1:{port}/",
        "https://[evil",
    ],
)
def test_credentials_never_go_to_another_host(server: Server, url: str) -> None:
    with session_to(server) as session, pytest.raises(Permanent) as refused:
        session.get(url.format(port=server.server_port))
    assert refused.value.code == "foreign_host"
    assert server.requests == []


@pytest.mark.parametrize(
    "path", ["/a/../b", "/a/%2e%2e/b", "/a//evil.example/x", "/a/%2F%2Fhost/x", "/a/..\\b", "relative"]
)
def test_a_path_that_could_be_read_otherwise_is_refused(server: Server, path: str) -> None:
    with session_to(server) as session, pytest.raises(Permanent, match="path"):
        session.get(path)
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: Server, status: int) -> None:
    with serving() as elsewhere:
        server.replies = [Reply(status, b"", {"Location": f"{elsewhere.url}/steal"})]
        with session_to(server) as session, pytest.raises(Permanent, match=str(status)):
            session.get("/api/v2/users/me")
        assert elsewhere.requests == []


def test_proxies_and_netrc_of_the_machine_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with VendorSession(server.url, PLAIN) as session:
        session.get("/x")
    assert "authorization" not in server.requests[0].headers


# What it sends


def test_every_request_says_who_we_are_and_only_our_own_credentials_go_along(server: Server) -> None:
    with session_to(server) as session:
        session.post("/x", json={}, headers={"Authorization": "Bearer of-the-library"})
    assert server.requests[0].headers["user-agent"].startswith("ringback/")
    assert server.requests[0].headers["authorization"] == "Bearer secret-token"


def test_the_idempotency_key_goes_with_the_requests_of_its_block_only(server: Server) -> None:
    with session_to(server) as session:
        with session.idempotent("run-7#1"):
            session.post("/a", json={})
        session.post("/b", json={})
    assert [seen.headers.get("idempotency-key") for seen in server.requests] == ["run-7#1", None]


def test_the_idempotency_key_of_one_thread_does_not_reach_another(server: Server) -> None:
    with session_to(server) as session, session.idempotent("mine"), ThreadPoolExecutor(1) as pool:
        pool.submit(session.post, "/other", json={}).result()
    assert "idempotency-key" not in server.requests[0].headers


def test_an_idempotency_key_with_a_line_break_is_refused(server: Server) -> None:
    with session_to(server) as session, session.idempotent("a\r\nX-Evil: 1"), pytest.raises(Permanent):
        session.post("/a", json={})
    assert server.requests == []


def test_cookies_are_not_kept(server: Server) -> None:
    server.replies = [answer(set_cookie="session=1; Path=/")]
    with session_to(server) as session:
        session.get("/a")
        session.get("/b")
    assert "cookie" not in server.requests[1].headers


def test_thirty_two_threads_share_connections(server: Server) -> None:
    with session_to(server) as session, ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda number: session.get(f"/n/{number}"), range(320)))
    assert len(server.requests) == 320
    assert server.connections <= 32


# What it makes of refusals


def refusal(
    server: Server, method: str = "POST", dialect: Dialect = PLAIN, path: str = "/x", **options: object
) -> IntegrationError:
    with session_to(server, dialect, **options) as session, pytest.raises(IntegrationError) as refused:
        session.request(method, path)
    return refused.value


@pytest.mark.parametrize(
    ("method", "status", "kind"),
    [
        ("GET", 400, Permanent),
        ("POST", 404, Permanent),
        ("POST", 422, Permanent),
        ("POST", 300, Permanent),
        ("POST", 403, Permanent),
        ("POST", 408, Transient),
        ("PUT", 409, Transient),
        ("PUT", 423, Transient),
        ("GET", 500, Transient),
        ("POST", 500, Ambiguous),
        ("POST", 502, Ambiguous),
        ("GET", 502, Transient),
        ("POST", 503, Transient),
        ("POST", 504, Ambiguous),
        ("GET", 504, Transient),
        ("PATCH", 520, Ambiguous),
        ("GET", 401, AuthFailed),
        ("POST", 429, RateLimited),
    ],
)
def test_a_status_becomes_the_class_that_says_what_happened(
    server: Server, method: str, status: int, kind: type[IntegrationError]
) -> None:
    server.replies = [answer(status)] * 2
    error = refusal(server, method)
    assert type(error) is kind
    assert error.status == status


def test_a_vendor_whose_errors_roll_back_may_be_written_to_again_after_a_500(server: Server) -> None:
    server.replies = [answer(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}])]
    assert type(refusal(server, "PATCH", SALESFORCE)) is Transient


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.25"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(server: Server, headers: dict[str, str], seconds: float | None) -> None:
    server.replies = [Reply(429, b"slow down", headers)]
    error = refusal(server)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_503_that_names_its_end_is_waited_for(server: Server) -> None:
    server.replies = [answer(503, retry_after="1.5")]
    error = refusal(server)
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.status) == (1.5, 503)


@pytest.mark.parametrize(("method", "kind"), [("GET", Transient), ("POST", Ambiguous), ("PUT", Ambiguous)])
def test_a_connection_lost_after_the_request_leaves_a_write_in_doubt(
    server: Server, method: str, kind: type[IntegrationError]
) -> None:
    server.replies = [Reply(drop=True)]
    assert type(refusal(server, method)) is kind


@pytest.mark.parametrize(("method", "kind"), [("GET", Transient), ("POST", Ambiguous)])
def test_a_read_time_out_leaves_a_write_in_doubt(server: Server, method: str, kind: type[IntegrationError]) -> None:
    server.replies = [Reply(hold=(released := threading.Event()))]
    error = refusal(server, method, read_timeout=0.3)
    released.set()
    assert type(error) is kind


def test_a_body_that_breaks_off_leaves_a_write_in_doubt(server: Server) -> None:
    server.replies = [Reply(200, b'{"ticket": ', {"Content-Length": "500", "Connection": "close"})]
    server.responder = lambda seen: pytest.fail("nothing is repeated by itself")
    assert type(refusal(server, "POST")) is Ambiguous


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_did_nothing(method: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with VendorSession(url, PLAIN) as session, pytest.raises(Transient) as refused:
            session.request(method, "/x")
    assert refused.value.code == "no_connection"


def test_a_server_without_tls_did_nothing_that_we_know_of(server: Server) -> None:
    url = server.url.replace("http:", "https:")
    with VendorSession(url, PLAIN) as session, pytest.raises((Transient, Ambiguous)):
        session.post("/x", json={})
    assert server.requests == []


@pytest.mark.parametrize(("method", "kind"), [("GET", Transient), ("POST", Ambiguous)])
def test_a_success_that_is_no_json_is_no_success(server: Server, method: str, kind: type[IntegrationError]) -> None:
    server.replies = [Reply(200, b"<html>please sign in</html>")]
    assert type(refusal(server, method)) is kind


@pytest.mark.parametrize(
    "body", [b"<html>Bad Gateway</html>", b"", b"\xff\xfe", b"[]", b"[1]", b"null", b'"x"', b'{"error": 5}']
)
@pytest.mark.parametrize("dialect", [PLAIN, ZENDESK, SALESFORCE], ids=lambda dialect: dialect.vendor)
def test_an_error_body_of_any_shape_survives(server: Server, body: bytes, dialect: Dialect) -> None:
    server.replies = [Reply(400, body)]
    error = refusal(server, "POST", dialect)
    assert type(error) is Permanent
    assert "400" in error.reason


def test_a_reason_holds_nothing_personal_and_no_secret(server: Server) -> None:
    server.replies = [
        answer(422, {"error": "Email jan@acme.example is bad", "details": {"email": [], "Jan de Vries": []}})
    ]
    error = refusal(server, "GET", ZENDESK, "/api/v2/users/4711/search?query=email:jan@acme.example")
    for private in ("jan", "Jan", "4711", "secret-token", "query"):
        assert private not in error.reason
    assert "email" in error.reason, "the name of the refused field helps, and is nobody's secret"


def test_the_limits_that_a_vendor_tells_are_kept(server: Server) -> None:
    server.replies = [
        answer(
            x_rate_limit="700",
            x_rate_limit_remaining="12",
            rate_limit_reset="59",
            zendesk_rate_limit_tickets_update="total=20; remaining=19; resets=58",
        ),
        answer(429, zendesk_ratelimit_users_update="total=5; remaining=0"),
    ]
    with session_to(server, ZENDESK) as session:
        session.get("/a")
        with pytest.raises(RateLimited):
            session.get("/b")
    kept = {name: (limit.total, limit.remaining, limit.resets_in) for name, limit in session.limits.items()}
    assert kept == {
        "account": (700, 12, 59.0),
        "tickets-update": (20, 19, 58.0),
        "users-update": (5, 0, None),
    }


def test_the_calls_left_to_a_salesforce_org_are_kept(server: Server) -> None:
    server.replies = [answer(sforce_limit_info="api-usage=18/5000; per-app-api-usage=17/250(appName=x)")]
    with session_to(server, SALESFORCE) as session:
        session.get("/a")
    assert session.limits["api-usage"].remaining == 4982


# Tokens


class Clock:
    """A clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def vendor(accepted: Callable[[str], bool], life: int | None = 1800) -> Callable[[Seen], Reply]:
    """A vendor that gives out "token-1", "token-2" … and refuses every token that is not accepted."""
    given: list[str] = []

    def respond(seen: Seen) -> Reply:
        if seen.path in ("/oauth/tokens", "/services/oauth2/token"):
            given.append(f"token-{len(given) + 1}")
            return answer(200, {"access_token": given[-1], "token_type": "bearer", "expires_in": life})
        bearer = seen.headers["authorization"].removeprefix("Bearer ")
        return answer(200 if accepted(bearer) else 401, {"error": "invalid_token"})

    return respond


def zendesk_session(server: Server, clock: Clock, store: MemoryStore | None = None) -> VendorSession:
    grant = zendesk_client_credentials(
        VendorSession(server.url, token_dialect("Zendesk")), "client", "hush", now=clock
    )
    return VendorSession(server.url, ZENDESK, SharedToken(grant, store, clock))


def token_requests(server: Server) -> int:
    return sum(seen.path.endswith(("/tokens", "/token")) for seen in server.requests)


def test_one_token_serves_all_threads(server: Server) -> None:
    server.responder = vendor(lambda token: token == "token-1")
    with zendesk_session(server, Clock()) as session, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: session.get("/x"), range(64)))
    assert token_requests(server) == 1
    assert server.requests[0].json == {
        "grant_type": "client_credentials",
        "client_id": "client",
        "client_secret": "hush",
        "scope": "read write",
    }


def test_a_token_is_renewed_before_it_ends(server: Server) -> None:
    server.responder, clock = vendor(lambda token: True), Clock()
    with zendesk_session(server, clock) as session:
        session.get("/x")
        clock.now += 1739  # of 1800
        session.get("/x")
        assert token_requests(server) == 1
        clock.now += 2
        session.get("/x")
    assert token_requests(server) == 2
    assert server.requests[-1].headers["authorization"] == "Bearer token-2"


def test_a_refused_token_is_renewed_once_and_the_request_repeated_with_its_key(server: Server) -> None:
    server.responder = vendor(lambda token: token == "token-2")
    with zendesk_session(server, Clock()) as session, session.idempotent("k"):
        session.post("/x", json={"a": 1})
    first, second = (seen for seen in server.requests if seen.path == "/x")
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])


def test_many_threads_with_a_refused_token_ask_for_one_new_one(server: Server) -> None:
    server.responder = vendor(lambda token: token == "token-2")
    with zendesk_session(server, Clock()) as session, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: session.get("/x"), range(32)))
    assert token_requests(server) == 2


def test_a_permanent_401_costs_two_tokens_and_two_requests_and_no_more(server: Server) -> None:
    server.responder = vendor(lambda token: False)
    with zendesk_session(server, Clock()) as session, pytest.raises(AuthFailed):
        session.get("/x")
    assert token_requests(server) == 2
    assert len(server.requests) == 4


def test_a_fixed_token_that_is_refused_is_not_tried_again(server: Server) -> None:
    server.replies = [answer(401)]
    with session_to(server) as session, pytest.raises(AuthFailed, match="auth"):
        session.get("/x")
    assert len(server.requests) == 1


def test_workers_share_a_token_through_the_store(server: Server) -> None:
    server.responder, store = vendor(lambda token: True), MemoryStore()
    for _worker in range(2):
        with zendesk_session(server, Clock(), store) as session:
            session.get("/x")
    assert token_requests(server) == 1


def test_a_worker_takes_the_token_that_another_renewed_meanwhile(server: Server) -> None:
    server.responder, store = vendor(lambda token: token != "token-1"), MemoryStore()
    with zendesk_session(server, Clock(), store) as slow, zendesk_session(server, Clock(), store) as fast:
        slow.tokens.header()  # type: ignore[union-attr]  # made with tokens above
        fast.get("/x")
        slow.get("/x")
    assert token_requests(server) == 2


def test_the_store_keeps_the_first_of_two_replacements() -> None:
    store, old = MemoryStore(), Token("old")
    store.put(old, replacing=None)
    assert store.put(Token("first"), replacing=old) == Token("first")
    assert store.put(Token("second"), replacing=old) == Token("first")
    assert store.get() == Token("first")


def test_a_token_does_not_show_itself() -> None:
    assert "hush" not in repr(Token("hush"))


def grant_error(server: Server, reply: Reply) -> IntegrationError:
    server.replies = [reply]
    asking = VendorSession(server.url, token_dialect("Salesforce"))
    grant: Grant = salesforce_client_credentials(asking, "client", "hush")
    session = VendorSession(server.url, SALESFORCE, SharedToken(grant))
    with asking, session, pytest.raises(IntegrationError) as refused:
        session.patch("/x", json={})
    assert "hush" not in refused.value.reason
    return refused.value


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(400, {"error": "invalid_grant", "error_description": "user hasn't approved"}), AuthFailed),
        (answer(401, {"error": "invalid_client"}), AuthFailed),
        (answer(404), AuthFailed),
        (answer(400, {"error": "unknown_error", "error_description": "retry your request"}), Transient),
        (answer(429, retry_after="3"), RateLimited),
        (answer(500), Transient),
        (answer(502), Transient),
        (Reply(drop=True), Transient),
        (Reply(200, b"<html>"), Transient),
        (answer(200, {"token_type": "bearer"}), Transient),
        (answer(200, ["no", "mapping"]), Transient),
    ],
)
def test_trouble_with_the_token_never_leaves_the_write_in_doubt(
    server: Server, reply: Reply, kind: type[IntegrationError]
) -> None:
    assert type(grant_error(server, reply)) is kind
    assert len(server.requests) == 1
