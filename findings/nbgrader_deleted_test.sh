#!/usr/bin/env bash
# nbgrader 0.9.6: a student who deletes a test cell loses its points without a word.
#
# A homework with two answers and a test of one point for each. Everybody answers rightly; one student empties the second
# test, and one hands in a notebook without it. The release marks the cell as not to be deleted, which JupyterLab heeds;
# another editor need not, nor whoever copies answers into a new notebook.
#   expected: the test put back, as an emptied one is (autograde restores locked cells from the teacher's copy); or a
#             warning with the student's name
#   seen:     exit 0, no warning of it, and 1 of 2 points in the table of marks. The emptied test is restored, with a
#             warning that its checksum has changed: 2 of 2
# Why it matters: the mark is that of a wrong answer, and nobody looks for the reason. Compare the names of the cells with
# those of the release before marking, as the course does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nbgrader==0.9.6 nbconvert==7.17.2 nbclient==0.11.0 nbformat==5.11.1 \
  ipykernel==7.4.0 traitlets==5.16.1 sqlalchemy==2.1.9 alembic==1.20.1 jupyterlab==4.6.6 notebook==7.6.5
export HOME="$folder" IPYTHONDIR="$folder/ipython" PATH="$folder/venv/bin:$PATH" # nbgrader calls a bare alembic
mkdir -p "$folder/course" "$IPYTHONDIR/profile_default"
echo "c.IPKernelApp.log_level = 40" >"$IPYTHONDIR/profile_default/ipython_kernel_config.py" # else it warns at every start
cd "$folder"
python - <<'PY'
import csv
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook


def cell(source, name, **settings):
    usual = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False, "task": False}
    return new_code_cell(source, metadata={"nbgrader": usual | settings})


def nbgrader(*words):
    """What it logs, if it succeeds."""
    done = subprocess.run(["nbgrader", *words], cwd="course", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def hand_in(student, change):
    notebook = nbformat.read("course/release/homework/one.ipynb", as_version=4)
    by_name = {one.metadata.nbgrader.grade_id: one for one in notebook.cells}
    by_name["first"].source, by_name["second"].source = "first = 1", "second = 2"
    change(notebook, by_name["second-test"])
    nbformat.validate(notebook)
    path = Path("course/submitted", student, "homework/one.ipynb")
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def empty(notebook, test):
    test.source = ""


def delete(notebook, test):
    notebook.cells.remove(test)


print("nbgrader", version("nbgrader"))
source = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
for name, value in [("first", 1), ("second", 2)]:
    source.cells.append(cell(f"### BEGIN SOLUTION\n{name} = {value}\n### END SOLUTION", name, solution=True))
    source.cells.append(cell(f"assert {name} == {value}", f"{name}-test", grade=True, locked=True, points=1))
Path("course/source/homework").mkdir(parents=True)
nbformat.write(source, "course/source/homework/one.ipynb")
nbgrader("generate_assignment", "homework")
for student, change in {"ada": lambda notebook, test: None, "ben": empty, "cleo": delete}.items():
    hand_in(student, change)

logged = nbgrader("autograde", "homework")
said = [line for line in re.findall(r"\| (?:WARNING|ERROR)\] (.*)", logged) if "nbgrader_config.py" not in line]
nbgrader("export")
with open("course/grades.csv") as file:
    marks = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
print("points and their maximum:", marks)
print("warnings and errors:", said)
assert marks["ada"] == (2, 2), "the homework itself is at fault"
assert marks["ben"] == (2, 2), "changed: an emptied test is not restored"
assert marks["cleo"] == (1, 2), "changed: the deleted test has its point"
assert len(said) == 1 and "checksum" in said[0], "changed: it warns of more than the emptied test"
PY
echo "as found"
