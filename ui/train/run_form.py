"""Setting up a run: data, recipe, every setting, what that will mean, and a person's own data."""

from collections.abc import Callable, Container

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
from gan_core.pictures import grid
from ui.frame.navigation import go_to_run
from ui.frame.nonces import nonce_of, renew_nonce
from ui.frame.page import attempt
from ui.frame.text import plain
from ui.train.share_link import link_in_address, share_form, told
from ui.train.summary import summary, title_of

GROUPS = {
    "training": ("Length and batch", "How long, and how many samples each step looks at."),
    "optimizer": ("Step sizes", "How far the weights move at each step."),
    "objective": ("Game", "What each network is paid for."),
    "penalties": ("Penalties", "What keeps the game steady."),
    "extras": ("Extras", "What else the generator is paid for, and what blurs the discriminator's view."),
    "generator": ("Generator", "Turns random numbers into samples."),
    "discriminator": ("Discriminator", "Tells real samples from generated ones. In a vae it is the encoder."),
    "recording": ("Recording", "What is written down, and how often."),
}
PENALTIES = ("r1", "r2", "gradient_penalty", "gradient_penalty_weight", "penalty_end", "penalty_every")
EXTRAS = ("energy_weight", "energy_space", "feature_matching", "diversity", "instance_noise", "translation")
ELSEWHERE = ("preset", "seed", "data.name", "data.conditional", "training.steps", "training.seconds")
"""Settings that have their place above "All settings"."""
FIRST = {"data": "digits", "preset": "auto", "length": "steps", "seconds": 60, "seed": 0}
"""What the form says to somebody who comes for the first time."""
BESIDE = {"objective.gradient_penalty_weight": "objective.gradient_penalty"}
"""Settings that stand beside another one, whatever that says."""
SUMMED_UP = tuple(key for key in SETTINGS if setting_type(key)[0] not in ("number", "text"))
"""Settings on which the summary depends: it is drawn again when one of them is changed."""


def start(lab: Lab, me: str, nonce: str) -> None:
    """Begin a run of `me` with what the widgets say; problems are all said at once."""
    try:
        config = chosen_config(lab, me)
        run_id = lab.runs.start(config, by=me, nonce=nonce)
        renew_nonce("start")
        st.query_params.clear()  # a link has done what it was for
        go_to_run(run_id)
        st.session_state.pop("problems", None)
    except ConfigError as error:
        st.session_state["problems"] = list(error.problems)
    except GanometerError as error:
        st.session_state["problems"] = [str(error)]


def chosen_config(lab: Lab, me: str) -> RunConfig:
    """What the widgets say; what has no widget keeps the recipe's value."""
    base = chosen_base(lab, me)
    said = {key: value_now(key, base) for key in flatten_config(base)}
    return override(base, said | {"seed": st.session_state["seed"]})


def chosen_base(lab: Lab, me: str) -> RunConfig:
    """The recipe for these data, and for this time where a time was given."""
    time = st.session_state["seconds"] if st.session_state["length"] == "time" else None
    return lab.recipes.preset(st.session_state["preset"], data=st.session_state["data"], seconds=time, by=me)


def value_now(key: str, base: RunConfig):
    said = st.session_state.get(widget_key(key, base))
    return flatten_config(base)[key] if said is None else said


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
    """The widget of a setting, called `name`; what it says is read when a button is pressed.

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
    """The form of a new run; what it says is checked when the run starts, all problems at once."""
    st.subheader("New run", anchor=False)
    uploads = {info.name: info for info in lab.uploads.visible(by=me)}
    names = [*OPTIONS, *uploads]
    show_link(lab, me)
    for key, value in FIRST.items():
        st.session_state.setdefault(key, value)
    if st.session_state["data"] not in names:
        st.session_state["data"] = "digits"
    data = st.selectbox(
        "Data",
        names,
        key="data",
        persist_state="session",
        format_func=title_of,
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
            "Tell the networks the class",
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
        on_click=start,
        args=(lab, me, nonce),
    )
    if problems := st.session_state.get("problems"):
        st.error(
            "  \n".join(plain(problem) for problem in problems), title="This run cannot start", icon=":material/error:"
        )
    show_upload(lab, me)


def show_length(lab: Lab, me: str) -> RunConfig:
    """Steps or seconds, and the seed; returns the recipe that they lead to."""
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
    """What the generator is made of, and who decides the steps."""
    dense = value_now("generator.architecture", base) == "mlp"
    kind = "dense layers" if dense else "convolutions"
    if base.training.seconds is None:
        return f"Made of {kind}."
    if dense or base.preset != "auto":
        return f"Made of {kind}; a short speed trial decides the steps."
    return f"Made of {kind}, or of dense layers where a short speed trial finds too few steps for them in this time."


def show_link(lab: Lab, me: str) -> None:
    """Fill the form with what a link in the address brings, once, and say what that is."""
    if "preset" not in st.query_params:
        st.session_state.pop("link", None)
        return
    address = (st.query_params.to_dict(), me)
    if st.session_state.get("link", (None,))[0] != address:
        link, problems = link_in_address(lab, me)
        st.session_state["link"] = (address, link, problems)
        if link:
            fill(link)
            st.toast("A link has filled in the form of a new run.", icon=":material/link:")
    _, link, problems = st.session_state["link"]
    if link:
        st.info(told(link, title_of(link.config.data.name)), icon=":material/link:")
    else:
        wrong = "  \n".join(plain(problem) for problem in problems)
        st.error(wrong, title="This link cannot be used", icon=":material/link_off:")


def fill(link: Link) -> None:
    """Let the widgets say what a link brings."""
    config, base = link.config, link.recipe
    timed = config.training.seconds is not None
    about = dict(data=config.data.name, preset=config.preset, length="time" if timed else "steps", seed=config.seed)
    st.session_state.update(about | ({"seconds": round(config.training.seconds)} if timed else {}))
    for key, value in flatten_config(config).items():
        if key not in ("preset", "seed", "data.name", "training.seconds"):
            st.session_state[widget_key(key, base)] = as_widget(key, value)


def show_summary(lab: Lab, me: str) -> None:
    """What will run, about how long that takes here, and a link to it; nothing for what cannot run."""
    try:
        config = chosen_config(lab, me)
    except ConfigError:
        st.caption("Some of these settings do not go together: Start training says which.")
        return
    st.markdown(summary(config, lab.recipes.estimate(config)))
    with st.popover("Share this setting", icon=":material/link:", on_change="rerun", key="share") as box:
        if box.open:
            share_form(lab, me, config)


def show_sharing(lab: Lab, info, me: str) -> None:
    """On a shared server a person's data are their own until they say otherwise."""
    if me not in info.owner.split():
        return
    key = f"publish {info.name}"
    st.session_state[key] = info.published
    st.toggle(
        "Everybody may use this data",
        key=key,
        help="Off: only you see it, and the runs on it.",
        on_change=lambda: attempt(lab.uploads.publish, info.name, st.session_state[key], by=me),
    )


def upload_sentence(info) -> str:
    shape = " × ".join(map(str, info.shape))
    return f"Your own data: {sum(info.parts.values()):,} {'images' if info.kind == 'image' else 'points'} of {shape}."


def show_upload(lab: Lab, me: str) -> None:
    with st.expander("Use your own data", icon=":material/upload:"):
        st.caption(
            "A .zip of images (folders become labels), a .csv of numbers, or .npz / .npy arrays. At most 20 MB; "
            "everything stays on this server."
        )
        file = st.file_uploader("File", type=["zip", "csv", "npz", "npy"], key="upload", label_visibility="collapsed")
        if file is None:
            return
        left, right = st.columns(2)
        size = left.select_slider("Image size", [8, 12, 16, 20, 24, 28, 32], 28, key="upload size")
        colour = right.toggle("Keep colours", key="upload colour")
        try:
            upload = lab.uploads.read(file.getvalue(), file.name, size=size, colour=colour)
        except GanometerError as error:
            st.error(plain(error), title="This file cannot be used", icon=":material/error:")
            return
        if len(upload.originals):
            st.caption("Before and after: how the first images will be cropped, greyed and resized.")
            for before, after in zip(upload.originals, upload.converted):
                one, two = st.columns(2)
                shown = grid.embedded(grid.shrunk(before, width=96))
                one.image(shown, width=96, alt="An uploaded image as it was")
                two.image(
                    grid.embedded(grid.grid(after[None], columns=1, scale=max(1, 96 // after.shape[0]))),
                    width=96,
                    alt="The same image as the networks will see it",
                )
        for note in upload.notes:
            st.caption(f"• {plain(note)}")
        st.button(
            "Use this data",
            key="keep upload",
            icon=":material/check:",
            on_click=attempt,
            args=(keep_upload, lab, upload, me),
        )


def keep_upload(lab: Lab, upload, me: str) -> None:
    st.session_state["data"] = lab.uploads.keep(upload, by=me)
