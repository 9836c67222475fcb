"""The compiled inner loops, each against a plain Python sum: what decides must not know who asks, or how."""

import itertools
import math

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

from gan_core.distances import kernels


def gaussian(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def one_after_the_other(a, b):
    total = 0.0
    for u, v in zip(a.tolist(), b.tolist(), strict=True):
        total += (u - v) * (u - v)
    return total


def all_exact(a, b):
    return np.array([[kernels.exact(u, v) for v in b] for u in a])


@pytest.mark.parametrize("d", [1, 2, 7, 8, 9, 31, 64, 300, 784])
def test_exact_is_the_sum_of_squared_differences(d):
    a, b = gaussian(20, d) + 1000, gaussian(10, d, 1) + 1000
    plain = [[math.fsum((u - v) ** 2) for v in b] for u in a]
    np.testing.assert_allclose(all_exact(a, b), plain, rtol=1e-14)
    np.testing.assert_array_equal(all_exact(a, b), all_exact(b, a).T)
    assert not all_exact(a, a).diagonal().any()


@pytest.mark.parametrize("d", [2, 7, 8, 40, 784])
def test_exact_takes_differences_of_float32_in_float64(d):
    a, b = gaussian(10, d).astype(np.float32), gaussian(10, d, 1).astype(np.float32)
    wide = all_exact(a.astype(float), b.astype(float))
    np.testing.assert_array_equal(all_exact(a, b), wide)
    np.testing.assert_array_equal(all_exact(a.astype(float), b), wide)


@pytest.mark.parametrize("d", range(1, 8))
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_of_few_coordinates_the_tile_is_exact_to_the_last_bit(d, kind):
    """No fused or reordered operation in one and not the other: a copy on a ball's border would fall out of it."""
    a, b = (gaussian(30, d) + 10).astype(kind), (gaussian(40, d, 1) + 10).astype(kind)
    tile = np.full((30, 40), np.nan)
    kernels.differences(a, b, tile)
    np.testing.assert_array_equal(-2 * tile, all_exact(a, b))
    plain = [[one_after_the_other(u, v) for v in b.astype(float)] for u in a.astype(float)]
    np.testing.assert_array_equal(all_exact(a, b), plain)


def test_every_kernel_says_its_own_fastmath():
    """Numba hands a caller's fastmath on to a callee that says nothing, and keeps what was compiled first on disk."""
    compiled = [value for value in vars(kernels).values() if isinstance(value, CPUDispatcher)]
    assert kernels.exact in compiled and kernels.sweep in compiled
    assert all("fastmath" in function.targetoptions for function in compiled)
    assert kernels.exact.targetoptions["fastmath"] is False


@pytest.mark.parametrize("d", [3, 40])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_tied_rows_are_those_within_the_border_included(d, kind):
    x = gaussian(30, d).astype(kind)
    x[7] = x[3]
    squares = all_exact(x, x)
    for i, j in ((3, 20), (20, 3), (3, 7)):
        within = squares[i] <= squares[i, j]
        within[i] = False
        np.testing.assert_array_equal(kernels.tied(x, i, squares[i, j]), within)
    assert kernels.tied(x, 3, 0.0).nonzero()[0].tolist() == [7]


def test_a_list_of_neighbours_is_sorted_whatever_the_order_of_arrival():
    arrivals = [(2.0, 9), (2.0, 4), (1.0, 5), (0.0, 8), (2.0, 1)]
    for order in itertools.permutations(arrivals):
        squares, indices = np.full((1, 3), np.inf), np.full((1, 3), np.iinfo(np.int64).max)
        for square, index in order:
            kernels._insert(squares, indices, 0, square, index)
        assert list(zip(squares[0], indices[0], strict=True)) == [(0.0, 8), (1.0, 5), (2.0, 1)]


def test_without_a_place_for_machine_code_functions_are_compiled_all_the_same():
    """A function without a source file has no cache, as one in a folder that nobody may write to."""
    space = {}
    exec("def double(x):\n    return 2 * x", space)
    assert kernels._compiled()(space["double"])(21) == 42
