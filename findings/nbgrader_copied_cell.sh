#!/usr/bin/env bash
# nbgrader 0.9.6: a student who copied a cell ends the marking of the class, with advice about an old format.
#
# JupyterLab pastes a copied cell with a new id and the metadata of the original, nbgrader's included (looked at in
# 4.6.6, where splitting a cell does the same). The notebook is valid, and nbgrader knows the case: of cells with one
# name its step DeduplicateIds keeps the last and leaves the others an empty `metadata.nbgrader`. The check after it
# reads that as version 0 of the format, and an old format ends the run, where other faults are noted and the next
# student is taken.
#   expected: that submission reported with the student's name, and the others marked; it is so with the step switched
#             off
#   seen:     exit 1 and "One or more notebooks in the assignment use an old version of the nbgrader metadata format".
#             The error names nobody, only the progress lines above it do. Students before this one in the order of
#             names are marked, those after are not; in the exported table this one has 0 and those after have no line.
#             The advice, `nbgrader update .`, fails on the notebook and names its path, and the next run ends where the
#             first did
# Who goes unmarked depends on the names: here the copy is with the first of three, and then with the second, which
# shows both sides. With the last it would cost the others nothing.
# Why it matters: in a class somebody copies a cell sooner or later, a part of the alphabet then has no marks, and the
# message sends the teacher to update files that are new. `nbgrader validate` refuses the notebook, too, but students
# need not run it. The course looks at the names of the cells before nbgrader does, and says whose notebook it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nbgrader==0.9.6 nbconvert==7.17.2 nbclient==0.11.0 nbformat==5.11.1 \
  ipykernel==7.4.0 traitlets==5.16.1 sqlalchemy==2.1.9 alembic==1.20.1 jupyterlab==4.6.6 notebook==7.6.5
export HOME="$folder" IPYTHONDIR="$folder/ipython" PATH="$folder/venv/bin:$PATH" # nbgrader calls a bare alembic
mkdir "$folder/course"
cd "$folder"
python - <<'PY'
import copy
import re
import shutil
import subprocess
import uuid
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

STUDENTS = ["ada", "ben", "cleo"]


def cell(source, name, **settings):
    usual = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False, "task": False}
    return new_code_cell(source, metadata={"nbgrader": usual | settings})


def nbgrader(folder, *words):
    """Exit code, and the errors it logs, whose further lines are indented."""
    done = subprocess.run(["nbgrader", *words], cwd=folder, capture_output=True, text=True)
    return done.returncode, re.findall(r"\| ERROR\] (.*\n(?:    .*\n)*)", done.stderr)


def autograde(folder, *options):
    """Exit code, students who are marked, students whom an error names, all errors."""
    code, errors = nbgrader(folder, "autograde", "homework", *options)
    marked = [student for student in STUDENTS if Path(folder, "autograded", student, "homework/one.ipynb").exists()]
    named = [student for student in STUDENTS if re.search(rf"\b{student}\b", "".join(errors))]
    return code, marked, named, "".join(errors)


def hand_in(folder, copier):
    """Everybody answers rightly; the copier's answer is there twice."""
    shutil.copytree("course", folder)
    for student in STUDENTS:
        notebook = nbformat.read("course/release/homework/one.ipynb", as_version=4)
        answer = notebook.cells[0]
        answer.source = "answer = 42"
        if student == copier:
            pasted = copy.deepcopy(answer)
            pasted.id = str(uuid.uuid4())
            del pasted.metadata["deletable"]  # JupyterLab drops this and keeps the rest
            notebook.cells.insert(1, pasted)
        nbformat.validate(notebook)
        path = Path(folder, "submitted", student, "homework/one.ipynb")
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return folder


print("nbgrader", version("nbgrader"))
source = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
source.cells = [
    cell("### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION", "answer", solution=True),
    cell("assert answer == 42", "test", grade=True, locked=True, points=1),
]
Path("course/source/homework").mkdir(parents=True)
nbformat.write(source, "course/source/homework/one.ipynb")
assert nbgrader("course", "generate_assignment", "homework")[0] == 0

code, marked, named, said = autograde(hand_in("nobody", None))
print(f"nobody copies: exit {code}, marked: {marked}")
assert (code, marked) == (0, STUDENTS), "the homework itself is at fault"

for copier, before in [("ada", []), ("ben", ["ada"])]:
    code, marked, named, said = autograde(hand_in(copier, copier))
    print(f"{copier} copies: exit {code}, marked: {marked}, named in the error: {named}")
    assert (code, marked, named) == (1, before, []), f"changed: {said}"
print(said.strip())
assert "use an old version" in said and "nbgrader update ." in said, "changed: the message"

assert nbgrader("ben", "export")[0] == 0
table = [line.split(",") for line in Path("ben/grades.csv").read_text().splitlines()]
scores = {row[table[0].index("student_id")]: row[table[0].index("score")] for row in table[1:]}
print(f"exported scores: {scores}")
assert scores == {"ada": "1.0", "ben": "0.0"}, "changed: the table"

code, errors = nbgrader("ben", "update", ".")
assert code == 1 and "ben/homework/one.ipynb" in errors[-1], f"changed: update gives {code}, {errors}"
print(f"nbgrader update .: exit 1, {errors[-1].strip()}")
code, marked, named, said = autograde("ben")
print(f"autograde again: exit {code}, marked: {marked}, named in the error: {named}")
assert (code, marked, named) == (1, ["ada"], []), f"changed: {said}"

code, marked, named, said = autograde(hand_in("off", "ben"), "--DeduplicateIds.enabled=False")
print(f"without DeduplicateIds: exit {code}, marked: {marked}, named in the error: {named}")
assert (code, marked, named) == (1, ["ada", "cleo"], ["ben"]), f"changed: {said}"
PY
echo "as found"
