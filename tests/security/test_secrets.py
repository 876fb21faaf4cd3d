"""A canary in every secret, a full run with all that goes wrong in one, and then a look into everything."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.collector import FakeCollector, open_collector
from tests.fakes.script import Script, words
from tests.harness.browser import open_browser
from tests.harness.full_client import new_name, open_full
from tests.harness.people import write
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.upstream import UPSTREAM_KEY, Upstream
from tests.harness.waiting import is_long
from tests.security.canaries import find_secrets, read_folder

from quarterdeck.accounts.own_account import create_password_link
from quarterdeck.store.people import find_account_by_name

STORED_KEY = "plain-stored-canary-5b1e77aa90"  # of no vendor's form: only known because it was entered
TEXT = "message-text-canary-73fd"
ANSWER = "answer-text-canary-91ac"
PASSWORD = "canary sail wind 5b1e77"
NEXT_PASSWORD = "canary oars calm 90cc41"
WRONG_PASSWORD = "canary guess mist 11d0a2"
SECRET_KEY = base64.b64encode(b"canary-secret-key-of-32-bytes-ok").decode()
# By the setting or variable that carries them.
CONFIGURED = {
    "GROQ_API_KEY": "gsk_canary0123456789abcdefghij",
    "QUARTERDECK_METRICS_TOKEN": "metrics-canary-47ae00c1",
    "QUARTERDECK_SECRET_KEY": SECRET_KEY,
    "QUARTERDECK_GITHUB_CLIENT_SECRET": "github-client-canary-0a2b",
    "QUARTERDECK_OIDC_CLIENT_SECRET": "oidc-client-canary-9d3e",
    "QUARTERDECK_SCIM_TOKEN": "scim-token-canary-3c0d11",
    "QUARTERDECK_LDAP_BIND_PASSWORD": "ldap-bind-canary-88a1f2",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=otel-canary-5e5e77",
}


@pytest.fixture(scope="module")
def collector() -> Iterator[FakeCollector]:
    with open_collector() as opened:
        yield opened


@pytest.fixture(scope="module")
def talkative(
    tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, collector: FakeCollector
) -> Iterator[Server]:
    """A server that logs and traces everything it can."""
    environment = CONFIGURED | upstream.environment | {
        "QUARTERDECK_LOG_LEVEL": "debug",
        "GROQ_BASE_URL": upstream.base_url,  # which refuses this key
        "QUARTERDECK_GITHUB_CLIENT_ID": "someone", "QUARTERDECK_GITHUB_URL": "http://127.0.0.1:1",
        "QUARTERDECK_OIDC_CLIENT_ID": "someone", "QUARTERDECK_OIDC_ISSUER": "http://127.0.0.1:1",
        "QUARTERDECK_LDAP_URL": "ldap://127.0.0.1:1", "QUARTERDECK_LDAP_BIND_DN": "cn=quarterdeck,dc=example",
        "QUARTERDECK_LDAP_SEARCH_BASE": "dc=example", "QUARTERDECK_LDAP_SEARCH_FILTER": "(uid={name})",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100",
    }  # fmt: skip
    running = Server(tmp_path_factory.mktemp("talkative"), **environment).start()
    yield running
    running.close()


class Run:
    """What was said during a run, and the secrets that came to be in it."""

    def __init__(self, server: Server, upstream: Upstream) -> None:
        self.server, self.upstream = server, upstream
        self.said: list[str] = []
        self.secrets = CONFIGURED | {
            "OTEL_EXPORTER_OTLP_HEADERS": "otel-canary-5e5e77", "OPENAI_API_KEY": UPSTREAM_KEY,
            "stored provider key": STORED_KEY, "stored client secret": "page-client-canary-77c1",
            "password": PASSWORD, "new password": NEXT_PASSWORD, "wrong password": WRONG_PASSWORD,
            "owner's key": server.key[30:], "one-time link": server.link.partition("link=")[2],
        }  # fmt: skip

    def note(self, answer: httpx2.Response, *, reveals: str = "") -> httpx2.Response:
        """`reveals`: the one secret that this answer is for."""
        said = f"{answer.request.method} {answer.status_code} {answer.text} {dict(answer.headers)}"
        self.said.append(said.replace(reveals, "") if reveals else said)
        return answer

    async def everything(self) -> None:
        with open_browser(self.server) as owner, self.server.http() as by_key:
            self.connect_providers(owner)
            self.make_mistakes(owner)
            await asyncio.to_thread(self.live_an_account, owner)
            self.look_at_everything(by_key)
        await self.talk()

    def connect_providers(self, owner: httpx2.Client) -> None:
        given = {"base_url": self.upstream.base_url, "key": STORED_KEY}
        self.note(owner.put("/api/providers/mine", json=given))
        self.note(owner.post("/api/providers/test", json=given | {"name": "mine"}))
        self.note(owner.post("/api/providers/test", json=given | {"name": "x", "base_url": "http://127.0.0.1:1/"}))
        self.note(owner.put("/api/providers/mine", json=given | {"base_url": f"http://u:{STORED_KEY}@x/"}))
        secret = self.secrets["stored client secret"]
        identity = {"kind": "oidc", "issuer": "http://127.0.0.1:1", "client_id": "i", "client_secret": secret}
        self.note(owner.put("/api/admin/identity-providers/mine", json=identity))
        self.note(owner.post("/api/admin/identity-providers/mine/test", json={}))
        self.note(owner.put("/api/admin/identity-providers/bad", json=identity | {"issuer": f"x://u:{secret}@"}))
        for name in ("github", "oidc", "mine"):
            self.note(owner.get(f"/api/oauth/{name}/start"))
            self.note(owner.get(f"/api/oauth/{name}/callback?code={WRONG_PASSWORD}&state={WRONG_PASSWORD}"))

    def live_an_account(self, owner: httpx2.Client) -> None:
        made = owner.post("/api/admin/invitations", json={"email": "ann@example.org"})
        self.secrets["invitation"] = invitation = made.json()["link"].rpartition("/")[2]
        self.note(made, reveals=invitation)
        name = new_name("ann")
        with httpx2.Client(base_url=self.server.url, headers={"origin": self.server.url}) as ann:
            self.note(ann.get(f"/api/invitations/{invitation}"))
            wanted = {"invitation": invitation, "name": name, "password": PASSWORD}
            self.sign_in(ann, "/api/sign-up", wanted, "first session")
            self.note(ann.post("/api/me/password", json={"current": WRONG_PASSWORD, "new": NEXT_PASSWORD}))
            self.note(ann.post("/api/me/password", json={"current": PASSWORD, "new": NEXT_PASSWORD}))
            key = ann.post("/api/me/keys", json={"name": "mine", "scopes": ["read"]})
            self.secrets["member's key"] = secret = key.json()["secret"][30:]
            self.note(key, reveals=key.json()["secret"])
            self.note(httpx2.get(f"{self.server.url}/api/me", headers={"authorization": f"Basic {secret}"}))
            self.note(ann.get("/api/me/sessions"))
            self.note(ann.get("/api/me/keys"))
            self.sign_in(ann, "/api/sign-in", {"name": name, "password": NEXT_PASSWORD}, "second session")
            self.secrets["reset link"] = link = write(self.server.data_dir, lambda c: make_reset_link(c, name))
            self.note(ann.get(f"/api/password-reset/{link}"))
            self.note(ann.post(f"/api/password-reset/{link}", json={"password": "short"}))
            self.sign_in(ann, f"/api/password-reset/{link}", {"password": PASSWORD}, "third session")
            self.note(ann.post(f"/api/password-reset/{link}", json={"password": PASSWORD}))

    def sign_in(self, browser: httpx2.Client, path: str, given: dict[str, str], what: str) -> None:
        answer = browser.post(path, json=given)
        assert answer.status_code in (200, 201), answer.text
        token = answer.cookies["qd_session"]
        self.secrets[what] = token[30:]
        self.note(answer, reveals=token)

    def make_mistakes(self, owner: httpx2.Client) -> None:
        """Secrets in fields that are not for them, in bodies that cannot be read, in addresses."""
        wrong = WRONG_PASSWORD
        for body in (
            {"name": "owner", "password": wrong},
            {"name": wrong, "password": wrong},
            {"name": ["x"], "password": [wrong]},
        ):
            self.note(owner.post("/api/sign-in", json=body))
        self.note(owner.post("/api/sign-in", content=f'{{"name": "owner", "password": "{wrong}'.encode()))
        self.note(owner.post("/chat_batch", content=f'{{"message": "{TEXT}'.encode()))
        for path in ("/open?link=", "/x?key=", "/api/me?token=", "/invite/", "/reset/", "/api/invitations/", "/c/"):
            self.note(owner.get(f"{path}{wrong}"))
        self.note(httpx2.get(f"{self.server.url}/metrics", headers={"authorization": f"Bearer {wrong}"}))
        self.note(httpx2.get(self.server.link))
        self.note(httpx2.get(self.server.link))

    def look_at_everything(self, http: httpx2.Client) -> None:
        paths = [path for path, verbs in http.get("/openapi.json").json()["paths"].items() if "get" in verbs]
        for path in [*paths, "/", "/settings", "/sign-in", "/docs", "/openapi.json", "/nothing"]:
            self.note(http.get(path.replace("{", "").replace("}", "")))
        self.note(http.get("/api/models", params={"refresh": 1}))
        scim = {"authorization": f"Bearer {CONFIGURED['QUARTERDECK_SCIM_TOKEN']}"}
        self.note(httpx2.get(f"{self.server.url}/scim/v2/Users", headers=scim))
        metrics = {"authorization": f"Bearer {CONFIGURED['QUARTERDECK_METRICS_TOKEN']}"}
        self.note(httpx2.get(f"{self.server.url}/metrics", headers=metrics))

    async def talk(self) -> None:
        """With models that answer, fail, refuse the key, are not there."""
        server, models = self.server, [self.upstream.model(Script(pieces=[ANSWER]))]
        models += [self.upstream.model(Script(pieces=words(5), fault=fault)) for fault in ("cut", "malformed")]
        models += ["groq/some-model", "mine/some-model", "nowhere/x", "builtin/log-reader"]
        async with open_full(server.port, server.key) as client, open_simple(server.port, server.key) as simple:
            for model in models:
                reply = await client.ask("send", id=new_name("key"), conversation="all", text=TEXT, model=model)
                if reply["type"] == "accepted":
                    await client.until_ended(reply["turn"], 20)
                self.said += [str(frame) for frame in await simple.ask(TEXT, new_name("chat"), model=model)]
            await client.say(f'{{"type": "send", "text": "{TEXT}", "key": "{STORED_KEY}"}}')
            await simple.say(f'{{"message": "{TEXT}", "chatId": 5, "key": "{STORED_KEY}"}}')
            self.said.append(str(await simple.next()))
            self.said += [str(frame) for frame in client.frames] + [str(client.transcripts)]

    def commands(self) -> dict[str, bytes]:
        """What the commands say: of this installation, and of databases that cannot be reached."""
        wrong = WRONG_PASSWORD.replace(" ", "-")
        self.secrets["password of a database, of the mail server"] = wrong
        postgres, redis = f"postgresql://u:{wrong}@127.0.0.1:1/x", f"redis://:{wrong}@127.0.0.1:1/0"
        away = {"QUARTERDECK_DATABASE_URL": postgres, "QUARTERDECK_REDIS_URL": redis}
        backup = str(self.server.folder / "a.backup")
        runs: list[tuple[tuple[str, ...], dict[str, str]]] = [
            (("doctor",), {}), (("doctor",), away), (("key", "list"), {}), (("backup", backup), {}),
            (("serve", "--port", "0"), away), (("serve", "--port", "0"), {"QUARTERDECK_SECRET_KEY": wrong}),
            (("copy-database", postgres), {}), (("doctor",), {"QUARTERDECK_SMTP_URL": f"smtp://u:{wrong}@127.0.0.1:1"}),
        ]  # fmt: skip
        if is_long():
            runs += [(("doctor", "--json"), {}), (("migrate", "--check"), {}), (("migrate",), away)]
            runs += [(("backup", "b.backup"), away), (("serve",), {"QUARTERDECK_REDIS_URL": f"http://:{wrong}@x"})]
        said = {}
        for number, (arguments, variables) in enumerate(runs):
            done = self.server.run(*arguments, **variables)
            said[f"{number} {' '.join(arguments)[:30]}"] = (done.stdout + done.stderr).encode()
        return said


def make_reset_link(connection: Any, name: str) -> str:
    account = find_account_by_name(connection, name)
    assert account is not None
    return create_password_link(connection, account.id)[0]


async def test_no_secret_is_anywhere_but_where_it_is_for(
    talkative: Server, upstream: Upstream, collector: FakeCollector, report: Report
) -> None:
    run = Run(talkative, upstream)
    await run.everything()
    slow = upstream.model(Script(pieces=words(60), delay_s=0.05))
    async with open_full(talkative.port, talkative.key) as client:
        turn = (await client.send(TEXT, model=slow))["turn"]
        await client.until_text(turn, 20)
    talkative.kill()  # in the middle of a sentence, and taken over
    before = talkative.output.read_bytes().replace(run.secrets["one-time link"].encode(), b"")
    talkative.start()
    commands = await asyncio.to_thread(run.commands)
    talkative.terminate()
    log = talkative.log_text()
    sent = [request for request in upstream.all_requests() if request.body]
    places = {f"answer {number}: {said[:60]}": said.encode() for number, said in enumerate(run.said)}
    places |= {f"command {name}": said for name, said in commands.items()}
    places |= {f"file {name}": content for name, content in read_folder(talkative.data_dir)}
    places |= {f"backup {name}": content for name, content in read_folder(talkative.folder) if "a.backup" in name}
    places |= {f"prompt {number}": str(request.body).encode() for number, request in enumerate(sent)}
    places |= {"log": log.encode(), "standard output": before, "traces": b"".join(collector.raw)}
    wrong = find_secrets(run.secrets, places)
    wrong += [
        f"{text} in {place}" for text in (TEXT, ANSWER) for place in ("log", "traces") if text.encode() in places[place]
    ]
    report("secrets anywhere", wrong, len(places), f"{len(run.secrets)} secrets, {len(places)} places")
    assert '"level": "debug"' in log, "it said what it could"
    assert any(TEXT.encode() in content for name, content in places.items() if name.startswith("file")), "of course"
    assert collector.raw
    assert any("a.backup/tables" in name for name in places)


def test_a_secret_that_was_planted_is_found(talkative: Server) -> None:
    """The negative control: in each form, in each kind of place."""
    secret = {"planted": "planted canary/42+x"}
    forms = ["planted canary/42+x", "planted%20canary%2F42%2Bx", "planted+canary%2F42%2Bx"]
    forms += [base64.b64encode(f"{'?' * n}planted canary/42+x!".encode()).decode() for n in range(5)]
    forms.append(b"planted canary/42+x".hex())
    assert [find_secrets(secret, {"log": f"before {form} after".encode()}) for form in forms] == [
        ["planted in log"]
    ] * len(forms)
    assert find_secrets(secret, {"log": b"planted canary"}) == []


def test_a_provider_key_reaches_its_own_provider_only(server: Server, http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    http.post("/chat_batch", json={"message": f"my key is {server.key}", "model": model})
    [request] = upstream.requests(model)
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert UPSTREAM_KEY not in str(request.body)
    assert "qd_session" not in str(request.headers)
