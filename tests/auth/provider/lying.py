"""An identity provider in this process that can be told what to lie about.

It speaks HTTP on a free port and signs with a key of its own; whom it signs in, it does not ask.
The provider that tells the truth is a program of others (test_real_provider).
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "comity", "a secret of the client"
Lie = Callable[[dict[str, Any]], dict[str, Any]]


def truth(told: dict[str, Any]) -> dict[str, Any]:
    return told


@dataclass
class Lying:
    """`claims` changes what it signs, `metadata` what it says of itself."""

    claims: Lie = truth
    metadata: Lie = truth
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signs_with: RSAKey | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    port: int = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> ThreadingHTTPServer:
        """Serve in a thread until the server is shut down."""
        lying = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents = {
                    "/.well-known/openid-configuration": lying._metadata,
                    "/keys": lambda: {"keys": [lying.key.as_dict(private=False)]},
                }
                self._answer(documents[self.path]())

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                given = {name: values[0] for name, values in parse_qs(sent).items()}
                self._answer(lying._token(given, self.headers.get("Authorization", "")))

            def _answer(self, document: dict[str, Any]) -> None:
                content = json.dumps(document).encode()
                self.send_response(200 if "error" not in document else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_rest: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def visit(self, address: str, subject: str) -> dict[str, str]:
        """Sign `subject` in as a browser that follows `address` would; what it comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked = asked | {"subject": subject}
        return {"code": "a-code", "state": asked["state"], "iss": self.issuer}

    def _metadata(self) -> dict[str, Any]:
        return self.metadata(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    def _token(self, given: dict[str, str], authorization: str) -> dict[str, Any]:
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if proof != self.asked["code_challenge"] or authorization != f"Basic {client}":
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = self.claims(
            {
                "iss": self.issuer,
                "sub": self.asked["subject"],
                "aud": CLIENT,
                "nonce": self.asked["nonce"],
                "iat": now,
                "exp": now + 300,
            }
        )
        key = self.signs_with or self.key
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}
