"""What real-vs-real gives, as far as somebody has measured it: in this store, or shipped with the app.

The shipped numbers are known by the hash of the data, so a file of another MNIST finds none of them.
They are made again by `make references`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from gan_core.distances.catalogue import VERSION
from gan_core.records import Panel, Reference, reference_from_json
from gan_core.store import Store

SHIPPED = Path(__file__).resolve().parents[1] / "examples" / "references.json"


def known(store: Store, dataset: str, space: str, n: int, *, k: int = 5, panel: Panel = "live") -> Reference | None:
    """The calibration of a data set (by its hash) at n; None when it has to be measured first."""
    found = store.measurements.reference(dataset, space, n, k=k, panel=panel)
    if found is None or found.version != VERSION:
        found = shipped().get((dataset, space, n, k, panel))
    return found if found is not None and found.version == VERSION else None


@cache
def shipped() -> dict[tuple, Reference]:
    """(dataset, space, n, k, panel) -> Reference, of the file that comes with the app."""
    if not SHIPPED.exists():
        return {}
    rows = json.loads(SHIPPED.read_text(encoding="utf-8"))
    references = [(row["dataset"], row["space"], reference_from_json(json.dumps(row["reference"]))) for row in rows]
    return {(dataset, space, r.n, r.k, r.panel): r for dataset, space, r in references}
