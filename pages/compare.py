"""Compare: which setting is better, and is the difference more than noise? Runs, seeds and settings side by side."""

import streamlit as st

from gan_core import (
    ENOUGH_SEEDS,
    METRICS,
    MOST_RUNS,
    Comparison,
    GanometerError,
    Group,
    RunInfo,
    Verdict,
    alike,
    curve_of_group,
    describe_setting,
    group_runs,
    mean_and_sd,
    settings_diff,
    step_of,
    value_in_words,
)
from gan_core.pictures import grid as images
from gan_core.pictures.scatter import scatter
from ui.charts import compare
from ui.frame.curves import history_of
from ui.frame.job_answers import WAITING, show_answer
from ui.frame.navigation import navigation
from ui.frame.page import chart, open_page, page_link
from ui.frame.pickers import pick_step, play_on
from ui.frame.text import STATES, plain

SAMPLES, GAP, SIDE = 1000, 2, 320
"""New samples of each run for the verdict; pixels between the pictures of a sheet, and about its width."""
CELL_WIDTH = 220
LOOKED_AT = 50
"""Runs among which a suggestion is looked for."""
ALL = "all"
INTERVAL = r"\Delta \pm t_{\nu} \cdot \mathrm{SE}, \qquad \mathrm{SE}^2 = s^2_{\text{seeds}} / k + s^2_{\text{samples}}"
FORMULA = r"D^2 = 2\,\overline{|x-y|} - \overline{|x-x'|} - \overline{|y-y'|}"


# ---------------------------------------------------------------- which runs


def asked_for() -> list[str]:
    """The ids in the address: `runs=a,b,c`; or the one run that another page was looking at."""
    text = st.query_params.get("runs") or st.query_params.get("run") or ""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def known_runs(ids: list[str]) -> list[RunInfo]:
    """Those that are here; of the others it is said that they are not."""
    found, unknown = [], []
    for run_id in ids[:MOST_RUNS]:
        try:
            found.append(page.lab.runs.get(run_id, by=page.me))
        except GanometerError:
            unknown.append(f"“{plain(run_id[:40])}”")
    if unknown:
        st.warning(
            f"There is no run {', '.join(unknown)} here. It may have been deleted, or the link is from another "
            "installation." + (" The others are shown." if found else ""),
            title="Unknown run" if len(unknown) == 1 else "Unknown runs",
            icon=":material/search_off:",
        )
    if len(ids) > MOST_RUNS:
        st.warning(
            f"The address names {len(ids)} runs. The first {MOST_RUNS} are shown.", icon=":material/filter_list:"
        )
    return found


def choose(ids: list[str]) -> None:
    """Put these runs into the address, for this page and for who gets the link."""
    st.query_params["runs"] = ",".join(ids)
    st.query_params.pop("run", None)


def pick_runs(chosen: list[RunInfo], listed: list[RunInfo]) -> None:
    names = {run.id: run for run in [*chosen, *listed]}
    st.session_state["compare runs"] = [run.id for run in chosen]

    def told(run_id: str) -> str:
        run = names[run_id]
        seed, state = f" · seed {run.config.seed}", STATES[run.state][2].lower()
        parts = [run.name.removesuffix(seed) + seed, *([state] if state != "finished" else []), run_id]
        return " · ".join(parts)

    st.multiselect(
        "Runs",
        list(names),
        key="compare runs",
        on_change=lambda: choose(st.session_state["compare runs"]),
        format_func=told,
        max_selections=MOST_RUNS,
        placeholder="Choose two or more runs",
    )


def suggestion(listed: list[RunInfo]) -> list[RunInfo]:
    """The newest two runs on the same data that have something to show, of two settings where there are two; fewer
    where there are no two such runs.
    """
    shown = [run for run in listed if run.step]
    for newest in shown:
        same = [run for run in shown if run.config.data.name == newest.config.data.name][:LOOKED_AT]
        if len(same) > 1:
            other = next((run for run in same if not alike(run, newest)), same[1])
            return [newest, other]
    return shown[:1]


def suggest(listed: list[RunInfo]) -> None:
    found = suggestion(listed)
    st.info(
        "Choose runs above: those that differ in their seed alone become one group, with a mean and a spread.",
        icon=":material/compare:",
    )
    if len(found) == 2:
        ids = [run.id for run in found]
        label = f"Compare the newest two on {found[0].config.data.name}"
        st.button(label, key="suggested", type="primary", icon=":material/compare:", on_click=choose, args=(ids,))
        st.caption(" and ".join(f"{plain(run.name)} (`{run.id}`)" for run in found))
    elif found:
        st.caption("There is only one run with samples. Repeat it with other seeds, or train a second one.")
        repeat_button(found[0], "only")
        page_link("train", "Train another one", run=found[0].id)


def other_data(runs: list[RunInfo]) -> None:
    """Runs on different data have no common scale: offer those on one."""
    by_data: dict[str, list[str]] = {}
    for run in runs:
        by_data.setdefault(run.config.data.name, []).append(run.id)
    st.warning(
        f"These runs are on different data ({plain(', '.join(by_data))}), where a distance means something else. "
        "Only runs on one data set can be compared.",
        title="Not comparable",
        icon=":material/database:",
    )
    with st.container(horizontal=True):
        for name, ids in by_data.items():
            label = f"Keep those on {plain(name)} ({len(ids)})"
            st.button(label, key=f"keep {name}", icon=":material/filter_alt:", on_click=choose, args=(ids,))


# ---------------------------------------------------------------- groups


def repeat_button(run: RunInfo, key: str) -> None:
    st.button(
        f"Repeat with {ENOUGH_SEEDS} seeds",
        key=f"repeat {key}",
        icon=":material/repeat:",
        help="Trains the same settings under further seeds, as many as are missing. Only then can luck be told from "
        "a better setting.",
        on_click=lambda: page.do(repeat, run.id),
    )


def repeat(run_id: str, *, by: str) -> None:
    """Queue what is missing, and look at all of it from now on."""
    ids = page.lab.runs.repeat(run_id, by=by)
    shown = [run.id for run in chosen]
    new = [other for other in ids if other not in shown]
    choose([*shown, *new])
    waiting = sum(page.lab.runs.get(other, by=by).state == "queued" for other in ids)
    st.toast(
        f"{waiting} runs are in the queue. They appear here as they train."
        if waiting
        else "These seeds are there already: they are shown now.",
        icon=":material/repeat:",
    )


def show_groups(groups: tuple[Group, ...], verdict: Verdict | None) -> None:
    """The legend of everything below: what each letter stands for, and how many seeds it has."""
    for place, group in enumerate(groups):
        with st.container(horizontal=True, vertical_alignment="center", key=f"group {place}"):
            st.html(compare.key(place, f"The line of {group.letter} in the curves"), width="content")
            st.markdown(f"**{group.letter}** · {plain(group.label)}", width="content")
            st.caption(plain(about_group(group, verdict)), width="content")
            if len(group.runs) < ENOUGH_SEEDS and all(run.parent_id is None for run in group.runs):
                repeat_button(group.runs[0], group.letter)


def about_group(group: Group, verdict: Verdict | None) -> str:
    count = len(group.runs)
    said = f"seed {group.seeds[0]}" if count == 1 else f"{count} seeds"
    values = [value for _, value in (verdict.values.get(group.name, ()) if verdict else ())]
    if values:
        mean, sd = mean_and_sd(values)
        said += f", energy distance {mean:z.4f}" + (f" ± {sd:.4f}" if sd is not None else "")
    unfinished = [STATES[run.state][2].lower() for run in group.runs if run.state != "finished"]
    if unfinished:
        said += ", " + ", ".join(f"{unfinished.count(state)} {state}" for state in dict.fromkeys(unfinished))
    if group.again:
        said += f", {len(group.again)} more of a seed that is there already (not counted)"
    return said


# ---------------------------------------------------------------- the verdict


def counted(groups: tuple[Group, ...], step: int | None) -> dict[str, int]:
    """Which snapshot of each run the verdict looks at; runs that have not come so far are left out."""
    places = {}
    for group in groups:
        for run in group.runs:
            if (at := step_of(run, steps_of[run.id], step)) is not None:
                places[run.id] = at
    return places


def show_verdict(groups: tuple[Group, ...], step: int | None) -> None:
    places = counted(groups, step)
    with_runs = [group for group in groups if any(run.id in places for run in group.runs)]
    with st.container(border=True, key="verdict"):
        if len(groups) == 1:
            st.markdown("#### One setting so far: choose a run of another one, and see which is better.")
        elif len(with_runs) < 2:
            st.markdown("#### No verdict yet")
            st.caption(
                "A run counts when its training has ended, or when it has come to the step that the slider below "
                "shows. Of two settings or more there has to be such a run."
            )
        if not places or (len(groups) > 1 and len(with_runs) < 2):
            show_groups(groups, None)
            return
        job_id = page.lab.jobs.compare(places, SAMPLES, by=page.me)
        show_answer(
            page,
            job_id,
            lambda job: draw_verdict(groups, page.lab.jobs.answer(job)),
            key="answer",
            again=lambda: page.lab.jobs.compare(places, SAMPLES, by=page.me, retry=True),
        )
        # Not in the live part: a button there would draw that part alone, and the new runs belong to all of the page.
        job = page.lab.jobs.get(job_id)
        about = (step, [group.name for group in groups])
        if job and job.state == "done":
            st.session_state["verdict"] = (about, page.lab.jobs.answer(job))
        last_about, last = st.session_state.get("verdict", (None, None))
        known = last if last_about == about else None
        if known and job and job.state in WAITING:
            draw_verdict(groups, known)
            st.caption("This is the verdict so far. One more run has ended: it is being made anew.")
        show_groups(groups, known)
        left_out = sum(run.id not in places for group in groups for run in group.runs)
        if left_out:
            still = "1 run still waits or trains" if left_out == 1 else f"{left_out} runs still wait or train"
            st.caption(f"{still}: not counted before the end.")


def draw_verdict(groups: tuple[Group, ...], verdict: Verdict) -> None:
    if verdict.headline:
        st.markdown(f"#### {plain(verdict.headline)}")
        st.markdown(plain(verdict.sentence))
    with st.container(horizontal=True, vertical_alignment="center"):
        run = groups[0].runs[0]
        reference = page.lab.results.reference_of(run, verdict.n)
        beside = f" Two sets of real samples of this size give {told_reference(reference)}." if reference else ""
        st.caption(
            f"Energy distance of {verdict.n:,} new samples of each run to as many held-out real ones; 0 is ideal."
            f"{plain(beside)}"
        )
        if verdict.comparisons:
            explain()
    if verdict.comparisons:
        figure = compare.intervals(verdict.comparisons)
        chart(figure, "intervals", "The lead of the best group over each other one, with its interval")
        st.caption("Right of the dotted line: ahead. Whiskers that cross it: no more than noise.")
    if verdict.others:
        with st.expander("By other metrics", icon=":material/straighten:"):
            st.caption(
                "As measured during the training, always against the same held-out samples, so only seeds are noise "
                "here. Each metric is decided on its own."
            )
            st.dataframe([row_of(found) for found in verdict.others], hide_index=True, height="content", key="others")


def row_of(found: Comparison) -> dict[str, str]:
    (one, other), (low, high) = (name.partition(" · ")[0] for name in (found.first, found.second)), found.interval
    better = {"first": f"{one} is better", "second": f"{other} is better", "undecided": "within the noise"}
    return {
        "metric": METRICS[found.metric].title,
        "groups": f"{one} and {other}",
        "means": f"{found.values[0]:.3g} and {found.values[1]:.3g}",
        "difference": f"{low:.2g} to {high:.2g}",
        "in words": better[found.decided],
    }


def told_reference(reference) -> str:
    mean, sd = reference.metrics["energy_distance"]
    return f"{mean:z.4f} ± {sd:.4f}"


def explain() -> None:
    with st.popover("How is this decided?", icon=":material/help:"):
        st.markdown(
            "Every run makes new samples from random numbers of the same seed, and the **energy distance** to the same "
            "held-out real samples is taken:"
        )
        st.latex(FORMULA)
        st.markdown(
            "x are real samples, y generated ones, and a bar is the mean over all pairs of different samples. It is 0 "
            "exactly for equal distributions.\n\n"
            "Then chance is replayed 1,000 times: real and generated samples are drawn again from those there are, "
            "the same ones for all runs (a **paired bootstrap**), and between seeds the values' own spread counts. "
            "The standard error SE of the difference follows, and from it the interval"
        )
        st.latex(INTERVAL)
        st.markdown(
            "with Student's t, which makes it wide for few seeds k. One that contains 0 decides nothing. With "
            "more than two groups the intervals are wider (Holm's rule over all pairs), so that 5 % remains the "
            "chance of any wrong call. With one seed of a setting its luck is unknown: then only the runs are "
            "compared.\n\n"
            "Székely & Rizzo 2013, *Energy statistics*, J. Stat. Plan. Inference 143. Efron & Tibshirani 1993, *An "
            "Introduction to the Bootstrap*. Holm 1979, Scand. J. Stat. 6."
        )


# ---------------------------------------------------------------- curves, samples, settings


def show_curves(groups: tuple[Group, ...], step: int | None) -> None:
    histories = {run.id: history_of(page, run) for group in groups for run in group.runs}
    names = [name for name in METRICS if any(name in history.curves for history in histories.values())]
    if not names:
        return
    st.subheader("Over the training", anchor=False)
    name = st.selectbox(
        "Metric",
        names,
        key="metric",
        persist_state="session",
        format_func=lambda name: METRICS[name].title,
        width=320,
    )
    drawn = []
    for group in groups:
        curves = [(run.config.seed, histories[run.id].curves.get(name)) for run in group.runs]
        seeds = [(seed, curve) for seed, curve in curves if curve is not None]
        drawn.append(compare.Drawn(group.name, seeds, curve_of_group([curve for _, curve in seeds])))
    references = [page.lab.results.live_reference(run) for group in groups for run in group.runs]
    sizes = {run.config.recording.rows for group in groups for run in group.runs}
    reference = next((found for found in references if found), None) if len(sizes) == 1 else None
    figure = compare.curves(drawn, name, reference, step)
    names_of_groups = ", ".join(group.name for group in groups)
    chart(figure, "curves", f"{METRICS[name].title} over steps, a curve for each group: {names_of_groups}")
    said = plain(METRICS[name].sentence)
    if any(len(group.runs) > 1 for group in groups):
        said += " Thick: the mean of the seeds, at steps that all of them have; shaded: ± 1 sd; thin: each seed."
    if reference:
        said += " In the blue band it is like real against real."
    if len(sizes) > 1:
        said += f" The runs measured different numbers of samples ({', '.join(map(str, sorted(sizes)))})."
    st.caption(said)


@st.cache_data(max_entries=512, show_spinner=False)
def sheet(run_id: str, step: int, _run: RunInfo) -> bytes:
    """The 64 samples of a snapshot: images as they are, points on real ones."""
    samples = page.lab.results.snapshot(run_id, step).samples
    if samples.ndim == 4:
        return images.grid(samples, scale=max(1, SIDE // (8 * samples.shape[2])), gap=GAP)
    real = page.lab.results.dataset_of(_run).preview
    return scatter(fake=samples, real=real, size=SIDE)


def step_of_all() -> int | None:
    """The step of the slider: of everything that is shown; None for the newest of each run."""
    every = tuple(sorted({step for steps in steps_of.values() for step in steps}))
    if not every:
        return None
    step = pick_step(page, every, "Step (the nearest snapshot of each run)")
    play_on(page, every)
    return None if step == every[-1] else step


def show_samples(groups: tuple[Group, ...], step: int | None) -> None:
    st.subheader("What they make", anchor=False)
    seeds = sorted({seed for group in groups for seed in group.seeds})
    shown = seeds[0]
    if any(len(group.runs) > 1 for group in groups):
        shown = st.selectbox(
            "Seed",
            [*seeds, ALL],
            key="shown seed",
            format_func=lambda s: "All seeds" if s == ALL else str(s),
            width=160,
        )
    pictures = [(group, run) for group in groups for run in runs_shown(group, shown)]
    grid = st.grid(min(4, max(2, len(pictures))), min_column_width=CELL_WIDTH)
    for group, run in pictures:
        with grid.cell():
            show_sheet(group, run, step)
    st.caption("Each run keeps its 64 random numbers over all steps: move the slider and watch them grow.")


def runs_shown(group: Group, seed) -> tuple[RunInfo, ...]:
    """The run of this seed; of a group without it its first one."""
    if seed == ALL:
        return group.runs
    return (next((run for run in group.runs if run.config.seed == seed), group.runs[0]),)


def show_sheet(group: Group, run: RunInfo, step: int | None) -> None:
    st.markdown(f"**{group.letter}** · seed {run.config.seed}")
    steps = steps_of[run.id]
    if not steps:
        st.caption(f"{STATES[run.state][2]}: no samples yet.")
        return
    at = steps[-1] if step is None else min(steps, key=lambda kept: abs(kept - step))
    about = f"64 generated samples of {group.name}, seed {run.config.seed}, at step {at:,}"
    st.image(images.embedded(sheet(run.id, at, run)), width="stretch", alt=about)
    st.caption(f"step {at:,}" + ("" if run.state == "finished" else f" · {STATES[run.state][2].lower()}"))
    page_link("gallery", "Look closer", run=run.id, step=at)


def show_settings(groups: tuple[Group, ...]) -> None:
    st.subheader("What they differ in", anchor=False)
    differing = settings_diff([group.runs[0].config for group in groups])
    rows = [
        {"setting": key}
        | {group.letter: value_in_words(value) for group, value in zip(groups, values)}
        | {"what it does": describe_setting(key)["help"]}
        for key, values in differing.items()
        if key != "seed"
    ]
    if not rows:
        st.caption("Nothing but the seed." if len(groups[0].runs) > 1 else "There is one setting only.")
        return
    text = st.column_config.TextColumn
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        column_config={"setting": text(pinned=True), "what it does": text(width="large")},
        key="settings",
    )


with open_page("compare") as page:
    st.title("Compare", anchor=False)
    st.caption("Which setting is better, and is the difference more than noise?")
    listed = page.lab.runs.newest(by=page.me)
    if not listed and page.lab.bundles.example() is None:
        st.info("No run yet, so there is nothing to compare.", icon=":material/compare:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    listed = listed or page.lab.runs.newest(by=page.me)
    chosen = known_runs(asked_for())
    pick_runs(chosen, listed)
    if not chosen:
        suggest(listed)
    elif len({run.config.data.name for run in chosen}) > 1:
        other_data(chosen)
    else:
        groups = group_runs(chosen)
        steps_of = {run.id: page.lab.results.snapshot_steps(run.id) for run in chosen}
        above = st.container()
        step = step_of_all()
        with above:
            # A verdict takes longer than a step of the time-lapse: meanwhile that on the newest steps stays.
            show_verdict(groups, None if navigation().playing else step)
        show_curves(groups, step)
        show_samples(groups, step)
        show_settings(groups)
    if chosen:
        page.watch(*chosen)
