"""What the outcome of everywhere shows: in a test, and in a picture, where it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Region, everywhere
from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError
from jaxgrad.verdict import Verdict

SLOPE = jax.grad(jax.nn.sigmoid)


# -- in a test -------------------------------------------------------------------------------------
REFUTED = """\
REFUTED: not every value is at most 0.2499 for every x[] from -9.0 to 9.0: at x = 0.0 f is \
0.2500000000 as a formula

To see it:

# with `f` in scope
import jax
import jax.numpy as jnp
import numpy as np
args = (np.float32(0.0),)
print("f is", f(*args))"""


def test_a_region_that_is_as_was_said_passes() -> None:
    everywhere(SLOPE, (-9.0,), (9.0,), between=(None, "0.2501")).assert_agrees()


def test_a_region_that_is_refuted_says_where() -> None:
    found = everywhere(SLOPE, (-9.0,), (9.0,), between=(None, "0.2499"))
    with pytest.raises(GradientMismatch) as caught:
        found.assert_agrees()
    assert str(caught.value) == str(found) == REFUTED and caught.value.check is found


def test_a_region_that_is_open_never_passes() -> None:
    found = everywhere(jnp.log, (-1.0,), (3.0,), between=(None, 2), budget=0.1)
    with pytest.raises(UndecidedError, match=r"^UNDECIDED: .* of the region is open") as caught:
        found.assert_agrees()
    assert caught.value.check is found and "every value is at most 2" in str(caught.value)


# -- pictures --------------------------------------------------------------------------------------
def _marks(found: Region, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, list[float]]:
    """What lines the legend of a picture names: the numbers of x and then of y."""
    figure = pytest.importorskip("matplotlib.figure").Figure
    drawn: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(figure, "savefig", lambda self, *_: drawn.append(self))
        found.picture(str(folder / "region.svg"))
    lines = {line.get_label(): line for line in drawn[0].axes[0].get_lines()}
    named = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert len(drawn) == 1 and set(lines) <= set(named)
    return {name: [*line.get_xdata(), *line.get_ydata()] for name, line in lines.items()}


def test_where_it_fails_is_marked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = everywhere(SLOPE, (-9.0,), (9.0,), between=(None, "0.2499"))
    assert _marks(one, monkeypatch, tmp_path) == {"fails at x = 0": [0, 0.25]}
    shown = everywhere(SLOPE, (-9.0,), (9.0,), between=(None, "0.2501"))
    assert _marks(shown, monkeypatch, tmp_path) == {}
    ends = (2.0, np.zeros(2), 3.0), (2.0, np.ones(2), 4.0)
    two = everywhere(lambda a, x, b: a * x[0] - x[1] + b, *ends, between=(0, "5.9999"))
    assert _marks(two, monkeypatch, tmp_path) == {"fails at x[0] = 1, x[1] = 0": [1, 0]}


def test_a_point_without_a_first_value_is_marked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = everywhere(lambda x: (jnp.log(x), x), (-1.0,), (1.0,), between=(None, "0.5"))
    marks = _marks(found, monkeypatch, tmp_path)
    assert found.verdict is Verdict.REFUTED and len(marks) == 1
    assert next(iter(marks)).startswith("fails at x = ")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_picture_of_it_is_drawn(count: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    def f(*xs: Any) -> Any:
        return jnp.sin(sum(xs[1:], xs[0])) * xs[0]

    found = everywhere(f, (-1.0,) * count, (1.0,) * count, between=("-0.1", 1), budget=0.5)
    path = tmp_path / "region.svg"
    found.picture(str(path))
    text = path.read_text(encoding="utf-8")
    assert text.lstrip().startswith("<?xml") and len(text) > 3000


@pytest.mark.parametrize("name", ["x.foo", "nowhere/x.png"])
def test_a_picture_that_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = everywhere(lambda x: x, (0.0,), (1.0,), between=(-1, 2))
    assert found.to_json().startswith('{"verdict": "PROVED"')
    with pytest.raises(ArgumentError, match="cannot be written"):
        found.picture(str(tmp_path / name))
