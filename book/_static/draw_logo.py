"""Draw logo.svg and favicon.svg from the theory itself: python book/_static/draw_logo.py

The straight fall is the test loss against the number of features, with data without end; the
curve over it has 100 samples and next to no ridge, hence double descent and a plateau.
"""

from pathlib import Path

import numpy as np

from scaling_laws.spectra import PowerLaw
from scaling_laws.theory import test_loss

HERE = Path(__file__).parent
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#787f8a"  # each 3:1 or more on white and on #121212
SKY, ORANGE, NAVY = "#8fd0f5", "#ff9d3c", "#12303f"  # the same two strokes on the favicon's dark square
SAMPLES = 100


def curves(width, height, span, ridge):
    """Both loss curves on log-log axes from SAMPLES / span to SAMPLES * span, in a box of the given size."""
    spectrum = PowerLaw(alpha=1.0, n_latent=10**6)
    n_features = np.geomspace(SAMPLES / span, SAMPLES * span, 97)
    peaked = test_loss(spectrum, n_features, SAMPLES, ridge)
    falling = test_loss(spectrum, n_features, 10**9)
    x, y = np.log(n_features), -np.log([peaked, falling])
    y = np.minimum(y, -np.log(peaked[-1]) + 1.6)  # the fall goes on for ever; the picture does not
    x, y = width * (x - x[0]) / np.ptp(x), height * (y - y.min()) / np.ptp(y)
    falls = y[1] < y[1].max()
    return np.array([x, y[0]]), np.array([x[falls], y[1][falls]])


def stroke(points, left, top, colour, thickness):
    """An SVG path through the points, shifted into place."""
    steps = " ".join(f"{left + px:.1f},{top + py:.1f}" for px, py in points.T)
    style = f'fill="none" stroke-width="{thickness}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="M{steps}" stroke="{colour}" {style}/>'


def svg(width, height, *parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return "\n".join([head, "<title>Solving Neural Scaling Laws</title>", *parts, "</svg>\n"])


def logo():
    peaked, falling = curves(74, 52, span=16, ridge=2e-9)
    font = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif" font-weight="600"'
    words = [
        f'<text x="94" y="{y}" {font} font-size="21" fill="{GREY}">{line}</text>'
        for y, line in [(31, "Solving Neural"), (58, "Scaling Laws")]
    ]
    return svg(280, 72, stroke(falling, 8, 10, VERMILION, 4), stroke(peaked, 8, 10, BLUE, 4), *words)


def favicon():
    peaked, falling = curves(44, 44, span=10, ridge=4e-10)
    square = f'<rect width="64" height="64" rx="14" fill="{NAVY}"/>'
    return svg(64, 64, square, stroke(falling, 10, 10, ORANGE, 7), stroke(peaked, 10, 10, SKY, 7))


if __name__ == "__main__":
    (HERE / "logo.svg").write_text(logo(), encoding="utf-8")
    (HERE / "favicon.svg").write_text(favicon(), encoding="utf-8")
