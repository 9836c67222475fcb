"""How many look at trainings at this moment: the more, the less often each of them is shown what is new.

So watching takes no more from a training, and clicks wait no longer, however many people watch.
"""

import time
import uuid

import streamlit as st

LIVE_SECONDS, PENDING_SECONDS, IDLE_SECONDS = 2.5, 0.5, 5.0
PREVIEW_SECONDS, CHANGE_SECONDS = 1.0, 0.25
"""From one drawing of a live part to the next: of a run that trains, where one visitor watches alone (there is news
every five seconds, at a commit); of what is about to change; of what rests; of the live picture alone; and of the live
picture between a change of settings and the moment it is seen there."""
SLOWEST_SECONDS = 8.0
"""Nobody waits longer than this for what is new."""
GONE_SECONDS = 2 * SLOWEST_SECONDS
"""Who has not looked for so long does not count any more."""
UNEVEN = 1.4
"""A rhythm is changed once it is off by more than this factor: for that, the whole page is drawn again."""


@st.cache_resource(show_spinner=False)
def _last_looks() -> dict[str, float]:
    """When each tab last looked, for all visitors of this server."""
    return {}


def rhythm(alone: float) -> float:
    """Seconds from one look of this tab to the next, which are `alone` where no other one looks."""
    tab = st.session_state.setdefault("tab", uuid.uuid4().hex)
    return shared(_last_looks(), tab, time.monotonic(), alone)


def shared(looks: dict[str, float], tab: str, now: float, alone: float) -> float:
    """The same, where `looks` says when each tab last looked: this one is noted there, and who is gone forgotten."""
    looks[tab] = now
    for other, when in list(looks.items()):
        if now - when > GONE_SECONDS:
            looks.pop(other, None)
    return min(SLOWEST_SECONDS, alone * len(looks))


def is_off(rhythm: float, wanted: float) -> bool:
    """Whether a rhythm has to be changed into the wanted one."""
    return not 1 / UNEVEN < wanted / rhythm < UNEVEN
