"""Home: a finished run to look at, three one-click starts, and the runs there are."""

import math

import streamlit as st

from gan_core import MetricResult, RunInfo, UnreadableRun, below_zero, shown_value, verdict_of, with_spread
from gan_core.pictures import grid
from ui.frame.faults import part
from ui.frame.glossary import term, with_terms
from ui.frame.held import held, held_index
from ui.frame.nonces import nonce_of, renew_nonce
from ui.frame.page import open_page, page_link
from ui.frame.people import show_nickname
from ui.frame.refresh_rate import IDLE_SECONDS, LIVE_SECONDS
from ui.frame.run_length import how_long
from ui.frame.snapshots import samples_of
from ui.frame.start import start_run
from ui.frame.text import STATES, data_title
from ui.frame.verdict_chip import show_verdict
from ui.home.bulk_actions import show_bulk_actions
from ui.home.gan_cards import show_gan_cards
from ui.home.import_run import show_import
from ui.home.run_cards import Names, matches, show_cards, show_unreadable
from ui.home.runs_list import ORDERS, by_setting, in_order

STARTS = {
    "ring-8": "Eight small clusters of points in the plane. See which of them the generator finds.",
    "digits": "1,797 small handwritten digits: the data set of images that trains fastest.",
    "mnist": "70,000 handwritten digits of 28×28 pixels: the data of Goodfellow et al. (2014).",
}
A_PAGE, MOST = 24, 1000
PAGE_NUMBER = "page of runs"
"""The key of the session state and of the widget that chooses which cards are shown."""


@st.cache_data(max_entries=8, show_spinner=False)
def evolution(run_id: str, steps: tuple[int, ...], _run: RunInfo) -> bytes:
    return grid.strip([samples_of(page.lab, _run, step)[:6] for step in steps])


def start(data: str, nonce: str) -> None:
    """Start a run with one click; the Train page then shows it."""
    run_id = start_run(page.lab, page.me, page.lab.recipes.preset("auto", data=data), nonce)
    st.switch_page("pages/train.py", query_params={"run": run_id})


def show_example() -> None:
    example = page.lab.bundles.example()
    if example is None:
        return
    steps = page.lab.results.snapshot_steps(example)
    if not steps:
        return
    chosen = tuple(steps[round(i * (len(steps) - 1) / 11)] for i in range(12))
    with st.container(border=True, key="example"):
        left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
        left.image(
            grid.embedded(evolution(example.id, chosen, example)),
            width="stretch",
            alt=f"Six generated digits at twelve moments of training, from noise to digits at step {chosen[-1]:,}",
        )
        left.caption(
            f"Six samples of one run, from step 0 to step {chosen[-1]:,}. Each row has the same "
            f"{term('latent vector z')} at all steps.",
            unsafe_allow_html=True,
        )
        with right:
            st.header("A finished run", anchor=False)
            results = page.lab.results
            reports = [(step, results.judged(example, report)) for step, report in results.measured(example).items()]
            if reports:
                (begin, first), (end, last) = reports[0], reports[-1]
                result = last.metrics["energy_distance"]
                show_verdict(verdict_of(last))
                st.markdown(
                    f"{term('energy distance', 'Energy distance')} to real samples: "
                    f"**{shown_value(first.metrics['energy_distance'])}** at step {begin:,}, "
                    f"**{shown_value(result)}** at step {end:,}. {beside_real(result)}",
                    unsafe_allow_html=True,
                )
            page_link("train", "See how it trained", run=example.id)
            page_link("distances", "Measure its distance to real digits", run=example.id)
            page_link("gallery", "Look at its samples", run=example.id)


def beside_real(result: MetricResult) -> str:
    """What two sets of real samples give, to which the distance of a run is to be held, and why it may be negative."""
    if result.reference_mean is None:
        return below_zero(result)
    real = f"{term('real against real', 'Two sets of real samples')} give {with_spread(result)}."
    return f"The smaller, the nearer. {real}{below_zero(result)}"


def show_runs() -> None:
    """The runs that were searched for, by setting, a page of cards at a time."""
    listed = page.lab.runs.listed(MOST, by=page.me)
    runs = [run for run in listed if isinstance(run, RunInfo)]
    unreadable = [run for run in listed if isinstance(run, UnreadableRun)]
    if not listed:
        return
    st.header("Runs", anchor=False)
    show_nickname(page)
    found = searched(runs)
    pages = max(1, math.ceil(len(found) / A_PAGE))
    number = min(st.session_state.get(PAGE_NUMBER, 1), pages)
    shown = found[A_PAGE * (number - 1) : A_PAGE * number]
    if runs and not found:
        st.info("No run matches. Remove a word or a filter.", icon=":material/search_off:")
    elif len(found) < len(runs):
        st.caption(f"{len(found):,} of {len(runs):,} runs.")
    if shown:
        with part("What can be done with several runs"):
            show_bulk_actions(page, shown)
    with part("The cards"):
        show_cards(page, by_setting(shown, page.lab.uploads.titles(by=page.me)))
    if pages > 1:
        st.session_state[PAGE_NUMBER] = number
        st.pagination(pages, key=PAGE_NUMBER)
    if len(runs) == MOST:
        st.caption(f"Only the newest {MOST:,} runs are listed.")
    if unreadable:
        st.header("Runs that cannot be read", anchor=False)
        st.caption(
            "What the store holds of them was damaged, or written by another version of Ganometer. Nothing else "
            "suffers from it. With that version they may be readable; here they can only be deleted."
        )
        show_unreadable(page, unreadable)
    watch(listed)


def searched(runs: list[RunInfo]) -> list[RunInfo]:
    """Those of the runs that the fields above the cards ask for, in the order that they ask for."""
    shared = page.lab.settings.shared
    search, which, sort, *people = st.columns([3, 1.2, 1.5, 1.6] if shared else [3, 1.2, 1.5])
    words = search.text_input(
        "Search", key="search", icon=":material/search:", placeholder="Name, tag, data, recipe, state or id"
    )
    state = which.selectbox(
        "State", [None, *STATES], key="state", format_func=lambda s: STATES[s][2] if s else "Any state"
    )
    orders = list(ORDERS)
    order = sort.selectbox(
        "Sort",
        orders,
        index=held_index("sort", orders),
        key="sort",
        format_func=lambda o: ORDERS[o],
        persist_state="session",
    )
    whom = "everybody"
    for column in people:
        whom = column.segmented_control(
            "Whose",
            ["mine", "everybody"],
            default=held("whose runs", "everybody"),
            required=True,
            key="whose runs",
            format_func=str.capitalize,
            persist_state="session",
        )
    names = Names(page.lab.uploads.titles(by=page.me), page.lab.people.owners(by=page.me))
    found = [run for run in runs if matches(run, words, state, names)]
    if whom == "mine":
        found = [run for run in found if page.lab.people.is_mine(run, by=page.me)]
    headlines = page.lab.results.headlines(found, by=page.me) if order == "best" else {}
    return in_order(found, order, lambda run: headlines[run.id])


def watch(runs: list[RunInfo | UnreadableRun]) -> None:
    """Draw the page again when there are other runs, or one of them has another state, name or place."""

    def look() -> None:
        if listing(page.lab.runs.listed(MOST, by=page.me)) != listing(runs):
            st.rerun()

    active = any(isinstance(run, RunInfo) and run.active for run in runs)
    page.live(look, every=LIVE_SECONDS if active else IDLE_SECONDS, key="watch")


def listing(runs: list[RunInfo | UnreadableRun]) -> list[tuple]:
    return [
        (run.id, run.state, run.name, run.tags, run.position) if isinstance(run, RunInfo) else (run.id, run.why)
        for run in runs
    ]


with open_page("home") as page:
    st.title("Ganometer", anchor=False)
    st.markdown(
        with_terms(
            "Train a GAN here in your browser, and measure with Euclidean distance how far its samples are from real "
            "ones.",
            "GAN",
            "Euclidean distance",
        ),
        unsafe_allow_html=True,
    )
    show_gan_cards(page)
    columns = st.columns(3)
    for column, (data, sentence) in zip(columns, STARTS.items()):
        with column.container(border=True, height="stretch"):
            title = data_title(data)
            st.markdown(f"**{title}**  \n{sentence}")
            clicked = st.button(
                f"Train on {title}",
                key=f"start {data}",
                icon=":material/play_arrow:",
                type="primary" if data == "digits" else "secondary",
                width="stretch",
            )
            if clicked:
                start(data, nonce_of(f"start {data}"))
            # A double click draws this page twice with the button pressed. Without: somebody has come back to it.
            renew_nonce(f"start {data}")
            st.caption(how_long(page.lab, page.lab.recipes.preset("auto", data=data)))
    with part("The finished example"):
        show_example()
    show_runs()
    with part("The import of a run"):
        show_import(page)
