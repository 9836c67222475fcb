"""What happened to a run, in words, and where its charts mark it."""

from gan_core import Event, Lab, RunInfo

DIARY = {"set": "settings changed", "forked": "branched off"}
"""What the diary calls events whose own names are short."""


def marks_of(lab: Lab, run: RunInfo) -> list[tuple[int, str]]:
    """What the charts mark: (step, words) of every change of settings and of the branch."""
    return [(event.step, words(event)) for event in lab.runs.events(run.id) if event.kind in DIARY]


def words(event: Event) -> str:
    """One line of the diary."""
    said = DIARY.get(event.kind, event.kind)
    if changes := event.payload.get("changes"):
        said += ": " + ", ".join(f"{key} {before} → {after}" for key, (before, after) in changes.items())
    if parent := event.payload.get("parent"):
        said += f" from run {parent}"
    return said + (f" — {error}" if (error := event.payload.get("error")) else "")
