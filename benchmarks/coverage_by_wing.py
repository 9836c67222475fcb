"""How much of each wing the tests run: one line a wing, from the data that `make coverage` has just gathered.

python -m benchmarks.coverage_by_wing
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).parents[1]


def wing_of(file: Path) -> str:
    """The folder of a module inside gan_core or ui; a module that lies in no wing stands for itself."""
    parts = file.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] in ("gan_core", "ui") else parts[0]


def by_wing(coverage: Coverage) -> dict[str, tuple[int, int]]:
    """{wing: (statements, statements that no test ran)}, sorted by name."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name in coverage.get_data().measured_files():
        _, statements, _, missing, _ = coverage.analysis2(name)
        found[wing_of(Path(name))][0] += len(statements)
        found[wing_of(Path(name))][1] += len(missing)
    return {wing: (total, missed) for wing, (total, missed) in sorted(found.items())}


def main() -> None:
    coverage = Coverage()
    coverage.load()
    wings = by_wing(coverage)
    wings["all"] = tuple(map(sum, zip(*wings.values())))
    print(f"{'wing':<26} {'statements':>10} {'missed':>8} {'covered':>8}")
    for wing, (statements, missed) in wings.items():
        if statements:
            print(f"{wing:<26} {statements:>10,} {missed:>8,} {1 - missed / statements:>8.1%}")


if __name__ == "__main__":
    main()
