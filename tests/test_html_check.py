"""The page of a check: verdict, rules, numbers, and the line of a counterexample."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from page_support import require_sound

from jaxgrad.claims.cli import main
from jaxgrad.claims.pictures.along_line import along_line, line_picture
from jaxgrad.claims.pictures.derivatives import Derivatives, right_digits
from jaxgrad.claims.pictures.right_digits import digits_map

MODULE = """\
import jax
import jax.numpy as jnp

@jax.custom_jvp
def double(x):
    return 2 * x

@double.defjvp
def _(primals, tangents):
    (x,), (t,) = primals, tangents
    return double(x), jnp.where(x == 0, 1.0, 2.0) * t

double.__wrapped__.__name__ = double.__name__ = "<script>alert(1)</script>"

@jax.custom_vjp
def malformed(x):
    return x

malformed.defvjp(lambda x: (x, None), lambda _, g: (g, g))

def plain(x):
    print("printed")
    return jnp.tanh(x)
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of functions in a fresh current directory."""
    (tmp_path / "paged.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("paged", None)


def _page(*arguments: str, code: int) -> str:
    assert main(["check", *arguments, "--html", "page.html"]) == code
    return Path("page.html").read_text(encoding="utf-8")


def test_a_wrong_rule(capsys: pytest.CaptureFixture[str]) -> None:
    text = _page("paged:double", "0.5", code=1)
    assert capsys.readouterr().out.startswith("REFUTED")
    page = require_sound(text)
    assert "✗ REFUTED" in page.text and "Along a line" in page.text
    assert "from paged import double as f" in page.text
    assert "<script>alert(1)" in page.text and "<script>" not in text
    assert "paged.py:" in page.text
    assert len(page.all("svg")) == 2
    assert "At x = 0 the rule returns 1 (cross), and the derivative is 2 (dot)" in page.text


def test_a_right_function_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text('[tool.jaxgrad.check]\nhtml = "other.html"\n')
    assert main(["check", "paged:plain", "f32[2]", "--json", "--no-special-points"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "AGREES"
    page = require_sound(Path("other.html").read_text(encoding="utf-8"))
    assert "✓ AGREES" in page.text and "Along a line" not in page.text
    assert "No custom rule was judged by itself" in page.text
    assert "∂f[0]/\N{WORD JOINER}∂x[1]" in page.text


def test_a_malformed_rule_and_a_file_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = require_sound(_page("paged:malformed", "0.5", code=1))
    assert "✗ A custom rule is malformed" in page.text
    capsys.readouterr()
    assert main(["check", "paged:plain", "0.5", "--html", "no/page.html"]) == 2
    shown = capsys.readouterr()
    assert "--html no/page.html: there is no folder no; make one" in shown.err and not shown.out


def test_the_numbers_are_those_of_the_rule_and_of_the_function() -> None:
    @jax.custom_vjp
    def scaled(x: jax.Array) -> jax.Array:
        return x * x

    scaled.defvjp(lambda x: (x * x, x), lambda x, g: (1.998 * x * g,))
    x = np.array([0.5, -1.5], np.float32)
    found = Derivatives(scaled, (x,)).jacobian()
    assert list(found.rules) == ["rev"]  # JAX has no other of such a rule
    assert np.allclose(found.rules["rev"], np.diag(1.998 * x))
    assert np.allclose(found.left, np.diag(2 * x)) and np.allclose(found.right, np.diag(2 * x))
    assert found.digits["rev"].diagonal() == pytest.approx(3, abs=1e-3)
    assert found.digits["rev"][0, 1] == found.most
    assert found.worst(["x"]) is not None and found.worst(["y"]) is None
    picture = digits_map(found)
    cells = [text.get_text() for text in picture.figure.axes[0].texts]
    assert cells == ["3.0", "6.9", "6.9", "3.0"]
    assert "Of every entry some digit is right" in picture.description


def test_right_digits() -> None:
    one = arb(1)
    for rule, left, right, expected in (
        (1.0, one, one, 7.0),
        (1.5, one, one, 0.30103),
        (0.5, arb(0), one, 7.0),
        (1.01, arb(0), one, 2.0),
        (-1.0, one, one, 0.0),
        (math.nan, one, one, 0.0),
        (0.25, arb(0), arb(0), 0.0),
        (math.inf, arb("inf"), arb("inf"), 7.0),
        (1.0, arb("inf"), arb("inf"), 0.0),
    ):
        assert right_digits(rule, left, right, 7.0) == pytest.approx(expected, abs=1e-5)
    assert math.isnan(right_digits(1.0, arb.nan(), one, 7.0))


def test_many_numbers_are_left_out_and_said() -> None:
    found = Derivatives(lambda x: 2 * x, (jnp.ones(40),), modes=("fwd",)).jacobian()
    assert (len(found.rows), len(found.columns)) == (12, 12)
    assert found.left_out == "12 of 40 numbers of the results and 12 of 40 numbers of the arguments"


def test_the_line_through_a_kink() -> None:
    found = Derivatives(lambda x: jnp.abs(x), (0.0,))
    [row], [column] = found.outputs, found.inputs
    line = along_line(found, found.primal.point, "fwd", row, column)
    assert len(line.x) == 65 and set(line.x[[0, 32, -1]]) == {-1.0, 0.0, 1.0}
    assert np.allclose(line.value, np.abs(line.x))
    assert (line.left[32], line.right[32]) == (-1.0, 1.0)
    assert (line.rule[line.x != 0] == np.sign(line.x[line.x != 0])).all()
    picture = line_picture(line)
    above = picture.figure.axes[0].get_lines()[0]
    assert np.allclose(above.get_ydata(), np.abs(above.get_xdata()))
    assert "the derivative is −1 or 1 (dot)" in picture.description


def test_where_there_are_no_numbers() -> None:
    found = Derivatives(jnp.log, (1.0,))
    [row], [column] = found.outputs, found.inputs
    line = along_line(found, found.primal.point, "rev", row, column)
    assert np.isnan(line.right[line.x < 0]).all() and np.isfinite(line.right[line.x > 0]).all()
