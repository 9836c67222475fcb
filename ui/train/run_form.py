"""Setting up a run: data, recipe, every setting, and what that will mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from gan_core import (
    ADVERSARIAL_LOSSES,
    DECIDING,
    MOST_CLASSES,
    OPTIONS,
    PRESETS,
    SETTINGS,
    ConfigError,
    GanometerError,
    Lab,
    Link,
    RunConfig,
    RunInfo,
    describe_setting,
    flatten_config,
    has_effect,
    override,
    setting_type,
)
from ui.frame.faults import guarded, told
from ui.frame.glossary import show_caption, with_meanings
from ui.frame.held import held, held_index
from ui.frame.navigation import Place, go_to_part, keep, navigation
from ui.frame.nonces import nonce_of, renew_nonce
from ui.frame.page import Page
from ui.frame.run_length import how_long
from ui.frame.start import start_run
from ui.frame.text import data_title, plain
from ui.train.settings_widgets import as_widget, grouped_settings
from ui.train.share_link import describe_link, link_in_address, share_form
from ui.train.summary import summary

ELSEWHERE = ("preset", "seed", "data.name", "data.conditional", "training.steps", "training.seconds")
"""Settings that have their place above "All settings"."""
FIRST = {"data": "digits", "preset": "auto", "length": "steps", "seconds": 60, "seed": 0}
"""What the form holds on a first visit."""
BESIDE = {"objective.gradient_penalty_weight": "objective.gradient_penalty"}
"""Settings that stand beside another one, whatever its value."""
PROBLEMS, LINK, STARTED = "problems of the form", "link in the address", "run that the form has started"
"""Keys of the session state: why the last start was refused, the OpenedLink, and the id of the run last started."""
TO_TOP = Path(__file__).with_name("to_top.js").read_text(encoding="utf-8")
"""After a start the page shows the new run from its top."""
SUMMED_UP = tuple(key for key in SETTINGS if setting_type(key)[0] not in ("number", "text"))
"""Settings on which the summary depends: it is drawn again when one of them is changed."""


@dataclass(frozen=True)
class OpenedLink:
    """The link that has filled in the form, or the `problems` it has, and the address and visitor it belongs to."""

    address: tuple[dict[str, str], str]
    link: Link | None
    problems: list[str]


def start(lab: Lab, nonce: str, *, by: str) -> None:
    """Start a run of `by` with the settings of the form; all problems are shown at once."""
    try:
        config = chosen_config(lab, by)
        run_id = start_run(lab, by, config, nonce)
        renew_nonce("start")
        st.query_params.from_dict({"run": run_id})  # a link that filled in the form has been used
        keep(navigation().moved(Place(run_id)))  # the run, and no longer the form
        st.session_state[STARTED] = run_id
        st.session_state.pop(PROBLEMS, None)
    except ConfigError as error:
        st.session_state[PROBLEMS] = list(error.problems)
    except GanometerError as error:
        st.session_state[PROBLEMS] = [str(error)]


def duplicate(page: Page, run: RunInfo) -> None:
    """Fill in the form with the settings that a run began with, and open it; for callbacks."""
    config = page.lab.runs.first_config(run)
    recipe = page.lab.recipes.preset(config.preset, data=config.data.name, seconds=config.training.seconds, by=page.me)
    fill(config, recipe)
    st.session_state.pop(PROBLEMS, None)
    go_to_part("new")
    st.toast("The form of a new run has the settings of this one.", icon=":material/content_copy:")


def show_started() -> None:
    """Go to the top of the page once after each start, where the new run is."""
    component("ganometer_to_top", js=TO_TOP)(key="to top", data={"run": st.session_state.get(STARTED, "")}, height=0)


def chosen_config(lab: Lab, me: str) -> RunConfig:
    """The settings of the form; what has no widget keeps the recipe's value."""
    base = chosen_base(lab, me)
    values = {key: value_now(key, base) for key in flatten_config(base)}
    return override(base, values | {"seed": st.session_state["seed"]})


def chosen_base(lab: Lab, me: str) -> RunConfig:
    """The recipe for these data, and for this time where a time was given."""
    time = st.session_state["seconds"] if st.session_state["length"] == "time" else None
    return lab.recipes.preset(st.session_state["preset"], data=st.session_state["data"], seconds=time, by=me)


def value_now(key: str, base: RunConfig):
    value = st.session_state.get(widget_key(key, base))
    return flatten_config(base)[key] if value is None else value


def widget_key(key: str, base: RunConfig) -> str:
    # A recipe brings its own values, and so do other data and (for auto) more time: their widgets are other widgets.
    return f"{key} {base.preset} {base.data.name} {base.generator.architecture}"


def shown_settings(base: RunConfig) -> list[str]:
    """The settings that mean something, for the recipe or for what was chosen instead.

    For both, because a penalty of the recipe has to be in sight of somebody who chooses a loss that forbids it.
    """
    values = flatten_config(base)
    chosen = {key: value_now(key, base) for key in DECIDING}

    def has_place(key: str) -> bool:
        key = BESIDE.get(key, key)
        return key not in ELSEWHERE and (has_effect(key, values) or has_effect(key, chosen))

    return [key for key in values if has_place(key)]


def show_setup(page: Page) -> None:
    """The form of a new run. What is chosen in it draws the form anew, and nothing else of the page."""
    with st.container(key="form"):
        page.live(lambda: show_form(page), every=None, key="the form")


def show_form(page: Page) -> None:
    """The form, which is checked when the run starts, all problems at once.

    Start comes first, so that the keyboard reaches it soon; page.css puts it at the bottom, where it stays in sight.
    """
    lab, me = page.lab, page.me
    with st.container(key="start bar", gap="small"):
        show_start(page)
    st.header("New run", anchor=False)
    uploads = {info.name: info for info in lab.uploads.visible(by=me)}
    files = lab.uploads.titles(by=me)
    names = [*OPTIONS, *uploads]
    show_link(lab, me, files)
    for key, value in FIRST.items():
        st.session_state.setdefault(key, value)
    if st.session_state["data"] not in names:
        st.session_state["data"] = "digits"

    def sentence_of(name: str) -> str:
        return OPTIONS[name].sentence if name in OPTIONS else upload_sentence(uploads[name])

    data = st.selectbox(
        "Data",
        names,
        index=held_index("data", names),
        key="data",
        persist_state="session",
        format_func=lambda name: f"{data_title(name, files)}: {sentence_of(name)}",
    )
    st.caption(sentence_of(data))
    if data in uploads and lab.settings.shared:
        show_sharing(lab, uploads[data], me)
    preset = st.selectbox(
        "Recipe",
        list(PRESETS),
        index=held_index("preset", list(PRESETS)),
        key="preset",
        persist_state="session",
        format_func=lambda name: f"{name}: {PRESETS[name]}",
    )
    show_caption(PRESETS[preset])
    base = show_length(lab, me)
    classes = lab.uploads.about(data, by=me).classes
    if 2 <= classes <= MOST_CLASSES and base.objective.loss in (*ADVERSARIAL_LOSSES, "vae"):
        key = widget_key("data.conditional", base)
        st.toggle(
            "Class-conditional",
            held(key, False),
            key=key,
            help=with_meanings(describe_setting("data.conditional")["help"]),
            persist_state="session",
        )
    with st.expander("All settings", icon=":material/tune:", on_change="rerun", key="all settings") as box:
        if box.open:
            values = flatten_config(base)
            shown = {key: values[key] for key in shown_settings(base)}
            grouped_settings(shown, lambda key: widget_key(key, base), key="form", rerun=SUMMED_UP)
    show_summary(lab, me)


def show_start(page: Page) -> None:
    """The button, and why it could not start the run."""
    nonce = nonce_of("start")
    st.button(
        "Start training",
        key=f"start {nonce}",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=page.do,
        args=(start, page.lab, nonce),
    )
    if problems := st.session_state.get(PROBLEMS):
        st.error(
            "  \n".join(told(problem) for problem in problems), title="This run cannot start", icon=":material/error:"
        )


def show_length(lab: Lab, me: str) -> RunConfig:
    """Steps or seconds, and the seed; returns the recipe for them."""
    timed = "time" == st.segmented_control(
        "Length",
        ["steps", "time"],
        default=held("length", "steps"),
        required=True,
        key="length",
        persist_state="session",
        format_func=str.capitalize,
    )
    left, right = st.columns(2)
    if timed:
        about = describe_setting("training.seconds")
        left.number_input(
            "Seconds",
            int(about["low"]),
            int(about["high"]),
            held("seconds", 60),
            step=30,
            key="seconds",
            persist_state="session",
            help=about["help"],
        )
    base = chosen_base(lab, me)
    if not timed:
        about, key = describe_setting("training.steps"), widget_key("training.steps", base)
        left.number_input(
            "Steps",
            int(about["low"]),
            int(about["high"]),
            held(key, base.training.steps),
            step=1000,
            key=key,
            persist_state="session",
            help=about["help"],
        )
    right.number_input(
        "Seed",
        0,
        2**31 - 1,
        held("seed", 0),
        key="seed",
        persist_state="session",
        help=describe_setting("seed")["help"],
    )
    show_caption(resolved(base))
    return base


def resolved(base: RunConfig) -> str:
    """The kind of networks, and how the number of steps is determined."""
    dense = value_now("generator.architecture", base) == "mlp"
    kind = "dense layers" if dense else "convolutions"
    if base.training.seconds is None:
        return f"Networks: {kind}."
    if dense or base.preset != "auto":
        return f"Networks: {kind}. A short speed trial determines the number of steps."
    return f"Networks: {kind}, or dense layers if a short speed trial finds that this time allows too few steps."


def show_link(lab: Lab, me: str, files: Mapping[str, str]) -> None:
    """Fill in the form from a link in the address, once, and show what the link holds."""
    if "preset" not in st.query_params:
        st.session_state.pop(LINK, None)
        return
    address = (st.query_params.to_dict(), me)
    opened: OpenedLink | None = st.session_state.get(LINK)
    if opened is None or opened.address != address:
        opened = OpenedLink(address, *link_in_address(lab, me))
        st.session_state[LINK] = opened
        if opened.link:
            fill(opened.link.config, opened.link.recipe)
            st.toast("A link has filled in the form of a new run.", icon=":material/link:")
    if opened.link:
        st.info(describe_link(opened.link, data_title(opened.link.config.data.name, files)), icon=":material/link:")
    else:
        wrong = "  \n".join(plain(problem) for problem in opened.problems)
        st.error(wrong, title="This link cannot be used", icon=":material/link_off:")


def fill(config: RunConfig, base: RunConfig) -> None:
    """Put settings into the widgets; `base` is their recipe."""
    seconds = config.training.seconds
    length = {"length": "steps"} if seconds is None else {"length": "time", "seconds": round(seconds)}
    st.session_state.update(dict(data=config.data.name, preset=config.preset, seed=config.seed) | length)
    for key, value in flatten_config(config).items():
        if key not in ("preset", "seed", "data.name", "training.seconds"):
            st.session_state[widget_key(key, base)] = as_widget(key, value)


def show_summary(lab: Lab, me: str) -> None:
    """What will run, about how long that takes here, and a link to it; nothing for what cannot run."""
    try:
        config = chosen_config(lab, me)
    except ConfigError:
        st.caption("Some of these settings cannot be combined. Press Start training to see which.")
        return
    st.markdown(summary(config, how_long(lab, config), lab.uploads.titles(by=me)))
    with st.popover("Share these settings", icon=":material/link:", on_change="rerun", key="share") as box:
        if box.open:
            share_form(lab, me, config)


def show_sharing(lab: Lab, info, me: str) -> None:
    """On a shared server uploaded data are private until their owner publishes them."""
    if me not in info.owners:
        return
    key = f"publish {info.name}"
    st.session_state[key] = info.owners[me]

    def publish() -> None:
        lab.uploads.publish(info.name, st.session_state[key], by=me)

    st.toggle(
        "Everybody may use these data",
        key=key,
        help="When off, only you can see the data and your runs on them. Others who upload the same file decide for "
        "their own runs.",
        on_change=guarded(publish),
    )


def upload_sentence(info) -> str:
    shape = " × ".join(map(str, info.shape))
    return f"Your own data: {sum(info.parts.values()):,} {'images' if info.kind == 'image' else 'points'} of {shape}."
