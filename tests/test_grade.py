"""Marks without nbgrader: numbers behind a seal, and submissions of all kinds."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from scaling_laws import _submission, grade
from scaling_laws.exercises import ANSWERS, _Number
from scaling_laws.grade import NotAnswered, grade_folder, mark, seal

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.heavy  # for teachers: "make test" is no slower for it

# ---------------------------------------------------------------- sealed numbers

VALUES = [(9139.47, 2), (0.120145, 3), (1.02, 2), (-0.983, 2), (0.00996, 1), (4.999e-7, 3), (2 / 3, 4), (1.0, 1)]


@pytest.fixture
def quick(monkeypatch):
    """Digests without their cost, and readable."""
    monkeypatch.setattr(grade, "_digest", lambda salt, text: f"{salt}:{text}")


@pytest.mark.parametrize(("value", "digits"), VALUES)
def test_a_sealed_number_accepts_what_the_check_of_the_book_accepts(quick, value, digits):
    """Up to the rounding to one digit more than is asked for."""
    book, sealed = _Number(lambda: value, digits, ""), seal(value, digits, "salt")
    unit = book.tolerance / 0.55
    for distance in np.arange(-1.5, 1.5, 0.013):
        given = value + distance * unit
        if 0.495 < abs(distance) < 0.605:
            continue  # the check accepts up to 0.55 of a unit; rounding moves this by a twentieth
        assert bool(grade._verdict("gcv", given, sealed)) == bool(book.check(given)), given
    for shown in range(digits, digits + 4):
        assert grade._verdict("gcv", float(f"{value:.{shown - 1}e}"), sealed), shown
    assert not any(grade._verdict("gcv", wrong, sealed) for wrong in (-value, 10 * value, 0.0, value / 1e3))


def test_a_sealed_whole_number_accepts_no_other(quick):
    sealed = seal(45760.0, None, "salt")
    accepted = [45760, 45760.0, np.int64(45760), "45760", 45760 + 1e-9]
    assert all(grade._verdict("cubic-modes", one, sealed) for one in accepted)
    assert not any(grade._verdict("cubic-modes", one, sealed) for one in (45759, 45761, 45760.4, -45760))


def test_a_seal_shows_neither_the_number_nor_which_of_the_digests_is_it():
    sealed = seal(0.120145, 3, "one")
    assert not re.search(r"12\d\d|0[.]12", json.dumps(sealed))
    assert sealed["digests"] == sorted(sealed["digests"]) and len(sealed["digests"]) >= 10
    assert not set(sealed["digests"]) & set(seal(0.120145, 3, "two")["digests"])
    assert sealed == seal(0.120145, 3, "one")


def test_mark_tells_right_wrong_and_missing_apart_and_names_the_exercise():
    sealed = seal(0.75, 2, "salt")
    for right in [
        ("df-ratio", 0.75, sealed),
        ("ols-limit", 0.1, {}),
        ("step-kernel", ANSWERS["step-kernel"].reference, {}),
    ]:
        assert mark(*right[:2], **right[2]) is None  # nbgrader would take a number for part of the points
    for label, wrong, options in [("df-ratio", 0.7, sealed), ("df-ratio", "a", sealed), ("gcv", len, {})]:
        with pytest.raises(AssertionError, match=f"^{label}: ") as caught:
            mark(label, wrong, **options)
        assert not isinstance(caught.value, NotAnswered)
    with pytest.raises(NotAnswered, match=r"^df-ratio: not answered"):
        mark("df-ratio", None, **sealed)


# ---------------------------------------------------------------- answers that pass through a report


def nothing(*arguments):
    return None


def failing(*arguments):
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize("label", ["ols-limit", "gcv", "six-curves"])
@pytest.mark.parametrize(
    "answer",
    [
        *[0.1, 7, "0.1", "0,1", [0.1], np.array([[0.1]]), Decimal("0.1"), 0.1 + 0j, 1j, np.nan, "inf", [0.1, 0.2], []],
        *[{0.1: 1}, print, nothing, failing, ANSWERS["gcv"].reference, lambda *a: 2 * ANSWERS["gcv"].reference(*a)],
        *[lambda *a: np.ones((2, 1)), lambda *a: np.ones(200_000), lambda *a: "text", lambda *a: print, object()],
        *[ANSWERS["six-curves"].value, tuple(ANSWERS["six-curves"].value), np.array(ANSWERS["six-curves"].value)],
        *[["features"] * 6, ["features"], np.zeros(6)],
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_a_report_leads_to_the_verdict_that_the_answer_itself_gets(label, answer):
    report = json.loads(json.dumps(_submission.described(answer, label)))
    verdict, expected = grade._verdict(label, grade._rebuilt(report), {}), ANSWERS[label].check(answer)
    assert verdict.correct == expected.correct
    sizes = re.compile(r"; got .*")
    assert sizes.sub("", verdict.message) == sizes.sub("", expected.message)


# ---------------------------------------------------------------- a class

SOURCE = {
    "ols-limit": "mark('ols-limit', globals().pop('answer', None))",
    "df-ratio": f"mark('df-ratio', answer, **{{}}, {', '.join(f'{k}={v!r}' for k, v in seal(0.75, 2, 'x').items())})",
    "step-kernel": "mark('step-kernel', answer)",
    "six-curves": "mark('six-curves', answer)",
}
SOURCE["df-ratio"] = SOURCE["df-ratio"].replace("**{}, ", "")
RIGHT = {
    "ols-limit": "answer = 0.1",
    "df-ratio": "answer = 3 / 4",
    "step-kernel": "import numpy as np\n\n\ndef answer(r):\n    return 0.25 + np.arcsin(r) / (2 * np.pi)",
    "six-curves": f"answer = {ANSWERS['six-curves'].value}",
}
POINTS = {"ols-limit": 2, "df-ratio": 2.5, "step-kernel": 3, "six-curves": 1}


def code(name, source, **settings):
    metadata = {"nbgrader": {"grade_id": name, **settings}}
    return {"cell_type": "code", "id": name, "metadata": metadata, "source": source, "outputs": []}


def write(path, *cells, **metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


def answers(**changed):
    """The cells of a submission, right where nothing else is said."""
    sources = RIGHT | {name.replace("_", "-"): source for name, source in changed.items()}
    return [code(f"{label}-answer", source) for label, source in sources.items()]


@pytest.fixture
def class_(tmp_path):
    """A folder of submissions, with the checks beside it; hand_in(student, cells) and marks(**options)."""

    class Class:
        folder, source = tmp_path / "submitted", tmp_path / "source"

        def hand_in(self, student, cells, name="quiz"):
            write(self.folder / student / f"{name}.ipynb", *cells)
            return self.folder / student / f"{name}.ipynb"

        def marks(self, **options):
            found = grade_folder(self.folder, **options)
            with open(self.folder / "marks.csv", newline="") as file:
                rows = list(csv.reader(file))
            assert rows[0] == grade.COLUMNS
            assert rows[1:] == [[*m[:3], f"{m.points:g}", f"{m.max_points:g}", *m[5:]] for m in found]
            return {(m.student, m.exercise): m for m in found}

    made = Class()
    made.folder.mkdir()
    checks = [code(label, source, points=POINTS[label]) for label, source in SOURCE.items()]
    write(made.source / "quiz" / "quiz.ipynb", *checks)
    write(made.source / "text" / "text.ipynb", code("plain", "%matplotlib inline\n1 + 1"))
    return made


ADA = {"scaling_laws": {"student": "ada"}}


@pytest.fixture
def no_process(monkeypatch):
    """Nothing runs: every answer is 0.1; the list of the notebooks that would have."""
    ran = []

    def run(cells, closed, timeout):
        ran.append([source for source, _ in cells])
        report = {"answer": {"kind": "numbers", "shape": [], "values": [0.1]}, "error": ""}
        return {label: report for _, label in cells if label}, ""

    monkeypatch.setattr(grade, "_run", run)
    return ran


def test_answers_are_marked_one_by_one(class_):
    cells = answers(six_curves="1 / 0", ols_limit="answer = 0.2")
    own_check = code("ols-limit", "mark = lambda *arguments: None")  # the check as the student has changed it
    class_.hand_in("ada", [cells[0], own_check, *cells[1:]])
    marks = class_.marks()
    assert {label: m.status for (_, label), m in marks.items()} == {
        "ols-limit": "wrong",
        "df-ratio": "right",
        "step-kernel": "right",
        "six-curves": "error",
    }
    assert [m.points for m in marks.values()] == [0, 2.5, 3, 0]
    assert [m.max_points for m in marks.values()] == list(POINTS.values())
    assert "ZeroDivisionError" in marks["ada", "six-curves"].message
    assert marks["ada", "ols-limit"].message == ANSWERS["ols-limit"].check(0.2).message


def doubled_id(cells):
    return [*cells, code("ols-limit-answer", "answer = 3")]


def new_ids(cells):
    return [cell | {"id": f"new{place}"} for place, cell in enumerate(cells)]


def doubled_name(cells):
    return [*new_ids(cells), code("ols-limit-answer", "answer = 3") | {"id": "copy"}]


def pasted(cells):
    """As JupyterLab does: a new id, and the metadata of the cell that was copied."""
    return [cells[0], cells[0] | {"id": "new"}, *cells[1:]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda cells: cells, "right"),
        (new_ids, "right"),
        (lambda cells: cells[1:], "no cell"),
        (doubled_id, "no cell"),
        (doubled_name, "no cell"),
        (pasted, "no cell"),
        (lambda cells: [cell | {"id": "x", "metadata": {}} for cell in cells], "no cell"),
    ],
)
def test_the_cell_of_an_answer_is_found_by_its_names_or_said_not_to_be_there(class_, no_process, change, status):
    class_.hand_in("ada", change(answers()))
    marks = class_.marks()
    assert marks["ada", "ols-limit"].status == status
    assert (status == "right") == (marks["ada", "ols-limit"].points == 2)


def test_what_cannot_be_marked_is_reported_by_name_and_the_others_go_on(class_, no_process):
    good = class_.hand_in("ada", answers())
    texts = {
        "ben": "Dear teacher",
        "cyd": "",
        "dan": "[]",
        "eve": '{"cells": [{}], "metadata": {}}',
        "fay": "[" * 10**5,
    }
    texts["gus"] = json.dumps({"cells": [answers()[0] | {"metadata": []}], "metadata": {}})
    for student, text in texts.items():
        class_.hand_in(student, []).write_text(text)
    class_.hand_in("hal", []).unlink()
    (class_.folder / "hal" / "quiz.ipynb").symlink_to(good)
    class_.hand_in("ian", answers())
    class_.hand_in("ian/later", answers())
    class_.hand_in("joy", answers(), name="unknown")
    class_.hand_in(".", answers())
    class_.hand_in("kim/.ipynb_checkpoints", answers())
    (class_.folder / "lea").mkdir()
    class_.hand_in("zoe", answers())
    write(class_.source / "own.ipynb", code("gcv", "mark('gcv', answer)"), scaling_laws={"student": "ada"})
    class_.hand_in("zoe", answers(), name="own")
    marks = class_.marks()
    status = {student: {m.status for (who, _), m in marks.items() if who == student} for student, _ in marks}
    assert status["ada"] == {"right", "wrong"}  # all answers are 0.1 here
    assert status["zoe"] == {"right", "wrong", "damaged"}
    assert "numbers of ada" in marks["zoe", "gcv"].message
    assert all(status[student] == {"damaged"} for student in [*texts, "hal", "ian", "joy", ""])
    assert status["kim"] == status["lea"] == {"no notebook"}
    assert {m.points for m in marks.values() if m.status == "damaged"} == {0}
    assert len(no_process) == 2


def test_nobody_is_marked_for_the_numbers_of_another_student(class_, no_process):
    for student in ("ada", "ben"):
        write(class_.source / f"own-{student}.ipynb", code("ols-limit", "mark('ols-limit', answer)"), **ADA)
    renamed = json.loads((class_.source / "own-ben.ipynb").read_text()) | {"metadata": {}}
    (class_.source / "own-ben.ipynb").write_text(json.dumps(renamed))
    class_.hand_in("ada", answers(), name="own-ada")
    write(class_.folder / "ben" / "own-ben.ipynb", *answers(), **ADA)  # Ada's, under a name of Ben's own
    class_.hand_in("cyd", answers(), name="own-ada")
    marks = class_.marks()
    assert {student: m.status for (student, _), m in marks.items()} == {
        "ada": "right",
        "ben": "damaged",
        "cyd": "damaged",
    }
    assert marks["ben", "ols-limit"].message == marks["cyd", "ols-limit"].message == "It has the numbers of ada."


def test_a_name_that_a_browser_has_changed_is_still_the_assignments(class_, no_process):
    class_.hand_in("ada", answers(), name="quiz (1)")
    class_.hand_in("ben", answers(), name="Quiz(12)")
    class_.hand_in("cyd", answers(), name="quiz")
    class_.hand_in("cyd", answers(), name="quiz (2)")
    class_.hand_in("dan", answers(), name="quiz of dan")
    write(class_.source / "own-Eve.ipynb", code("ols-limit", "mark('ols-limit', answer)"))
    class_.hand_in("eve", answers(), name="own-eve")
    marks = class_.marks()
    assert all(marks[student, "ols-limit"].status == "right" for student in ("ada", "ben", "eve"))
    assert {m.assignment for (student, _), m in marks.items() if student in ("ada", "ben", "cyd")} == {"quiz"}
    assert "There are 2 notebooks" in marks["cyd", "ols-limit"].message
    assert marks["dan", ""].status == "damaged"


def test_a_folder_without_a_notebook_is_marked_as_soon_as_one_is_there(class_, no_process, capsys):
    (class_.folder / "ada").mkdir()
    assert grade._main([str(class_.folder)]) == 0
    assert "ada: There is no notebook in the folder." in capsys.readouterr().out
    assert [m.status for m in class_.marks().values()] == ["no notebook"]
    class_.hand_in("ada", answers())
    assert class_.marks()["ada", "ols-limit"].status == "right" and ("ada", "") not in class_.marks()


def test_no_answer_says_where_an_answer_was_looked_for(class_):
    cells = answers(ols_limit="answer = None", df_ratio="answer = None", step_kernel="answer = None")
    class_.hand_in("ada", [cells[0], code("own", "answer = 0.1"), cells[1], code("two", "answer == 3"), *cells[2:]])
    marks = class_.marks()
    assert {marks["ada", label].status for label in ("ols-limit", "df-ratio", "step-kernel")} == {"not answered"}
    plain = "No answer: `answer` is None after its cell."
    assert marks["ada", "df-ratio"].message == marks["ada", "step-kernel"].message == plain
    assert marks["ada", "ols-limit"].message == f"{plain} A cell below sets it, which does not count."


def test_what_is_marked_is_not_marked_again_unless_asked_for(class_, no_process):
    class_.hand_in("ada", answers())
    first = class_.marks()
    class_.hand_in("ben", answers())
    assert {student for student, _ in class_.marks()} == {"ada", "ben"} and len(no_process) == 2
    assert class_.marks() | first == class_.marks() and len(no_process) == 2
    class_.marks(again=True)
    assert len(no_process) == 4


def test_an_interruption_keeps_what_is_marked(class_, no_process, monkeypatch, capsys):
    for student in ["ada", "ben", "cyd"]:
        class_.hand_in(student, answers())
    run = grade._run

    def interrupted(*arguments):
        if len(no_process) == 2:
            raise KeyboardInterrupt
        return run(*arguments)

    monkeypatch.setattr(grade, "_run", interrupted)
    assert grade._main([str(class_.folder)]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert {m.student for m in grade._marks(class_.folder / "marks.csv")} == {"ada", "ben"}
    monkeypatch.setattr(grade, "_run", run)
    assert grade._main([str(class_.folder)]) == 0
    assert len(no_process) == 3 and [path.name for path in class_.folder.glob("*.*")] == ["marks.csv"]


def test_a_report_that_makes_no_sense_is_no_mark(class_, monkeypatch):
    class_.hand_in("ada", answers())
    huge = {"kind": "numbers", "shape": [10**11], "values": None}
    shapes = [huge | {"shape": [10**18, 10**18]}, huge, {"kind": "?"}, []]
    reports = {label: {"answer": answer, "error": ""} for label, answer in zip(POINTS, shapes, strict=True)}
    monkeypatch.setattr(grade, "_run", lambda *arguments: (reports, ""))
    assert {m.status for m in class_.marks().values()} == {"damaged"}


def test_bad_folders_and_tables_are_errors_that_say_what_is_wrong(class_, no_process, tmp_path):
    with pytest.raises(ValueError, match=r"^folder must be"):
        grade_folder(tmp_path / "none")
    with pytest.raises(ValueError, match=r"^source must be"):
        grade_folder(class_.folder, class_.source / "text")
    for text in [b"name,mark\n", b"", b"\xff\xfe\0"]:
        (tmp_path / "other.csv").write_bytes(text)
        with pytest.raises(ValueError, match=r"^output must be .*other\.csv"):
            grade_folder(class_.folder, output=tmp_path / "other.csv")
    for row in ["ada,quiz", "ada,quiz,gcv,2,2,right", "ada,quiz,gcv,two,2,right,Correct."]:
        (tmp_path / "other.csv").write_text(f"{','.join(grade.COLUMNS)}\nada,quiz,gcv,2,2,right,Correct.\n{row}\n")
        with pytest.raises(ValueError, match=r"^output: row 3 of .*other\.csv is damaged"):
            grade_folder(class_.folder, output=tmp_path / "other.csv")
    with pytest.raises(ValueError, match=r"^output must be"):
        grade_folder(class_.folder, output=tmp_path)
    class_.hand_in("ada", answers())
    with pytest.raises(ValueError, match=r"^output: .*x\.csv cannot be written: No such file"):
        grade_folder(class_.folder, output=tmp_path / "none" / "x.csv")
    for timeout in (0, -5, np.nan, np.inf, 1e9):
        with pytest.raises(ValueError, match=r"^timeout must be"):
            grade_folder(class_.folder, timeout=timeout)
    assert not no_process
    shutil.copytree(class_.source / "quiz", class_.source / "again")
    with pytest.raises(ValueError, match="two quiz"):
        grade_folder(class_.folder)
    for arguments in (["none"], ["submitted", "--timeout", "nan"]):
        with pytest.raises(SystemExit):
            grade._main([str(tmp_path / arguments[0]), *arguments[1:]])


# ---------------------------------------------------------------- processes


def test_a_submission_is_stopped_in_time_with_all_that_it_started_and_keeps_its_answers(class_, tmp_path):
    child = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    pid = f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpgid(0)))\n"
    class_.hand_in(
        "ada", answers(step_kernel=f"{child}{pid}import time\nwhile True:\n    print('x' * 10**6)\n    time.sleep(0.1)")
    )
    class_.hand_in("ben", answers(df_ratio="import os\nos._exit(3)"))
    class_.hand_in("dan", answers(df_ratio="import sys\nanswer = 0.75\nsys.exit()"))
    start = time.monotonic()
    marks = class_.marks(timeout=12)
    assert time.monotonic() - start < 100
    status = {who: [m.status for (student, _), m in marks.items() if student == who] for who, _ in marks}
    assert status["ada"] == ["right", "right", "stopped", "stopped"]
    assert status["ben"] == ["right", "stopped", "stopped", "stopped"]
    assert status["dan"] == ["right"] * 4
    assert "12 seconds" in marks["ada", "six-curves"].message and "exit code 3" in marks["ben", "df-ratio"].message
    group = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # the system takes a moment to forget what was killed
            os.killpg(group, 0)
            time.sleep(0.1)


FORGE = """
import os
for fd in map(int, os.listdir("/proc/self/fd")):
    path = f"/proc/self/fd/{fd}"
    if os.path.lexists(path) and "deleted" in os.readlink(path):
        os.write(fd, %s)
answer = 0.1
"""


def test_what_a_submission_writes_into_its_report_harms_no_other(class_):
    if not Path("/proc/self/fd").exists():
        pytest.skip("the way to the report is another one here")
    written = {
        "ada": "b'[' * 200_000 + b'\\n'",
        "ben": "b'5' * 4200 + b'\\n\\xff\\n{\"label\": []}\\n'",
        "cyd": 'b\'{"label": "df-ratio", "answer": 3}\\n\'',  # the report that comes later counts
        "dan": "b'x' * (11 * 2**20) + b'\\n'",  # more than is read
    }
    for student, text in written.items():
        class_.hand_in(student, answers(ols_limit=FORGE % text)[:2])
    marks = class_.marks()
    status = {student: marks[student, "df-ratio"].status for student in written}
    assert status == {"ada": "right", "ben": "right", "cyd": "right", "dan": "stopped"}


def test_a_pipe_in_the_place_of_a_file_stops_nothing(class_):
    pipe = "import os, pathlib\npathlib.Path('report.jsonl').unlink(missing_ok=True)\nos.mkfifo('report.jsonl')"
    class_.hand_in("ada", answers(ols_limit=f"{pipe}\nimport time\ntime.sleep(600)"))
    class_.hand_in("ben", answers(ols_limit=f"{pipe}\nanswer = 0.1"))
    marks = class_.marks(timeout=10)
    assert {m.status for (student, _), m in marks.items() if student == "ada"} == {"stopped"}
    assert {m.status for (student, _), m in marks.items() if student == "ben"} == {"right"}
    assert {m.status for m in class_.marks(timeout=0.01, again=True).values()} == {"stopped"}


def test_whatever_goes_wrong_with_one_notebook_the_others_are_marked(class_, no_process, monkeypatch):
    run = grade._run

    def fails_first(*arguments):
        monkeypatch.setattr(grade, "_run", run)
        raise RecursionError

    monkeypatch.setattr(grade, "_run", fails_first)
    class_.hand_in("ada", answers())
    class_.hand_in("ben", answers())
    marks = class_.marks()
    assert marks["ada", "ols-limit"][5:] == ("damaged", "RecursionError")
    assert marks["ben", "ols-limit"].status == "right"


PATCH = """
import scaling_laws.exercises as e, scaling_laws.grade as g, builtins, json
check = mark = e.check = g.mark = g._verdict = lambda *a, **k: e.Verdict(True, "Correct.")
for one in e.ANSWERS.values():
    type(one).check = check
"""


def test_a_submission_gives_itself_no_marks_and_reads_no_others(class_):
    other = class_.hand_in("ada", answers())
    mark_cell = code("ols-limit", "mark('ols-limit', 0.1)")
    wrong = answers(ols_limit="answer = 1", df_ratio="answer = 1", step_kernel="answer = len", six_curves="answer = 1")
    class_.hand_in("ben", [code("patch", PATCH), wrong[0], mark_cell, *wrong[1:]])
    ways = [
        f"open({str(other)!r})",
        f"os.listdir({str(class_.folder)!r})",
        f"pathlib.Path({str(class_.source)!r}, 'quiz', 'quiz.ipynb').read_text()",
        f"shutil.copy({str(other)!r}, 'copy')",
        f"os.remove({str(other)!r})",
        f"os.symlink({str(other)!r}, 'link'); open('link')",
    ]
    tried = "\n".join(
        f"try:\n    {way}\n    done.append({n})\nexcept PermissionError: pass" for n, way in enumerate(ways)
    )
    here = "assert [p.name for p in pathlib.Path('.').iterdir() if p.suffix == '.ipynb'] == []"
    source = f"import os, pathlib, shutil\ndone = []\n{tried}\n{here}\nanswer = 0.1 if not done else done"
    class_.hand_in("cyd", answers(ols_limit=source))
    marks = class_.marks()
    assert {m.status for (student, _), m in marks.items() if student == "ben"} == {"wrong"}
    assert marks["cyd", "ols-limit"].status == "right", marks["cyd", "ols-limit"]
    assert other.exists()


def test_copies_of_the_chapters_are_marked_against_the_book(tmp_path):
    chapter = json.loads((ROOT / "book" / "10_equiparameterization.ipynb").read_text())
    replies = {"modes-at-ratio": "75", "flatness": "0.3", "scaled-ridge": "lambda r, f, a: r * f ** (1 - a)"}
    for cell in chapter["cells"]:
        source = "".join(cell["source"])
        for label, reply in replies.items():
            if f'check("{label}", answer)' in source:
                cell["source"] = source.replace("None", reply)
    needed = re.compile(r"^import|, answer\)$")  # the rest takes long
    chapter["cells"] = [cell for cell in chapter["cells"] if needed.search("".join(cell["source"]))]
    submitted = tmp_path / "in" / "ada" / "book" / "10_equiparameterization.ipynb"
    submitted.parent.mkdir(parents=True)
    submitted.write_text(json.dumps(chapter))
    command = [sys.executable, "-m", "scaling_laws.grade", "in", "--output", "table.csv"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0 and "2 right" in run.stdout, run.stderr
    found = {m.exercise: m.status for m in grade._marks(tmp_path / "table.csv")}
    assert found.pop("flatness") == "wrong"
    assert found.pop("modes-at-ratio") == found.pop("scaled-ridge") == "right"
    assert set(found.values()) == {"not answered"} and len(found) == 3


def test_ctrl_c_ends_the_command_and_the_notebook_that_runs(class_, tmp_path):
    class_.hand_in("ada", answers())
    wait = f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    class_.hand_in("ben", answers(ols_limit=wait))
    command = [sys.executable, "-m", "scaling_laws.grade", str(class_.folder)]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # which a shell's background job would ignore
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=heed)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and "goes on from there" in said
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert {m.student for m in grade._marks(class_.folder / "marks.csv")} == {"ada"}
