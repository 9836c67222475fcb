"""Turns: whose run, and whose job, a worker takes next, so that nobody who asks for much keeps the others waiting.

Next is what belongs to the owner for whom the fewest are worked on now; of several such owners the one who was served
longest ago; of one owner the oldest. What nobody has asked for, a request of a worker itself, comes last.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import sqlalchemy as sa

from gan_core.store.schema import now, runs, turns

Line = Literal["runs", "quick jobs", "long jobs"]
"""Each line has turns of its own: somebody whose run trains is not made to wait for an answer."""
K = TypeVar("K", str, int)


class Waiting(NamedTuple):
    """A run or a job in a line: its id, who has asked for it, and since when it waits."""

    id: str | int
    owners: tuple[str, ...]
    since: float


class Served(NamedTuple):
    """Whom a line serves now, by name, once for each thing of theirs; and when each owner was last served."""

    now: Sequence[str]
    last: Mapping[str, float]


def first(waiting: Iterable[Waiting], served: Served) -> Waiting | None:
    """What is next, where a worker is free; None where nothing waits."""
    busy = Counter(served.now)
    return min(waiting, key=lambda one: _turn(one, busy, served.last), default=None)


def order(waiting: Sequence[Waiting], served: Served) -> Iterator[Waiting]:
    """All that waits, each with one owner, in the order in which it will be taken.

    Where something is worked on, that is while all places are taken: one becomes free when what was taken first ends.
    """
    busy, last = deque(served.now), dict(served.last)
    clock = max([0.0, *last.values()])
    lines: dict[tuple[str, ...], deque[Waiting]] = {}
    for one in sorted(waiting, key=lambda one: (one.since, one.id)):
        lines.setdefault(one.owners, deque()).append(one)
    while lines:
        if busy:
            busy.popleft()
        counted = Counter(busy)
        taken = min((line[0] for line in lines.values()), key=lambda one: _turn(one, counted, last))
        lines[taken.owners].popleft()
        if not lines[taken.owners]:
            del lines[taken.owners]
        clock += 1
        last |= dict.fromkeys(taken.owners, clock)
        busy += taken.owners
        yield taken


def _turn(one: Waiting, busy: Mapping[str, int], last: Mapping[str, float]) -> tuple[object, ...]:
    """What is taken first has the smallest. What several people have asked for comes when the first of them is due."""
    mine = min(((busy.get(owner, 0), last.get(owner, 0.0)) for owner in one.owners), default=(0, 0.0))
    return not one.owners, *mine, one.since, one.id


def queued_runs(db: sa.Connection) -> list[Waiting]:
    """The runs that wait for a worker."""
    rows = db.execute(sa.select(runs.c.id, runs.c.owner, runs.c.queued).where(runs.c.state == "queued"))
    return [Waiting(row.id, (row.owner,), row.queued or 0.0) for row in rows]


def served_with_runs(db: sa.Connection) -> Served:
    """Whose runs a worker has, first those that it has had longest; and when a run of each owner was last taken."""
    last = last_served(db, "runs")
    held = db.scalars(sa.select(runs.c.owner).where(runs.c.worker_id.is_not(None), runs.c.kind == "trained"))
    return Served(sorted(held, key=lambda owner: last.get(owner, 0.0)), last)


def places(db: sa.Connection) -> dict[str, int]:
    """{id of a queued run: its place in the queue, from 1}"""
    waiting = queued_runs(db)
    if not waiting:
        return {}
    return {str(one.id): place for place, one in enumerate(order(waiting, served_with_runs(db)), 1)}


def last_served(db: sa.Connection, line: Line) -> dict[str, float]:
    """{owner: when a worker last took something of theirs}"""
    rows = db.execute(sa.select(turns.c.owner, turns.c.served).where(turns.c.line == line))
    return {row.owner: row.served for row in rows}


def serve(db: sa.Connection, line: Line, owners: Collection[str]) -> None:
    """A worker takes something of these owners: their next turn comes after everybody else's."""
    give_back(db, line, owners)
    if owners:
        db.execute(turns.insert(), [dict(line=line, owner=owner, served=0.0) for owner in owners])
        db.execute(turns.update().where(turns.c.line == line, turns.c.owner.in_(owners)).values(served=now()))


def give_back(db: sa.Connection, line: Line, owners: Collection[str]) -> None:
    """What was taken is put back untouched: its owners are first in line again, as if they had never been served."""
    db.execute(turns.delete().where(turns.c.line == line, turns.c.owner.in_(list(owners))))
