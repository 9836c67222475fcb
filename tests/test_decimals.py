"""How a number is written on every page."""

import pytest

from gan_core.decimals import shown_number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0000"),
        (0.96, "0.9600"),
        (12.34567, "12.3457"),
        (-0.00154, "-0.0015"),
        (0.000154, "0.00015"),
        (-0.00068, "-0.00068"),
        (3.2e-9, "3.2e-09"),
    ],
)
def test_four_decimals_or_two_digits(value, shown):
    assert shown_number(value) == shown


def test_the_energy_distance_always_has_four():
    assert shown_number(0.000154, "energy_distance") == "0.0002"
    assert shown_number(-0.00004, "energy_distance") == "0.0000"
    assert shown_number(3.2e-9, "energy_distance") == "3.2e-09", "data on a tiny scale"
