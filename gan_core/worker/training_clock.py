"""How long a run has trained, and when its next commit is due."""

from __future__ import annotations

from collections.abc import Callable

COMMIT_SECONDS = 5.0
"""Between two commits of a long training; of a young one people want to see more, and there it is a second or two."""
COMMIT_SHARE = 0.05
"""Of the training time, at most, goes into commits."""


class TrainingClock:
    """Seconds of training since the last commit, and up to it. `now` is any clock that never goes back.

    `slow_commits`: the store is far away, so the interval follows what a commit takes.
    """

    def __init__(self, now: Callable[[], float], *, slow_commits: bool):
        self.now, self._slow_commits = now, slow_commits
        self._since = now()
        self._committed = 0.0
        self._commit_took = 0.0

    def restart(self) -> None:
        """Count from here: what was before (loading, compiling, resting) is not training."""
        self._since = self.now()

    @property
    def uncommitted(self) -> float:
        """Seconds of training since the last commit."""
        return self.now() - self._since

    @property
    def committed(self) -> float:
        """Seconds of training up to the last commit."""
        return self._committed

    @property
    def interval(self) -> float:
        """Seconds between two commits; on a database far away, where one takes long, there are fewer of them."""
        usual = min(COMMIT_SECONDS, 1.0 + self._committed / 5)
        return max(usual, self._commit_took / COMMIT_SHARE) if self._slow_commits else usual

    def commit(self, seconds: float, *, began: float) -> None:
        """A commit of so many seconds of training, which began at a time, is done; count from here."""
        self._commit_took = self.now() - began
        self._committed += seconds
        self.restart()
