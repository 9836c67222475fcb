"""The data that a visitor has uploaded: how much room they take, and how to delete what is not needed any more."""

import streamlit as st

from gan_core import Lab
from ui.frame.faults import guarded
from ui.frame.text import data_title, plain

MB = 2**20


def show_uploads(lab: Lab, me: str) -> None:
    """A row for each upload of this visitor; nothing for whoever has none."""
    kept = lab.uploads.kept(by=me)
    if not kept:
        return
    files = lab.uploads.titles(by=me)
    with st.expander(f"Your uploads: {len(kept)}", icon=":material/folder:", key="uploads"):
        st.caption(_room(lab, sum(one.size for one in kept)))
        for one in kept:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{plain(data_title(one.name, files))} · {_megabytes(one.size)}")
                st.button(
                    "Delete",
                    key=f"delete {one.name}",
                    icon=":material/delete:",
                    disabled=one.needed is not None,
                    help=plain(one.needed) if one.needed else None,
                    on_click=guarded(lab.uploads.delete),
                    args=(one.name,),
                    kwargs={"by": me},
                )


def _room(lab: Lab, used: int) -> str:
    """How much room the uploads take, and how much there is."""
    limits = lab.settings.limits
    of = f" of {limits.upload_mb:,g} MB" if limits.upload_mb is not None else ""
    most = f" At most {limits.uploads} are kept for you." if limits.uploads is not None else ""
    return f"They take {_megabytes(used)}{of}.{most} Data that a run needs cannot be deleted."


def _megabytes(size: int) -> str:
    return f"{size / MB:,.1f} MB" if size >= MB / 10 else f"{size / 1024:,.0f} kB"
