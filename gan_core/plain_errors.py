"""Errors in words that anybody may read: one sentence, and on request without the paths of this machine."""

from __future__ import annotations

import os
import re
import traceback

from gan_core.records import GanometerError
from gan_core.validation import Invalid

A_FILE = "a file of this server"
"""What stands in a text in place of a path."""

_PART = r"[^\s'\"`<>|]"
_PATH = re.compile(
    r"(?P<quote>['\"`])(?:~?/|file:/|[A-Za-z]:[\\/]|\\\\)[^'\"`\n]*(?P=quote)"  # whatever is in quotes, with its spaces
    rf"|\b(?:sqlite(?:\+\w+)?|file):/{_PART}*(?: [^\s'\"/]*/{_PART}*)*"
    rf"|(?<![A-Za-z0-9])(?:[A-Za-z]:\\|\\\\){_PART}+(?: [^\s'\"\\]*\\{_PART}*)*"
    rf"|(?<![A-Za-z])[A-Za-z]:/(?!/){_PART}+"
    # At least two parts, or one of those that every system has: "60 /s" is no path. A part with spaces in it is seen
    # by the slash that follows.
    rf"|(?<![\w/.])(?:~/|/[\w.@+~-]+/|/(?:tmp|home|root|var|etc|usr|opt|mnt|srv|data|app|run|dev)\b){_PART}*"
    rf"(?: [^\s'\"/]*/{_PART}*)*"
)


def sentence(error: BaseException) -> str:
    """An error in one line: our own as they are, others with their type."""
    if isinstance(error, (GanometerError, Invalid)):
        return str(error)
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def place(error: BaseException) -> str:
    """Where an error was raised: the file, without its folders, and the line."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else "unknown"


def without_paths(text: str) -> str:
    """The text with `A_FILE` in place of every absolute path, for who should not learn where a server keeps things."""
    return _PATH.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    text = found[0]
    end = "" if found["quote"] else text[len(text.rstrip(".,;:)]")) :]  # the marks of the sentence stay
    return A_FILE + end
