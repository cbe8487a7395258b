"""Checks on arguments."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from scaling_laws._validation import (
    MAX_SIZE,
    check_generator,
    complex_array,
    has_method,
    one_of,
    real_array,
    real_number,
    real_or_infinite,
    whole_number,
)
from scaling_laws.features import RandomFeatures
from scaling_laws.latent import LatentModel
from scaling_laws.quadratic import QuadraticModel
from scaling_laws.spectra import PowerLaw


@pytest.mark.parametrize("value", [3, 2.5, True, np.float32(0.5), np.int8(-4), [1, 2], np.zeros((2, 0))])
def test_real_values_come_back_as_float_arrays_of_the_same_shape(value):
    array = real_array("x", value)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.asarray(value, dtype=float))


@pytest.mark.parametrize(
    "value", [2**64, -(10**20), [10**20, 1], [10**20, 1.5], np.array([1, 2**70], dtype=object), [[2**63, -1]], 10**308]
)
def test_whole_numbers_beyond_those_of_numpy_are_real_values(value):
    array = real_array("x", value)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.vectorize(float)(np.array(value, dtype=object)))


@pytest.mark.parametrize("value", [10**400, -(10**400), [10**400, 1], 10**5000, [10**5000]], ids=lambda value: "big")
def test_whole_numbers_beyond_all_floats_are_refused_by_name(value):
    for check in (real_array, real_number, whole_number):
        with pytest.raises(ValueError, match=r"^x must be .*; got ") as caught:
            check("x", value)
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, [0.5, np.nan], "1", b"1", None, 1j, [[1], [2, 3]], {}])
def test_what_is_not_finite_and_real_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^ridge must be .*finite"):
        real_array("ridge", value)


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "words"),
    [
        ({"above": 0}, 1e-300, 0.0, "greater than 0"),
        ({"at_least": 0}, 0.0, -1e-300, "at least 0"),
        ({"at_most": 2}, 2.0, np.nextafter(2.0, 3), "at most 2"),
        ({"above": 0, "at_most": 1}, 1.0, 0.0, "greater than 0 and at most 1"),
    ],
)
def test_limits_are_enforced_at_their_edge_and_stated_in_the_error(limits, inside, outside, words):
    assert real_array("x", [inside, inside], **limits).tolist() == [inside, inside]
    with pytest.raises(ValueError, match=f"^x must be .*{words}"):
        real_array("x", [inside, outside], **limits)


def test_the_error_quotes_the_first_bad_entry():
    with pytest.raises(ValueError, match=r"got -7$"):
        real_array("x", [1.0, -7.0, -8.0], at_least=0)


def test_a_single_number_is_a_python_float():
    assert type(real_number("x", np.float32(0.5))) is float


@pytest.mark.parametrize("value", [[1.0], np.ones((2, 2)), []])
def test_an_array_in_place_of_a_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^scale must be a single number"):
        real_number("scale", value)


@pytest.mark.parametrize("value", [1, 7, 1e6, np.int64(12), np.float64(3.0), Fraction(4, 2), MAX_SIZE, 1e15])
def test_whole_numbers_come_back_as_int(value):
    number = whole_number("n", value)
    assert type(number) is int
    assert number == value


@pytest.mark.parametrize(
    "value", [0, -1, 1.5, np.nan, np.inf, True, False, "3", None, 1j, [2], MAX_SIZE + 1, 10**400, np.array([1, 2])]
)
def test_what_is_not_a_whole_number_in_range_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^n must be a whole number from 1 to 1e"):
        whole_number("n", value)


def test_whole_number_limits_include_their_ends():
    assert [whole_number("n", k, at_least=0, at_most=2) for k in (0, 1, 2)] == [0, 1, 2]
    for outside in (-1, 3):
        with pytest.raises(ValueError, match="from 0 to 2"):
            whole_number("n", outside, at_least=0, at_most=2)


@pytest.mark.parametrize("allowed", [["b", "a"], {"a": 1, "b": 2}, {"a", "b"}])
def test_an_allowed_name_comes_back_and_any_other_is_refused_with_the_list_of_them(allowed):
    assert one_of("mode", "a", allowed) == "a"
    for bad in ("c", "A", "", None, 0, ["a"], {}, np.array(["a", "b"])):
        with pytest.raises(ValueError, match=r"^mode must be one of \['a', 'b'\]; got "):
            one_of("mode", bad, allowed)


@pytest.mark.parametrize(
    "value", [Decimal("0.5"), [Decimal("0.5"), 10**20], np.array([Fraction(1, 2), 3], dtype=object)]
)
def test_decimals_and_fractions_are_real_values(value):
    np.testing.assert_array_equal(real_array("x", value), np.vectorize(float)(np.array(value, dtype=object)))


@pytest.mark.parametrize(
    "value", [np.array(7), np.array(7.0), np.array(7, dtype=object), np.float16(7), np.uint8(7), Decimal(7)]
)
def test_a_whole_number_may_come_as_an_array_without_axes_or_of_any_precision(value):
    number = whole_number("n", value)
    assert type(number) is int
    assert number == 7


@pytest.mark.parametrize("value", [np.array(True), np.bool_(True), np.array("7"), np.array(1.5), Decimal("NaN")])
def test_an_array_without_axes_that_is_no_whole_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^n must be a whole number from 1 to 1e"):
        whole_number("n", value)


def test_whole_numbers_beyond_those_of_floats_keep_all_digits():
    assert whole_number("n", 10**20 + 1, at_most=10**30) == 10**20 + 1


def test_limits_are_stated_exactly():
    with pytest.raises(ValueError, match="from 1 to 1024; got 1025"):
        whole_number("n", 1025, at_most=1024)
    with pytest.raises(ValueError, match="at most 123,456,789; got"):
        real_array("x", 1e9, at_most=123456789)


def test_an_error_does_not_write_out_long_values():
    for check in (real_array, whole_number, check_generator):
        with pytest.raises(ValueError, match="must be") as caught:
            check(*["x"] * (check is not check_generator), ["a"] * 10_000)
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [10**20, [1j, 10**20], np.array([1 + 1j, 2**70], dtype=object), Fraction(1, 2), []])
def test_complex_values_come_back_as_complex_arrays(value):
    array = complex_array("z", value)
    assert array.dtype == complex
    assert array.tolist() == np.array(value, dtype=complex).tolist()


@pytest.mark.parametrize("value", ["1+1j", None, [[1], [1, 2]], np.nan, [1j, np.inf], 10**400, {}])
def test_what_is_not_complex_and_finite_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^z must be .*finite; got "):
        complex_array("z", value)


@pytest.mark.parametrize(
    "rng", [0, 0.0, None, "0", np.random, np.random.default_rng, np.random.RandomState(0), np.random.SeedSequence(0)]
)
def test_what_is_not_a_generator_is_refused_with_a_word_on_how_to_make_one(rng):
    draws = (
        lambda: check_generator(rng),
        lambda: LatentModel(PowerLaw(1.0, 10)).draw_teacher(rng),
        lambda: RandomFeatures.draw(3, 10, rng),
        lambda: QuadraticModel.draw(3, 10, rng),
    )
    for draw in draws:
        with pytest.raises(ValueError, match=r"^rng must be a numpy.random.Generator.*default_rng\(0\); got "):
            draw()


def test_an_object_without_the_method_is_refused_by_name():
    has_method("executor", [], "append", "a list")
    for bad in (4, None, np.arange(2)):
        with pytest.raises(ValueError, match=r"^executor must be a list; got "):
            has_method("executor", bad, "append", "a list")


def test_masked_entries_are_refused_by_name_and_a_mask_without_any_is_none():
    data = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    for check in (real_array, complex_array):
        with pytest.raises(ValueError, match=r"^data must have no masked entries"):
            check("data", data)
        assert check("data", np.ma.array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_what_may_be_infinite_is_checked_all_the_same():
    assert real_or_infinite("t", [1, np.inf, 2**70], above=0).tolist() == [1.0, np.inf, 2.0**70]
    assert real_or_infinite("t", np.inf, above=0) == np.inf
    for bad in (0, -np.inf, np.nan, 10**400, "1", [np.inf, -1]):
        with pytest.raises(ValueError, match=r"^t must be"):
            real_or_infinite("t", bad, above=0)
