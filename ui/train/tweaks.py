"""The sliders that matter for a run, which act when they are let go, while it trains."""

import streamlit as st

from gan_core import RunInfo, edited, needs_compiling
from gan_core.config.sliders import Slider, sliders_of
from ui.frame.faults import guarded
from ui.frame.page import Page


def show_tweaks(page: Page, run: RunInfo) -> None:
    """The run's sliders, and the button that takes them back to the recipe."""
    st.markdown("**Tweak while it trains**")
    sliders = sliders_of(run.config)
    for slider in sliders:
        show_slider(page, run, slider)
    recipe = recipe_values(page, run, sliders)
    st.button(
        "Back to the recipe",
        icon=":material/undo:",
        key="back to the recipe",
        disabled=not recipe,
        help=f"Sets these sliders as the recipe {run.config.preset} has them.",
        on_click=guarded(lambda: page.do(page.lab.runs.change, run.id, recipe)),
    )


def show_slider(page: Page, run: RunInfo, slider: Slider) -> None:
    """A slider that stands where the run stands; another value is sent when it is let go."""
    here, offered = slider.value(run.config), slider.offered(run.config)
    key = f"tweak {run.id} {slider.label}"
    st.session_state[key] = here if here in offered else offered[0]

    def released() -> None:
        wanted = slider.changes(run.config, st.session_state[key])
        page.do(page.lab.runs.change, run.id, wanted)

    st.select_slider(
        slider.label,
        offered,
        format_func=lambda value: f"{value:g}",
        key=key,
        help=" and ".join(f"`{name}`" for name in slider.keys),
        on_change=guarded(released),
    )
    st.caption(slider.expect + compiling(run, slider, offered))


def compiling(run: RunInfo, slider: Slider, offered: tuple[float, ...]) -> str:
    """What is said of a slider one of whose values needs compiling first."""
    here = slider.value(run.config)
    slow = [v for v in offered if v != here and compiles(run, slider, v)]
    if not slow:
        return ""
    which = f" {slow[0]:g}" if len(slow) == 1 else " Another value"
    return f"{which} is compiled first, which takes some seconds."


def compiles(run: RunInfo, slider: Slider, value: float) -> bool:
    """Whether the run compiles before it goes on with this value of the slider."""
    return needs_compiling(run.config, edited(run.config, slider.changes(run.config, value), step=run.step))


def recipe_values(page: Page, run: RunInfo, sliders: tuple[Slider, ...]) -> dict[str, object]:
    """What has to change so that these sliders stand as in the recipe: {dotted key: the recipe's value}."""
    keys = {key for slider in sliders for key in slider.keys}
    return {key: of[1] for key, of in page.lab.recipes.changes_of(run).items() if key in keys}
