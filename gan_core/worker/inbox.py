"""The commands that people send to a run while it trains: the beat puts them in, the loop reads them from memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gan_core.records import Command

Decision = Literal["go", "pause", "stop", "release"]
"""What the loop has to do; `release`: commit and give the run back."""


class LastCommand(NamedTuple):
    """The command that counts, which is the last one sent. `step`: train `steps` more, then pause. Id 0: none was."""

    kind: Literal["go", "pause", "stop", "step"]
    id: int = 0
    steps: int = 0


class Inbox:
    """What was sent to one run, and how far the loop has seen it. Any thread may call any method."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._last = LastCommand("go")
        self._stopped_here = False
        self._released = False
        self._settings: list[Command] = []
        self._settings_taken_up_to = 0
        self._pause_at: tuple[int, int] | None = None  # the id of a `step` command, and the step at which it is done
        self._seen = 0

    # ------------------------------------------------------------ put in

    def put(self, commands: Sequence[Command]) -> None:
        """All commands of the run that are not done yet, oldest first."""
        controls = [command for command in commands if command.kind != "set"]
        with self._news:
            if controls and not self._stopped_here:
                self._last = _last_command(controls[-1])
            new = [c for c in commands if c.kind == "set" and c.id > self._settings_taken_up_to]
            self._settings = new
            self._news.notify_all()

    def release(self) -> None:
        """Have the loop commit and give the run back, whatever else was sent."""
        with self._news:
            self._released = True
            self._news.notify_all()

    def stop(self) -> None:
        """As if `stop` had been sent; no later command changes that."""
        with self._news:
            self._last = LastCommand("stop", self._last.id)
            self._stopped_here = True
            self._news.notify_all()

    # ------------------------------------------------------------ read

    @property
    def released(self) -> bool:
        """Whether the run is to be given back."""
        return self._released

    @property
    def seen(self) -> int:
        """The id of the last command that the loop has obeyed: the next commit says that it is done."""
        return self._seen

    @property
    def until(self) -> int | None:
        """The step at which a `step` command is done, where one has been seen."""
        return self._pause_at[1] if self._pause_at else None

    def decide(self, step: int) -> Decision:
        """What to do at this step. A `step` command is one for a pause, as many steps after it was first seen."""
        with self._news:
            last = self._last
            if last.kind == "step":
                if self._pause_at is None or self._pause_at[0] != last.id:
                    self._pause_at = last.id, step + last.steps
                if step < self._pause_at[1]:
                    return "release" if self._released else "go"
            else:
                self._pause_at = None
            self._seen = last.id
            if self._released:
                return "release"
            return "pause" if last.kind == "step" else last.kind

    def take_settings(self) -> list[Command]:
        """The `set` commands that nobody has taken yet, oldest first."""
        with self._news:
            taken, self._settings = self._settings, []
            self._settings_taken_up_to = max([self._settings_taken_up_to, *(command.id for command in taken)])
            return taken

    # ------------------------------------------------------------ wait

    def wait_while_paused(self, seconds: float) -> bool:
        """Wait until there is anything to do, so many seconds at most; returns whether there is."""

        def something_to_do() -> bool:
            sent = self._last.id != self._seen or self._last.kind not in ("pause", "step")
            return self._released or bool(self._settings) or sent

        with self._news:
            return self._news.wait_for(something_to_do, timeout=seconds)

    def wait_for_news(self, seconds: float) -> None:
        """Wait until something is put in, so many seconds at most."""
        with self._news:
            if not self._released:
                self._news.wait(seconds)


def _last_command(command: Command) -> LastCommand:
    if command.kind == "step":
        return LastCommand("step", command.id, command.payload.get("steps", 0))
    if command.kind in ("pause", "stop"):
        return LastCommand(command.kind, command.id)
    return LastCommand("go", command.id)  # resume
