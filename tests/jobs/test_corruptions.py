"""The test of the metrics as a job: every cell of its sheet, and that a metric sees what was done."""

import pytest

from gan_core.distances.catalogue import METRICS
from gan_core.distances.corruptions import CORRUPTIONS
from gan_core.jobs.corruptions import KIND, Corruptions
from gan_core.records import CorruptionTest, GanometerError


def test_every_live_metric_meets_every_level_of_the_damage(ask):
    sheet = ask(Corruptions("ring-8", 60, corruptions=("noise",)), step=None)
    assert isinstance(sheet, CorruptionTest) and (sheet.n, sheet.kind, sheet.panel) == (60, "points", "live")
    found = {(cell.corruption, cell.level) for cell in sheet.cells}
    assert found == {("none", 0.0), *(("noise", float(level)) for level in CORRUPTIONS["noise"].levels)}
    assert {cell.metric for cell in sheet.cells} <= set(METRICS)
    energies = [cell.value for cell in sheet.cells if cell.metric == "energy_distance"]
    assert energies == sorted(energies) and energies[-1] > 5 * abs(energies[0])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"dataset": "digits", "n": 100, "corruptions": ["blur", "rust"]},
            "corruptions has 'rust'; choose from drop, blur, noise, shift, dim, outliers, shrink, atoms, copies",
        ),
        ({"dataset": "digits", "n": 0}, "n is 0; it must be between 2 and 10,000"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
