"""The explorers of the built book in a real browser: needs `make book` and Chromium. Nothing here is ever skipped."""

import html
import json
import re

import matplotlib as mpl
import numpy as np
import pytest
from conftest import HTML, IN_VIEW, leave

from scaling_laws import _explorer, explorers

pytestmark = pytest.mark.browser

DESIGNS = explorers.DESIGNS
ELEMENT = re.compile(r'class="explorer" data-explorer="([^"]*)"')
FOUND = [
    (json.loads(html.unescape(text))["name"], str(path.relative_to(HTML)))
    for path in sorted((HTML / "book").rglob("*.html"))
    for text in ELEMENT.findall(path.read_text(encoding="utf-8"))
]
PAGES = dict(reversed(FOUND))  # the first page of each
ROOT = """.explorer[data-explorer^='{{"name": "{}",']"""
SCHEMES = ["light", "dark"]
N_SETTINGS = {
    "spectrum": 60,
    "density": 40,
    "test_loss": 80,
    "loss_surface": 30,
    "tasks": 30,
    "plateaus": 60,
    "scaling_law": 20,
}
RELATIVE = 1e-8  # how far the two implementations may differ; 1e-6 is promised, and 2e-10 is usual

# ---------------------------------------------------------------- an explorer in a tab

ENTER = """async (field, texts) => {
  const parts = field.closest('.explorer').querySelectorAll('.explorer-panels, .explorer-readings'), seen = [];
  for (const text of texts) {
    field.value = text;
    field.dispatchEvent(new Event('change', {bubbles: true}));
    await new Promise(requestAnimationFrame);  // that in which a change is drawn
    const picture = [...parts].map(part => part.innerHTML).join();
    const note = document.getElementById(field.getAttribute('aria-describedby'));
    seen.push([field.getAttribute('aria-invalid'), note.innerText, picture, location.hash]);
  }
  return seen;
}"""


ALONE = """figure => {  // of the rest of its page the browser would see to every element at each step
  for (let part = figure; part.tagName !== 'ARTICLE'; part = part.parentElement) {
    [...part.parentElement.children].forEach(other => { if (other !== part) other.remove(); });
  }
}"""


class Shown:
    """One explorer in a tab, and the ways to its parts."""

    def __init__(self, tab, name):
        self.tab, self.name, self.design = tab, name, DESIGNS[name]
        tab.set_default_timeout(5000)
        self.root = tab.locator(ROOT.format(name))
        self.figure = tab.locator("figure", has=self.root)
        self.controls = [control for control in self.design.controls if control.kind != "choice"]

    def slider(self, control):
        return self.root.get_by_label(control.label, exact=True)

    def field(self, control):
        return self.root.get_by_label(f"{control.label}, typed", exact=True)

    def note(self, control):
        return self.slider(control).locator("xpath=..").locator(".explorer-unit")

    def type(self, control, text):
        self.field(control).fill(text)
        self.field(control).press("Enter")
        self.settle()

    def enter(self, control, *texts):
        """Put texts into a field one by one, without keys; what is seen after each: a mark, a note, all the rest."""
        seen = self.field(control).evaluate(ENTER, texts)
        return [(mark, note, hash(picture), address) for mark, note, picture, address in seen]

    def reset(self):
        self.root.get_by_role("button", name="reset").click()
        self.settle()

    def settle(self):
        """Wait for the frame in which a change is drawn."""
        self.tab.wait_for_function("() => new Promise(done => requestAnimationFrame(() => done(true)))")

    def values(self):
        """What the controls show: the typed value beside a slider, or the choice."""
        fields = self.root.locator(".explorer-row").locator("input[type=text], select")
        texts = zip(self.design.controls, fields.evaluate_all("fields => fields.map(e => e.value)"), strict=True)
        return {c.name: c.check(text if c.kind == "choice" else float(text)) for c, text in texts}

    def picture(self):
        """All that is drawn and said, in short."""
        parts = self.root.locator(".explorer-panels, .explorer-readings")
        return hash(parts.evaluate_all("parts => parts.map(part => part.innerHTML).join()"))

    def drawn(self):
        """The curves of which a mark is drawn."""
        marks = {
            c.name: "g[clip-path] rect" if c.style == "heat" else f"[data-curve={c.name}]" for c in self.design.curves
        }
        found = "(root, marks) => marks.map(mark => root.querySelector(`.explorer-panels ${mark}`) !== null)"
        return {
            name for name, is_drawn in zip(marks, self.root.evaluate(found, [*marks.values()]), strict=True) if is_drawn
        }

    def state(self):
        """All that a reader may have changed."""
        return self.root.evaluate("""root => [
          root.innerHTML, location.hash, ...[...root.querySelectorAll('input, select')].map(e => e.value)].join()""")


@pytest.fixture(scope="module")
def opened():
    return []


@pytest.fixture
def show(opened, new_tab):
    """Show an explorer in its first state, alone in its article; its tab stays open for the next test.

    Nothing may be said in a tab. In whole pages: the tests of addresses, without scripts and from disk.
    """

    def show_(name, width=1400, scheme="light"):
        if not opened or opened[0].name != name:
            for shown in opened:
                leave(shown.tab)
            opened[:] = [Shown(new_tab(PAGES[name], typeset=False, has_touch=True), name)]
            opened[0].figure.evaluate(ALONE)
            opened[0].initial, opened[0].first = opened[0].values(), {}
        (shown,) = opened
        shown.tab.bring_to_front()  # behind others it might draw no frames
        shown.tab.set_viewport_size({"width": width, "height": 900})
        if scheme != shown.tab.evaluate("document.documentElement.dataset.theme"):  # to set it again takes as long
            shown.tab.emulate_media(color_scheme=scheme)
        shown.tab.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
        shown.settle()
        if shown.first.get(width) != shown.state():
            shown.reset()
            shown.first[width] = shown.state()
        return shown

    yield show_
    said = [text for shown in opened for text in shown.tab.said]
    for shown in opened:
        shown.tab.said.clear()
    assert not said, "\n".join(said)


@pytest.fixture(scope="module")  # so all tests of an explorer come one after the other
def name(request):
    assert request.param in PAGES, f"no page with {request.param} under {HTML / 'book'}: run 'make book' first"
    return request.param


def each_of(names):
    """One worker has all tests of an explorer, and opens its page once."""
    marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    return pytest.mark.parametrize("name", marked, indirect=True, scope="module")


each_explorer = each_of(DESIGNS)
each_kind_of_control = each_of(["test_loss", "loss_surface"])
of_the_loss = pytest.mark.xdist_group("test_loss")
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def test_every_explorer_is_in_the_book_and_none_twice_on_a_page():
    assert {name for name, _ in FOUND} == set(DESIGNS)
    assert len(set(FOUND)) == len(FOUND)


# ---------------------------------------------------------------- the numbers

COMPUTE = """([name, settings]) => {
  const picture = values => {
    try { return scalingLaws.explorers[name](values); } catch (error) { return {error: String(error)}; }
  };
  const say = (key, value) => typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return JSON.stringify(settings.map(picture), say);
}"""

SPECIAL = [
    {"n_features": 300, "n_samples": 300, "split": 1.0},
    {"n_latent": 20, "n_features": 500, "n_samples": 300, "compute": 1e8},
    {"n_latent": 100, "n_features": 100, "n_samples": 100, "compute": 1e4, "split": 1.0}
    | {"ridge": 0.0, "ridge_per_sample": 0.0},
    {"n_latent": 10**15, "alpha": 0.1},
    {"n_latent": 10**15, "alpha": 2.0},
]


def ends(control):
    if control.kind == "choice":
        return list(control.options)
    return [control.low, control.high, *([0.0] if control.kind == "zero" else [])]


def anything(control, rng):
    """A value from the whole range of a control, every fifth at one of its ends."""
    if control.kind == "choice" or rng.random() < 0.2:
        return ends(control)[rng.integers(len(ends(control)))]
    if control.kind == "linear":
        return rng.uniform(control.low, control.high)
    value = float(np.exp(rng.uniform(np.log(control.low), np.log(control.high))))
    return round(value) if control.whole else value


def settings_of(design, first):
    """Settings of an explorer: one control at an end, special ones, and anything."""
    rng = np.random.default_rng(sum(map(ord, design.name)))
    chosen = [{control.name: end} for control in design.controls for end in ends(control)]
    chosen += [{name: value for name, value in special.items() if name in first} for special in SPECIAL]
    while len(chosen) < N_SETTINGS[design.name]:
        chosen.append({control.name: anything(control, rng) for control in design.controls})
    return [{c.name: c.check((first | values)[c.name]) for c in design.controls} for values in chosen]


def error_of(value, reference, floor=0.0):
    """Largest relative error; values below `floor` times the largest are compared to that, infinities must agree."""
    value, reference = np.asarray(value, dtype=float), np.asarray(reference, dtype=float)
    if value.shape != reference.shape:
        return np.inf
    same = (value == reference) | (np.isnan(value) & np.isnan(reference))
    with np.errstate(all="ignore"):
        error = abs(value - reference) / (abs(reference) + floor)
    return float(np.max(np.where(same, 0, np.nan_to_num(error, nan=np.inf)), initial=0))


def errors_of(design, theirs, ours):
    """Errors of every curve and reading of a picture, by name."""
    if "error" in theirs:
        return {theirs["error"]: np.inf}
    found = {"names": np.inf if theirs["curves"].keys() != ours.curves.keys() else 0}
    for name, parts in ours.curves.items():
        for part, value, reference in zip(("x", "y", "table"), theirs["curves"][name], parts, strict=False):
            # a density touches zero: to within 1e-7 of its largest value
            floor = 0.1 * np.max(reference) if design.name == "density" and part == "y" else 0
            found[f"{name}.{part}"] = error_of(value, reference, floor)
    for name, reference in ours.readings.items():
        value = theirs["readings"][name]
        floor = 1e-3 if name == "share" else 0  # a difference from 1: to within 1e-9
        if isinstance(reference, str):
            found[name] = 0 if value == reference else np.inf
        else:
            found[name] = error_of(value, reference, floor)
    found["ranges"] = error_of(theirs["ranges"], ours.ranges)
    return found


@each_explorer
def test_page_computes_what_the_library_computes(show, name):
    shown = show(name)
    settings = settings_of(shown.design, shown.values())
    theirs = json.loads(shown.tab.evaluate(COMPUTE, [name, settings]))
    worst = 0.0, "", {}
    for setting, picture in zip(settings, theirs, strict=True):
        errors = errors_of(shown.design, picture, shown.design.compute(**setting))
        worst = max(worst, *((error, part, setting) for part, error in errors.items()), key=lambda item: item[0])
    print(f"{name}: {len(settings)} settings, worst relative error {worst[0]:.2g} of {worst[1]}")
    assert worst[0] <= RELATIVE, "{:.2g} of {} at {}".format(*worst)


@each_explorer
def test_sliders_of_the_page_and_of_the_library_have_the_same_values(show, name):
    shown = show(name)
    tables = shown.root.evaluate("""root => root.explorer.design.controls.filter(c => c.kind !== 'choice').map(
      c => Array.from({length: c.steps + 1}, (_, k) => scalingLaws.value_at(c, k)).map(
        value => [value, scalingLaws.position_of(c, value)]))""")
    for control, table in zip(shown.controls, tables, strict=True):
        values = [control.at(position) for position in range(control.steps + 1)]
        assert table == [[value, control.position(value)] for value in values], control.name


@of_the_loss
def test_loss_explorer_updates_within_a_frame(show):
    shown = show("test_loss")
    times = shown.root.evaluate("""root => {
      const {explorer} = root, times = [];
      for (let k = 0; k < 40; k++) {
        Object.assign(explorer.values, {n_latent: 1e12, alpha: 0.3 + k / 30});
        const start = performance.now();
        explorer.update();
        root.getBoundingClientRect();  // the layout, too
        times.push(performance.now() - start);
      }
      return times.slice(10);
    }""")
    print(f"median {np.median(times):.1f} ms, longest {max(times):.1f} ms")
    assert np.median(times) < 16


# ---------------------------------------------------------------- the picture

MARKS = """root => [...root.querySelectorAll('svg[role=img]')].map(svg => {
  const of = (e, ...names) => names.map(name => e.getAttribute(name)), all = s => [...svg.querySelectorAll(s)];
  return {
    frame: svg.querySelector('.explorer-frame').getAttribute('d'),
    paths: Object.fromEntries(all('path[data-curve]').map(e => of(e, 'data-curve', 'd'))),
    dots: all('circle[data-curve]').map(e => of(e, 'data-curve', 'cx', 'cy')),
    cells: all('g[clip-path] rect').map(e => of(e, 'x', 'y', 'width', 'height', 'fill')),
  };
})"""


def fragment(tab):
    return tab.evaluate("location.hash")


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


def axis(limits, log, start, stop):
    """From values to pixels."""
    of = np.log10 if log else np.asarray
    low, high = of(limits[0]), of(limits[1])
    return lambda values: start + (stop - start) * (of(np.asarray(values, dtype=float)) - low) / (high - low)


@np.errstate(divide="ignore", invalid="ignore")
def misdrawn(design, picture, marks):
    """Which curves are not drawn where the library would have them, to within a pixel."""
    wrong = []
    for k, (panel, drawn) in enumerate(zip(design.panels, marks, strict=True)):
        left, top, bottom, right = numbers(drawn["frame"])
        across = axis(picture.ranges[k], panel.x_log, left, right)
        upward = axis(_explorer._ordinates(design, picture, k), panel.y_log, bottom, top)
        for curve in (curve for curve in design.curves if curve.panel == k):
            x, y, *table = picture.curves[curve.name]
            x, y = across(x), upward(y)
            if curve.style == "heat":
                expected, found = cells_of(x, y, table[0]), drawn["cells"]
                found = [[*map(float, cell[:4]), *numbers(cell[4])] for cell in found]
                tolerance = [1, 1, 1, 1, 20, 20, 20]  # of the map of colours the page knows nine places
            elif curve.style == "dots":
                expected = np.column_stack([x, y])[np.isfinite(y)]
                found, tolerance = [[float(a), float(b)] for n, a, b in drawn["dots"] if n == curve.name], 1
            elif curve.style == "vertical":
                expected, tolerance = [[at, top, bottom] for at in x], 1
                found = [numbers(line) for line in drawn["paths"][curve.name].split("M")[1:]]
            elif curve.style == "horizontal":
                expected, tolerance = [[left, at, right] for at in y], 1
                found = [numbers(line) for line in drawn["paths"][curve.name].split("M")[1:]]
            else:
                expected = np.column_stack([x, np.clip(y, -2000, 4000)])[np.isfinite(y)]
                found = np.reshape(numbers(drawn["paths"][curve.name]), (-1, 2))
                tolerance = 1
            expected, found = np.asarray(expected, dtype=float), np.asarray(found, dtype=float)
            if expected.shape != found.shape or (abs(expected - found) > tolerance).any():
                wrong.append(curve.name)
    return wrong


def cells_of(x, y, table):
    """Left, top, width, height and colour of the cells of a surface."""
    x_edges, y_edges = (np.concatenate([e[:1], (e[1:] + e[:-1]) / 2, e[-1:]]) for e in (x, y))
    finite = table[np.isfinite(table)]
    colors = 255 * mpl.colormaps["viridis"]((table - finite.min()) / np.ptp(finite))
    return [
        [x_edges[j], y_edges[i + 1], x_edges[j + 1] - x_edges[j], y_edges[i] - y_edges[i + 1], *colors[i, j, :3]]
        for i in range(len(y))
        for j in range(len(x))
        if np.isfinite(table[i, j])
    ]


def misread(shown, picture):
    """Which readings do not say what the library says, in four digits."""
    items, wrong = shown.root.get_by_role("status").inner_text().split("\u2003"), []
    for (name, label), item in zip(shown.design.readings.items(), items, strict=True):
        value, said = picture.readings[name], item.removeprefix(label + " ")
        if said != value if isinstance(value, str) else float(said.replace("∞", "inf")) != float(f"{value:.4g}"):
            wrong.append(f"{item}, not {value}")
    return wrong


def assert_shows_what_the_library_computes(shown):
    picture = shown.design.compute(**shown.values())
    wrong = misdrawn(shown.design, picture, shown.root.evaluate(MARKS)) + misread(shown, picture)
    assert wrong == []


@each_explorer
def test_keyboard_moves_the_curves_to_the_values_of_the_library(show, name):
    shown = show(name)
    assert_shows_what_the_library_computes(shown)
    before, pictures = shown.values(), [shown.picture()]
    for control in shown.design.controls:
        shown.slider(control).focus()
        shown.tab.keyboard.press("ArrowDown" if control.kind == "choice" else "ArrowRight")
        shown.settle()
        if control.kind == "choice":
            assert shown.values()[control.name] == control.options[1]
        else:
            assert shown.values()[control.name] == control.at(control.position(before[control.name]) + 1)
        pictures.append(shown.picture())
    assert_shows_what_the_library_computes(shown)
    assert all(picture != pictures[0] for picture in pictures[1:])


@of_the_loss
def test_arrow_keys_get_past_small_whole_numbers(show):
    """Several positions of the slider show the same one."""
    shown = show("test_loss")
    control = next(control for control in shown.controls if control.name == "n_features")
    shown.type(control, "1")
    for _ in range(8):
        shown.slider(control).press("ArrowRight")
        shown.settle()
    assert shown.values()["n_features"] > 1


@each_explorer
def test_typed_value_is_taken(show, name):
    shown = show(name)
    for control in shown.controls:
        value = 1000 if control.low <= 1000 <= control.high else control.at(control.steps // 3)
        shown.type(control, "1e3" if value == 1000 else repr(value))
        assert shown.values()[control.name] == value
        assert int(shown.slider(control).input_value()) == control.position(value)
    assert_shows_what_the_library_computes(shown)


@each_kind_of_control
def test_typed_nonsense_is_marked_and_changes_nothing(show, name):
    shown = show(name)
    before = shown.picture(), fragment(shown.tab)
    shown.type(shown.controls[0], "nonsense")
    assert shown.field(shown.controls[0]).get_attribute("aria-invalid") == "true"
    for k, control in enumerate(shown.controls):
        texts = ["nonsense", "", "1e", "Infinity", "-1"] if k == 0 else ["1,5", "1,000,000", "1 000"]
        texts += [repr(control.high * 1.01), repr(control.low / 2), *[repr(control.low + 0.5)] * control.whole]
        for text, (mark, note, *rest) in zip(texts, shown.enter(control, *texts), strict=True):
            assert mark == "true", (control.name, text)
            if control.whole and text == texts[-1]:
                assert "whole" in note
            else:
                assert {control.low, control.high} <= set(numbers(note)), (control.name, text)
            assert ("no commas" in note) == (text[1:2] in (",", " ")), note
            assert tuple(rest) == before
    for control in shown.controls:
        shown.type(control, repr(control.high))
        assert shown.field(control).get_attribute("aria-invalid") == "false"
        assert shown.note(control).inner_text() == control.unit


@each_explorer
def test_reset_brings_back_the_first_setting(show, name):
    shown = show(name)
    before = shown.initial, shown.picture(), fragment(shown.tab)
    for control in shown.controls:
        shown.enter(control, repr(control.high))
    assert shown.picture() != before[1]
    shown.reset()
    assert (shown.values(), shown.picture(), fragment(shown.tab)) == before
    assert "?" not in before[2]


@each_explorer
def test_key_of_the_legend_hides_its_curve_and_shows_it_again(show, name):
    shown = show(name)
    before, curves = shown.picture(), [curve for curve in shown.design.curves if curve.label]
    keys = shown.root.locator(".explorer-legend").get_by_role("button").all()
    everything = {curve.name for curve in shown.design.curves}
    assert shown.drawn() == everything
    for curve, key in zip(curves, keys, strict=True):
        assert key.inner_text().startswith(curve.label)
        for pressed, drawn in [("false", everything - {curve.name}), ("true", everything)]:
            key.click()
            assert key.get_attribute("aria-pressed") == pressed
            assert shown.drawn() == drawn
    assert shown.picture() == before


# ---------------------------------------------------------------- the address


@each_explorer
def test_address_holds_the_setting(show, open_tab, name):
    shown = show(name)
    for control in shown.controls:
        shown.enter(control, repr(control.at(control.steps // 2)))
    assert fragment(shown.tab).startswith(f"#{name}?")
    copy = Shown(open_tab(PAGES[name] + fragment(shown.tab), height=160, typeset=False), name)
    copy.settle()
    assert copy.values() == shown.values()
    assert copy.picture() == shown.picture()
    assert copy.figure.evaluate(IN_VIEW)  # among typeset formulas: the test of pages


@each_kind_of_control
def test_address_of_another_setting_changes_an_open_page(show, name):
    shown = show(name)
    first, *_, last = shown.controls
    expected = shown.values() | {last.name: last.high}
    shown.type(first, repr(first.high))
    shown.tab.evaluate("hash => { location.hash = hash; }", f"{name}?{last.name}={last.high}")
    shown.settle()
    assert shown.values() == expected


@each_kind_of_control
def test_rubbish_in_the_address_is_ignored(show, name):
    shown = show(name)
    before = shown.values(), shown.picture()
    for text in ("", "nonsense", "-1", "1e99", "%E0%A4%A"):
        for rubbish in ("&".join(f"{c.name}={text}" for c in shown.design.controls), f"{text}={text}&&=?"):
            shown.tab.evaluate("hash => { location.hash = hash; }", f"{name}?{rubbish}")
            shown.settle()
            assert (shown.values(), shown.picture()) == before, rubbish


@each_kind_of_control
def test_ordinary_anchors_still_work(show, name):
    """Even that of a section with the name of the explorer, and after a control was moved."""
    shown = show(name)
    shown.type(shown.controls[0], repr(shown.controls[0].high))
    values, picture = shown.values(), shown.picture()
    for anchor in ("some-section", name):
        seen = shown.tab.evaluate(
            """async anchor => {
              const there = document.getElementById(anchor), target = there ?? document.createElement('h2');
              if (!there) {
                Object.assign(target, {id: anchor, textContent: anchor});
                target.style.margin = '3000px 0';
                document.querySelector('article').append(target);
              }
              location.hash = anchor;
              for (let still = 0, y = NaN; still < 10; still = scrollY === y ? still + 1 : 0) {  // it scrolls smoothly
                y = scrollY;
                await new Promise(requestAnimationFrame);
              }
              const {top} = target.getBoundingClientRect(), hash = location.hash;
              if (!there) target.remove();
              return [top > -1 && top < innerHeight, hash];
            }""",
            anchor,
        )
        assert seen == [True, f"#{anchor}"]
    assert (shown.values(), shown.picture()) == (values, picture)


# ---------------------------------------------------------------- every reader, every device


@each_explorer
def test_picture_stands_without_scripts(open_tab, name):
    shown = Shown(open_tab(PAGES[name], java_script_enabled=False), name)
    shown.tab.said[:] = [text for text in shown.tab.said if ".js" not in text]  # scripts that are not fetched
    figure = shown.figure
    assert figure.inner_text().strip() == figure.locator("figcaption").inner_text().strip() != ""
    assert figure.locator("figcaption").is_visible()
    image = figure.locator("img")
    assert image.is_visible()
    assert image.get_attribute("alt").strip()
    assert image.evaluate("image => image.complete && image.naturalWidth > 300 && image.width > 300")


@each_explorer
def test_explorer_takes_the_place_of_the_picture(show, name):
    shown = show(name)
    assert not shown.figure.locator("img").is_visible()
    assert shown.root.get_by_role("img").count() == len(shown.design.panels)
    assert all(panel.is_visible() for panel in shown.root.get_by_role("img").all())
    assert shown.figure.locator("figcaption").is_visible()


@pytest.fixture(scope="module")
def said_from_disk(new_tab):
    """What the theme has to say on a page from disk without an explorer: its icons are not loaded."""
    return new_tab("genindex.html", root=HTML.as_uri() + "/").said


@each_explorer
def test_explorer_works_from_disk(open_tab, said_from_disk, name):
    shown = Shown(open_tab(PAGES[name], scheme="dark", root=HTML.as_uri() + "/", typeset=False), name)
    shown.slider(shown.controls[0]).press("ArrowRight")
    shown.settle()
    shown.tab.said[:] = [text for text in shown.tab.said if text not in said_from_disk]
    assert_shows_what_the_library_computes(shown)
    assert fragment(shown.tab).startswith(f"#{name}?")


@each_explorer
@each_scheme
def test_axe_finds_no_violation(show, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    shown = show(name, width=400, scheme=scheme)
    shown.type(shown.controls[0], "nonsense")
    results = Axe().run(
        shown.tab, f"figure:has({ROOT.format(name)})", {"resultTypes": ["violations"], "preload": False}
    )
    assert results.violations_count == 0, results.generate_report()
    assert len(results.response["passes"]) > 10  # it looked at the right place


@each_explorer
@each_scheme
def test_narrow_figure_fits_and_can_be_touched(show, name, scheme):
    shown = show(name, width=400, scheme=scheme)
    found = shown.figure.evaluate("""figure => {
      const explorer = figure.querySelector('.explorer'), found = [];
      const inside = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1
        && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
      const box = e => e.getBoundingClientRect();
      const say = (what, e) => found.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
      for (const e of explorer.querySelectorAll(':not(svg *, option)'))
        if (!inside(box(e), box(figure)) || !inside(box(e), box(explorer))) say('out of the figure', e);
      for (const e of explorer.querySelectorAll('svg text'))
        if (!inside(box(e), box(e.ownerSVGElement))) say('out of the drawing', e);
      for (const e of explorer.querySelectorAll('button, select, input'))
        if (box(e).height < 24 || box(e).width < 24 || !e.checkVisibility()) say('too small', e);
      if (explorer.scrollWidth > explorer.clientWidth) found.push('scrolls sideways');
      return found;
    }""")
    assert not found, "\n".join(found)
    for control in shown.controls:
        before, box = shown.values()[control.name], shown.slider(control).bounding_box()
        shown.slider(control).tap(position={"x": 0.85 * box["width"], "y": box["height"] / 2})
        shown.settle()
        share = control.position(shown.values()[control.name]) / control.steps
        assert shown.values()[control.name] != before
        assert 0.75 < share < 0.95
    assert_shows_what_the_library_computes(shown)


@of_the_loss
def test_motion_is_reduced_where_the_reader_asks(show):
    shown = show("test_loss")
    durations = """root => [...root.querySelectorAll('button')].map(e => getComputedStyle(e).transitionDuration)"""
    assert set(shown.root.evaluate(durations)) == {"0s"}
    try:
        shown.tab.emulate_media(reduced_motion="no-preference")
        assert set(shown.root.evaluate(durations)) == {"0.15s"}
    finally:
        shown.tab.emulate_media(reduced_motion="reduce")


def luminance(color):
    parts = np.array(numbers(color)[:3]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@each_explorer
def test_text_of_the_axes_is_readable_in_both_themes(show, name):
    colors = []
    for scheme in SCHEMES:
        shown = show(name, width=400, scheme=scheme)
        texts, ground = shown.root.evaluate("""root => {
          let e = root;
          while (/, 0\\)|transparent/.test(getComputedStyle(e).backgroundColor)) e = e.parentElement;
          const texts = [...root.querySelectorAll('svg text')].map(text => getComputedStyle(text).fill);
          return [[...new Set(texts)], getComputedStyle(e).backgroundColor];
        }""")
        assert len(texts) == 1
        dark, light = sorted([luminance(texts[0]), luminance(ground)])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, texts, ground)
        colors.append(texts[0])
    assert colors[0] != colors[1]
