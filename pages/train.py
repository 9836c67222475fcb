"""Train: set up a run on the right, watch it on the left; pause, resume and stop it."""

import streamlit as st

from gan_core import (
    OPTIONS,
    PRESETS,
    ConfigError,
    GanometerError,
    RunInfo,
    describe_setting,
    differences,
    flatten_config,
    override,
    setting_type,
)
from ui import charts, images
from ui.shell import IDLE_SECONDS, LIVE_SECONDS, PENDING_SECONDS, badge, chart, open_page, page_link, plain, seconds

GROUPS = {
    "training": ("Length and batch", "How long, and how many samples each step looks at."),
    "optimizer": ("Step sizes", "How far the weights move at each step."),
    "objective": ("Objective", "What each network is paid for, and what keeps the game steady."),
    "generator": ("Generator", "Turns random numbers into samples."),
    "discriminator": ("Discriminator", "Tells real samples from generated ones."),
    "recording": ("Recording", "What is written down, and how often."),
}
GAP, NUMBER_WIDTH = 4, 160
CHANGED = {"pause": "Pausing", "resume": "Resuming", "stop": "Stopping"}


# ---------------------------------------------------------------- set up


def start() -> None:
    """Begin a run with what the widgets say; problems are all said at once."""
    try:
        config = chosen_config()
        run_id = page.lab.start(config)
        st.query_params["run"] = run_id
        st.query_params.pop("step", None)
        st.session_state.pop("problems", None)
    except ConfigError as error:
        st.session_state["problems"] = list(error.problems)
    except GanometerError as error:
        st.session_state["problems"] = [str(error)]


def chosen_config():
    data, preset = st.session_state["data"], st.session_state["preset"]
    base = page.lab.preset(preset, data=data)
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


def show_setup() -> None:
    st.subheader("New run", anchor=False)
    uploads = {info.name: info for info in page.lab.store.library.uploads()}
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
    base = page.lab.preset(preset, data=data)
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
        "Start training", key="start", type="primary", icon=":material/play_arrow:", width="stretch", on_click=start
    )
    if problems := st.session_state.get("problems"):
        st.error(
            "  \n".join(plain(problem) for problem in problems), title="This run cannot start", icon=":material/error:"
        )
    show_upload()


def upload_sentence(info) -> str:
    shape = " × ".join(map(str, info.shape))
    return f"Your own data: {sum(info.parts.values()):,} {'images' if info.kind == 'image' else 'points'} of {shape}."


def show_upload() -> None:
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
            upload = page.lab.read_upload(file.getvalue(), file.name, size=size, colour=colour)
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
            "Use this data", key="keep upload", icon=":material/check:", on_click=keep_upload, args=(upload, file.name)
        )


def keep_upload(upload, title: str) -> None:
    st.session_state["data"] = page.lab.keep_upload(upload, title)


# ---------------------------------------------------------------- watch


def show_controls(run: RunInfo, pending: str | None) -> None:
    """Buttons stand outside the live part, so that a click never waits for a drawing to end."""

    def act(label: str, ask, icon: str, kind: str = "secondary") -> None:
        key = label.lower()
        st.button(label, key=key, icon=icon, type=kind, disabled=pending == key, on_click=page.do, args=(ask, run.id))

    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        resumable = run.state in ("paused", "stopped", "interrupted")
        if run.state in ("queued", "running"):
            act("Pause", page.lab.pause, ":material/pause:")
        elif resumable:
            act("Resume", page.lab.resume, ":material/play_arrow:", "primary")
        if run.active:
            act("Stop", page.lab.stop, ":material/stop:")
        page_link("distances", "Distances", run=run.id)
        page_link("gallery", "Gallery", run=run.id)


def show_state(run: RunInfo, pending: str | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="state"):
        st.markdown(f"**{plain(run.name)}**")
        badge(run.state)
        if pending:
            st.badge(f"{CHANGED[pending]} …", icon=":material/hourglass_top:", color="orange")
    worker = next((w for w in page.lab.workers() if w.alive), None)
    if run.state == "queued":
        st.info(f"Place {run.position} in the queue." + waiting_for(worker), icon=":material/schedule:")
    elif run.state == "running" and run.phase not in ("training", ""):
        st.info(
            f"{run.phase.capitalize()} … this takes a few seconds before the first step.",
            icon=":material/hourglass_top:",
        )
    elif run.state == "failed":
        st.error(plain(run.error or "for an unknown reason"), title="This run failed", icon=":material/error:")
    elif run.state == "interrupted":
        st.warning(
            "The worker that trained this run ended. Nothing up to the last step shown is lost: press Resume to go on.",
            icon=":material/power_off:",
        )
    pace = run.steps_per_second if run.state == "running" else None
    left = seconds(run.seconds_left) if run.state == "running" else "—"
    energy, reference = latest_energy(run)
    beside = f"real: {reference[0]:.3f} ± {reference[1]:.3f}" if reference else None
    with st.container(horizontal=True, key="numbers"):
        number("Step", f"{run.step:,}", f"of {run.total_steps:,}")
        number("Steps per second", f"{pace:,.0f}" if pace else "—")
        number("Time left", left, f"{seconds(run.seconds)} trained")
        number(
            "Energy distance",
            f"{energy:.4f}" if energy is not None else "—",
            beside,
            help="How far the generated samples are from held-out real ones, as distributions. Two sets of real "
            "samples give the number below: as good as it gets.",
        )
    st.progress(min(1.0, run.progress))


def number(label: str, value: str, below: str | None = None, help: str | None = None) -> None:
    st.metric(label, value, below, delta_color="off", delta_arrow="off", help=help, width=NUMBER_WIDTH)


def waiting_for(worker) -> str:
    if worker is None:
        return " The worker is starting …"
    return "" if worker.phase == "idle" else f" The worker is busy: {worker.phase}."


def latest_energy(run: RunInfo):
    energy = history_of(run).last("energy_distance")
    reference = reference_of(run)
    return energy, reference.metrics.get("energy_distance") if reference else None


def history_of(run: RunInfo):
    return read_history(run.id, run.version)


@st.cache_data(max_entries=64, show_spinner=False)
def read_history(run_id: str, version: int):
    return page.lab.store.runs.history(run_id, points=300)


def reference_of(run: RunInfo):
    return page.lab.live_reference(run)


@st.cache_data(max_entries=128, show_spinner=False)
def sample_grid(run_id: str, step: int) -> bytes:
    return images.grid(page.lab.store.runs.snapshot(run_id, step).samples, gap=GAP)


@st.cache_data(max_entries=32, show_spinner=False)
def real_grid(dataset: str, count: int) -> bytes:
    return images.grid(page.lab.store.library.dataset(dataset).preview[:count], gap=GAP)


def show_samples(run: RunInfo) -> None:
    data, steps = page.lab.dataset_of(run), page.lab.store.runs.snapshot_steps(run.id)
    if not steps or data is None:
        st.caption("The first samples appear with the first step.")
        return
    step = steps[-1]
    if data.kind == "points":
        snapshot = page.lab.store.runs.snapshot(run.id, step)
        st.markdown(f"**Generated points at step {step:,}, on real ones**")
        chart(charts.points(real=data.preview, fake=snapshot.samples), "points", "Points")
        return
    left, right = st.columns(2)
    left.markdown(f"**Generated, step {step:,}**")
    left.image(
        sample_grid(run.id, step), output_format="PNG", width="stretch", alt=f"64 generated samples at step {step:,}"
    )
    right.markdown("**Real, held out**")
    right.image(
        real_grid(run.dataset, 64),
        output_format="PNG",
        width="stretch",
        alt="64 real samples that are never trained on",
    )


def show_curves(run: RunInfo) -> None:
    history = history_of(run)
    if not history.curves:
        return
    st.markdown("**Distance to real samples**")
    figure = charts.distance_curve(history, reference_of(run), log=True)
    chart(figure, "distance", "Energy distance over steps")
    st.caption("In the blue band the generated samples are as close to real ones as other real samples are.")
    left, right = st.columns(2)
    left.markdown("**Losses**")
    with left:
        chart(charts.losses(history), "losses", "Losses over steps")
    left.caption("Curves that settle: neither network has won. Low is not good here.")
    right.markdown("**What the discriminator believes**")
    with right:
        chart(charts.scores(history), "scores", "D(x) and D(G(z)) over steps")
    right.caption("Both near 0.5: it can only guess. Far apart: it tells them apart with ease.")


def show_diary(run: RunInfo) -> None:
    with st.expander("Settings and diary", icon=":material/menu_book:"):
        base = page.lab.preset(run.config.preset, data=run.config.data.name)
        changed = {k: v for k, v in differences(run.config, base).items() if k not in ("seed", "training.seconds")}
        st.markdown(
            f"Recipe `{run.config.preset}` on `{plain(run.config.data.name)}`, seed {run.config.seed}"
            + (", changed: " + ", ".join(f"`{k}` = {plain(v[0])}" for k, v in changed.items()) if changed else ".")
        )
        for event in page.lab.store.runs.events(run.id):
            error = event.payload.get("error")
            st.caption(f"step {event.step:,}: {event.kind}" + (f" — {plain(error)}" if error else ""))
        st.download_button(
            "Download this run",
            data=lambda: page.lab.export(run.id),
            file_name=f"ganometer-{run.id}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
            key="export",
        )


def show_system() -> None:
    with st.expander("System", icon=":material/memory:", on_change="rerun", key="system") as expander:
        if expander.open:
            st.table({name: plain(value) for name, value in page.lab.system().items()})


def show_live(run_id: str, drawn: tuple[str, str], pending_drawn: str | None) -> None:
    run = page.lab.run(run_id)
    pending = page.lab.pending(run_id)
    if (run.state, run.phase) != drawn or pending != pending_drawn:
        st.rerun()  # the buttons and the rhythm are another now
    if not run.active and "run" not in st.query_params and any(other.active for other in page.lab.runs(20)):
        st.rerun()  # nobody chose this run, and another one has begun
    show_state(run, pending)
    show_samples(run)
    show_curves(run)


with open_page("train") as page:
    st.title("Train", anchor=False)
    live, setup = st.columns([2, 1], gap="large")
    with setup:
        show_setup()
        show_system()
    with live:
        run = page.pick_run()
        if run is None:
            st.info(
                "No run yet. Choose data and a recipe, and press **Start training**.", icon=":material/model_training:"
            )
            page.wait_for_run()
        else:
            pending = page.lab.pending(run.id)
            show_controls(run, pending)
            soon = pending or run.state == "queued" or run.phase not in ("training", "")  # something is about to change
            every = PENDING_SECONDS if soon else LIVE_SECONDS if run.active else IDLE_SECONDS
            page.live(lambda: show_live(run.id, (run.state, run.phase), pending), every=every, key="live")
            show_diary(run)
