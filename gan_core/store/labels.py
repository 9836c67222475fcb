"""What people call their runs and themselves: names, tags and nicknames, as they are kept.

GanometerError says what is wrong with one.
"""

from __future__ import annotations

import unicodedata
from typing import Iterable

from gan_core.records import GanometerError

LONGEST_NAME, LONGEST_TAG, MOST_TAGS, LONGEST_NICKNAME = 80, 24, 8, 30


_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
"""What turns the direction of all that follows it on a page; letters that are read from the right do not."""
_INVISIBLE = ("Cf", "Cn", "Co", "Mn", "Me", "Zs")


def checked_name(name: str) -> str:
    """A run's name without the space around it."""
    return _checked("the name", name, LONGEST_NAME)


def checked_nickname(nickname: str) -> str:
    """What a person wants to be called, without the space around it."""
    return _checked("the nickname", nickname, LONGEST_NICKNAME)


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in their order, each once, without the space around them."""
    found = tuple(dict.fromkeys(_checked("the tag", tag, LONGEST_TAG) for tag in tags))
    if len(found) > MOST_TAGS:
        raise GanometerError(f"there are {len(found)} tags; a run has at most {MOST_TAGS}")
    return found


def _checked(what: str, text: str, longest: int) -> str:
    text = text.strip()
    if not 1 <= len(text) <= longest:
        shown = repr(text) if len(text) < 100 else repr(f"{text[:99]}…")
        raise GanometerError(f"{what} {shown} has {len(text)} characters; give 1 to {longest}")
    kinds = [unicodedata.category(character) for character in text]
    turned = any(unicodedata.bidirectional(character) in _TURNING for character in text)
    if turned or {"Cc", "Cs", "Zl", "Zp"} & set(kinds) or all(kind in _INVISIBLE for kind in kinds):
        raise GanometerError(f"{what} {text!r} has characters that cannot be shown; leave them out")
    return text
