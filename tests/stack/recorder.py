"""A reverse proxy that writes down every AWS call made through it.

The functions' endpoint is this proxy, and its upstream is the emulator. So the tests can say
"exactly one UpdateService" from what went over the wire, not from what either side believes.
Requests and responses pass unchanged, the Host header included: signatures stay valid. Only what
`throttled` and `unreachable` name is answered here, and only what `changed` names is answered otherwise.
"""

import contextlib
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

#: Longest that one call may take upstream; far above any of the emulator's.
UPSTREAM_TIMEOUT_SECONDS = 60

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")
#: In the protocol of ECS, SSM and most others.
_THROTTLED = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
_CBOR_PATH = re.compile(r"^/service/[^/]+/operation/(?P<operation>[^/?]+)")


@dataclass(frozen=True)
class Call:
    """One AWS call: whose, where, what, and how it ended."""

    account: str
    region: str
    service: str
    operation: str
    status: int
    #: When the request came, by the monotonic clock.
    at: float
    #: The request, where it was JSON.
    request: dict = field(default_factory=dict, hash=False)
    #: Both bodies as they went over the wire.
    sent: bytes = field(default=b"", repr=False)
    answered: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        return f"{self.account} {self.region} {self.service}:{self.operation} -> {self.status}"


@dataclass
class Throttling:
    """The next calls of an operation in an account that are refused, and how many still are to be."""

    account: str
    operation: str
    when: Callable[[dict], bool]
    times_left: int

    def takes(self, call: Call) -> bool:
        if self.times_left == 0 or (call.account, call.operation) != (self.account, self.operation):
            return False
        return self.when(call.request)


@dataclass(frozen=True)
class Unreachable:
    """An operation that is refused for as long as this stands, where a request is such."""

    operation: str
    when: Callable[[dict], bool]


@dataclass
class Change:
    """What becomes of the answers to an operation."""

    operation: str
    make: Callable[[dict], None]


class Recorder:
    """The proxy. `url` is what to give to the functions; `calls` is what they did."""

    def __init__(self, upstream_port: int, account: str):
        """`account` is whose the callers are that assumed no role through this proxy."""
        self._upstream_port = upstream_port
        self._account = account
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._accounts: dict[str, str] = {}
        self._throttlings: list[Throttling] = []
        self._unreachable: list[Unreachable] = []
        self._changes: list[Change] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def calls(self, *operations: str, after: int = 0, account: str | None = None) -> list[Call]:
        """The calls of these operations (all, if none is named) since `after`, a `mark()`."""
        with self._lock:
            calls = self._calls[after:]
        return [
            call
            for call in calls
            if (not operations or call.operation in operations) and (account is None or call.account == account)
        ]

    def mark(self) -> int:
        """Where the record stands now."""
        with self._lock:
            return len(self._calls)

    @contextlib.contextmanager
    def throttled(
        self, operation: str, account: str, times: int, when: Callable[[dict], bool] = lambda _: True
    ) -> Iterator[Throttling]:
        """Meanwhile, answer the next calls of an operation with such requests as AWS does when they are too many."""
        throttling = Throttling(account, operation, when, times)
        with self._lock:
            self._throttlings.append(throttling)
        try:
            yield throttling
        finally:
            with self._lock:
                self._throttlings.remove(throttling)

    @contextlib.contextmanager
    def unreachable(self, operation: str, when: Callable[[dict], bool] = lambda _: True) -> Iterator[None]:
        """Meanwhile, let such requests of an operation end at a load balancer that has nothing behind it."""
        unreachable = Unreachable(operation, when)
        with self._lock:
            self._unreachable.append(unreachable)
        try:
            yield
        finally:
            with self._lock:
                self._unreachable.remove(unreachable)

    @contextlib.contextmanager
    def changed(self, operation: str, make: Callable[[dict], None]) -> Iterator[None]:
        """Meanwhile, answer an operation, whose protocol is JSON, with what `make` makes of the emulator's answer."""
        change = Change(operation, make)
        with self._lock:
            self._changes.append(change)
        try:
            yield
        finally:
            with self._lock:
                self._changes.remove(change)

    def _as_changed(self, call: Call | None, status: int, answer: bytes) -> bytes:
        with self._lock:
            changes = [change for change in self._changes if call is not None and change.operation == call.operation]
        if status != 200 or not changes:
            return answer
        body = json.loads(answer)
        for change in changes:
            change.make(body)
        return json.dumps(body).encode()

    def _incoming(self, headers, path: str, body: bytes) -> Call | None:
        """What a request asks for, its answer still open; nothing if it is no AWS call."""
        credential = _CREDENTIAL.search(headers.get("Authorization", ""))
        if credential is None:
            return None
        key, region, service = credential.group("key", "region", "service")
        operation, request = _operation(headers, path, body)
        with self._lock:
            account = self._accounts.get(key, self._account)
        return Call(account, region, service, operation, 0, time.monotonic(), request, body)

    def _is_throttled(self, call: Call | None) -> bool:
        with self._lock:
            for throttling in self._throttlings:
                if call is not None and throttling.takes(call):
                    throttling.times_left -= 1
                    return True
        return False

    def _is_unreachable(self, call: Call | None) -> bool:
        with self._lock:
            return call is not None and any(
                call.operation == refused.operation and refused.when(call.request) for refused in self._unreachable
            )

    def _note(self, call: Call | None, status: int, answer: bytes) -> None:
        if call is None:
            return
        with self._lock:
            if call.operation == "AssumeRole" and status == 200:
                session = re.search(rb"<AccessKeyId>([^<]+)<", answer)
                if session:
                    # arn:aws:iam::ACCOUNT:role/NAME
                    self._accounts[session.group(1).decode()] = call.request["RoleArn"].split(":")[4]
            self._calls.append(replace(call, status=status, answered=answer))

    def _handler(self):
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _forward(self):
                body = _read_body(self)
                call = recorder._incoming(self.headers, self.path, body)
                if recorder._is_throttled(call):
                    recorder._note(call, 400, _THROTTLED)
                    self._answer(400, "Bad Request", [("Content-Type", "application/x-amz-json-1.1")], _THROTTLED)
                    return
                if recorder._is_unreachable(call):
                    recorder._note(call, 503, b"")
                    self._answer(503, "Service Unavailable", [], b"")
                    return
                upstream = http.client.HTTPConnection(
                    "127.0.0.1", recorder._upstream_port, timeout=UPSTREAM_TIMEOUT_SECONDS
                )
                try:
                    upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                            upstream.putheader(name, value)
                    if body or self.command in ("POST", "PUT"):
                        upstream.putheader("Content-Length", str(len(body)))
                    upstream.endheaders(body or None)
                    response = upstream.getresponse()
                    answer = response.read()
                except OSError:
                    self.send_error(502)
                    return
                finally:
                    upstream.close()
                answer = recorder._as_changed(call, response.status, answer)
                recorder._note(call, response.status, answer)
                self._answer(response.status, response.reason, response.getheaders(), answer)

            def _answer(self, status: int, reason: str, headers: list[tuple[str, str]], body: bytes):
                self.send_response_only(status, reason)
                for name, value in headers:
                    if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                        self.send_header(name, value)
                if self.command == "HEAD":
                    lengths = [value for name, value in headers if name.lower() == "content-length"]
                    self.send_header("Content-Length", lengths[0] if lengths else "0")
                    self.end_headers()
                    return
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _forward

        return Handler


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" not in handler.headers.get("Transfer-Encoding", "").lower():
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    chunks = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        chunks.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(chunks)


def _operation(headers, path: str, body: bytes) -> tuple[str, dict]:
    """The operation's name in the three protocols that we meet, and its request."""
    if target := headers.get("X-Amz-Target"):
        return target.rsplit(".", 1)[-1], _json(body)
    if cbor := _CBOR_PATH.match(path):
        return cbor["operation"], {}
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    return form.get("Action", path.split("?")[0]), form


def _json(body: bytes) -> dict:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
