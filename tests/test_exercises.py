import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest

from scaling_laws import exercises
from scaling_laws.exercises import ANSWERS, check
from scaling_laws.spectra import PowerLaw, fit_spectrum

NOTEBOOKS = sorted((Path(__file__).parents[1] / "book").glob("*.ipynb"))
NUMBERS = [label for label, answer in ANSWERS.items() if isinstance(answer, exercises._Number)]
FUNCTIONS = [label for label, answer in ANSWERS.items() if isinstance(answer, exercises._Function)]
NAMES = [label for label in ANSWERS if label not in NUMBERS + FUNCTIONS]


@cache
def notebook_cells():
    """The cells of each notebook."""
    return [nbformat.read(path, as_version=4).cells for path in NOTEBOOKS]


def checks_in_the_book():
    for cells in notebook_cells():
        for cell in cells:
            if cell.cell_type == "code" and (
                found := re.search(r'check\("([\w-]+)", (.*)\)$', cell.source, flags=re.M)
            ):
                shown = "".join(o.get("data", {}).get("text/plain", "") for o in cell.outputs)
                yield found[1], found[2] == "answer", shown


def test_every_check_is_offered_and_solved_once_in_the_book():
    offered = [label for label, is_open, _ in checks_in_the_book() if is_open]
    solved = [label for label, is_open, _ in checks_in_the_book() if not is_open]
    assert sorted(offered) == sorted(solved) == sorted(ANSWERS)


def test_the_book_shows_no_verdict_before_an_answer_and_correct_after_the_solution():
    for label, is_open, shown in checks_in_the_book():
        assert shown.startswith("No answer yet" if is_open else "Correct"), label


def rounded(value, digits):
    """As a page prints it: to so many significant digits, None for a whole number."""
    return round(value) if digits is None else float(f"{value:.{digits - 1}e}")


@pytest.mark.parametrize("label", NUMBERS)
def test_a_number_is_accepted_and_numbers_beside_it_are_refused(label):
    value, tolerance = ANSWERS[label].value, ANSWERS[label].tolerance
    assert check(label, value)
    assert check(label, np.float64(value))
    for wrong in [value + 1.1 * tolerance, value - 1.1 * tolerance, -value, 2 * value, 0.0, np.nan, np.inf, 10**400]:
        assert not check(label, wrong), wrong
    assert "number" in check(label, "a guess").message


@pytest.mark.parametrize("label", NUMBERS)
def test_a_number_is_accepted_when_rounded_to_the_digits_asked_for_and_to_any_more(label):
    value, digits = ANSWERS[label].value, ANSWERS[label].digits
    assert abs(rounded(value, digits) - value) <= ANSWERS[label].tolerance
    for more in [digits] if digits is None else range(digits, digits + 4):
        assert check(label, rounded(value, more)), rounded(value, more)
    if digits is not None and digits > 1 and (coarse := rounded(value, digits - 1)) != rounded(value, digits):
        assert not check(label, coarse) or abs(coarse - value) <= ANSWERS[label].tolerance


@cache
def parts(label):
    """The text of an exercise and, as its page shows them, the text and printed lines of its solution."""
    for cells in notebook_cells():
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        exercise = re.search(rf"^`{{3,}}\{{exercise\}}[^\n]*\n:label: {label}\n(.*?)^`{{3,}}$", text, flags=re.S | re.M)
        if not exercise:
            continue
        solution, inside = [], False
        for cell in cells:
            inside = inside or f":label: {label}-solution" in cell.source
            if inside and cell.cell_type == "markdown":
                solution.append(cell.source.split(f":label: {label}-solution")[-1].split("{solution-end}")[0])
            elif inside:
                solution += ["".join(o.get("text", "")) for o in cell.outputs if o.output_type == "stream"]
            if inside and "{solution-end}" in cell.source.split(f"{{solution-start}} {label}")[-1]:
                return exercise[1], "\n".join(solution)
    raise AssertionError(f"no exercise {label} with a solution")


@pytest.mark.parametrize("label", NUMBERS)
def test_an_exercise_states_the_precision_it_asks_for(label):
    text = " ".join(parts(label)[0].split())
    assert ANSWERS[label].precision in text, f"the text of {label} should say: {ANSWERS[label].precision}"


@pytest.mark.parametrize("label", NUMBERS)
def test_an_answer_as_the_solution_writes_it_is_accepted(label):
    """The number of the solution's text and printed lines that is nearest to the answer must pass."""
    value, text = ANSWERS[label].value, re.sub(r"(?<=\d)(?:,|\\,|\{,\})(?=\d{3})", "", parts(label)[1])
    text = re.sub(r"\\t?frac\s*(?:(\d)\s*(\d)|\{(\d+)\}\{(\d+)\})", r" \1\3/\2\4 ", text)
    shown = [float(m) for m in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w/])", text)]
    shown += [int(a) / int(b) for a, b in re.findall(r"\b(\d+)/(\d+)\b", text)]
    powers = re.findall(r"(\d+(?:\.\d+)?)\s*\\(?:times|cdot)\s*10\^\{?(-?\d+)", text)
    shown += [float(factor) * 10 ** int(power) for factor, power in powers]
    assert shown, f"the solution of {label} shows no number"
    nearest = min(shown, key=lambda number: abs(number - value))
    assert check(label, nearest), f"{label}: the solution shows {nearest}, the answer is {value}"


@pytest.mark.parametrize("label", FUNCTIONS)
def test_a_function_is_accepted_and_functions_beside_it_are_refused(label):
    reference = ANSWERS[label].reference
    assert check(label, reference)
    assert not check(label, lambda *arguments: 1.001 * reference(*arguments))
    assert "shape" in check(label, lambda *arguments: np.ones((2, 1, 1, 1)) * reference(*arguments)).message
    assert "return" in check(label, lambda *arguments: None).message
    assert "ZeroDivisionError" in check(label, lambda *arguments: 1 / 0).message
    assert "function" in check(label, 3.0).message


@pytest.mark.parametrize("label", NAMES)
def test_a_list_of_names_is_accepted_and_lists_beside_it_are_refused(label):
    names = ANSWERS[label].value
    assert len(set(names)) == len(names)
    assert check(label, names)
    assert check(label, tuple(names)) and check(label, np.array(names))
    assert not check(label, names[1:])
    assert not check(label, "a guess")
    swapped = check(label, [names[1], names[0], *names[2:]])
    assert not swapped and f"{len(names) - 2} of {len(names)}" in swapped.message


def test_the_boxes_of_the_six_curves_take_factors_and_refuse_others():
    losses = exercises.mystery_loss("E", samples=[0.5, 1.0, 2.0])
    assert losses.shape == (3,) and (np.diff(losses) < 0).all()
    for name in ["features", "samples", "ridge"]:
        with pytest.raises(ValueError, match=rf"^{name} must be"):
            exercises.mystery_loss("A", **{name: 0.0})
    with pytest.raises(ValueError, match=r"^box must be"):
        exercises.mystery_loss("G")


def test_a_missing_answer_is_no_answer_and_an_unknown_label_is_an_error():
    assert not check("gcv")
    assert "No answer yet" in repr(check("gcv"))
    with pytest.raises(ValueError, match="label"):
        check("no-such-exercise", 1.0)


def test_the_hidden_sample_has_the_exponent_its_solution_states():
    fit = fit_spectrum(exercises.hidden_spectrum_sample(), 300, ranks=(4, 40))
    assert abs(fit.alpha - 0.2) < 2 * fit.stderr


def test_answers_known_in_closed_form_agree():
    assert ANSWERS["unexplained-variance"].value == pytest.approx(
        1 - PowerLaw(0.5, 1000).trace / PowerLaw(0.5, 10**15).trace, rel=1e-6
    )
    k = np.pi / 2  # alpha = 1: L = N Delta_N with df1 = k / sqrt(Delta) - 1/2
    assert ANSWERS["bottleneck"].value == pytest.approx(100 * (k / 100.5) ** 2, rel=1e-3)


@pytest.mark.parametrize("answer", ["0.1", [0.1], (0.1,), np.array(0.1), np.array([[0.1]]), Decimal("0.1"), 0.1 + 0j])
def test_a_number_may_come_in_any_wrapping(answer):
    assert check("ols-limit", answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("0,1", "should be a number; got '0,1', not one like '0.5'"),
        ([0.1, 0.2], "single number; got 2 of them"),
        ([], "single number; got 0 of them"),
        (np.nan, "finite number; got nan"),
        ("inf", "finite number; got inf"),
        (0.1 + 1j, "should be a number; got complex"),
        ({0.1: 0.1}, "should be a number; got dict"),
    ],
)
def test_what_is_not_one_number_is_told_apart_from_a_wrong_one(answer, words):
    verdict = check("ols-limit", answer)
    assert not verdict
    assert words in verdict.message


@pytest.mark.parametrize(
    "returned", ["abc", [[1], [1, 2]], 1j, np.array(1j), {}, print, 10**400], ids=lambda value: "bad"
)
def test_a_function_that_returns_no_numbers_is_not_said_to_have_raised(returned):
    verdict = check("scaled-ridge", lambda *arguments: returned)
    assert verdict.message.startswith("Your function should return real numbers")


@pytest.mark.parametrize("label", [["ols-limit"], np.array(["ols-limit", "a"]), None, 0.1, {}])
def test_a_label_that_is_no_name_is_refused(label):
    with pytest.raises(ValueError, match=r"^label must be one of"):
        check(label, 0.1)
