"""The teaching guide: minutes add up, points too, and what it names exists."""

import importlib
import re
from datetime import datetime
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
EXERCISE = re.compile(r"\{exercise\} (.+)\n:label: (\S+)")
HOMEWORK = re.compile(r"\{ref\}`([\w-]+)` \*(.+?)\* (\d+) (by hand|code|open)(?: · |$)")


def section(title):
    """The text under a heading, up to the next one."""
    return re.search(rf"^#+ {title}.*?\n(.*?)(?=^#|\Z)", GUIDE, flags=re.M | re.S)[1]


def rows(title):
    """Cells of the table under a heading, without its head."""
    lines = re.findall(r"^\| (.*) \|$", section(title), flags=re.M)
    return [line.split(" | ") for line in lines if not set(line) <= set("-| ")][1:]


def minutes(plan):
    """Minutes of the blocks of a plan; every block begins with a number."""
    blocks = re.sub(r"^(?:\[.*?\]\(.*?\)(?: and )?)+: ", "", plan).split(" · ")
    return [int(re.match(r"(\d+) \S", block)[1]) for block in blocks]


@pytest.fixture(scope="module")
def exercises():
    """Titles of the chapters' exercises by label, and which of them have a machine check."""
    titles, checked = {}, set()
    for path in sorted((ROOT / "book").glob("[01]*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                titles |= {label: (path.name, title) for title, label in EXERCISE.findall(cell.source)}
            else:
                checked |= set(re.findall(r"check\(\"([\w-]+)\"", cell.source))
    return titles, checked


def test_every_session_of_the_semester_has_its_minutes_and_every_chapter_has_its_session():
    sessions = rows("One semester: 15 weeks")
    assert [int(week) for week, _ in sessions] == list(range(1, 16))
    length = int(re.search(r"A session of (\d+) minutes", GUIDE)[1])
    assert {week: sum(minutes(plan)) for week, plan in sessions} == {week: length for week, _ in sessions}
    chapters = [name for _, plan in sessions for name in re.findall(r"hapter \d+\]\((.+?)\.ipynb\)", plan)]
    names = [path.stem for path in sorted((ROOT / "book").glob("[01]*.ipynb"))]
    assert list(dict.fromkeys(chapters)) == names and len(names) == 15
    assert [name for name in names if chapters.count(name) == 2] == ["08_solving_the_model"]


def test_plans_follow_their_chapters_and_open_with_the_first_picture():
    shown = {}
    for path in sorted((ROOT / "book").glob("[01]*.ipynb")):
        named = []
        for cell in nbformat.read(path, as_version=4).cells:
            figure = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
            named += [figure] if figure else re.findall(r"\((eq-[\w-]+)\)$", cell.source, flags=re.M)
        shown[path.name] = named
    for week, plan in rows("One semester: 15 weeks"):
        names = re.findall(r"hapter \d+\]\((.+?)\)", plan)
        places = [
            [label in shown[name] and (i, shown[name].index(label)) for i, name in enumerate(names)]
            for label in re.findall(r"`((?:eq|fig)-[\w-]+)`", plan)
        ]
        found = [max(filter(None, place)) for place in places]
        assert found == sorted(found), week
    openings = re.findall(r"^### Chapter (\d+): .*\n\nOpen with: \*.+?\* \(\{numref\}`(.+?)`", GUIDE, flags=re.M)
    first = {int(name[:2]): next(label for label in named if label.startswith("fig-")) for name, named in shown.items()}
    assert len(openings) >= 9 and all(first[int(chapter)] == label for chapter, label in openings)


def test_reading_times_are_those_of_the_chapters():
    times = {}
    for path in sorted((ROOT / "book").glob("[01]*.ipynb")):
        head = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells[:4])
        times[path.name] = int(re.search(r"\*\*Reading time\.\*\* About (\d+) minutes", head)[1])
    assert "The reading takes one to four and a half hours" in GUIDE
    assert all(60 <= time <= 4.5 * 60 for time in times.values()) and max(times.values()) > 4 * 60
    taught = set(re.findall(r"\((\d\d_\w+\.ipynb)\)", "".join(plan for _, plan in rows("A summer school: 5 days"))))
    total = int(re.search(r"By their heads the twelve take (\d+) minutes, nearly 30 hours", GUIDE)[1])
    assert len(taught) == 12 and sum(times[name] for name in taught) == total and round(total / 60) == 30


def test_exercises_of_the_school_have_the_minutes_of_the_homework():
    estimates = {label: int(time) for *_, cell in rows("Homework") for label, _, time, _ in HOMEWORK.findall(cell)}
    seen = 0
    for slot, plan in rows("A summer school: 5 days"):
        for block in plan.split(" · "):
            needed = sum(estimates.get(label, 0) for label in re.findall(r"\{ref\}`([\w-]+)`", block))
            given = int(block.split()[0]) * (2 if block.endswith("in teams") else 1)
            assert needed <= given, (slot, block)
            seen += needed > 0
    assert seen >= 7


def test_every_day_of_the_school_has_its_hours():
    slots = rows("A summer school: 5 days")
    assert [slot.split(",")[0] for slot, _ in slots] == [str(day) for day in range(1, 6) for _ in range(3)]
    lengths = []
    for slot, plan in slots:
        begin, end = (datetime.strptime(hour, "%H:%M") for hour in re.findall(r"\d+:\d+", slot))
        lengths.append(sum(minutes(plan)))
        assert lengths[-1] == (end - begin).seconds / 60, slot
    assert "210 minutes in the morning, 180 in the afternoon and an\nhour" in GUIDE and lengths == [210, 180, 60] * 5


def test_homework_is_called_by_its_titles_and_its_minutes_add_up(exercises):
    titles, checked = exercises
    given = rows("Homework")
    assert [int(week) for week, *_ in given] == [*range(1, 16), 15]
    for week, chapter, total, cell in given:
        found = HOMEWORK.findall(cell)
        assert len(found) == cell.count("{ref}") == (1 if week == "9" else 3), week
        assert sum(int(time) for _, _, time, _ in found) == int(total) and 90 <= int(total) <= 180, week
        number = re.match(r"\[?(\d+)", chapter)[1]
        for label, title, _, kind in found:
            assert titles[label][1] == title and titles[label][0].startswith(f"{int(number):02}_"), label
            assert (label in checked) == (kind != "open"), label


def test_chapters_are_linked_by_their_numbers():
    names = {int(path.name[:2]): path.name for path in (ROOT / "book").glob("[01]*.ipynb")}
    linked = re.findall(r"\[(?:[Cc]hapter )?(\d+)\]\((\w+\.ipynb)\)", GUIDE)
    assert len(linked) > 40 and all(names[int(number)] == name for number, name in linked)


def test_labels_exist(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    targets = importlib.import_module("plain_notebooks").Book.read().targets
    own = set(re.findall(r"^\(([\w-]+)\)=$", GUIDE, flags=re.M))
    kinds = {"eq": r"\(", "numref": "Figure ", "ref": "Exercise "}
    named = re.findall(r"\{(eq|numref|ref)\}`([\w-]+)`", GUIDE)
    explorers = {label for _, label in named if label == "fig-explore-law"}  # it stands on the first page
    assert len(named) > 150 and explorers
    for kind, label in named:
        if label not in own | explorers:
            assert re.match(kinds[kind], targets[label].text), label


def test_points_of_a_project_and_weights_of_the_course_add_up_to_a_hundred():
    levels = [[int(n) for n in re.findall(r"(?:^| · )(\d+): ", cell)] for _, cell in rows("Points for a project")]
    assert len(levels) == 6 and all(full > half > part > 0 for full, half, part in levels)
    assert sum(full for full, _, _ in levels) == 100
    weights = re.search(r"The whole course: (.*?) of 100\.", GUIDE)[1]
    assert sum(map(int, re.findall(r"\d+", weights))) == 100
    assert re.findall(r"[a-z]+", weights) == ["homework", "project", "exam", "participation"]
