"""What pages say in place of real samples that this visitor may not see."""

import streamlit as st

PRIVATE_DATA = "The data of this run are private. You see its generated samples and its numbers, not the real samples."


def say_private() -> None:
    """The sentence, where real samples would stand."""
    st.info(PRIVATE_DATA, icon=":material/lock:")
