"""What a person's file calls its classes and columns -> names that every page can show."""

from __future__ import annotations

from collections.abc import Iterable

from gan_core.records import LONGEST_DATA_NAME


def in_one_line(text: str, longest: int) -> str:
    """A text of a file as pages show it: in one line, of what can be shown, cut where it is long."""
    seen = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}…"


def shown_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Names in their order, all different: "" for one that says nothing, or what another has said; () for no names."""
    found: list[str] = []
    for text in texts:
        name = in_one_line(text, LONGEST_DATA_NAME)
        found.append("" if name in found else name)
    return tuple(found) if any(found) else ()
