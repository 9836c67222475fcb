"""Setting up a run: data, recipe, every setting, and a person's own data."""

import streamlit as st

from gan_core import (
    OPTIONS,
    PRESETS,
    ConfigError,
    GanometerError,
    Lab,
    RunConfig,
    describe_setting,
    flatten_config,
    override,
    setting_type,
)
from ui import images
from ui.shell import plain

GROUPS = {
    "training": ("Length and batch", "How long, and how many samples each step looks at."),
    "optimizer": ("Step sizes", "How far the weights move at each step."),
    "objective": ("Objective", "What each network is paid for, and what keeps the game steady."),
    "generator": ("Generator", "Turns random numbers into samples."),
    "discriminator": ("Discriminator", "Tells real samples from generated ones."),
    "recording": ("Recording", "What is written down, and how often."),
}


def start(lab: Lab) -> None:
    """Begin a run with what the widgets say; problems are all said at once."""
    try:
        config = chosen_config(lab)
        run_id = lab.start(config)
        st.query_params["run"] = run_id
        st.query_params.pop("step", None)
        st.session_state.pop("problems", None)
    except ConfigError as error:
        st.session_state["problems"] = list(error.problems)
    except GanometerError as error:
        st.session_state["problems"] = [str(error)]


def chosen_config(lab: Lab) -> RunConfig:
    data, preset = st.session_state["data"], st.session_state["preset"]
    base = lab.preset(preset, data=data)
    said = {key: st.session_state.get(widget_key(key)) for key in flatten_config(base)}
    asked = {key: value for key, value in said.items() if value is not None}
    return override(
        base,
        {"seed": st.session_state["seed"], "training.steps": st.session_state[widget_key("training.steps")], **asked},
    )


def widget_key(key: str) -> str:
    # A preset or another data set brings its own values: their widgets are other widgets.
    return f"{key} {st.session_state['preset']} {st.session_state['data']}"


def setting_widget(key: str, value) -> None:
    kind, choices = setting_type(key)
    about = describe_setting(key)
    label = key.split(".")[1].replace("_", " ").capitalize()
    options = dict(key=widget_key(key), help=f"{about['help']} (`{key}`)", on_change="ignore")
    if kind == "choice":
        st.selectbox(label, choices, index=choices.index(value), **options)
    elif kind == "switch":
        st.toggle(label, value, **options)
    elif kind == "widths":
        st.text_input(label, ", ".join(map(str, value)), **options)
    elif kind == "whole":
        st.number_input(label, int(about["low"]), int(about["high"]), value, **options)
    elif about["low"] == 0 and about["high"] <= 1:
        st.slider(label, 0.0, float(about["high"]), value, step=0.001, format="%.3f", **options)
    else:
        st.number_input(
            label,
            float(about["low"]),
            float(about["high"]),
            value,
            format="%g",
            step=None if value is None else max(abs(value) / 10, 1e-6),
            **options,
        )


def show_setup(lab: Lab) -> None:
    """The form of a new run; what it says is checked when the run starts, all problems at once."""
    st.subheader("New run", anchor=False)
    uploads = {info.name: info for info in lab.store.library.uploads()}
    names = [*OPTIONS, *uploads]
    st.session_state.setdefault("data", "digits")
    if st.session_state["data"] not in names:
        st.session_state["data"] = "digits"
    data = st.selectbox(
        "Data",
        names,
        key="data",
        persist_state="session",
        format_func=lambda n: OPTIONS[n].title if n in OPTIONS else f"Upload {n.removeprefix('upload-')}",
    )
    st.caption(OPTIONS[data].sentence if data in OPTIONS else upload_sentence(uploads[data]))
    preset = st.selectbox("Recipe", list(PRESETS), key="preset", persist_state="session")
    st.caption(PRESETS[preset])
    base = lab.preset(preset, data=data)
    left, right = st.columns(2)
    about = describe_setting("training.steps")
    left.number_input(
        "Steps",
        int(about["low"]),
        int(about["high"]),
        base.training.steps,
        step=1000,
        key=widget_key("training.steps"),
        help="Generator updates in all.",
        on_change="ignore",
    )
    right.number_input(
        "Seed",
        0,
        2**31 - 1,
        0,
        key="seed",
        persist_state="session",
        help=describe_setting("seed")["help"],
        on_change="ignore",
    )
    with st.expander("All settings", icon=":material/tune:"):
        values = flatten_config(base)
        for section, (title, sentence) in GROUPS.items():
            st.markdown(f"**{title}.** {sentence}")
            with st.container(horizontal=False):
                columns = st.columns(2)
                keys = [
                    k for k in values if k.startswith(f"{section}.") and k not in ("training.steps", "training.seconds")
                ]
                for i, key in enumerate(keys):
                    with columns[i % 2]:
                        setting_widget(key, values[key])
    st.button(
        "Start training",
        key="start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=start,
        args=(lab,),
    )
    if problems := st.session_state.get("problems"):
        st.error(
            "  \n".join(plain(problem) for problem in problems), title="This run cannot start", icon=":material/error:"
        )
    show_upload(lab)


def upload_sentence(info) -> str:
    shape = " × ".join(map(str, info.shape))
    return f"Your own data: {sum(info.parts.values()):,} {'images' if info.kind == 'image' else 'points'} of {shape}."


def show_upload(lab: Lab) -> None:
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
            upload = lab.read_upload(file.getvalue(), file.name, size=size, colour=colour)
        except GanometerError as error:
            st.error(plain(error), title="This file cannot be used", icon=":material/error:")
            return
        if len(upload.originals):
            st.caption("Before and after: how the first images will be cropped, greyed and resized.")
            for before, after in zip(upload.originals, upload.converted):
                one, two = st.columns(2)
                one.image(before, output_format="PNG", width=96, alt="An uploaded image as it was")
                two.image(
                    images.grid(after[None], columns=1, scale=max(1, 96 // after.shape[0])),
                    output_format="PNG",
                    width=96,
                    alt="The same image as the networks will see it",
                )
        for note in upload.notes:
            st.caption(f"• {plain(note)}")
        st.button(
            "Use this data",
            key="keep upload",
            icon=":material/check:",
            on_click=keep_upload,
            args=(lab, upload),
        )


def keep_upload(lab: Lab, upload) -> None:
    st.session_state["data"] = lab.keep_upload(upload)
