"""Sharing a setting: a link to the Train page that carries all of it, made here and read here.

The browser knows the address that it sees (behind a proxy, below a path), so the browser puts the link together.
"""

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from gan_core import (
    EACH,
    ConfigError,
    GanometerError,
    Lab,
    Link,
    RunConfig,
    RunInfo,
    config_from_query,
    encoded_query,
    query_of,
    repeating,
    setting_title,
    value_in_words,
    versions,
)
from ui.frame.text import plain

HTML, CSS, SCRIPT = (Path(__file__).with_suffix(end).read_text(encoding="utf-8") for end in (".html", ".css", ".js"))


def copy_link(query: str, key: str) -> None:
    """The link to this page with another query: to see, to select, and to copy."""
    field = component("ganometer_link", html=HTML, css=CSS, js=SCRIPT)
    field(key=key, data={"query": query}, height="content")


def share_form(lab: Lab, me: str, config: RunConfig) -> None:
    """The link to the settings of the form."""
    st.caption("Opening this link fills in the form with these settings. It does not start a run.")
    if config.training.seconds is not None:
        st.caption(
            "With a length in seconds, the number of steps depends on the machine. For the same run everywhere, choose "
            "a length in steps, or share the run once it trains."
        )
    each = st.toggle(
        "Another seed for everybody",
        key="seed each",
        help="Whoever opens the link gets a seed of their own, the same at every visit: a class then trains different "
        "runs of one setting.",
    )
    _show_link(lab, me, config, versions(), "share form", own_seeds=each)


def share_run(lab: Lab, me: str, run: RunInfo) -> None:
    """The link to the settings of a run."""
    st.markdown("**Share its settings**")
    if run.parent_step is not None or any(event.kind == "set" for event in lab.runs.events(run, by=me)):
        st.caption("This run was changed or forked. The link holds its current settings, not its history.")
    elif run.config.training.seconds is not None and run.step == 0:
        st.caption("Its number of steps is not known yet. A link made once it trains repeats the run.")
    else:
        st.caption("The link fills in the form. On the same machine, a run started from it is the same, bit for bit.")
    _show_link(lab, me, repeating(run), run.versions or versions(), f"share {run.id}")


def _show_link(lab: Lab, me: str, config: RunConfig, made_with, key: str, *, own_seeds: bool = False) -> None:
    try:
        query = query_of(config, preset_for=partial(lab.recipes.preset, by=me), versions=made_with)
    except GanometerError as error:  # the data of an old run may be gone
        st.caption(f"No link can be made: {plain(error)}.")
        return
    copy_link(encoded_query(query | {"seed": EACH} if own_seeds else query), key)


def link_in_address(lab: Lab, me: str) -> tuple[Link | None, list[str]]:
    """What the address brings, checked like any input, and what is wrong with it."""
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    try:
        link = config_from_query(query, preset_for=partial(lab.recipes.preset, by=me), visitor=me)
        lab.recipes.check(link.config, by=me)
    except ConfigError as error:
        return None, list(error.problems)
    except GanometerError as error:
        return None, [str(error)]
    return link, []


def describe_link(link: Link, title: str) -> str:
    """What a link has brought, and whether its run will be the same here."""
    config = link.config
    changed = ", ".join(
        plain(f"{setting_title(key)} {value_in_words(ours)} instead of {value_in_words(theirs)}")
        for key, (ours, theirs) in link.changes.items()
    )
    text = f"This link brings the recipe **{plain(config.preset)}** on **{plain(title)}**, seed {config.seed}"
    text += " (your own)" if link.own_seed else ""
    text += f", {changed}." if changed else "."
    here = versions()
    others = {name: theirs for name, theirs in link.versions.items() if here.get(name) != theirs}
    if others:
        made = ", ".join(f"{name} {theirs}" for name, theirs in others.items())
        ours = ", ".join(f"{name} {here.get(name, 'missing')}" for name in others)
        text += f" It was made with {plain(made)}, and this server has {plain(ours)}, so the run may differ in details."
    elif link.versions and config.training.seconds is None:
        text += " It was made with the versions installed here, so on the same machine the run will be identical."
    for warning in link.warnings:
        text += f" Left out: {plain(warning)}."
    return text
