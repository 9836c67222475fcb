"""A person's own data: choose a file, see what it became, and put it among the data sets.

A file leaves this process at once for the server's disk, where another process reads it (`lab.uploads`). The page asks
how far that is, and shows it.
"""

from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gan_core import GanometerError, Lab
from gan_core.pictures import grid
from ui.frame.faults import guarded, told
from ui.frame.page import Page
from ui.frame.refresh_rate import PENDING_SECONDS
from ui.frame.text import plain

CHOSEN = "chosen file"
"""The key of the session state under which the Chosen one stands."""
LABEL, LEAVE_OUT = "label column of the file", "leave out of the file"
"""The keys of what this visitor has chosen for that file."""
WIDTH = 96
"""Pixels of a picture before and after."""


@dataclass(frozen=True)
class Chosen:
    """The file that this visitor has chosen, as `lab.uploads` keeps it; None and the `problem` where it does not."""

    name: str
    file: object | None
    problem: str = ""


def show_upload(page: Page) -> None:
    with st.expander("Use your own data", icon=":material/upload:"):
        most = page.lab.uploads.file_limits.file // 2**20
        st.caption(
            "A table (.csv, .tsv, .txt, .parquet, .xlsx), a .zip of pictures (folders become labels), arrays (.npz, "
            f".npy) or IDX (-ubyte), also .gz. At most {most} MB; the data stay on this server."
        )
        chosen: Chosen | None = st.session_state.get(CHOSEN)
        if chosen is None:
            st.file_uploader(
                "File",
                max_upload_size=most,
                key="upload",
                label_visibility="collapsed",
                on_change=guarded(choose),
                args=(page.lab,),
            )
            return
        with st.container(horizontal=True, vertical_alignment="center", key="chosen file"):
            shown = chosen.name if len(chosen.name) <= 60 else f"{chosen.name[:57]}…"
            st.markdown(f":material/draft: {plain(shown)}")
            st.button("Remove", key="remove file", icon=":material/close:", type="tertiary", on_click=guarded(remove))
        if chosen.problem:
            refused(chosen.problem)
        else:
            show_file(page, chosen.file)


def choose(lab: Lab) -> None:
    """Take the file from Streamlit to the server's disk.

    The uploader is not drawn again until the file has been removed, and so it is empty then.
    """
    if (file := st.session_state["upload"]) is None:
        return
    try:
        st.session_state[CHOSEN] = Chosen(file.name, lab.uploads.choose(file.getvalue(), file.name))
    except GanometerError as error:
        st.session_state[CHOSEN] = Chosen(file.name, None, str(error))
    # Streamlit would keep every file in memory until the visitor has gone.
    if (context := get_script_run_ctx()) is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def remove() -> None:
    for name in (CHOSEN, LABEL, LEAVE_OUT):
        st.session_state.pop(name, None)


def show_file(page: Page, file) -> None:
    """How far the file is, and then what it became."""
    left, right = st.columns(2)
    size = left.select_slider("Image size", [8, 12, 16, 20, 24, 28, 32], 28, key="upload size")
    colour = right.toggle("Keep colours", key="upload colour")
    label, leave_out = st.session_state.get(LABEL), bool(st.session_state.get(LEAVE_OUT))

    def ask():
        return page.lab.uploads.look(file, size=size, colour=colour, label=label, leave_out=leave_out, by=page.me)

    def wait():
        now = ask()
        if now.state not in ("waiting", "reading"):
            st.rerun()  # the rhythm can rest
        st.info(progress(now), icon=":material/hourglass_top:")
        if now.state == "reading":
            st.progress(now.share)

    try:
        answer = ask()
    except GanometerError as error:
        refused(str(error))
        return
    if answer.reading is not None:
        show_reading(page, answer)
    elif answer.state in ("waiting", "reading"):
        page.live(wait, every=PENDING_SECONDS, key="reading of the file")
    else:
        refused(answer.reason)
        if answer.can_be_left_out:
            offer_to_leave_out(answer)
        if answer.state == "failed":
            st.button(
                "Try again",
                key="read again",
                icon=":material/refresh:",
                on_click=guarded(page.lab.uploads.try_again),
                args=(answer,),
            )


def offer_to_leave_out(answer) -> None:
    """All that cannot be used, and a button that reads the file without it."""
    count = len(answer.can_be_left_out)
    with st.expander(f"All {count:,}" if count > 1 else "Which one", key="broken"):
        st.dataframe({"cannot be used": list(answer.can_be_left_out)}, hide_index=True, height="auto")
    st.button(
        f"Leave {count:,} out" if count > 1 else "Leave it out",
        key="leave out",
        icon=":material/content_cut:",
        on_click=guarded(leave_out_of_file),
    )


def leave_out_of_file() -> None:
    st.session_state[LEAVE_OUT] = True


def progress(answer) -> str:
    """How far a file is that has not been read yet."""
    if answer.state == "waiting" and answer.ahead:
        before = "another file" if answer.ahead == 1 else f"{answer.ahead} other files"
        return f"Waiting: {before} will be read first."
    return "Reading the file …" + (f" {answer.seconds:.0f} s" if answer.seconds >= 2 else "")


def refused(why: str) -> None:
    st.error(told(why), title="This file cannot be used", icon=":material/error:")


def show_reading(page: Page, answer) -> None:
    """What was done with the file, some pictures before and after, and the button that keeps the data."""
    if answer.reading.originals:
        st.caption("The first images before and after they are cropped, converted to the chosen colours and resized.")
        for before, after in zip(answer.reading.originals, answer.reading.converted):
            enlarged = grid.grid(after[None], columns=1, scale=max(1, WIDTH // after.shape[0]))
            with st.container(horizontal=True):  # side by side on a telephone too
                st.image(
                    grid.embedded(grid.shrunk(before, width=WIDTH)), width=WIDTH, alt="An uploaded image as it was"
                )
                st.image(grid.embedded(enlarged), width=WIDTH, alt="The same image as the networks get it")
    show_label(answer.reading)
    show_notes(answer.reading)

    def use() -> None:
        keep(page, answer)
        st.toast("The data set is ready: choose a recipe and start.", icon=":material/check:")

    st.button("Use this data", key="keep upload", icon=":material/check:", on_click=guarded(use))


def show_label(reading) -> None:
    """Which column is the label, for the person to change."""
    if not reading.choices:
        return
    st.selectbox(
        "Label column",
        ["", *reading.choices],
        index=reading.choices.index(reading.label) + 1 if reading.label in reading.choices else 0,
        format_func=lambda name: name or "none: every column is a coordinate",
        key=f"label of {reading.info.sha256}",
        on_change=guarded(choose_label),
        args=(f"label of {reading.info.sha256}",),
        help="The label says which class a row belongs to. It is no coordinate.",
    )


def choose_label(key: str) -> None:
    st.session_state[LABEL] = st.session_state[key]


def show_notes(reading) -> None:
    """What was found in the file and what was done with it: one table, what needs a look first marked."""
    lines = ["| | About | What was found and done |", "|---|---|---|"]
    about = None
    for note in reading.notes:
        mark = ":orange[:material/warning:]" if note.warning else ""
        lines.append(f"| {mark} | {note.about if note.about != about else ''} | {plain(note.text)} |")
        about = note.about
    if reading.classes:
        counts = ", ".join(f"{name} ({count:,})" for name, count in reading.classes.items())
        lines.append(f"| | Classes | {plain(counts)} |")
    st.markdown("\n".join(lines))


def keep(page: Page, answer) -> None:
    """Put the data into the store, and choose it in the form; the file has done its part."""
    st.session_state["data"] = page.lab.uploads.keep(answer, by=page.me)
    remove()
