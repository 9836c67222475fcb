"""Who is looking at a shared server: by e-mail who has signed in, by a word of the browser's who has not."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gan_core.store import Store
from tests.drawing import APP
from ui.frame.identity import providers, verified_email

AUTH = {"redirect_uri": "http://localhost:8501/oauth2callback", "cookie_secret": "a long secret of thirty-two letters"}
PROVIDER = {"client_id": "app", "client_secret": "s", "server_metadata_url": "http://localhost:1/openid-configuration"}
SIGNED_IN = {"is_logged_in": True, "email": "Ada@Example.org", "email_verified": True}


@pytest.fixture
def open_home(tmp_path, monkeypatch):
    st.cache_resource.clear()
    monkeypatch.setenv("GANOMETER_HOME", str(tmp_path))
    monkeypatch.setenv("GANOMETER_WORKER", "none")

    def open_page(user=None, auth=AUTH | PROVIDER, **secrets) -> AppTest:
        at = AppTest.from_file(APP, default_timeout=60)
        for key, value in {"shared": True, "auth": auth, **secrets}.items():
            at.secrets[key] = value
        at.user = {"is_logged_in": False} if user is None else user
        return at.run()

    yield open_page
    st.cache_resource.clear()


def keys(at: AppTest) -> set[str]:
    return {button.key for button in at.button if button.key and button.key.startswith("sign")}


def owners(tmp_path) -> list[str]:
    store = Store(f"sqlite:///{tmp_path / 'ganometer.sqlite'}")
    found = [run.owner for run in store.runs.all() if run.active]
    store.close()
    return found


def test_who_has_signed_in_owns_by_e_mail_and_can_sign_out(open_home, tmp_path):
    at = open_home(SIGNED_IN)
    assert any("Signed in as ada@example.org" in caption.value for caption in at.caption)
    assert keys(at) == {"sign out"}
    at.button(key="start digits").click().run()
    assert not at.exception and owners(tmp_path) == ["ada@example.org"]
    at = open_home(SIGNED_IN)
    at.button(key="sign out").click().run()
    assert not at.exception and keys(at.run()) == {"sign in "}


@pytest.mark.parametrize(
    "user", [SIGNED_IN | {"email_verified": False}, {"is_logged_in": True, "sub": "17"}, SIGNED_IN | {"email": None}]
)
def test_an_address_nobody_vouches_for_owns_nothing(open_home, tmp_path, user):
    at = open_home(user)
    assert any("has not verified an e-mail address" in caption.value for caption in at.caption)
    at.button(key="start digits").click().run()
    assert not at.exception and owners(tmp_path) == []  # this browser keeps no word either


@pytest.mark.parametrize("claim", [None, False, 0, 1, "false", "False", "no", "", "yes", "1", [True], {"a": 1}])
def test_an_address_counts_only_where_the_provider_says_that_it_is_verified(claim):
    about = {"email": "Ada@example.org", "provider": "google", "email_verified": claim}
    assert verified_email(about, AUTH | {"google": PROVIDER}) == ""
    assert verified_email(about | {"email_verified": True}, {}) == "ada@example.org"
    assert verified_email(about | {"email_verified": "true"}, {}) == "ada@example.org"
    missing = {key: value for key, value in about.items() if key != "email_verified"}
    assert verified_email(missing, AUTH | {"google": PROVIDER}) == ""


def test_a_provider_whose_addresses_are_verified_vouches_for_no_other():
    trusting = {"emails_are_verified": True}
    auth = AUTH | {"entra": PROVIDER | trusting, "google": PROVIDER}
    about = {"email": "ada@example.org"}
    assert verified_email(about | {"provider": "entra"}, auth) == "ada@example.org"
    for provider in ("google", "default", "Entra", "", None, "emails_are_verified", "cookie_secret"):
        assert verified_email(about | {"provider": provider}, auth) == ""
    assert verified_email(about, auth) == ""
    assert verified_email(about | {"provider": "entra", "email_verified": False}, auth) == ""  # it says no
    assert verified_email(about | {"provider": "entra", "email_verified": "false"}, auth) == ""
    default = AUTH | PROVIDER | trusting | {"google": PROVIDER}
    assert verified_email(about | {"provider": "default"}, default) == "ada@example.org"
    assert verified_email(about | {"provider": "google"}, default) == ""
    for word in ("true", "yes", 1, None):
        assert verified_email(about | {"provider": "entra"}, {"entra": {"emails_are_verified": word}}) == ""


@pytest.mark.parametrize(
    "email",
    [
        "ad\u0430@example.org",  # a Cyrillic a
        "\u212aate@example.org",  # the sign of Kelvin, which is k in lower case
        "ada@example.org bob@example.org",
        " ada@example.org",
        "ada@example.org\n",
        "ada\u00a0@example.org",
        "ada@bob@example.org",
        "browser-0123456789abcdef",
        "the server",
        "@",
        "",
        None,
        17,
        ["ada@example.org"],
    ],
)
def test_what_is_no_plain_address_counts_for_nobody(email):
    assert verified_email({"email": email, "email_verified": True}, {}) == ""


def test_each_provider_of_the_secrets_has_its_button(open_home):
    assert keys(open_home(auth=AUTH | {"google": PROVIDER, "okta": PROVIDER})) == {"sign in google", "sign in okta"}
    assert keys(open_home()) == {"sign in "}


@pytest.mark.parametrize("secrets", [{"shared": False}, {"auth": {}}])
def test_without_strangers_or_a_provider_nobody_is_asked_to_sign_in(open_home, secrets):
    at = open_home(**secrets)
    assert not at.exception and keys(at) == set()


def test_where_the_secrets_are_incomplete_the_page_says_what_is_missing(open_home):
    at = open_home(auth={"client_id": "app"})
    at.button(key="sign in ").click().run()
    assert not at.exception
    (error,) = at.error
    assert "Sign-in is misconfigured" in error.value and "secrets.toml" in error.value


def test_providers_are_told_from_the_settings_beside_them():
    assert providers(AUTH) == []
    assert providers(AUTH | PROVIDER) == [None]
    assert providers(AUTH | PROVIDER | {"okta": PROVIDER, "expose_tokens": ["id"]}) == [None, "okta"]
