"""Who may do what. On a person's own machine there is one owner and nothing is asked; a shared server asks here.

`by` says who asks: a visitor's name, "" for a visitor of whom nothing is known, and None for whoever runs the server
and sits at its command line. None may see and do everything.
"""

from __future__ import annotations

from gan_core.config.run_config import RunConfig
from gan_core.records import UPLOAD, DatasetInfo, GanometerError, RunInfo
from gan_core.settings import Settings


class NotAllowed(GanometerError):
    """Somebody asked for what is not theirs, or for more than there is for one person."""


def is_admin(settings: Settings, by: str | None) -> bool:
    """Whether `by` may see and change what belongs to others."""
    return by is None or not settings.shared or by.lower() in settings.admins


def owns(settings: Settings, owner: str, by: str | None) -> bool:
    """Whether `by` may change what belongs to `owner`: one name, or several with spaces in between."""
    return is_admin(settings, by) or bool(by and by in owner.split())


def check_owner(settings: Settings, owner: str, by: str | None, what: str) -> None:
    """Raises NotAllowed unless `by` may change what belongs to `owner`."""
    if not owns(settings, owner, by):
        raise NotAllowed(f"{what} belongs to somebody else: you may look at it, and start a run of your own")


def check_known(settings: Settings, by: str | None) -> None:
    """Raises NotAllowed on a shared server for a visitor of whom nothing is known, not even the browser."""
    if settings.shared and by == "":
        raise NotAllowed(
            "this browser keeps nothing for this page, so nobody could tell your runs from others': sign in"
        )


def may_see_data(settings: Settings, info: DatasetInfo, by: str | None) -> bool:
    """Whether `by` may train on an upload. Whoever has brought the same file has it too: it may have several owners."""
    return owns(settings, info.owner, by) or info.published


def may_see(settings: Settings, run: RunInfo, by: str | None, seen_data: set[str]) -> bool:
    """Whether `by` may see a run. `seen_data` names the uploads that `by` may see.

    Runs on somebody's own data are theirs, until they publish the run.
    """
    name = run.config.data.name
    private = name.startswith(UPLOAD) and name not in seen_data
    return is_admin(settings, by) or run.published or bool(by and run.owner == by) or not private


def check_limits(settings: Settings, config: RunConfig, by: str | None, *, queued: int, runs: int = 1) -> None:
    """Raises NotAllowed, naming every limit that so many `runs` with these settings would pass.

    The admins of a shared server have no limits, and whoever sits at the command line has none.
    `queued` is how many runs of this owner wait or train already.
    """
    limits = settings.limits
    if by is None or (settings.shared and is_admin(settings, by)):
        return
    problems: list[str] = []
    if limits.queued is not None and queued + runs > limits.queued:
        more = f", these would be {runs} more" if runs > 1 else ""
        problems.append(
            f"you have {queued} runs that wait or train already{more}, and at most {limits.queued} are allowed"
        )
    for name, value in (("steps", config.training.steps), ("batch", config.training.batch)):
        most = getattr(limits, name)
        if most is not None and value > most:
            problems.append(f"training.{name} is {value:,} and this server allows {most:,}")
    seconds = config.training.seconds
    if limits.minutes is not None and seconds is not None and seconds > 60 * limits.minutes:
        problems.append(f"training.seconds is {seconds:,.0f} and this server allows {60 * limits.minutes:,.0f}")
    if problems:
        raise NotAllowed("; ".join(problems))
