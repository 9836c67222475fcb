"""Runs: start them, find them, and change what they do."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Iterable, Mapping

from gan_core import machine
from gan_core.config.live_edits import edited, undone
from gan_core.config.run_config import ConfigError, RunConfig, differences, override
from gan_core.data.datasets import unknown_dataset
from gan_core.jobs import comparison
from gan_core.records import (
    UPLOAD,
    Command,
    Event,
    GanometerError,
    RunInfo,
    UnknownRun,
    Unreadable,
    UnreadableRun,
    short_data_name,
)
from gan_core.service import estimates, permissions
from gan_core.service.equal_runs import is_equal
from gan_core.service.recipes import RecipeService
from gan_core.service.run_names import name_for_others, name_of
from gan_core.service.share_links import repeating
from gan_core.service.uploads import UploadService
from gan_core.service.worker_host import LOOK_SECONDS, WorkerHost
from gan_core.settings import Settings
from gan_core.store import RESUMABLE, Store
from gan_core.store.states import unknown_run

LISTED = 10_000
MOST_SEEDS = 20


class RunService:
    """Everything a person may do with runs.

    `by` says who asks (see `permissions`). A method that changes a run returns, where it returns a word, what has
    happened. It raises UnknownRun for a run that `by` does not see, and NotAllowed for one of somebody else.

    A page sends the nonce of the form whose button was pressed. The same nonce again is the second half of a double
    click: it makes nothing, and returns what the first one made. Without a nonce every call is a new one.
    """

    def __init__(
        self, store: Store, settings: Settings, worker: WorkerHost, uploads: UploadService, recipes: RecipeService
    ):
        self._store, self._settings = store, settings
        self._worker, self._uploads, self._recipes = worker, uploads, recipes

    # ------------------------------------------------------------ make runs

    def start(
        self,
        config: RunConfig,
        *,
        name: str = "",
        by: str | None = "",
        nonce: str | None = None,
        again: bool = False,
    ) -> str:
        """Queue a new run of `by`; returns its id, the same one for the same nonce.

        Where there is an equal run already (see `equal`), it returns the id of that one and trains nothing, unless
        `again`. Raises what `recipes.check` does, and NotAllowed for more than this server gives to one person.
        """
        self._recipes.check(config, by=by)
        permissions.check_known(self._settings, by)

        def create() -> list[str]:
            self._uploads.about(config.data.name, by=by)  # it may have been deleted a moment ago
            if not again and (known := self.equal(config, by=by)):
                return [known.id]
            called = name or self.default_name(config, by=by)
            return [self._store.runs.create(self._allowed(config, by), name=called, owner=by or "")]

        (run_id,) = self._store.submit(nonce, create)
        self._worker.ensure()
        return run_id

    def default_name(self, config: RunConfig, *, by: str | None = "") -> str:
        """What a run is called until it is renamed: by what differs from its recipe; see `run_names`."""
        data = config.data.name
        recipe = self._recipes.preset(config.preset, data=data, seconds=config.training.seconds, by=by)
        return name_of(config, recipe, self._uploads.title(data, by=by))

    def equal(self, config: RunConfig, *, by: str | None = "") -> RunInfo | None:
        """A run that `by` may see and that is what these settings give: the same settings, seed, data and versions,
        never changed live, and no fork. None where there is none.

        A finished one; on a shared server also one that still trains or waits, so that a class that opens one link
        trains one run. On a person's own machine somebody who starts a run twice at once wants two.
        """
        wanted = ("finished", "running", "queued") if self._settings.shared else ("finished",)
        found = self._as_seen(self._store.runs.of_seed(config.data.name, config.seed, wanted), by)
        data = self._store.datasets.named(config.data.name)  # after the runs: the data of one that has begun are known
        sha256, versions = data.sha256 if data else None, machine.versions()
        runs = [run for run in found if isinstance(run, RunInfo)]
        fitting = [run for run in runs if is_equal(run, config, sha256=sha256, versions=versions)]
        for run in sorted(fitting, key=lambda run: (wanted.index(run.state), run.created)):
            changing = any(command.kind == "set" for command in self._store.commands.waiting(run.id))
            if not changing and not self._store.recordings.was_changed(run.id):
                return run
        return None

    def fork(
        self,
        run_id: str,
        step: int,
        changes: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        by: str | None = "",
        nonce: str | None = None,
    ) -> str:
        """A new run of `by` that goes on from a step of any run, with the settings that this one had there and with
        `changes` of them (see `fork_config`); returns its id, the same one for the same nonce.

        Raises ConfigError for what networks of that shape cannot do, and GanometerError for a step that is not kept.
        """
        run = self._source(run_id, by)
        config = edited(self.fork_config(run, step), dict(changes or {}), step=step)
        called = name or f"{run.name} · from step {step:,}"
        (made,) = self._store.submit(
            nonce,
            lambda: [self._store.runs.fork(run_id, step, self._allowed(config, by), name=called, owner=by or "")],
        )
        self._worker.ensure()
        return made

    def repeat(self, run_id: str, seeds: int = comparison.ENOUGH_SEEDS, *, by: str | None = "") -> list[str]:
        """Queue the settings of a run under as many further seeds as it takes to have so many; returns the ids of
        all, in order of seeds. Asking twice is asking once, without a nonce: runs that are there, or wait already,
        count; stopped ones do not.

        Raises ConfigError for too few or too many seeds, GanometerError for a run that cannot be repeated like this,
        and NotAllowed for more than this server gives to one person.
        """
        if not 2 <= seeds <= MOST_SEEDS:
            raise ConfigError([f"seeds is {seeds}; give 2 to {MOST_SEEDS}"])
        run = self._source(run_id, by)
        if run.parent_step is not None:
            known = run.parent_id is not None and self.sees(run.parent_id, by=by)
            parent = f"run {run.parent_id}" if known else "another run"
            raise GanometerError(f"run {run_id} was forked from {parent}: repeat that one, and fork from each")
        if run.config.training.seconds is not None and not run.step:
            raise GanometerError(f"run {run_id} has not begun, so its time is not yet a number of steps: wait for it")
        ids = self._store.submit(None, lambda: self._repeated(run, seeds, by))
        self._worker.ensure()
        return ids

    def _repeated(self, run: RunInfo, seeds: int, by: str | None) -> list[str]:
        known = {run.config.seed: run.id}
        for other in self.newest(LISTED, by=by):
            if other.state != "stopped" and comparison.alike(other, run):
                known.setdefault(other.config.seed, other.id)
        free = (seed for seed in itertools.count() if seed not in known)
        config = override(run.config, {"training.seconds": None})
        new = [override(config, {"seed": seed}) for seed in itertools.islice(free, max(0, seeds - len(known)))]
        if new:
            permissions.check_limits(self._settings, config, by, queued=self._unfinished_of(by), runs=len(new))
        for config in new:
            name = f"{run.name.partition(' · seed ')[0]} · seed {config.seed}"
            known[config.seed] = self._store.runs.create(config, name=name, owner=by or "")
        return [known[seed] for seed in sorted(known)]

    # ------------------------------------------------------------ tell a run what to do

    def pause(self, run_id: str, *, by: str | None = "") -> str:
        """Let a run rest after the step it is at."""
        return self._send(self._own_training(run_id, by), "pause", by)

    def resume(self, run_id: str, *, by: str | None = "") -> str:
        """Let a run that rests, or was stopped or interrupted, go on.

        Raises NotAllowed where that would be more than this server gives to one person.
        """
        return self._go_on(run_id, "resume", by)

    def stop(self, run_id: str, *, by: str | None = "") -> str:
        """End a run after the step it is at."""
        return self._send(self._own_training(run_id, by), "stop", by)

    def step(self, run_id: str, steps: int, *, by: str | None = "") -> str:
        """Train so many steps more, and pause. Raises ConfigError for a number out of range, and what `resume` does."""
        if not 1 <= steps <= 1_000_000:
            raise ConfigError([f"steps is {steps}; give 1 to 1,000,000"])
        return self._go_on(run_id, "step", by, {"steps": steps})

    def change(self, run_id: str, changes: Mapping[str, Any], *, by: str | None = "") -> str:
        """Change settings of a run that is not over, from its next step on.

        Raises ConfigError for what cannot be changed, or does not go together.
        """
        run = self._own_training(run_id, by)
        before = self.config_to_be(run)
        after = edited(before, changes, step=run.step)
        permissions.check_limits(self._settings, after, by, queued=0, runs=0)
        if not (changed := differences(after, before)):
            return "nothing to change"
        return self._send(run, "set", by, {"changes": {key: value for key, (value, _) in changed.items()}})

    def extend(self, run_id: str, steps: int, *, by: str | None = "", nonce: str | None = None) -> None:
        """Make a run that has ended longer by so many steps, and queue it: its schedules stretch with it.

        The same nonce again adds nothing.
        """

        def extend() -> list[str]:
            run = self._trainable(run_id, by)
            config = edited(run.config, {"training.steps": run.total_steps + steps}, step=run.step)
            self._store.runs.extend(run_id, self._allowed(config, by, of=run), by=by or "")
            return [run_id]

        self._store.submit(nonce, extend)
        self._worker.ensure()

    def queue(self, run_id: str, *, by: str | None = "") -> None:
        """Put a run into the queue that waits, or is paused, stopped or interrupted, and that no worker has.

        Raises GanometerError for any other one: which worker has it, or what state it is in; and what `resume` does.
        """
        run = self._trainable(run_id, by)
        free = run.worker is None and run.state in ("queued", *RESUMABLE)
        if not free or self._go_on(run_id, "resume", by) != "queued":
            self._check_free(run, "resuming it here", by)
            raise GanometerError(
                f"run {run_id} is {run.state}; only a run that waits, or that is paused, stopped or interrupted, can "
                "be resumed"
            )

    def delete(self, run_id: str, *, by: str | None = "") -> None:
        """Remove a run and everything of it, also one that cannot be read.

        Raises GanometerError for one that is being trained.
        """
        self._worker.reap(at_once=True)
        run = self._find(run_id, by)
        permissions.check_owner(self._settings, run.owner, by, f"run {run_id}")
        if isinstance(run, RunInfo):
            self._check_free(run, "deleting it", by)
        self._store.runs.delete(run_id)

    def rename(self, run_id: str, name: str, *, by: str | None = "") -> None:
        """Give a run another name. Raises GanometerError for one that is too long or cannot be shown."""
        self._store.runs.rename(self._own(run_id, by).id, name)

    def tag(self, run_id: str, tags: Iterable[str], *, by: str | None = "") -> None:
        """Give a run these tags instead of those it has. Raises GanometerError for tags there cannot be."""
        self._store.runs.tag(self._own(run_id, by).id, tags)

    def publish(self, run_id: str, published: bool, *, by: str | None = "") -> None:
        """Let everybody see a run on one's own data, or no longer."""
        self._store.runs.publish(self._own(run_id, by).id, published)

    # ------------------------------------------------------------ find runs

    def get(self, run_id: str, *, by: str | None = "") -> RunInfo:
        """One run. Raises UnknownRun when there is none of this id that `by` may see, and Unreadable for one of `by`
        that cannot be read."""
        self._worker.reap(every=LOOK_SECONDS)
        run = self._find(run_id, by)
        if isinstance(run, UnreadableRun):
            raise Unreadable(f"{run.why}. It can be deleted on the Home page, or by `delete --run {run.id}`")
        return run

    def newest(self, limit: int = 200, *, by: str | None = "") -> list[RunInfo]:
        """The newest runs that `by` may see, the newest first; without those that cannot be read."""
        return [run for run in self.listed(limit, by=by) if isinstance(run, RunInfo)]

    def listed(self, limit: int = 200, *, by: str | None = "") -> list[RunInfo | UnreadableRun]:
        """The newest runs that `by` may see, and those of `by` that cannot be read, the newest first."""
        self._worker.reap(every=LOOK_SECONDS)
        return self._as_seen(self._store.runs.listed(limit), by)

    def sees(self, run_id: str, *, by: str | None) -> bool:
        """Whether there is a run of this id that `by` may see."""
        try:
            self._find(run_id, by)
        except UnknownRun:
            return False
        return True

    def may_change(self, run: RunInfo | UnreadableRun, *, by: str | None) -> bool:
        """Whether `by` may control this run."""
        return permissions.owns(self._settings, run.owner, by)

    def seconds_to_wait(self, run: RunInfo) -> float | None:
        """About how many seconds until a queued run begins; None where nobody can know."""
        return estimates.seconds_to_wait(run, self._store.runs.all(), at_once=self._settings.limits.at_once)

    # The rest is asked of a run that `get` or `newest` has given.

    def kept_steps(self, run: RunInfo) -> dict[int, bool]:
        """The steps that a fork can begin at, each with whether exactly: from a checkpoint, not only a snapshot. None
        of a run that keeps no networks."""
        return self._store.runs.kept_steps(run.id) if run.trained_here else {}

    def config_at(self, run: RunInfo, step: int) -> RunConfig:
        """The settings with which a run went on from one of its steps: without what was changed after it.

        Raises Unreadable where its event log does not say what was changed.
        """
        later = self._store.recordings.changes_after(run.id, step)
        return undone(run.config, later) if later else run.config

    def first_config(self, run: RunInfo) -> RunConfig:
        """The settings that a run began with; once it has begun, with the steps that a speed trial may have found."""
        return repeating(replace(run, config=self.config_at(run, run.parent_step or 0)))

    def fork_config(self, run: RunInfo, step: int) -> RunConfig:
        """The settings of a fork that begins at a step: those of this step (see `config_at`).

        Where these have no step left to train, as many more as the run had.
        """
        config = self.config_at(run, step)
        if config.training.steps > step:
            return config
        more = max(1, config.training.steps - (run.parent_step or 0))
        return override(config, {"training.steps": step + more})

    def events(self, run: RunInfo, *, by: str | None = "") -> list[Event]:
        """What has happened to a run, newest first, without who did it; the run it was forked from is named where `by`
        may see that, too.
        """
        found: list[Event] = []
        for event in self._store.recordings.events(run.id):
            payload = {key: value for key, value in event.payload.items() if key != "by"}
            if "parent" in payload and not self.sees(str(payload["parent"]), by=by):
                del payload["parent"]
            found.append(replace(event, payload=payload))
        return found

    def sent_commands(self, run: RunInfo) -> list[Command]:
        """Commands that no worker has carried out yet, oldest first."""
        return self._store.commands.waiting(run.id)

    def config_to_be(self, run: RunInfo) -> RunConfig:
        """The run's configuration once the changes that no worker has carried out yet have been; without those that do
        not go together with the others.
        """
        config = run.config
        for command in self.sent_commands(run):
            if command.kind == "set":
                with suppress(ConfigError):
                    config = edited(config, command.payload["changes"], step=run.step)
        return config

    def last_command(self, run: RunInfo) -> str | None:
        """The kind of the last command that no worker has carried out yet: pause, resume, stop, step or set."""
        sent = self.sent_commands(run)
        return sent[-1].kind if sent else None

    def done_commands(self, run: RunInfo) -> list[tuple[Command, str]]:
        """Commands that are over, each with what came of it, newest first."""
        return self._store.commands.finished(run.id)

    # ------------------------------------------------------------ parts

    def _send(self, run: RunInfo, kind: str, by: str | None, payload: Mapping[str, Any] | None = None) -> str:
        outcome = self._store.commands.send(run.id, kind, by=by or "", payload=payload)
        self._worker.ensure()
        return outcome

    def _go_on(self, run_id: str, kind: str, by: str | None, payload: Mapping[str, Any] | None = None) -> str:
        """Send resume or step. Where that queues the run again, the limits hold as for a new one."""
        self._trainable(run_id, by)  # looks for workers that have died, and may write for long
        with self._store.together():
            run = self._store.runs.get(run_id)
            if run.worker is None and run.state in RESUMABLE:
                self._allowed(run.config, by, of=run)
            outcome = self._store.commands.send(run_id, kind, by=by or "", payload=payload)
        self._worker.ensure()
        return outcome

    def _find(self, run_id: str, by: str | None) -> RunInfo | UnreadableRun:
        """A run that `by` may see, also one that cannot be read. Raises UnknownRun."""
        for run in self._as_seen([self._store.runs.find(run_id)], by):
            return run
        raise unknown_run(run_id)

    def _own(self, run_id: str, by: str | None) -> RunInfo:
        """The run as it is at this moment, which `by` may change."""
        self._worker.reap(at_once=True)
        run = self.get(run_id, by=by)
        permissions.check_owner(self._settings, run.owner, by, f"run {run_id}")
        return run

    def _own_training(self, run_id: str, by: str | None) -> RunInfo:
        """The same for a run whose training this program decides about. Raises GanometerError for any other."""
        run = self._own(run_id, by)
        check_trained_here(run)
        return run

    def _trainable(self, run_id: str, by: str | None) -> RunInfo:
        """The same for a run that shall go on: on data that `by` may still use, and that are here."""
        run = self._own_training(run_id, by)
        if run.data_hidden:
            raise permissions.NotAllowed(
                f"run {run_id} cannot be trained further: its data are private again, or not on this server"
            )
        return run

    def _check_free(self, run: RunInfo, doing: str, by: str | None) -> None:
        """Raises GanometerError for a run that a worker has; which one, and on which host, is for admins."""
        if run.worker is not None and not permissions.is_admin(self._settings, by):
            raise GanometerError(f"run {run.id} is {run.state}: a worker has it; stop it before {doing}")
        self._store.leases.check_free(run.id, doing)

    def _source(self, run_id: str, by: str | None) -> RunInfo:
        """A run that `by` may make further runs of: on data that `by` may use."""
        run = self.get(run_id, by=by)
        permissions.check_known(self._settings, by)
        check_trained_here(run)
        self._uploads.about(run.config.data.name, by=by)
        if run.data_hidden:  # its rows are not in this store at all
            raise unknown_dataset(run.config.data.name)
        return run

    def _allowed(self, config: RunConfig, by: str | None, *, of: RunInfo | None = None) -> RunConfig:
        """The configuration, if this server gives so much to `by`: for a new run, or for one `of` theirs that goes on.

        Raises NotAllowed.
        """
        queued = self._unfinished_of(by if of is None else of.owner, beside=of)
        seconds = of.seconds if of else 0.0
        permissions.check_limits(self._settings, config, by, queued=queued, seconds=seconds)
        return config

    def _unfinished_of(self, owner: str | None, *, beside: RunInfo | None = None) -> int:
        self._worker.reap(every=LOOK_SECONDS)
        return self._store.runs.unfinished_of(owner or "", beside=beside.id if beside else None)

    def _as_seen(self, runs: Sequence[RunInfo | UnreadableRun], by: str | None) -> list[RunInfo | UnreadableRun]:
        """Those that `by` may see, each with whether its data are hidden from `by`, and with a name that says of
        somebody else's file no more than `by` may know.

        Of a run that cannot be read nobody knows whether others may see it: it is its owner's.
        """
        uploads, seen = self._store.datasets.owners(), list[RunInfo | UnreadableRun]()
        files, titles = self._store.datasets.files(), self._uploads.titles(by=by)
        for run in runs:
            if isinstance(run, UnreadableRun):
                seen += [run] if permissions.owns(self._settings, run.owner, by) else []
            elif permissions.may_see(self._settings, run, by, uploads):
                hidden = permissions.hides_data(self._settings, run, by, uploads)
                run = replace(run, data_hidden=True) if hidden else run
                data = run.config.data.name
                if run.owner and data.startswith(UPLOAD) and not permissions.owns(self._settings, run.owner, by):
                    theirs = [file for owner, _, file in files.get(data, []) if owner != by]
                    called = titles.get(data, short_data_name(data))
                    run = replace(run, name=name_for_others(run.name, run.config, theirs, called))
                seen.append(run)
        return seen


def check_trained_here(run: RunInfo) -> None:
    """Raises GanometerError for a run whose training is somebody else's program's."""
    if not run.trained_here:
        what = "its own program trains it" if run.kind == "followed" else "it is a file of samples"
        raise GanometerError(
            f"run {run.id} was not trained here ({what}), so it can be measured and compared, and neither steered, "
            "continued nor forked; start a run here to do that"
        )
