"""Pictures of the page: their numbers against what is proved, and the SVG that is made of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from claims_support import results_of, write
from page_support import colours, require_sound

from jaxgrad.claims.claim import claim
from jaxgrad.claims.pictures import activations, interval, layers, saturation, steps
from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing, svg
from jaxgrad.claims.report import html_report
from jaxgrad.claims.report.page.elements import element
from jaxgrad.claims.report.page.elements import write as written
from jaxgrad.claims.report.page.pictures import figure
from jaxgrad.errors import ArgumentError, MissingExtra

PICTURES = """\
from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of

def line():
    figure, [axes] = axes_of((1.0,))
    axes.plot([0, 1], color=COLOURS["first"])
    return Picture("A <line>", "It rises & ends.", figure)

def wrong():
    return 3
"""
CLAIMS = """\
    @claim("x = 1", source="T1: one", picture="own_pictures:line")
    def one(): return said(Verdict.PROVED)

    @claim("x = 2", source="T2: two", picture="own_pictures:line")
    def two(): return said(Verdict.PROVED)

    @claim("x = 3", source="T3: three", picture="own_pictures:wrong")
    def three(): return said(Verdict.PROVED)

    @claim("x = 4", source="T4: four", picture="own_pictures:absent")
    def four(): return said(Verdict.PROVED)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Claims with pictures of their own module."""
    (tmp_path / "own_pictures.py").write_text(PICTURES)
    monkeypatch.chdir(tmp_path)
    yield write(tmp_path / "proofs", "claims.py", CLAIMS)
    sys.modules.pop("own_pictures", None)


def test_pictures_of_claims(own: Path) -> None:
    text = html_report.render(results_of(own), 0.1)
    page = require_sound(text)
    assert len(page.all("svg")) == 2
    assert "A <line>" in page.text and "It rises & ends." in page.text
    assert "There is no picture: TypeError: it returned 3, not a Picture" in page.text
    assert "There is no picture: the picture 'own_pictures:absent' cannot be imported" in page.text
    assert set(re.findall(r"var\(--(\w+)\)", "".join(re.findall("<svg.*?</svg>", text)))) <= set(
        colours("light")
    )


def test_a_picture_is_named_by_text() -> None:
    with pytest.raises(ArgumentError, match="claim: the picture must be text, got 3"):
        claim("1 < 2", picture=3)


def test_without_matplotlib(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = require_sound(html_report.render(results_of(own), 0.1))
    assert not page.all("svg")
    assert page.text.count("There is no picture: pictures need matplotlib") == 3
    assert "pip install 'jaxgrad[report]'" in page.text
    with pytest.raises(MissingExtra, match=re.escape("pip install 'jaxgrad[report]'")), drawing():
        pass


def _two_lines() -> Picture:
    made, [axes] = axes_of((1.0,))
    axes.plot([0, 1], color=COLOURS["second"])
    axes.plot([1, 3], color=COLOURS["ink"])
    return Picture("Two lines", "They rise.", made)


def test_the_same_picture_is_the_same_text_and_ids_do_not_clash() -> None:
    with drawing():
        texts = [written(svg(_two_lines(), name)) for name in ("one", "one", "two")]
    assert texts[0] == texts[1] != texts[2]
    both = [set(re.findall(r' id="([^"]*)"', text)) for text in texts[1:]]
    assert both[0] and not both[0] & both[1]
    assert "var(--second)" in texts[0] and "var(--ink)" in texts[0]
    # Every colour is one of the page, in either theme.
    assert not re.search(r"(?:fill|stroke): ?#", texts[0])
    assert "<style" not in texts[0] and "xmlns" not in texts[0] and "http" not in texts[0]


def test_what_is_drawn_is_what_was_given() -> None:
    """The curve of σ' in the picture is highest at ¼ of the way from 0 to 1, in the middle."""
    picture = activations.activations()
    axes = picture.figure.axes[0]
    value, slope = axes.get_lines()[:2]
    z, heights = slope.get_data()
    assert heights.max() == 0.25 and z[heights.argmax()] == 0
    made = svg(picture, "activations")  # of lines matplotlib leaves out points that show nothing
    lines = [x for x in made.iter("path") if "var(--second)" in x.get("style", "")]
    points = re.findall(r"([\d.]+) ([\d.]+)", max((x.get("d", "") for x in lines), key=len))
    across, down = np.array(points, float).T
    assert across[down.argmin()] == pytest.approx((across[0] + across[-1]) / 2, abs=3)
    zero, one = (axes.transData.transform((0, y))[1] for y in (0, 1))
    height = picture.figure.bbox.height * 72 / picture.figure.dpi
    peak = (height - down.min()) * picture.figure.dpi / 72
    assert (peak - zero) / (one - zero) == pytest.approx(0.25, abs=0.01)
    assert np.allclose(value.get_ydata()[[0, -1]], jax.nn.sigmoid(np.array([-6.0, 6.0])))


def test_slopes_of_activations() -> None:
    z, _, slope = activations.values(jax.nn.relu)
    assert set(slope[z < 0]) == {0.0} and set(slope[z > 0]) == {1.0} and slope[z == 0] == 0
    _, value, slope = activations.values(jax.nn.sigmoid)
    assert np.allclose(slope, value * (1 - value), atol=1e-6)


def test_the_interval_is_the_one_of_jaxs_derivative() -> None:
    for w in (4.5, 7.0, 100.0):
        assert interval.measured(w) == pytest.approx(float(interval.closed_form(np.float64(w))))
    picture = interval.interval()
    assert "0.4477, at |w| = 6.89" in picture.description  # claim D2
    curve, dots = picture.figure.axes[0].get_lines()
    assert curve.get_ydata().max() == pytest.approx(0.447743, abs=1e-4)
    assert len(dots.get_xdata()) == 10


def test_the_staircase() -> None:
    x, difference = steps.differences()
    assert x[np.argmin(difference)] == 0
    assert difference.min() == pytest.approx(-0.0105777, abs=1e-6)  # claim F1
    assert len(steps.steps().figure.axes) == 2


def test_what_floats_lose() -> None:
    ends = {name: saturation.lost_from(name)[1] for name in ("float32", "float16", "bfloat16")}
    assert ends["bfloat16"] < ends["float16"] < ends["float32"]
    # Where 1 − σ(x) is below half an ulp of 1, σ(x) is 1 and the slope σ(1 − σ) is 0.
    for name, end in ends.items():
        assert end == pytest.approx(-np.log(float(jax.numpy.finfo(name).eps) / 4), abs=1.0)
    assert "float16 from x = 7.75 up and from x = −11.2 down" in saturation.saturation().description


def test_layers_vanish_explode_or_neither() -> None:
    speeds = layers.chains(2, fixed=True)
    assert np.allclose(speeds[:, 0] - speeds[:, 1], np.log10(25), atol=1e-4)
    first, last = np.median(layers.chains(2), axis=0)
    assert last - first > 0.5
    (first, last), small = (np.median(layers.rectified(2, s), axis=0) for s in (1.0, 0.5))
    assert abs(last - first) < 0.3
    assert small[1] - small[0] > last - first + 0.2


def test_a_figure_says_why_there_is_none() -> None:
    def fails() -> Any:
        raise ValueError("<b>no</b>")

    made = element("main", figure(fails, "none"))
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in written(made)
