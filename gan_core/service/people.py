"""Whose run is whose: on a shared server people are shown by the nickname that each has chosen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from gan_core.records import GanometerError, RunInfo
from gan_core.service import permissions
from gan_core.settings import Settings
from gan_core.store import Store

YOU = "you"
"""What pages call a visitor's own runs, so nobody else is called like this."""


class PeopleService:
    """Nicknames. Nobody is shown by an e-mail address, nor by what the store calls a browser."""

    def __init__(self, store: Store, settings: Settings):
        self._store, self._settings = store, settings

    def nickname(self, *, by: str | None = "") -> str:
        """What `by` is called; "" without a nickname."""
        return self._store.people.nicknames().get(by, "") if by else ""

    def call_me(self, nickname: str, *, by: str | None = "") -> None:
        """Give `by` a nickname. Raises NotAllowed for a visitor of whom nothing is known, and GanometerError for a
        nickname that is empty, too long, or cannot be shown, and for one by which a page calls somebody else.
        """
        permissions.check_known(self._settings, by)
        with self._store.together():
            others = (name for owner, name in self._store.people.nicknames().items() if owner != by)
            if _looks(nickname) in {_looks(name) for name in (YOU, *others)}:
                raise GanometerError(f"somebody else is called {nickname.strip()!r} here; choose another nickname")
            self._store.people.call(by or "", nickname)

    def owners(self, *, by: str | None = "") -> Mapping[str, str]:
        """What each owner is called, for `by`: "you", and the nicknames of the others; nothing on a machine of one's
        own.
        """
        if not self._settings.shared:
            return {}
        return self._store.people.nicknames() | ({by: YOU} if by else {})

    def is_mine(self, run: RunInfo, *, by: str | None = "") -> bool:
        """Whether a run is the visitor's own; on a person's own machine every run is."""
        return not self._settings.shared or bool(by and run.owner == by)


def _looks(nickname: str) -> str:
    """The same for nicknames that look the same, but for their case and what nobody sees."""
    seen = (letter for letter in nickname if unicodedata.category(letter) not in ("Cf", "Zs"))
    return unicodedata.normalize("NFKC", "".join(seen)).casefold()
