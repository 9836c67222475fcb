"""The sliders that matter for a run, which act when they are let go, while it trains."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from gan_core import (
    ConfigError,
    RunConfig,
    RunInfo,
    Slider,
    describe_setting,
    edited,
    flatten_config,
    needs_compiling,
    sliders_of,
    with_titles,
)
from ui.frame.faults import guarded
from ui.frame.glossary import show_caption, with_meanings
from ui.frame.page import Page
from ui.frame.text import plain


@dataclass(frozen=True)
class Stand:
    """Where a slider stands. `serial` counts how often it went elsewhere without a hand on it: each time it becomes
    another widget, and what a browser still says of the old one moves nothing.
    """

    value: float
    serial: int = 0


def show_tweaks(page: Page, run: RunInfo) -> None:
    """The run's sliders, and the button that takes them back to the recipe."""
    config = page.lab.runs.config_to_be(run)
    sliders = sliders_of(config)
    with st.container(key="tweaks", gap=None):
        st.markdown("**Tweak while it trains**" if run.active else "**Tweak before it goes on**")
        slow = [slow_values for slider in sliders if (slow_values := show_slider(page, run, config, slider))]
        if slow:
            st.caption(f":material/build: The training rests some seconds, to be compiled, for: {', '.join(slow)}.")
    recipe = recipe_values(page, run, config, sliders)
    st.button(
        "Back to the recipe",
        icon=":material/undo:",
        key="back to the recipe",
        disabled=not recipe,
        help=f"Sets these sliders as the recipe {run.config.preset} has them.",
        on_click=guarded(lambda: page.do(page.lab.runs.change, run.id, recipe)),
    )


def show_slider(page: Page, run: RunInfo, config: RunConfig, slider: Slider) -> str:
    """A slider that stands where the run stands; another value is sent when it is let go.

    Returns which of its values are compiled first, in words; "" where all act at once.
    """
    here, after, refused = slider.value(config), dict[float, RunConfig](), dict[float, str]()
    for value in slider.offered(config):
        try:
            after[value] = edited(config, slider.changes(config, value), step=run.step)
        except ConfigError as error:
            refused |= {value: with_titles(error.problems[0])} if value != here else {}
    offered = [value for value in slider.offered(config) if value not in refused]
    if len(offered) < 2:
        st.caption(f"**{slider.label}** stays at {here:g}: no other value goes together with the rest. {why(refused)}")
        return ""
    stand = f"stand of {run.id} {slider.label}"
    before: Stand = st.session_state.get(stand, Stand(here))
    now = st.session_state[stand] = before if before.value == here else Stand(here, before.serial + 1)
    key = f"tweak {run.id} {slider.label} {now.serial}"

    def released() -> None:
        stood, value = st.session_state[stand], st.session_state[key]
        if stood.serial != now.serial or value == stood.value:  # what a browser says late moves nothing
            return
        st.session_state[stand] = Stand(value, now.serial)
        page.do(page.lab.runs.change, run.id, slider.changes(config, value))

    st.select_slider(
        slider.label,
        offered,
        here,
        format_func=lambda value: f"{value:g}",
        key=key,
        help=about(slider),
        on_change=guarded(released),
    )
    show_caption(slider.expect)
    if refused:
        left_out = ", ".join(f"{value:g}" for value in refused)
        st.caption(f":material/block: Left out, as it does not go together with the rest: {left_out}. {why(refused)}")
    slow = [value for value, changed in after.items() if value != here and needs_compiling(config, changed)]
    if not slow:
        return ""
    return f"{slider.label} at {slow[0]:g}" if len(slow) == 1 else slider.label


def about(slider: Slider) -> str:
    """What the settings of a slider do, their names, and what the words mean."""
    lines = [f"{describe_setting(name)['help']} (`{name}`)" for name in slider.keys]
    return with_meanings("  \n".join(lines))


def why(refused: Mapping[float, str]) -> str:
    """Why some values of a slider cannot be combined with the other settings, each reason once."""
    return plain(" ".join(f"{reason[:1].upper()}{reason[1:]}." for reason in dict.fromkeys(refused.values())))


def recipe_values(page: Page, run: RunInfo, config: RunConfig, sliders: tuple[Slider, ...]) -> dict[str, object]:
    """What has to change so that these sliders stand as in the recipe: {dotted key: the recipe's value}."""
    values, keys = flatten_config(config), {key for slider in sliders for key in slider.keys}
    recipe = {key: of for key, (_, of) in page.lab.recipes.changes_of(run).items() if key in keys}
    sent = {key: value for key, value in flatten_config(run.config).items() if key in keys and key not in recipe}
    return {key: value for key, value in (recipe | sent).items() if values[key] != value}
