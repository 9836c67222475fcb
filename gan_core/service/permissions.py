"""Who may do what. On a person's own machine there is one owner and nothing is asked; a shared server asks here.

`by` says who asks: a visitor's name, "" for a visitor of whom nothing is known, and None for whoever runs the server
and sits at its command line. None may see and do everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gan_core.config.run_config import RunConfig
from gan_core.records import UPLOAD, GanometerError, RunInfo
from gan_core.settings import Settings

MB = 2**20
Owners = Mapping[str, bool]
"""Who has brought an upload: {name: whether this one has published it}."""
HIDDEN = "the data of this run are private: you see its generated samples and its numbers, not the real samples"


class NotAllowed(GanometerError):
    """Somebody asked for what is not theirs, or for more than there is for one person."""


def is_admin(settings: Settings, by: str | None) -> bool:
    """Whether `by` may see and change what belongs to others."""
    return by is None or settings.is_admin(by)


def owns(settings: Settings, owner: str, by: str | None) -> bool:
    """Whether `by` may change what belongs to `owner`."""
    return is_admin(settings, by) or bool(by and by == owner)


def check_owner(settings: Settings, owner: str, by: str | None, what: str) -> None:
    """Raises NotAllowed unless `by` may change what belongs to `owner`."""
    if not owns(settings, owner, by):
        raise of_somebody_else(what)


def of_somebody_else(what: str) -> NotAllowed:
    """That a run or an upload is not one's own."""
    return NotAllowed(f"{what} belongs to somebody else: you may look at it, and start a run of your own")


def check_known(settings: Settings, by: str | None) -> None:
    """Raises NotAllowed on a shared server for a visitor of whom nothing is known, not even the browser."""
    if settings.shared and by == "":
        raise NotAllowed(
            "this browser keeps nothing for this page, so nobody could tell your runs from others': sign in"
        )


def may_use_data(settings: Settings, owners: Owners, by: str | None) -> bool:
    """Whether `by` may see and train on an upload: one that `by` has brought, or that one of its owners has published.

    Whoever has brought the same file has it, too.
    """
    return is_admin(settings, by) or bool(by and by in owners) or any(owners.values())


def may_see(settings: Settings, run: RunInfo, by: str | None, uploads: Mapping[str, Owners]) -> bool:
    """Whether `by` may see a run. `uploads` are the owners of every upload by its name.

    Runs on one's own data are private until one publishes the run, or one's share of the data: another owner of the
    same file publishes it for their own runs, and for those of people who only use it. Of a run that was not trained
    here the samples are somebody's own, whatever they are measured against: it is private until it is published.
    """
    name = run.config.data.name
    if owns(settings, run.owner, by) or run.published:
        return True
    if not run.trained_here:
        return False
    if not name.startswith(UPLOAD):
        return True
    owners = uploads.get(name, {})
    return bool(run.owner) and owners.get(run.owner, any(owners.values()))


def hides_data(settings: Settings, run: RunInfo, by: str | None, uploads: Mapping[str, Owners]) -> bool:
    """Whether `by`, who may see a run, may not see its real samples, or nobody can, because they are not here."""
    name = run.config.data.name
    return name.startswith(UPLOAD) and not (name in uploads and may_use_data(settings, uploads[name], by))


def has_limits(settings: Settings, by: str | None) -> bool:
    """Whether limits hold for `by`: not for the admins of a shared server, nor for whoever sits at its command line."""
    return by is not None and not (settings.shared and is_admin(settings, by))


def check_limits(
    settings: Settings, config: RunConfig, by: str | None, *, queued: int, runs: int = 1, seconds: float = 0.0
) -> None:
    """Raises NotAllowed, naming every limit that so many `runs` with these settings would pass.

    `queued` is how many other runs of this owner wait or train already, `seconds` how long these have trained already.
    """
    limits = settings.limits
    if not has_limits(settings, by):
        return
    problems: list[str] = []
    if limits.queued is not None and runs and queued + runs > limits.queued:
        more = f", these would be {runs} more" if runs > 1 else ""
        problems.append(
            f"you have {queued} runs that wait or train already{more}, and at most {limits.queued} are allowed"
        )
    for name, value in (("steps", config.training.steps), ("batch", config.training.batch)):
        most = getattr(limits, name)
        if most is not None and value > most:
            problems.append(f"training.{name} is {value:,} and this server allows {most:,}")
    if limits.minutes is not None:
        wanted, most = config.training.seconds, 60 * limits.minutes
        if wanted is not None and wanted > most:
            problems.append(f"training.seconds is {wanted:,.0f} and this server allows {most:,.0f}")
        if seconds >= most:
            problems.append(
                f"this run has trained for {seconds / 60:,.1f} minutes, and this server gives a run "
                f"{limits.minutes:g}: fork it, or start another one"
            )
    if problems:
        raise NotAllowed("; ".join(problems))


def check_jobs(settings: Settings, by: str | None, unanswered: int) -> None:
    """Raises NotAllowed where `by`, who waits for so many answers, may not ask for one more."""
    most = settings.limits.jobs
    if most is not None and unanswered >= most and has_limits(settings, by):
        raise NotAllowed(
            f"you wait for the answers to {unanswered} requests, and at most {most} are allowed at a time: wait for "
            "one of them, or cancel it"
        )


def check_upload(settings: Settings, by: str | None, *, own: Sequence[int], stored: int, size: int, new: bool) -> None:
    """Raises NotAllowed, naming every limit that one more upload of `size` bytes would pass.

    `own` are the sizes of what `by` keeps already, `stored` the bytes of all uploads; a `new` one adds to those.
    """
    limits = settings.limits
    if not has_limits(settings, by):
        return
    problems: list[str] = []
    if limits.uploads is not None and len(own) >= limits.uploads:
        problems.append(f"you keep {len(own)} uploads, and at most {limits.uploads} are allowed")
    kept = (sum(own) + size) / MB
    if limits.upload_mb is not None and kept > limits.upload_mb:
        problems.append(f"your uploads would take {kept:,.1f} MB, and at most {limits.upload_mb:,g} MB are allowed")
    if problems:
        raise NotAllowed(f"{'; '.join(problems)}: delete one that you do not need any more")
    together = (stored + size) / MB
    if limits.all_uploads_mb is not None and new and together > limits.all_uploads_mb:
        raise NotAllowed(
            f"the uploads of everybody would take {together:,.1f} MB, and this server keeps {limits.all_uploads_mb:,g} "
            "MB: ask whoever runs it, or choose a smaller file"
        )
