"""A database's URL without the secrets in it, and the words of its driver without them.

A password may stand before the @ or in the query, with characters that should have been percent-encoded, in a URL that
cannot be read at all. So what is shown is what is known to be none: the driver, the host and the name. Where anything
is ambiguous, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus, urlsplit

from sqlalchemy.engine import make_url

HIDDEN = "***"
SHORT = 4
"""A secret of fewer characters stands in many words: it is looked for as a word of its own."""
_DRIVER = r"[a-z][a-z0-9]*(?:\+[a-z0-9]+)?"
_PLACE = re.compile(
    rf"(?:(?P<driver>{_DRIVER})(?P<slashes>:?//))?(?P<user>[^@?#\s]*@)?(?P<host>[\w.-]*|\[[\da-fA-F:.]+\])(?P<port>:\w*)?"
    r"(?P<name>/[\w.-]*)?(?:\?[^@\s]*)?"
)


def shown_url(url: str) -> str:
    """The URL as messages show it: without the user, the password and the query; of SQLite the file."""
    if url.startswith("sqlite"):
        return _shown_file(url)
    driver = re.match(rf"{_DRIVER}(?=://)", url)
    found = _PLACE.fullmatch(url)
    if found is None or (found["driver"] is None and found["host"] + (found["name"] or "") != url):
        return f"{driver[0]}://{HIDDEN}" if driver else HIDDEN
    scheme = f"{found['driver']}{found['slashes']}" if found["driver"] else ""
    # Without a user, what looks like a port may be the password of somebody who forgot the @.
    port = found["port"] or "" if found["user"] else ""
    return f"{scheme}{found['host']}{port}{found['name'] or ''}"


def without_secrets(text: str, url: str) -> str | None:
    """What a driver says about a URL, with *** in place of each secret of it; None where that cannot be told apart."""
    if HIDDEN in shown_url(url):
        return None
    for secret in sorted({form for found in _secrets(url) for form in _written(found)}, key=len, reverse=True):
        alone = rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(alone if len(secret) < SHORT else re.escape(secret), HIDDEN, text)
    return text


def _shown_file(url: str) -> str:
    try:
        parsed = make_url(url)
    except Exception:  # SQLAlchemy raises several kinds
        return f"sqlite://{HIDDEN}"
    if parsed.username or parsed.password or parsed.host or parsed.port:
        return f"{parsed.drivername.partition('+')[0]}://{HIDDEN}"
    return f"{parsed.drivername}://" + (f"/{parsed.database}" if parsed.database else "")


def _secrets(url: str) -> Iterator[str]:
    """The user, the password, and every value of the query, as they are written."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    if at:
        name, _, password = user.partition(":")
        yield from (name, password)
    for pair in parts.query.split("&"):
        yield pair.partition("=")[2]
    yield from (value for _, value in parse_qsl(parts.query))


def _written(secret: str) -> set[str]:
    """The ways in which a message may write a secret: as it is, decoded, encoded, or with escapes."""
    plain = {secret, unquote(secret), unquote_plus(secret)}
    encoded = {form for text in plain for form in (quote(text, safe=""), quote_plus(text))}
    escaped = {text.replace("\\", "\\\\").replace("'", "\\'") for text in plain}
    return {form for form in plain | encoded | escaped | {repr(text)[1:-1] for text in plain} if form}
