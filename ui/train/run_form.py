"""Setting up a run: data, recipe, every setting, and what that will mean."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

import streamlit as st

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
    describe_setting,
    flatten_config,
    has_effect,
    override,
    setting_type,
)
from ui.frame.faults import guarded, told
from ui.frame.navigation import go_to_run
from ui.frame.nonces import nonce_of, renew_nonce
from ui.frame.start import start_run
from ui.frame.text import data_title, plain
from ui.train.share_link import describe_link, link_in_address, share_form
from ui.train.summary import summary

GROUPS = {
    "training": ("Length and batch", "How long the run trains, and how many samples each step uses."),
    "optimizer": ("Learning rates", "How far the weights move at each step, and how that changes over the run."),
    "objective": ("Loss", "What each network minimises."),
    "penalties": (
        "Gradient penalties",
        "Terms of the discriminator's loss that keep its gradients small and training stable.",
    ),
    "extras": ("Extras", "Further terms of the generator's loss, and noise or shifts of the discriminator's inputs."),
    "generator": ("Generator", "Turns random numbers into samples."),
    "discriminator": ("Discriminator", "Distinguishes real samples from generated ones. In a VAE it is the encoder."),
    "recording": ("Recording", "What is saved of the run, and how often."),
}
PENALTIES = ("r1", "r2", "gradient_penalty", "gradient_penalty_weight", "penalty_end", "penalty_every")
EXTRAS = ("energy_weight", "energy_space", "feature_matching", "diversity", "instance_noise", "translation")
ELSEWHERE = ("preset", "seed", "data.name", "data.conditional", "training.steps", "training.seconds")
"""Settings that have their place above "All settings"."""
FIRST = {"data": "digits", "preset": "auto", "length": "steps", "seconds": 60, "seed": 0}
"""What the form holds on a first visit."""
BESIDE = {"objective.gradient_penalty_weight": "objective.gradient_penalty"}
"""Settings that stand beside another one, whatever its value."""
PROBLEMS, LINK = "problems of the form", "link in the address"
"""Keys of the session state: why the last start was refused, and the OpenedLink."""
SUMMED_UP = tuple(key for key in SETTINGS if setting_type(key)[0] not in ("number", "text"))
"""Settings on which the summary depends: it is drawn again when one of them is changed."""


@dataclass(frozen=True)
class OpenedLink:
    """The link that has filled in the form, or the `problems` it has, and the address and visitor it belongs to."""

    address: tuple[dict[str, str], str]
    link: Link | None
    problems: list[str]


def start(lab: Lab, me: str, nonce: str) -> None:
    """Start a run of `me` with the settings of the form; all problems are shown at once."""
    try:
        config = chosen_config(lab, me)
        run_id = start_run(lab, me, config, nonce)
        renew_nonce("start")
        st.query_params.clear()  # the link has been used
        go_to_run(run_id)
        st.session_state.pop(PROBLEMS, None)
    except ConfigError as error:
        st.session_state[PROBLEMS] = list(error.problems)
    except GanometerError as error:
        st.session_state[PROBLEMS] = [str(error)]


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


def group_of(key: str) -> str:
    section, _, name = key.partition(".")
    if section == "objective":
        return "penalties" if name in PENALTIES else "extras" if name in EXTRAS else section
    return section


def shown_settings(base: RunConfig) -> dict[str, list[str]]:
    """The settings of each group that mean something, for the recipe or for what was chosen instead.

    For both, because a penalty of the recipe has to be in sight of somebody who chooses a loss that forbids it.
    """
    values = flatten_config(base)
    chosen = {key: value_now(key, base) for key in DECIDING}

    def has_place(key: str) -> bool:
        key = BESIDE.get(key, key)
        return key not in ELSEWHERE and (has_effect(key, values) or has_effect(key, chosen))

    shown: dict[str, list[str]] = {group: [] for group in GROUPS}
    for key in values:
        if has_place(key):
            shown[group_of(key)].append(key)
    return shown


def setting_widget(key: str, value, name: str, *, rerun: Container[str] = DECIDING, **options) -> None:
    """The widget of a setting, called `name`; its value is read when a button is pressed.

    Changing one of `rerun` draws the page again.
    """
    kind, choices = setting_type(key)
    about = describe_setting(key)
    label = key.split(".")[1].replace("_", " ").capitalize()
    options |= dict(key=name, help=f"{about['help']} (`{key}`)", on_change="rerun" if key in rerun else "ignore")
    st.session_state.setdefault(name, as_widget(key, value))
    if kind == "choice":
        st.selectbox(label, choices, **options)
    elif kind == "switch":
        st.toggle(label, **options)
    elif kind == "widths":
        st.text_input(label, **options)
    elif kind == "whole":
        st.number_input(label, int(about["low"]), int(about["high"]), **options)
    elif about["low"] == 0 and about["high"] <= 1:
        st.slider(label, 0.0, float(about["high"]), step=0.001, format="%.3f", **options)
    else:
        step = None if value is None else max(abs(value) / 10, 1e-6)
        st.number_input(label, float(about["low"]), float(about["high"]), format="%g", step=step, **options)


def as_widget(key: str, value):
    """A setting's value as its widget holds it."""
    kind, _ = setting_type(key)
    if kind == "widths":
        return ", ".join(map(str, value))
    return float(value) if kind == "number" and value is not None else value


def in_pairs(values: dict[str, object], name: Callable[[str], str], **options) -> None:
    """The widgets of some settings {key: value}, two in a row, switches last: so a row is of one height."""
    keys = sorted(values, key=lambda key: setting_type(key)[0] == "switch")
    for i in range(0, len(keys), 2):
        for column, key in zip(st.columns(2, vertical_alignment="bottom"), keys[i : i + 2]):
            with column:
                setting_widget(key, values[key], name(key), **options)


def show_setup(lab: Lab, me: str) -> None:
    """The form of a new run; it is checked when the run starts, all problems at once."""
    st.subheader("New run", anchor=False)
    uploads = {info.name: info for info in lab.uploads.visible(by=me)}
    files = lab.uploads.titles(by=me)
    names = [*OPTIONS, *uploads]
    show_link(lab, me, files)
    for key, value in FIRST.items():
        st.session_state.setdefault(key, value)
    if st.session_state["data"] not in names:
        st.session_state["data"] = "digits"
    data = st.selectbox(
        "Data",
        names,
        key="data",
        persist_state="session",
        format_func=lambda name: data_title(name, files),
    )
    st.caption(OPTIONS[data].sentence if data in OPTIONS else upload_sentence(uploads[data]))
    if data in uploads and lab.settings.shared:
        show_sharing(lab, uploads[data], me)
    preset = st.selectbox("Recipe", list(PRESETS), key="preset", persist_state="session")
    st.caption(PRESETS[preset])
    base = show_length(lab, me)
    classes = lab.uploads.about(data, by=me).classes
    if 2 <= classes <= MOST_CLASSES and base.objective.loss in (*ADVERSARIAL_LOSSES, "vae"):
        st.toggle(
            "Class-conditional",
            key=widget_key("data.conditional", base),
            help=describe_setting("data.conditional")["help"],
            persist_state="session",
        )
    with st.expander("All settings", icon=":material/tune:"):
        for group, keys in shown_settings(base).items():
            if keys:
                title, sentence = GROUPS[group]
                st.markdown(f"**{title}.** {sentence}")
                values = flatten_config(base)
                about = dict(rerun=SUMMED_UP, persist_state="session")
                in_pairs({key: values[key] for key in keys}, lambda key: widget_key(key, base), **about)
    show_summary(lab, me)
    nonce = nonce_of("start")
    st.button(
        "Start training",
        key=f"start {nonce}",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=guarded(start),
        args=(lab, me, nonce),
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
            step=30,
            key="seconds",
            persist_state="session",
            help=about["help"],
        )
    base = chosen_base(lab, me)
    if not timed:
        about, key = describe_setting("training.steps"), widget_key("training.steps", base)
        st.session_state.setdefault(key, base.training.steps)
        left.number_input(
            "Steps",
            int(about["low"]),
            int(about["high"]),
            step=1000,
            key=key,
            persist_state="session",
            help=about["help"],
        )
    right.number_input(
        "Seed",
        0,
        2**31 - 1,
        key="seed",
        persist_state="session",
        help=describe_setting("seed")["help"],
    )
    st.caption(resolved(base))
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
            fill(opened.link)
            st.toast("A link has filled in the form of a new run.", icon=":material/link:")
    if opened.link:
        st.info(describe_link(opened.link, data_title(opened.link.config.data.name, files)), icon=":material/link:")
    else:
        wrong = "  \n".join(plain(problem) for problem in opened.problems)
        st.error(wrong, title="This link cannot be used", icon=":material/link_off:")


def fill(link: Link) -> None:
    """Put the settings of a link into the widgets."""
    config, base = link.config, link.recipe
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
    st.markdown(summary(config, lab.recipes.estimate(config), lab.uploads.titles(by=me)))
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
