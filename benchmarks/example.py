"""Train the finished run that ships with the app, and write its bundle: `make example`.

The run is an ordinary one: the `auto` recipe on digits, with fewer snapshots so that it stays small.
"""

import tempfile
from pathlib import Path

from gan_core import settings
from gan_core.bundles import bundle
from gan_core.config import presets, run_config
from gan_core.store import Store
from gan_core.worker.process import Worker

OUT = Path(__file__).resolve().parent.parent / "gan_core" / "examples" / "digits.zip"
MAX_BYTES = 3_000_000


def main() -> None:
    changes = {"recording.snapshots": 14, "recording.log_every": 100}
    wanted = run_config.override(presets.preset("auto", data="digits", shape=(8, 8, 1)), changes)
    with tempfile.TemporaryDirectory() as folder:
        place = settings.settings_from_environment({"GANOMETER_HOME": folder})
        store = Store(place.store_url)
        # The worker's jobs thread measures real against real first, so that every snapshot has its reference.
        worker = Worker(store, place)
        run_id = store.runs.create(wanted, name="digits, a finished example", worker_id=worker.id)
        state = worker.train(store.runs.get(run_id))
        data = bundle.bundle(store, run_id)
        energy = store.recordings.history(run_id, ["energy_distance"]).last("energy_distance")
        store.close()
    if state != "finished" or len(data) > MAX_BYTES:
        raise SystemExit(f"not written: the run is {state}, its bundle has {len(data):,} bytes (at most {MAX_BYTES:,})")
    OUT.write_bytes(data)
    print(f"{OUT.name}: {len(data):,} bytes, energy distance {energy:.4f}")


if __name__ == "__main__":
    main()
