"""Distances: how far are the generated samples from real ones? Every number beside what real-vs-real gives."""

import streamlit as st

from gan_core import Report, RunInfo
from ui import charts
from ui.shell import chart, open_page, page_link, plain

MEANS = {
    "mean_real_real": (
        "Real to real",
        "How far two different real samples are from each other on average: the data's own spread.",
    ),
    "mean_fake_fake": (
        "Generated to generated",
        "The same among generated samples. Much smaller than real to real: they are too alike.",
    ),
    "mean_real_fake": (
        "Real to generated",
        "From a real sample to a generated one. Alone it proves nothing: a single average image scores best.",
    ),
}


def beside(metric) -> str | None:
    if not metric.reference_sd:  # not measured yet; or the same real samples every time, which compares nothing
        return None
    return f"real vs real {metric.reference_mean:.4f} ± {metric.reference_sd:.4f}"


def show_headline(report: Report) -> None:
    if report.status == "diverged":
        st.error(plain(report.verdict), title="The generator diverged", icon=":material/error:")
    elif report.status == "collapsed":
        st.warning(plain(report.verdict), title="The generator collapsed", icon=":material/compress:")
    else:
        st.markdown(f"#### {plain(report.verdict)}")


def show_metrics(report: Report) -> None:
    energy, share = report.metrics["energy_distance"], report.metrics["energy_coefficient"]
    one, two = st.columns(2)
    one.metric(
        "Energy distance",
        value(energy),
        beside(energy),
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help="2 × (real to generated) − (real to real) − (generated to generated). It is 0 exactly when both come from "
        "the same distribution, so it cannot be cheated by copying one average image.",
    )
    two.metric(
        "As a share of its largest value",
        value(share),
        beside(share),
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help="The energy coefficient H: 0 is the same distribution, 1 is nothing in common. Units do not matter.",
    )
    for column, (name, (label, help)) in zip(st.columns(3), MEANS.items()):
        metric = report.metrics[name]
        column.metric(
            label,
            value(metric),
            beside(metric),
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
            help=help,
        )


def value(metric) -> str:
    return "—" if metric.value is None else f"{metric.value:.4f}"


def show_arithmetic(report: Report) -> None:
    rf, rr, ff, u = (
        report.metrics[n].value for n in ("mean_real_fake", "mean_real_real", "mean_fake_fake", "energy_distance")
    )
    if u is None:
        return
    with st.popover("What is this?", icon=":material/help:"):
        st.markdown(
            "The **Euclidean distance** between two samples is the length of the straight line between them, pixel by "
            "pixel (or coordinate by coordinate). We take all pairs and average.\n\n"
            "Averaging real-to-generated distances alone is a trap: a generator that always draws the *mean image* "
            "gets the smallest value of all. The **energy distance** repairs it by subtracting how far samples lie "
            "from their own kind:"
        )
        st.latex(rf"2\cdot {rf:.4f} - {rr:.4f} - {ff:.4f} = {u:.4f}")
        st.markdown(
            f"Finite samples never give exactly 0: with n = {report.n_fake:,} of each, two sets of *real* samples give "
            "the *real vs real* value, which may fall a little below 0. Only a result well outside that range says "
            "anything.  \n"
            "Székely & Rizzo 2013, *Energy statistics*, J. Stat. Plan. Inference 143."
        )


def show_report(report: Report) -> None:
    show_headline(report)
    show_metrics(report)
    if report.histogram:
        means = {name: report.metrics[name].value for name in MEANS}
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**How often each distance occurs**")
            show_arithmetic(report)
        chart(charts.histograms(report.histogram, means), "histograms", "Histograms of the distances")
        st.caption(
            "Three humps on top of each other: the samples are spread like real ones. Orange to the left of blue: "
            "generated samples are more alike than real ones are."
        )
    st.caption(
        f"{report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, in the space of "
        f"{report.space}; measured in {report.seconds:.2f} s."
    )


def show_curves(run: RunInfo, step: int) -> None:
    history = page.lab.store.runs.history(
        run.id, ["energy_distance", "mean_real_real", "mean_fake_fake", "mean_real_fake"], points=300
    )
    if not history.curves:
        return
    st.subheader("Over the training", anchor=False)
    reference = page.lab.live_reference(run)
    left, right = st.columns(2)
    left.markdown("**Energy distance**")
    with left:
        chart(charts.distance_curve(history, reference, step, log=True), "curve", "Energy distance over steps")
    right.markdown("**The three mean distances**")
    with right:
        chart(charts.spread_curve(history, reference), "spread", "Mean distances over steps")


def show_measure(run: RunInfo, step: int) -> None:
    """Measure again with fresh samples: does the number hold for another draw, or a larger n?"""
    data = page.lab.dataset_of(run)
    st.subheader("Measure again", anchor=False)
    st.caption("With new samples of the same generator: does the number hold for another draw, or for more samples?")
    most = data.parts["test"]
    sizes = [n for n in (200, 360, 500, 1000, 2000, 5000) if n <= most] or [most]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox("Samples of each kind", sizes, index=min(len(sizes) - 1, 2), key="n")
        # From 1 on: 0 is the draw that was measured during the training.
        seed = st.number_input("Seed of the draw", 1, 10_000, 1, key="draw seed")
        if st.button("Measure", key="measure", icon=":material/straighten:"):
            st.session_state["measure job"] = (
                run.id,
                step,
                page.lab.retry("measure", run_id=run.id, step=step, n=n, seed=int(seed)),
            )
    asked = st.session_state.get("measure job")
    if asked and asked[:2] == (run.id, step):
        page.answer(asked[2], draw_measured, key="measured")


def draw_measured(job) -> None:
    report = page.lab.report_in(job)
    st.markdown(plain(report.verdict))
    st.dataframe(
        [
            {"metric": name, "value": m.value, "real vs real": m.reference_mean, "±": m.reference_sd, "z": m.z}
            for name, m in report.metrics.items()
        ],
        hide_index=True,
    )


with open_page("distances") as page:
    st.title("Distances", anchor=False)
    st.caption("How far are the generated samples from real ones?")
    run = page.pick_run()
    if run is None:
        st.info("No run yet, so there is nothing to measure.", icon=":material/straighten:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    reports = {step: report for step, report in page.lab.reports_of(run) if report.seed == 0}
    if not reports:
        st.info(
            "This run has not been measured yet: that happens with its first step.", icon=":material/hourglass_top:"
        )
        page_link("train", "See what it is doing", run=run.id)
    else:
        step = page.pick_step(tuple(sorted(reports)))
        show_report(reports[step])
        show_curves(run, step)
        show_measure(run, step)
    page.watch(run)
