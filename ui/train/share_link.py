"""Sharing a setting: a link to the Train page that carries all of it, made here and read here.

The browser knows the address that it sees (behind a proxy, below a path), so the browser puts the link together.
"""

from functools import partial

import streamlit as st

from gan_core import (
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
    versions,
)
from ui.frame.text import plain

_HTML = """
<section>
    <label>Link <input type="text" readonly spellcheck="false"></label>
    <div><button type="button">Copy link</button><span role="status" aria-live="polite"></span></div>
</section>
"""
_CSS = """
section {
    min-width: min(26rem, 75vw); box-sizing: border-box; padding: 3px; /* room for the ring around what has focus */
    font-family: var(--st-font); font-size: 0.875rem; color: var(--st-text-color);
}
label { display: grid; gap: 0.25rem; }
input {
    font: inherit; color: inherit; background: var(--st-secondary-background-color); width: 100%;
    box-sizing: border-box; padding: 0.5rem 0.75rem; text-overflow: ellipsis;
    border: 1px solid var(--st-widget-border-color, var(--st-border-color)); border-radius: var(--st-base-radius);
}
div { display: flex; flex-wrap: wrap; align-items: center; gap: 0.75rem; margin-top: 0.5rem; }
button {
    font: inherit; color: inherit; background: var(--st-background-color); cursor: pointer; padding: 0.4rem 0.9rem;
    border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover { border-color: var(--st-primary-color); }
button:focus-visible, input:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""
_JS = """
export default function ({ data, parentElement }) {
    const field = parentElement.querySelector("input")
    const button = parentElement.querySelector("button")
    const status = parentElement.querySelector("[role=status]")
    const link = `${location.origin}${location.pathname}?${data.query}`
    if (field.value !== link) status.textContent = ""
    field.value = link
    field.onfocus = () => field.select()
    button.onclick = async () => {
        let copied = false
        try {
            await navigator.clipboard.writeText(link)
            copied = true
        } catch (refused) {  // no permission, or a page without https, which has no clipboard
            field.focus()
            copied = document.execCommand("copy")
        }
        if (!copied) field.focus()
        status.textContent = copied ? "Copied." : "This browser does not let a page copy: press Ctrl+C, or Cmd+C."
    }
}
"""


def copy_link(query: str, key: str) -> None:
    """The link to this page with another query: to see, to select, and to copy."""
    component = st.components.v2.component("ganometer_link", html=_HTML, css=_CSS, js=_JS)
    component(key=key, data={"query": query}, height="content")


def share_form(lab: Lab, me: str, config: RunConfig) -> None:
    """The link to what the form says."""
    st.caption("Whoever opens this link finds the form filled in like this. Nothing starts by itself.")
    if config.training.seconds is not None:
        st.caption(
            "A time means other steps on every machine. For the same run everywhere choose steps, or share the run "
            "once it trains."
        )
    _show_link(lab, me, config, versions(), "share form")


def share_run(lab: Lab, me: str, run: RunInfo) -> None:
    """The link to the settings of a run."""
    st.markdown("**Share its settings**")
    if run.parent_id is not None or any(event.kind == "set" for event in lab.runs.events(run.id)):
        st.caption("It was changed or branched off on its way: the link holds its settings of now, not that way.")
    elif run.config.training.seconds is not None and run.step == 0:
        st.caption("Its steps are not decided yet: a link made once it trains starts the same run again.")
    else:
        st.caption("The link fills in the form; the run it starts is the same, bit by bit, on the same machine.")
    _show_link(lab, me, repeating(run), run.versions or versions(), f"share {run.id}")


def _show_link(lab: Lab, me: str, config: RunConfig, made_with, key: str) -> None:
    try:
        query = query_of(config, preset_for=partial(lab.recipes.preset, by=me), versions=made_with)
    except GanometerError as error:  # the data of an old run may be gone
        st.caption(f"There is no link: {plain(error)}.")
        return
    copy_link(encoded_query(query), key)


def link_in_address(lab: Lab, me: str) -> tuple[Link | None, list[str]]:
    """What the address brings, checked like any input, and what is wrong with it."""
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    try:
        link = config_from_query(query, preset_for=partial(lab.recipes.preset, by=me))
        lab.recipes.check(link.config, by=me)
    except ConfigError as error:
        return None, list(error.problems)
    except GanometerError as error:
        return None, [str(error)]
    return link, []


def told(link: Link, title: str) -> str:
    """What a link has brought, and whether its run will be the same here."""
    config = link.config
    changed = ", ".join(
        f"`{key}` {plain(_shown(ours))} instead of {plain(_shown(theirs))}"
        for key, (ours, theirs) in link.changes.items()
    )
    said = f"This link brings the recipe **{plain(config.preset)}** on **{plain(title)}**, seed {config.seed}"
    said += f", {changed}." if changed else "."
    here = versions()
    others = {name: theirs for name, theirs in link.versions.items() if here.get(name) != theirs}
    if others:
        made = ", ".join(f"{name} {theirs}" for name, theirs in others.items())
        ours = ", ".join(f"{name} {here.get(name, 'missing')}" for name in others)
        said += f" It was made with {plain(made)}; here is {plain(ours)}: the run may differ in details."
    elif link.versions and config.training.seconds is None:
        said += " It was made with the versions that are here: on the same machine the run comes out the same."
    for warning in link.warnings:
        said += f" Left out: {plain(warning)}."
    return said


def _shown(value) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
