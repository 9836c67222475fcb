"""Below the first screen, in tabs of which only the open one is worked out: losses, D(x), the event log, the system."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from gan_core import (
    ADVERSARIAL_LOSSES,
    FRAMEWORKS,
    LOSS_CURVE,
    METRIC_CURVE,
    RunInfo,
    event_in_words,
    settings_in_words,
)
from ui.charts import captions
from ui.frame.curves import history_of
from ui.frame.faults import part, told
from ui.frame.glossary import show_caption
from ui.frame.page import Page, chart
from ui.frame.text import data_title, plain
from ui.train.curves import logged_curves, loss_curves, score_curves
from ui.train.verdict import marked_step

Contents = dict[str, Callable[[Page, RunInfo], None]]
"""What each tab shows, by its title."""


def show_details(page: Page, run: RunInfo) -> None:
    if not run.trained_here:
        show_tabs(page, run, of_others(page, run), "others")
        return
    adversarial = run.config.objective.loss in ADVERSARIAL_LOSSES
    contents: Contents = {
        "Losses" if adversarial else "Loss": show_losses,
        **({"D(x)": show_scores} if adversarial else {}),
        "Event log": show_event_log,
        "System": show_system,
    }
    show_tabs(page, run, contents, str(adversarial))


def of_others(page: Page, run: RunInfo) -> Contents:
    """The tabs of a run that was not trained here: the curves that its program has logged, and what is known of it."""
    curves = history_of(page, run).curves
    logged = {"Losses": LOSS_CURVE, "Metrics of its own": METRIC_CURVE}
    found = {title: start for title, start in logged.items() if any(name.startswith(start) for name in curves)}
    charts: Contents = {title: partial(show_logged, start=start, title=title) for title, start in found.items()}
    return charts | {"Event log": show_event_log, "System": show_system}


def show_logged(page: Page, run: RunInfo, *, start: str, title: str) -> None:
    """The curves whose names begin like this, as their program called them."""
    figure = logged_curves(page, run, start, marked_step(page, run))
    if figure is not None:
        chart(figure, f"logged {start} {run.id}", f"{title} over steps")
        st.caption("Logged by the program that trains this run, under these names.")


def show_tabs(page: Page, run: RunInfo, contents: Contents, key: str) -> None:
    """Of the tabs only the open one is worked out."""
    tabs = st.tabs(list(contents), key=f"details {key}", on_change="rerun")
    for tab, (title, show) in zip(tabs, contents.items()):
        if tab.open:
            with tab, st.container(key="room details"), part(title):
                show(page, run)


def show_losses(page: Page, run: RunInfo) -> None:
    step, loss = marked_step(page, run), run.config.objective.loss
    figure = loss_curves(page, run, step)
    if figure is None:
        st.caption("The curves begin with the first measurement.")
        return
    alt = "Losses over steps" if loss in ADVERSARIAL_LOSSES else "Loss over steps"
    chart(figure, f"losses {run.id}", alt)
    about = captions.losses(history_of(page, run), loss, step)
    words = ("loss", "discriminator", "generator", "latent", "Kullback–Leibler")
    show_caption(about, *words)


def show_scores(page: Page, run: RunInfo) -> None:
    step = marked_step(page, run)
    figure = score_curves(page, run, step)
    if figure is None:
        st.caption("The curves begin with the first measurement.")
        return
    st.markdown("**Discriminator output**")
    chart(figure, f"scores {run.id}", "D(x) and D(G(z)) over steps")
    about = captions.scores(history_of(page, run), step)
    show_caption(about, "D(x)", "latent vector z")


def show_event_log(page: Page, run: RunInfo) -> None:
    """What the run is, and what has happened to it."""
    st.markdown(what_it_is(page, run))
    st.caption(f"Takes {page.lab.results.size(run) / 1e6:,.1f} MB in the store.")
    for event in page.lab.runs.events(run, by=page.me):
        st.caption(f"step {event.step:,}: {told(event_in_words(event))}")


def what_it_is(page: Page, run: RunInfo) -> str:
    """The recipe, the data, the seed, and what was changed; of a run that was not trained here where it comes from."""
    data = data_title(run.config.data.name, page.lab.uploads.titles(by=page.me))
    if run.kind == "samples":
        return f"Samples of a file, measured against {plain(data)}."
    if run.kind == "followed":
        made_with = ", ".join(f"{name} {run.versions[name]}" for name in FRAMEWORKS if name in run.versions)
        made_with = f" ({plain(made_with)})" if made_with else ""
        return f"Logged by its own training code{made_with}, measured against {plain(data)}, seed {run.config.seed}."
    changed = page.lab.recipes.changes_of(run)
    values = settings_in_words({key: value for key, (value, _) in changed.items()})
    return f"Recipe `{run.config.preset}` on {plain(data)}, seed {run.config.seed}" + (
        f", changed: {plain(values)}." if changed else "."
    )


def show_system(page: Page, run: RunInfo) -> None:
    st.table({name: told(value) for name, value in page.lab.system(by=page.me).items()})
