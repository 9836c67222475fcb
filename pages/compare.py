"""Compare: which setting is better, and is the difference more than noise? Runs, seeds and settings side by side."""

from dataclasses import dataclass

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
from ui.frame.snapshots import samples_of
from ui.frame.text import STATES, plain

SAMPLES, GAP, SIDE = 1000, 2, 320
"""New samples of each run for the verdict; pixels between the samples of a picture, and about its width."""
CELL_WIDTH = 220
LOOKED_AT = 50
"""Runs among which a suggestion is looked for."""
ALL = "all"
PICKER, VERDICT = "compare runs", "verdict"
"""Keys of the session state: the picker of runs, and the KnownVerdict."""
INTERVAL = r"\Delta \pm t_{\nu} \cdot \mathrm{SE}, \qquad \mathrm{SE}^2 = s^2_{\text{seeds}} / k + s^2_{\text{samples}}"
FORMULA = r"D^2 = 2\,\overline{|x-y|} - \overline{|x-x'|} - \overline{|y-y'|}"


@dataclass(frozen=True)
class KnownVerdict:
    """The last verdict that was shown to this visitor, and of which step and groups it is."""

    step: int | None
    groups: tuple[str, ...]
    verdict: Verdict


# ---------------------------------------------------------------- which runs


def runs_in_address() -> list[str]:
    """The ids in the address: `runs=a,b,c`; or the one run that another page was showing."""
    text = st.query_params.get("runs") or st.query_params.get("run") or ""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def known_runs(ids: list[str]) -> list[RunInfo]:
    """Those that exist; a warning names the others."""
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
    st.session_state[PICKER] = [run.id for run in chosen]

    def label_of(run_id: str) -> str:
        run = names[run_id]
        seed, state = f" · seed {run.config.seed}", STATES[run.state][2].lower()
        parts = [run.name.removesuffix(seed) + seed, *([state] if state != "finished" else []), run_id]
        return " · ".join(parts)

    st.multiselect(
        "Runs",
        list(names),
        key=PICKER,
        on_change=lambda: choose(st.session_state[PICKER]),
        format_func=label_of,
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
        "Choose runs above. Runs that differ only in their seed become one group, with a mean and a standard "
        "deviation.",
        icon=":material/compare:",
    )
    if len(found) == 2:
        ids = [run.id for run in found]
        label = f"Compare the newest two runs on {found[0].config.data.name}"
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
        help="Trains the same settings with as many further seeds as are missing. Several seeds show whether a "
        "difference is due to the setting or to chance.",
        on_click=lambda: page.do(repeat, run.id),
    )


def repeat(run_id: str, *, by: str) -> None:
    """Queue the missing seeds, and show all of them from now on."""
    ids = page.lab.runs.repeat(run_id, by=by)
    shown = [run.id for run in chosen]
    new = [other for other in ids if other not in shown]
    choose([*shown, *new])
    waiting = sum(page.lab.runs.get(other, by=by).state == "queued" for other in ids)
    st.toast(
        f"{waiting} runs are in the queue. They appear here as they train."
        if waiting
        else "These seeds have been trained already. They are shown now.",
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
    text = f"seed {group.seeds[0]}" if count == 1 else f"{count} seeds"
    values = [value for _, value in (verdict.values.get(group.name, ()) if verdict else ())]
    if values:
        mean, sd = mean_and_sd(values)
        text += f", energy distance {mean:z.4f}" + (f" ± {sd:.4f}" if sd is not None else "")
    unfinished = [STATES[run.state][2].lower() for run in group.runs if run.state != "finished"]
    if unfinished:
        text += ", " + ", ".join(f"{unfinished.count(state)} {state}" for state in dict.fromkeys(unfinished))
    if group.again:
        text += f", {len(group.again)} more with a seed that is listed already (not counted)"
    return text


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
                "A run counts when its training has ended, or when it has reached the step of the slider below. A "
                "verdict needs such a run of at least two settings."
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
        names = tuple(group.name for group in groups)
        if job and job.state == "done":
            st.session_state[VERDICT] = KnownVerdict(step, names, page.lab.jobs.answer(job))
        last: KnownVerdict | None = st.session_state.get(VERDICT)
        known = last.verdict if last and (last.step, last.groups) == (step, names) else None
        if known and job and job.state in WAITING:
            draw_verdict(groups, known)
            st.caption("This is the verdict before one more run ended. The new verdict is being computed.")
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
        beside = f" Two sets of real samples of this size give {in_words(reference)}." if reference else ""
        st.caption(
            f"Energy distance of {verdict.n:,} new samples of each run to as many held-out real ones; 0 is ideal."
            f"{plain(beside)}"
        )
        if verdict.comparisons:
            explain()
    if verdict.comparisons:
        figure = compare.intervals(verdict.comparisons)
        chart(figure, "intervals", "Lead of the best group over each other group, with its interval")
        st.caption(
            "Right of the dotted line: the best group is ahead. Whiskers that cross it: the difference may be noise."
        )
    if verdict.others:
        with st.expander("By other metrics", icon=":material/straighten:"):
            st.caption(
                "As measured during the training, always against the same held-out samples, so only seeds are noise "
                "here. Each metric has a verdict of its own."
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


def in_words(reference) -> str:
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
            "Then the real and generated samples are resampled 1,000 times, in the same way for all runs (a **paired "
            "bootstrap**), and the spread between seeds is added. "
            "The standard error SE of the difference follows, and from it the interval"
        )
        st.latex(INTERVAL)
        st.markdown(
            "with Student's t, which makes it wide for few seeds k. One that contains 0 decides nothing. With "
            "more than two groups the intervals are wider (Holm's rule over all pairs), so that 5 % remains the "
            "chance of any wrong call. With one seed per setting the effect of the seed is unknown: then only the "
            "runs are compared.\n\n"
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
    text = plain(METRICS[name].sentence)
    if any(len(group.runs) > 1 for group in groups):
        text += " Thick: the mean of the seeds, at steps that all of them have; shaded: ± 1 sd; thin: each seed."
    if reference:
        text += " In the blue band the value is like that of real samples."
    if len(sizes) > 1:
        text += f" The runs measured different numbers of samples ({', '.join(map(str, sorted(sizes)))})."
    st.caption(text)


@st.cache_data(max_entries=512, show_spinner=False)
def sample_picture(run_id: str, step: int, _run: RunInfo) -> bytes:
    """The 64 samples of a snapshot: images as they are, points on real ones."""
    samples = samples_of(page.lab, run_id, step)
    if samples.ndim == 4:
        return images.grid(samples, scale=max(1, SIDE // (8 * samples.shape[2])), gap=GAP)
    data = page.lab.results.dataset_of(_run)
    return scatter(fake=samples, real=samples[:0] if data is None else data.preview, size=SIDE)


def step_of_all() -> int | None:
    """The step of the slider: of everything that is shown; None for the newest of each run."""
    every = tuple(sorted({step for steps in steps_of.values() for step in steps}))
    if not every:
        return None
    step = pick_step(page, every, "Step (the nearest snapshot of each run)")
    play_on(page, every)
    return None if step == every[-1] else step


def show_samples(groups: tuple[Group, ...], step: int | None) -> None:
    st.subheader("Samples", anchor=False)
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
            show_run_samples(group, run, step)
    st.caption("Each run has the same 64 latent vectors at all steps. Move the slider to see its samples change.")


def runs_shown(group: Group, seed) -> tuple[RunInfo, ...]:
    """The run of this seed; of a group without it its first one."""
    if seed == ALL:
        return group.runs
    return (next((run for run in group.runs if run.config.seed == seed), group.runs[0]),)


def show_run_samples(group: Group, run: RunInfo, step: int | None) -> None:
    st.markdown(f"**{group.letter}** · seed {run.config.seed}")
    steps = steps_of[run.id]
    if not steps:
        st.caption(f"{STATES[run.state][2]}: no samples yet.")
        return
    at = steps[-1] if step is None else min(steps, key=lambda kept: abs(kept - step))
    about = f"64 generated samples of {group.name}, seed {run.config.seed}, at step {at:,}"
    st.image(images.embedded(sample_picture(run.id, at, run)), width="stretch", alt=about)
    st.caption(f"step {at:,}" + ("" if run.state == "finished" else f" · {STATES[run.state][2].lower()}"))
    page_link("gallery", "Look closer", run=run.id, step=at)


def show_settings(groups: tuple[Group, ...]) -> None:
    st.subheader("Settings that differ", anchor=False)
    differing = settings_diff([group.runs[0].config for group in groups])
    rows = [
        {"setting": key}
        | {group.letter: value_in_words(value) for group, value in zip(groups, values)}
        | {"what it does": describe_setting(key)["help"]}
        for key, values in differing.items()
        if key != "seed"
    ]
    if not rows:
        st.caption("Only the seed differs." if len(groups[0].runs) > 1 else "There is only one setting.")
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
    chosen = known_runs(runs_in_address())
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
