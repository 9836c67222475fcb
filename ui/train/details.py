"""Below the first screen, in tabs of which only the open one is worked out: losses, D(x), the event log, the system."""

from collections.abc import Callable

import streamlit as st

from gan_core import ADVERSARIAL_LOSSES, RunInfo, event_in_words, settings_in_words
from ui.charts import captions
from ui.frame.curves import history_of
from ui.frame.faults import part, told
from ui.frame.glossary import show_caption
from ui.frame.page import Page, chart
from ui.frame.text import data_title, plain
from ui.train.curves import loss_curves, score_curves
from ui.train.verdict import marked_step


def show_details(page: Page, run: RunInfo) -> None:
    adversarial = run.config.objective.loss in ADVERSARIAL_LOSSES
    contents: dict[str, Callable[[Page, RunInfo], None]] = {
        "Losses" if adversarial else "Loss": show_losses,
        **({"D(x)": show_scores} if adversarial else {}),
        "Event log": show_event_log,
        "System": show_system,
    }
    tabs = st.tabs(list(contents), key=f"details {adversarial}", on_change="rerun")
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
    """The recipe, the data, the seed, and what was changed."""
    changed = page.lab.recipes.changes_of(run)
    data = data_title(run.config.data.name, page.lab.uploads.titles(by=page.me))
    values = settings_in_words({key: value for key, (value, _) in changed.items()})
    return f"Recipe `{run.config.preset}` on {plain(data)}, seed {run.config.seed}" + (
        f", changed: {plain(values)}." if changed else "."
    )


def show_system(page: Page, run: RunInfo) -> None:
    st.table({name: told(value) for name, value in page.lab.system(by=page.me).items()})
