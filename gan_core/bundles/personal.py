"""What of a run's texts may leave a server in a file: nothing of who made it, and nothing of the machine.

A text is cleared of e-mails, names of browsers, addresses, paths, and of the workers and hosts that the store knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

CUT = "…"
KEPT_KEYS = ("preset", "kind", "changes", "parent", "error", "note")
"""What an event says in words; of anything else in it only numbers and switches are kept."""
_PERSONAL = re.compile(
    r"""
    [a-z][a-z0-9+.-]*://\S+                      # an address of anything
    | [^\s@<>()'",;:]+@[^\s@<>()'",;:]+          # an e-mail
    | browser-[0-9a-f]{16}                       # a visitor who has not signed in
    | '[^'\n]*[/\\][^'\n]*' | "[^"\n]*[/\\][^"\n]*"  # a path in quotes, which may hold spaces
    | (?<![\w.])(?:[a-z]:)?(?:~\w*|\.{1,2})?[/\\][^\s'",;:()]+  # a path, absolute or from here
    | [^\s'",;:()]+-\d+-[0-9a-f]{4}\b            # a worker: host, process, four digits
    """,
    re.VERBOSE | re.IGNORECASE,
)


def clearer(names: Iterable[str]) -> Callable[[str], str]:
    """A function that clears a text; `names` are those of hosts, workers and people that the store knows."""
    known = sorted({name for name in names if name}, key=len, reverse=True)
    named = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in known)) if known else None

    def clear(text: str) -> str:
        text = _PERSONAL.sub(CUT, text)
        return named.sub(CUT, text) if named else text

    return clear


def event_for_a_file(payload: Mapping[str, Any], clear: Callable[[str], str]) -> dict[str, Any]:
    """What an event says, without who did it and where."""
    kept: dict[str, Any] = {}
    for key, value in payload.items():
        if isinstance(value, (bool, int, float)) or (key in KEPT_KEYS and not isinstance(value, str)):
            kept[key] = value
        elif key in KEPT_KEYS:
            kept[key] = clear(value)
    return kept
