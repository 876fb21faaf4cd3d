"""Strict fakes of OpenID providers (Google's and Microsoft's ways included) and of GitHub.

Nobody is asked anything: whoever comes to `/authorize` is `person`. What a client must send is checked to the letter;
what a provider could do wrong is an attribute.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from tests.fakes.signing import SigningKey
from tests.fakes.threaded import ThreadedServer

CLIENT_ID = "quarterdeck-client"
CLIENT_SECRET = "not:a/secret + at all"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"

Sign = Callable[[dict[str, Any]], str]
Taken = tuple[dict[str, str], dict[str, Any]]


class _OAuthServer(ThreadedServer):
    """The code and its exchange, RFC 6749 with PKCE."""

    def __init__(self) -> None:
        super().__init__()
        self.person: dict[str, Any] = {}
        self.status: dict[str, int] = {}  # by the last word of the path: fails with this
        self.delay_s: dict[str, float] = {}
        self.error = ""  # the person, or the provider, says no
        self.asked: list[dict[str, str]] = []  # queries of the authorization endpoint
        self.faults: list[str] = []  # what clients did wrong
        self.exchanges = 0
        self._codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}

    def middleware(self) -> Any:
        @web.middleware
        async def misbehave(request: web.Request, handler: Any) -> web.StreamResponse:
            word = request.path.rpartition("/")[2]
            await asyncio.sleep(self.delay_s.get(word, 0))
            if word in self.status:
                return web.json_response({"error": "server_error"}, status=self.status[word])
            response: web.StreamResponse = await handler(request)
            return response

        return misbehave

    def answer_of(self, state: str) -> dict[str, str]:
        """What is added to the redirect."""
        return {"state": state}

    def check_asked(self, asked: dict[str, str]) -> str:
        if asked.get("response_type") != "code" or asked.get("client_id") != CLIENT_ID:
            return "response_type or client_id"
        if len(asked.get("state", "")) < 32 or asked.get("code_challenge_method") != "S256":
            return "state or PKCE is missing"
        return "" if len(asked.get("code_challenge", "")) == 43 else "not a challenge"

    async def authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        self.asked.append(asked)
        if fault := self.check_asked(asked):
            self.faults.append(fault)
            return web.Response(status=400, text=fault)
        answer = self.answer_of(asked["state"])
        if self.error:
            answer["error"] = self.error
        else:
            answer["code"] = code = secrets.token_urlsafe(16)
            self._codes[code] = (asked, dict(self.person))
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(answer)}")

    async def take_code(
        self, request: web.Request, *, takes_basic: bool
    ) -> tuple[dict[str, str], dict[str, Any]] | str:
        """What was asked for and who it was; else an error of RFC 6749."""
        self.exchanges += 1
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._knows_client(request, form, takes_basic=takes_basic):
            return "invalid_client"
        kept = self._codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code" or kept is None:
            return "invalid_grant"
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != kept[0]["code_challenge"] or form.get("redirect_uri") != kept[0]["redirect_uri"]:
            self.faults.append("the verifier or the redirect address is another one")
            return "invalid_grant"
        return kept

    def _knows_client(self, request: web.Request, form: dict[str, str], *, takes_basic: bool) -> bool:
        if not takes_basic:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        pair = f"{quote(CLIENT_ID, safe='')}:{quote(CLIENT_SECRET, safe='')}"
        return request.headers.get("authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"


class FakeIssuer(_OAuthServer):
    """`path` is that of the issuer's address. `says`: what discovery calls the issuer, `{url}` filled in."""

    def __init__(self, path: str = "", says: str = "") -> None:
        super().__init__()
        self.path = path
        self.says = says
        self.key = SigningKey("issuer-key")
        self.published: list[dict[str, Any]] = [self.key.public]
        self.person = {"sub": "sub-1", "email": "ann@example.org", "email_verified": True, "name": "Ann"}
        self.sign: Sign = lambda claims: self.key.sign(claims)
        self.userinfo: dict[str, Any] | None = None
        self.takes_basic = True
        self.says_issuer = False
        self.answers_as = ""  # `iss` of the callback

    @property
    def issuer(self) -> str:
        return self.url + self.path

    @property
    def said(self) -> str:
        return self.says.replace("{url}", self.url) if self.says else self.issuer

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get(f"{self.path}/.well-known/openid-configuration", self._discovery)
        router.add_get("/authorize", self.authorize)
        router.add_post("/token", self._token)
        router.add_get("/userinfo", self._userinfo)
        router.add_get("/keys", self._keys)

    def check_asked(self, asked: dict[str, str]) -> str:
        if "openid" not in asked.get("scope", "").split() or len(asked.get("nonce", "")) < 32:
            return "openid or nonce is missing"
        return super().check_asked(asked)

    def answer_of(self, state: str) -> dict[str, str]:
        issuer = self.answers_as or (self.said if self.says_issuer else "")
        return super().answer_of(state) | ({"iss": issuer} if issuer else {})

    async def _discovery(self, _: web.Request) -> web.Response:
        methods = ["client_secret_basic", "client_secret_post"] if self.takes_basic else ["client_secret_post"]
        return web.json_response(
            {
                "issuer": self.said,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint_auth_methods_supported": methods,
                "authorization_response_iss_parameter_supported": self.says_issuer,
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": self.published})

    async def _token(self, request: web.Request) -> web.Response:
        taken = await self.take_code(request, takes_basic=self.takes_basic)
        if isinstance(taken, str):
            return web.json_response({"error": taken}, status=401 if taken == "invalid_client" else 400)
        asked, person = taken
        access = secrets.token_urlsafe(16)
        self.tokens[access] = person
        id_token = self.sign(self.claims(asked["nonce"], person))
        return web.json_response({"access_token": access, "token_type": "Bearer", "id_token": id_token})

    def claims(self, nonce: str, person: dict[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        said = {"iss": self.said, "aud": CLIENT_ID, "exp": now + 300, "iat": now, "nonce": nonce}
        return {name: value for name, value in (said | person).items() if value is not None}

    async def _userinfo(self, request: web.Request) -> web.Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response(self.userinfo or {})


class FakeMicrosoft(FakeIssuer):
    """`tenant` is what is set up: `common`, `organizations`, or a directory's id."""

    def __init__(self, tenant: str = "common") -> None:
        super().__init__(f"/{tenant}/v2.0", "{url}/{tenantid}/v2.0")
        self.be("11111111-aaaa-4bbb-8ccc-000000000001", "22222222-aaaa-4bbb-8ccc-000000000001")

    def be(self, tenant: str, person: str, **claims: Any) -> None:
        self.person = {
            "iss": f"{self.url}/{tenant}/v2.0", "tid": tenant, "oid": person, "sub": f"pairwise-{person}",
            "preferred_username": "ann@contoso.example", "name": "Ann", **claims,
        }  # fmt: skip

    def __enter__(self) -> FakeMicrosoft:
        super().__enter__()
        self.be(self.person["tid"], self.person["oid"])
        return self


class FakeGitHub(_OAuthServer):
    """As GitHub Enterprise is laid out: the API under `/api/v3`."""

    def __init__(self) -> None:
        super().__init__()
        self.person = {"id": 583231, "login": "octocat", "name": "Octo Cat", "email": "typed@anything.example"}
        self.emails: Any = [
            {"email": "old@example.org", "primary": False, "verified": True, "visibility": None},
            {"email": "octo@example.org", "primary": True, "verified": True, "visibility": "private"},
        ]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/login/oauth/authorize", self.authorize)
        router.add_post("/login/oauth/access_token", self._token)
        router.add_get("/api/v3/user", self._user)
        router.add_get("/api/v3/user/emails", self._emails)

    async def _token(self, request: web.Request) -> web.Response:
        taken = await self.take_code(request, takes_basic=False)
        if isinstance(taken, str):  # GitHub's errors come with 200
            words = {"invalid_client": "incorrect_client_credentials", "invalid_grant": "bad_verification_code"}
            return web.json_response({"error": words[taken]})
        access = f"gho_{secrets.token_hex(18)}"
        self.tokens[access] = taken[1]
        return web.json_response({"access_token": access, "token_type": "bearer", "scope": "read:user,user:email"})

    def _who(self, request: web.Request) -> dict[str, Any]:
        person = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if person is None:
            raise web.HTTPUnauthorized
        return person

    async def _user(self, request: web.Request) -> web.Response:
        return web.json_response(self._who(request))

    async def _emails(self, request: web.Request) -> web.Response:
        self._who(request)
        return web.json_response(self.emails)
