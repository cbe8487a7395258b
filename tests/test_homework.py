"""Homework: exercises with other numbers, and notebooks that nbgrader hands out and marks."""

import copy
import csv
import hashlib
import importlib
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from functools import cache
from html import unescape
from pathlib import Path

import nbformat
import numpy as np
import pytest
import traitlets.config

from scaling_laws import grade
from scaling_laws.exercises import ANSWERS, check
from scaling_laws.spectra import PowerLaw

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.heavy  # for teachers: "make test" is no slower for it


@pytest.fixture(scope="module")
def program(tool):
    """The program, which reads the exercises once."""
    module = tool("homework")
    with pytest.MonkeyPatch.context() as patch:
        exercises = module.read_exercises(module.Book.read())
        patch.setattr(module, "read_exercises", lambda book: exercises)
        yield module


def variants():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module("homework_variants").VARIANTS
    finally:
        sys.path.pop(0)


VARIANTS = variants()


@pytest.fixture
def exercises(program):
    return program.read_exercises(program.Book.read())


@cache
def answer(label, place):
    return float(VARIANTS[label].answer(**VARIANTS[label].settings[place]))


def rounded(label, value):
    digits = ANSWERS[label].digits
    return round(value) if digits is None else float(f"{value:.{digits - 1}e}")


# ---------------------------------------------------------------- other numbers


def test_most_chapters_have_exercises_with_other_numbers(exercises):
    assert len({exercises[label].chapter for label in VARIANTS}) == 15


@pytest.mark.parametrize("label", VARIANTS)
def test_with_the_numbers_of_the_book_text_and_answer_are_those_of_the_book(exercises, label):
    exercise, variant = exercises[label], VARIANTS[label]
    text = f"{exercise.text}\n{exercise.wanted}"
    assert variant.rewrite(text, variant.settings[0]) == text
    unit = 1 if ANSWERS[label].digits is None else ANSWERS[label].tolerance / 0.55
    assert abs(answer(label, 0) - ANSWERS[label].value) < 0.1 * unit
    assert check(label, answer(label, 0))


@pytest.mark.parametrize("label", VARIANTS)
def test_for_every_seed_the_text_is_true_and_the_answer_another_one(exercises, label):
    variant, exercise = VARIANTS[label], exercises[label]
    places = {variant.settings.index(variant.draw(f"seed {seed}")) for seed in range(200)}
    assert places == set(range(1, len(variant.settings))), "some setting is never drawn, or the book's is"
    for place in places:
        setting = variant.settings[place]
        assert variant.holds(**setting), setting
        assert np.isfinite(answer(label, place)) and answer(label, place) != 0
        whole = ANSWERS[label].digits is None
        assert not whole or abs(answer(label, place) - round(answer(label, place))) < 1e-9
        text = variant.rewrite(f"{exercise.text}\n{exercise.wanted}", setting)
        for piece in variant.pieces:
            assert re.sub(r"<(\w+)>", lambda name, of=setting: str(of[name[1]]), piece) in text
    text = f"{exercise.text}\n{exercise.wanted}"
    texts = {variant.rewrite(text, setting) for setting in variant.settings}
    assert len(texts) == len(variant.settings), "a parameter does not stand in the text"
    answers = [rounded(label, answer(label, place)) for place in range(len(variant.settings))]
    assert len(set(answers)) == len(answers), sorted(answers)


def simulated_share(alpha, n_samples, rng):
    """How far the tenth of 1000 modes is resolved by a sample, with its standard error.

    For other latents of the sample, with kernel A, and z of the tenth the share is q / (1 + q), q = z'z over A.
    """
    scales = PowerLaw(alpha, 1000).eigenvalues ** 0.5
    shares = []
    for _ in range(60):
        others = rng.standard_normal((n_samples, 999)) * np.delete(scales, 9)
        tenth = rng.standard_normal((n_samples, 50)) * scales[9]
        q = np.sum(tenth * np.linalg.solve(others @ others.T, tenth), axis=0)
        shares.append(np.mean(q / (1 + q)))
    return np.mean(shares), np.std(shares) / len(shares) ** 0.5


@pytest.mark.parametrize("setting", VARIANTS["samples-for-a-mode"].settings[1:], ids=str)
def test_a_simulation_leads_to_the_answer_where_the_text_asks_for_one(exercises, setting):
    assert "by simulation" in exercises["samples-for-a-mode"].text
    right = rounded("samples-for-a-mode", VARIANTS["samples-for-a-mode"].answer(**setting))
    half, rng = (5 if right >= 100 else 0.5), np.random.default_rng(3)
    below, above = (simulated_share(setting["alpha"], int(right + sign * half), rng) for sign in (-1, 1))
    assert below[0] + 3 * below[1] < setting["percent"] / 100 < above[0] - 3 * above[1], (below, above)


def test_no_other_variant_asks_for_a_simulation(exercises):
    asking = [label for label in VARIANTS if re.search("by simulation|[Ss]imulate", exercises[label].text)]
    assert asking == ["samples-for-a-mode"]


def test_a_text_that_was_changed_in_the_book_is_an_error():
    variant = VARIANTS["df-ratio"]
    with pytest.raises(ValueError, match="does not stand in the exercise"):
        variant.rewrite(r"For $\alpha = 0.45$", variant.settings[1])


@pytest.mark.parametrize("label", VARIANTS)
def test_a_seal_accepts_the_new_answer_and_not_the_one_of_the_book(monkeypatch, label):
    monkeypatch.setattr(grade, "_digest", lambda salt, text: text)
    digits = ANSWERS[label].digits
    for place in range(1, len(VARIANTS[label].settings)):
        value = answer(label, place)
        sealed = grade.seal(value, digits, "salt")
        grade.mark(label, rounded(label, value), **sealed)
        grade.mark(label, value, **sealed)
        unit = 1 if digits is None else 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1)
        for wrong in (answer(label, 0), value + 1.2 * unit, value - 1.2 * unit):
            with pytest.raises(AssertionError):
                grade.mark(label, wrong, **sealed)


# ---------------------------------------------------------------- notebooks


@pytest.fixture
def make(program, tmp_path, capsys, monkeypatch):
    """A function that writes homework, sealed in no time, and returns its folder; what it prints is in make.said()."""

    def digest(salt, text):
        return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()[:16]

    monkeypatch.setattr(grade, "_digest", digest)

    def make_(*options):
        program.main([str(tmp_path / "made"), *map(str, options)])
        return tmp_path / "made"

    make_.said = lambda: capsys.readouterr().out
    return make_


def sources(folder):
    return {path.stem: nbformat.read(path, as_version=4) for path in sorted(folder.glob("source/*/*.ipynb"))}


def test_by_default_each_chapter_has_the_homework_of_the_teaching_guide(make):
    made = sources(make("--term", "2027a"))
    assert list(made) == [f"homework_{number:02}" for number in range(1, 16)]
    varied = 0
    for name, notebook in made.items():
        nbformat.validate(notebook)
        tests = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        assert len(tests) == 3 and all(cell.metadata.nbgrader.points in (2, 3) for cell in tests), name
        names = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
        assert len(set(names)) == len(names) == 9
        varied += "digests" in str(tests)
        text = "\n".join(cell.source for cell in notebook.cells)
        assert not re.search(r"\{[\w:+-]+\}`|cell-id=|\\newcommand|import check|, check|check\(", text)
        assert notebook.cells[0].source.startswith(f"# Homework to chapter {int(name[-2:])}: ")
    assert varied >= 10


def test_neither_students_nor_the_hidden_checks_are_shown_an_answer(make, program, exercises):
    labels = [label for label in ANSWERS if hasattr(ANSWERS[label], "digits")][::3]
    folder = make("--term", "2027a", "--exercises", " ".join(labels))
    source = sources(folder)["homework"]
    handout = nbformat.read(folder / "handout" / "homework.ipynb", as_version=4)
    assert not re.search(
        "mark|BEGIN|END|digests|salt", "\n".join(cell.source for cell in handout.cells if cell.id in labels)
    )
    assert not {cell.id for cell in handout.cells} & set(labels)
    assert {cell.source.split("\n")[-1] for cell in handout.cells if cell.id.endswith("-answer")} == {"answer = None"}
    for cell in source.cells:
        if cell.id in labels:
            _, setting = exercises[cell.id].varied("2027a/")
            value = program.answer(cell.id, setting)
            digits = ANSWERS[cell.id].digits
            shown = cell.source.replace(cell.id, "")
            for more in [1] if digits is None else range(digits, digits + 3):
                forms = {f"{value:.{more - 1}e}", f"{value:.{more}g}", f"{value:.{more}f}", str(round(value))}
                hidden = re.sub(r"'[0-9a-f]{16}'|digits=\d|\d+ points?|'2027a//[\w-]*'", "", shown)
                assert not any(form in hidden for form in forms), cell.source


def test_numbers_depend_on_term_and_student_and_on_nothing_else(make, tmp_path):
    names = tmp_path / "class.txt"
    names.write_text("ada\n\nben-2\n")
    options = ["--exercises", "ridgeless-split done feature-move plateau-distance gcv"]
    made = {
        term: {name: nbformat.writes(one) for name, one in sources(make("--term", term, *options)).items()}
        for term in ["", "2027a", "2027b"]
    }
    again = {name: nbformat.writes(one) for name, one in sources(make("--term", "2027a", *options)).items()}
    assert again == made["2027a"]
    texts = {re.sub("2027[ab]", "", one["homework"]) for one in made.values()}
    assert len(texts) == 3
    assert "digests" not in made[""]["homework"] and made["2027a"]["homework"].count("digests") == 4
    each = sources(make("--students", names, "--name", "own", *options))
    assert {"own-ada", "own-ben-2"} <= set(each)
    assert each["own-ada"].metadata.scaling_laws.student == "ada"
    assert each["own-ada"].cells[2:] != each["own-ben-2"].cells[2:]


def test_points_can_be_given_and_the_key_is_shown_when_asked_for(make):
    folder = make("--exercises", "gcv=5 ols-limit six-curves=0.5", "--name", "quiz", "--key")
    cells = {cell.id: cell for cell in sources(folder)["quiz"].cells}
    assert [cells[label].metadata.nbgrader.points for label in ("gcv", "ols-limit", "six-curves")] == [5, 2, 0.5]
    assert "*0.5 points*" in cells["six-curves-text"].source
    assert "quiz\tols-limit\t0.1\t" in make.said()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--exercises", "no-such"], "'no-such'"),
        (["--exercises", "hidden-exponents"], "'hidden-exponents'; there is 'hidden-exponent'"),
        (["--exercises", "own-trade"], "machine check"),
        (["--exercises", "gcv=many"], "points must be"),
        (["--exercises", "gcv=0"], "points must be"),
        (["--exercises", "gcv gcv=3"], "once"),
        (["--name", "a/b"], "a name must be"),
        (["--students", "no such file"], "students: no such file must be"),
    ],
)
def test_bad_options_are_errors_that_say_what_is_wrong(make, options, words):
    with pytest.raises(SystemExit, match=f"make homework: .*{re.escape(words)}"):
        make(*options)


@pytest.mark.parametrize("text", ["", "ada\nada\n", "ada lovelace\n", "../ada\n", "zoë\n".encode("latin-1")])
def test_names_of_students_are_names_of_folders(make, tmp_path, text):
    (tmp_path / "names").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SystemExit, match=r"students: .*names"):
        make("--students", tmp_path / "names", "--exercises", "gcv")


def test_a_list_of_students_may_come_from_a_spreadsheet(make, tmp_path):
    (tmp_path / "names").write_text("ada\r\nzoë\r\n", encoding="utf-8-sig", newline="")
    assert set(sources(make("--students", tmp_path / "names", "--exercises", "gcv"))) == {
        "homework-ada",
        "homework-zoë",
    }


def test_the_last_line_says_whose_the_numbers_are(make, tmp_path):
    (tmp_path / "names").write_text("ada\nben\n")
    make("--exercises", "gcv done")
    assert make.said().endswith(": 1. All numbers are the book's.\n")
    make("--exercises", "gcv done", "--term", "2027a", "--students", tmp_path / "names")
    assert "made: 2. Exercises with numbers for term 2027a and for each of 2 students: 1 of 2;" in make.said()


def test_the_guide_counts_the_exercises_with_other_numbers(make):
    make("--term", "2027a")
    varied, total = re.search(r": (\d+) of (\d+);", make.said()).groups()
    choices = [len(variant.settings) - 1 for variant in VARIANTS.values()]
    guide = " ".join((ROOT / "book" / "teaching.md").read_text().split())
    assert f"{varied} of the {total} checked questions" in guide
    assert f"each of them has {min(choices)} to {max(choices)} settings" in guide


@pytest.mark.parametrize("place", ["ada/homework/homework.ipynb", "ada/homework.ipynb", "ada/later/Homework (1).ipynb"])
def test_checks_do_not_change_under_what_was_handed_in(make, place):
    options = ["--exercises", "ridgeless-split", "--term"]
    folder = make(*options, "a")
    before = (folder / "source" / "homework" / "homework.ipynb").read_text()
    (folder / "submitted" / place).parent.mkdir(parents=True)
    (folder / "submitted" / place).touch()
    make(*options, "a")
    with pytest.raises(SystemExit, match="there are submissions"):
        make(*options, "b")
    assert (folder / "source" / "homework" / "homework.ipynb").read_text() == before
    make(*options, "b", "--name", "other")


def test_a_run_that_is_refused_changes_nothing(make):
    folder = make("--term", "a")
    path = folder / "submitted" / "ada" / "homework_03.ipynb"
    path.parent.mkdir(parents=True)
    path.touch()

    def state():
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = state()
    with pytest.raises(SystemExit, match=r"homework_03\.ipynb would change"):
        make("--term", "b")
    assert state() == before


def test_make_takes_options_from_its_command_only(tmp_path):
    environment = os.environ | {"TERM": "xterm", "NAME": "machine", "KEY": "secret"}
    for name in [name for name in environment if name.startswith(("MAKE", "MFLAGS"))]:
        del environment[name]

    def shown(*arguments):
        command = ["make", "--dry-run", "homework", "NBGRADER=no", f"VENV={tmp_path}", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True).stdout

    assert "tools/homework.py" in shown() and "--" not in shown().split("homework.py")[1].split("\n")[0]
    lines = shown('TERM=a "b" it\'s', "EXERCISES=gcv done", "KEY=yes").splitlines()
    start = next(number for number, line in enumerate(lines) if "tools/homework.py" in line)
    words = shlex.split(lines[start].rstrip("\\") + lines[start + 1])
    assert words[2:] == ["_build/homework", "--term", 'a "b" it\'s', "--exercises", "gcv done", "--key"]


# ---------------------------------------------------------------- nbgrader itself

LABELS = ["ridgeless-split", "step-kernel", "six-curves", "sweet-spot"]
REPLIES = {
    "step-kernel": "import numpy as np\nanswer = lambda r: 0.25 + np.arcsin(r) / (2 * np.pi)",
    "six-curves": f"answer = {ANSWERS['six-curves'].value}",
    "sweet-spot": "answer = 0.333",
}


@pytest.fixture(scope="module")
def course(program, tmp_path_factory):
    """A course with a quiz that is handed out; run(*arguments) runs nbgrader in it, with an empty home."""
    if not (ROOT / ".venv" / ".class").exists():
        pytest.skip("nbgrader is not installed: make .venv/.class")
    folder, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    program.main([str(folder), "--term", "2027a", "--name", "quiz", "--exercises", " ".join(LABELS)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "IPYTHONDIR"))}
    environment = kept | {"HOME": str(home), "PATH": "/usr/bin:/bin", "MPLCONFIGDIR": str(folder / ".matplotlib")}

    def run(*arguments):
        command = [Path(sys.executable).with_name("nbgrader"), *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    made = run("generate_assignment", "quiz")
    assert made.returncode == 0, made.stderr
    return folder, home, run


@pytest.fixture(scope="module")
def right(program):
    setting = program.VARIANTS["ridgeless-split"].draw("2027a//ridgeless-split")
    return REPLIES | {"ridgeless-split": f"answer = {program.answer('ridgeless-split', setting):.4f}"}


def replied(release, replies):
    """A submission: the answers in place, and nothing else to wait for."""
    notebook = copy.deepcopy(release)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "imports"]
    for cell in notebook.cells:
        if (label := cell.id.removesuffix("-answer")) in replies and cell.id.endswith("-answer"):
            cell.source = replies[label]
    return notebook


def place(notebook, name):
    return next(place for place, cell in enumerate(notebook["cells"]) if cell["id"] == name)


def submissions(release, right):
    """Texts of notebooks by what is the matter with them."""
    write = nbformat.writes
    wrong = {label: "answer = 0.123" for label in LABELS} | {"step-kernel": "answer = len"}
    long = "print('x' * 5_000_000)\nanswer = 0.333"
    made = {
        "right": write(replied(release, right)),
        "wrong": write(replied(release, wrong)),
        "empty": write(replied(release, {})),
        "syntax-long": write(replied(release, right | {"step-kernel": "def answer(r:\n", "sweet-spot": long})),
        "no-json": "Dear teacher, my homework:",
    }
    notebook = json.loads(write(replied(release, right | {"six-curves": "while True:\n    pass"})))
    del notebook["cells"][place(notebook, "step-kernel-answer")]
    made["deleted-loop"] = json.dumps(notebook)
    notebook = json.loads(made["right"])
    cell = notebook["cells"][place(notebook, "step-kernel-answer")]
    notebook["cells"].insert(2, cell | {"id": "pasted"})  # as JupyterLab pastes a cell
    made["pasted"] = json.dumps(notebook)
    notebook = json.loads(made["right"])
    notebook["cells"][place(notebook, "step-kernel-answer")]["metadata"]["nbgrader"]["grade_id"] = "mine"
    made["renamed"] = json.dumps(notebook)
    notebook = json.loads(made["right"])
    notebook["cells"][2]["metadata"]["nbgrader"] = {"grade": "perhaps"}
    made["changed"] = json.dumps(notebook)
    notebook = json.loads(made["right"])
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] not in LABELS]
    made["deleted-tests"] = json.dumps(notebook)
    notebook = json.loads(made["right"])
    notebook["metadata"]["scaling_laws"]["student"] = "ada"
    made["of-ada"] = json.dumps(notebook)
    notebook = json.loads(made["right"])
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    made["bare"] = json.dumps(notebook)
    made["zoe"] = made.pop("right")  # the last one
    return made


def test_nbgrader_marks_a_class_and_names_whom_it_cannot_mark(course, right):
    folder, home, run = course
    release = nbformat.read(folder / "release" / "quiz" / "quiz.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in release.cells)
    assert "answer = None" in text and not re.search("mark\\(|digests|BEGIN|scaling_laws.grade", text)
    for student, notebook in submissions(release, right).items():
        path = folder / "submitted" / student / "quiz" / "quiz.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(notebook)

    said = run("autograde", "quiz", "--Execute.timeout=10").stderr
    refused = {"no-json", "pasted", "renamed", "changed", "bare", "of-ada"}
    assert set(re.findall(r"error processing assignment 'quiz' for student '([\w-]+)'", said)) == refused
    for words in [
        "pasted, quiz: more than one cell is called step-kernel-answer",
        "bare, quiz: no cell has",
        "changed, quiz",
        "of-ada, quiz: this has the numbers of ada",
        *[f"deleted-tests, quiz: a test cell was missing, and is put back: {label}" for label in LABELS],
    ]:
        assert words in said
    assert "deleted-loop, quiz: these cells are missing: step-kernel-answer" in said

    assert run("export").returncode == 0
    with open(folder / "grades.csv", newline="") as file:
        points = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    expected = {"zoe": 9, "deleted-tests": 9, "wrong": 0, "empty": 0, "syntax-long": 9 - 3, "deleted-loop": 9 - 3 - 2}
    expected |= dict.fromkeys(refused, 0)
    assert points == expected

    feedback = run("generate_feedback", "quiz")
    assert feedback.returncode == 0, feedback.stderr
    pages = {path.parts[-3]: unescape(path.read_text()) for path in folder.glob("feedback/*/quiz/quiz.html")}
    assert set(pages) == set(expected) - refused
    pages = {student: re.sub(r"<[^>]+>", "", page) for student, page in pages.items()}
    assert all(f"Exercise {number}" in page for page in pages.values() for number in ("10.2", "4.5", "11.6", "5.3"))
    assert pages["empty"].count("NotAnswered: ridgeless-split: not answered") == 1
    assert "AssertionError: ridgeless-split: Not right." in pages["wrong"] and "NotAnswered:" not in pages["wrong"]
    assert "NotAnswered: step-kernel" in pages["deleted-loop"] and "SyntaxError" in pages["syntax-long"]
    assert "scaling_laws.grade" in pages["zoe"]  # a page shows the checks: nobody hands in after it, says the guide
    assert "AssertionError:" not in pages["zoe"] and "NotAnswered:" not in pages["zoe"]
    assert list(home.rglob("*")) == [], "something was written outside the folder of the course"


def test_nbgrader_refuses_the_assignment_of_another_student(course):
    folder, _, _ = course
    cell = nbformat.v4.new_code_cell("answer = 1", metadata={"nbgrader": {"grade_id": "a", "solution": True}})
    cell.metadata["nbgrader"] |= {"grade": False, "schema_version": 3}
    notebook = nbformat.v4.new_notebook(cells=[cell])
    about = {"assignment": "own-ada", "notebook": "own-ada"}
    (folder / "source" / "own-ada").mkdir()
    owned = nbformat.v4.new_notebook(cells=[cell], metadata={"scaling_laws": {"student": "ada"}})
    nbformat.write(owned, folder / "source" / "own-ada" / "own-ada.ipynb")
    settings = {"get_config": traitlets.config.Config}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", os.environ.copy())
        checker = runpy.run_path(str(folder / "nbgrader_config.py"), settings)["CheckCells"]()
    assert checker.preprocess(notebook, {"nbgrader": about | {"student": "ada"}})[0] == notebook
    with pytest.raises(ValueError, match="ben, own-ada: this has the numbers of ada"):
        checker.preprocess(notebook, {"nbgrader": about | {"student": "ben"}})


def test_the_same_class_is_marked_without_nbgrader(course, right, tmp_path):
    folder, _, _ = course
    handout = nbformat.read(folder / "handout" / "quiz.ipynb", as_version=4)
    made = submissions(handout, right)
    for student in ["zoe", "empty", "syntax-long", "no-json", "bare", "of-ada", "pasted"]:
        path = tmp_path / student / "quiz.ipynb"
        path.parent.mkdir()
        path.write_text(made[student])
    marks = grade.grade_folder(tmp_path, folder / "source")
    status = {student: [mark.status for mark in marks if mark.student == student] for student in os.listdir(tmp_path)}
    assert status["zoe"] == ["right"] * 4 and status["empty"] == ["not answered"] * 4
    assert status["syntax-long"] == ["right", "error", "right", "right"]
    assert status["bare"] == ["right"] * 4  # the ids of the cells are enough
    assert status["no-json"] == status["of-ada"] == ["damaged"] * 4
    assert status["pasted"] == ["right", "no cell", "right", "right"]
