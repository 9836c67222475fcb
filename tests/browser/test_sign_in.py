"""Signing in on a shared server, with a provider of OpenID Connect that this test runs itself."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import expect

from gan_core.store import Store

pytestmark = pytest.mark.slow
CLIENT = "ganometer"


class Provider(BaseHTTPRequestHandler):
    """Everybody who asks is Ada. OpenID Connect Core 1.0, the code flow."""

    key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    nonces: dict[str, str] = {}

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def do_GET(self):
        asked, words = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        if asked.path == "/.well-known/openid-configuration":
            places = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
            about = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", "response_types_supported": ["code"]}
            algorithms = {"id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"]}
            self.say(places | about | algorithms)
        elif asked.path == "/keys":
            self.say({"keys": [self.key.as_dict(private=False)]})
        elif asked.path == "/authorization":
            code = f"code-{len(self.nonces)}"
            self.nonces[code] = words["nonce"][0]
            self.send_response(302)
            back = urlencode({"code": code, "state": words["state"][0]})
            self.send_header("Location", f"{words['redirect_uri'][0]}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self):
        words = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "1815", "iat": now, "exp": now + 600}
        claims |= {"nonce": self.nonces.pop(words["code"][0]), "email": "Ada@Example.org", "email_verified": True}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        self.say({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def say(self, value: dict) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_): ...


@pytest.fixture
def provider():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_visitor_signs_in_owns_by_e_mail_and_signs_out(serve, open_page, provider, tmp_path):
    app = serve(env={"HOME": str(tmp_path), "GANOMETER_SHARED": "true", "GANOMETER_WORKER": "none"})
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(
        f"""[auth]
redirect_uri = "{app.url}/oauth2callback"
cookie_secret = "of this test alone, and of 32 letters or more"
client_id = "{CLIENT}"
client_secret = "said to nobody"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
    )
    page = open_page(app)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as ada@example.org")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Train on digits").click()
    page.wait_for_url(re.compile(r"/train\?run=\w+"))
    own = page.url
    store = Store(f"sqlite:///{app.home / 'ganometer.sqlite'}")
    assert store.runs.get(re.search(r"run=(\w+)", own)[1]).owner == "ada@example.org"
    store.close()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{app.url}/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=20_000)
    page.goto(own)
    expect(page.get_by_role("button", name="Pause")).to_be_disabled(timeout=20_000)
