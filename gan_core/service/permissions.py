"""Who may do what. On a person's own machine there is one owner and nothing is asked; a shared server asks here."""

from __future__ import annotations

from gan_core.config.run_config import RunConfig
from gan_core.records import DatasetInfo, GanometerError, RunInfo
from gan_core.settings import Settings

UPLOAD = "upload-"
"""How the names of people's own data sets begin."""


class NotAllowed(GanometerError):
    """Somebody asked for what is not theirs, or for more than there is for one person."""


def is_admin(settings: Settings, by: str) -> bool:
    return not settings.shared or by.lower() in settings.admins


def check_owner(settings: Settings, owner: str, by: str, what: str) -> None:
    """Raises NotAllowed unless `by` may change what belongs to `owner`."""
    if not is_admin(settings, by) and not (by and by in owner.split()):
        raise NotAllowed(f"{what} belongs to somebody else: you may look at it, and start a run of your own")


def check_known(settings: Settings, by: str) -> None:
    """Raises NotAllowed on a shared server for a visitor of whom nothing is known, not even the browser."""
    if settings.shared and not by:
        raise NotAllowed(
            "this browser keeps nothing for this page, so nobody could tell your runs from others': sign in"
        )


def may_see_data(settings: Settings, info: DatasetInfo, by: str) -> bool:
    """Whoever has brought the same file has it too: a data set may have several owners."""
    return is_admin(settings, by) or info.published or bool(by and by in info.owner.split())


def may_see(settings: Settings, run: RunInfo, by: str, seen_data: set[str]) -> bool:
    """Runs on somebody's own data are theirs, until they publish the run; `seen_data` are the uploads `by` may see."""
    name = run.config.data.name
    private = name.startswith(UPLOAD) and name not in seen_data
    return is_admin(settings, by) or run.published or bool(by and run.owner == by) or not private


def check_limits(settings: Settings, config: RunConfig, by: str, *, queued: int, runs: int = 1) -> None:
    """Raises NotAllowed, naming every limit that so many `runs` with these settings would pass; admins have none.

    `queued` is how many runs of this owner wait or train already.
    """
    limits = settings.limits
    if settings.shared and is_admin(settings, by):
        return
    problems = []
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
