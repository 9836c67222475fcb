"""Reports by hand, with whatever strangers may have called things."""

import numpy as np

from gan_core.records import History, Reference, Snapshot
from gan_core.reports.charts import charts_of, metric_chart
from gan_core.reports.pictures import image_grid, pictures_of
from gan_core.reports.run_report import Document, Number, RunReport, Setting, Versus

HOSTILE = (
    "</script><img src=x onerror=window.hacked=1>",
    "\"><svg onload=window.hacked=1>",
    "' onmouseover='window.hacked=1",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>window.hacked=1</script>",
    "javascript:window.hacked=1",
    "\u2028\u2029\ud800 &lt;b&gt; &#60;i&#62;",
)


def history(n: int = 300, curves: int = 20) -> History:
    rng, steps = np.random.default_rng(0), np.arange(n) * 40.0
    names = ["energy_distance", "mean_real_real", "mean_fake_fake", "mean_real_fake", "loss_generator", "coverage"]
    return History({name: (steps, np.abs(rng.normal(1, 0.3, n))) for name in names[:curves]})


def snapshots(steps: int = 3, shape: tuple[int, ...] = (8, 8, 1), n: int = 64) -> list[Snapshot]:
    rng = np.random.default_rng(1)
    if len(shape) == 1:
        return [Snapshot("r", 10 * i, rng.normal(size=(n, *shape)).astype(np.float32)) for i in range(steps)]
    return [Snapshot("r", 10 * i, rng.integers(0, 256, (n, *shape), dtype=np.uint8)) for i in range(steps)]


def run_report(text: str = "digits", **changes) -> RunReport:
    """A report in which every text that a person can choose is `text`."""
    reference = Reference(100, 20, 0, {"energy_distance": (0.01, 0.002), "mean_fake_fake": (1.0, 0.1)})
    kept = snapshots()
    about = dict(
        id="0123abcd",
        name=text,
        data=text,
        state="finished",
        step=120,
        total_steps=120,
        seconds=3.5,
        created=0.0,
        error=text,
        verdict="Nearly",
        sentence=text,
        measured="Measured at step 120.",
        numbers=(Number("Energy distance", "Distances", "0.1234", "0.010 ± 0.002", "+3.1", "off", text),),
        charts=charts_of(history(), reference, loss_unit=text),
        pictures=pictures_of(kept, real=None, room=10**6),
        real_picture=image_grid(kept[0].samples),
        settings=(Setting("seed", text), Setting("training.batch", "64", "128")),
        findings=((0, text),),
        commands=(text,),
        notes=(text,),
        versions=((text, text),),
    )
    return RunReport(**about | changes)


def document(*texts: str, **changes) -> Document:
    runs = tuple(run_report(text, **changes) for text in texts)
    together = (metric_chart({run.name: history() for run in runs}, "energy_distance", None),) if len(runs) > 1 else ()
    versus = Versus(texts[0], texts[0], (texts[0],), (texts[0],)) if len(runs) > 1 else None
    return Document(runs, together, versus, 0.0, "0.2.0")
