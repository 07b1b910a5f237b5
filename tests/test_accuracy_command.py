"""``jaxgrad accuracy``: what it prints, its exit codes, its object and its picture."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.claims.accuracy_command import _given_up
from jaxgrad.claims.cli import main
from jaxgrad.claims.pictures.right_bits import right_bits
from jaxgrad.numbers.progress import Progress


@pytest.fixture(autouse=True)
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
import jax, jax.numpy as jnp
def square(x): return x * x
def late(x): return jnp.where(x > 4, 0 * x, 2 * x)
def unknown(x):
    bits = jax.lax.bitcast_convert_type(x * x, jnp.int8)
    return jax.lax.bitcast_convert_type(bits, x.dtype)
def slope(x): return 2 * x
def raises(x): raise ValueError("a reason")
"""
    (tmp_path / "measured_by_command.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def run(function: str, *more: str) -> int:
    arguments = [f"measured_by_command:{function}", "--dtype", "float8_e5m2", *more]
    return main(["accuracy", *arguments])


BY_HAND = "--derivative", "measured_by_command:late"


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ((), 0, "derivative of measured_by_command:square, float8_e5m2: at least 3 of 3 bits"),
        (("--bits", "3"), 0, "PROVED: measured_by_command:square: 3 bits or more are right at 248"),
        (("--bits", "1", *BY_HAND), 1, "REFUTED: measured_by_command:square: 1 bit or more is"),
        (BY_HAND, 0, "0 by mistake at 55, outwards from 5.0"),
    ],
)
def test_what_is_said(
    more: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("square", *more) == code
    assert said in capsys.readouterr().out


def test_what_is_not_known_is_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--derivative", "measured_by_command:slope"]
    assert run("unknown", "--bits", "1", *arguments) == 3
    assert "nothing is known at 248 others" in capsys.readouterr().out
    assert run("unknown", "--bits", "1", "--picture", "it.svg", *arguments) == 3
    out, err = capsys.readouterr()
    assert "nothing is known at 248 others" in out
    assert "nothing is known of any float, so none is drawn" in err


def test_the_object_has_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("square", "--json", "--bits", "2", *BY_HAND) == 1
    found = json.loads(capsys.readouterr().out)
    measured = jaxgrad.accuracy(
        lambda x: x * x,
        "float8_e5m2",
        derivative=lambda x: jnp.where(x > 4, 0 * x, 2 * x),
    )
    assert found["verdict"] == "REFUTED" and found["right"] == list(measured.right)
    assert len(found["binades"]) == len(measured.binades) > 50
    assert found["zeros"]["positive"] == {"value": "5.0", "bits": "0x45"}
    assert measured.worst is not None and found["worst"]["code"] == measured.worst.code
    assert found["judged"] + found["infinite"] + found["open"] == 250


def test_what_is_kept_is_taken_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("0/2", "1/2"):
        assert run("square", "--keep", "kept", "--part", part) == 0
    first, second = capsys.readouterr().out.split("derivative of")[1:]
    assert first == second
    assert len(list((tmp_path / "kept").iterdir())) == 2


@pytest.mark.parametrize(
    ("function", "more", "said"),
    [
        ("no", (), "no attribute 'no'"),
        ("raises", (), "a reason"),
        ("square", ("--derivative", "measured_by_command:no"), "--derivative"),
        ("square", ("--bits", "4"), "an integer from 1 to 3"),
        ("square", ("--picture", "no/such.svg"), "there is no folder no"),
        ("square", ("--dtype", "float17"), "--dtype float17"),
        ("square", ("--part", "half"), "argument --part: invalid part, such as 0/2, value: 'half'"),
        ("square", ("--part", "1/2"), "several processes meet in a folder"),
    ],
)
def test_what_cannot_be_used(
    function: str, more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(function, *more) == 2
    assert said in capsys.readouterr().err


def test_a_measurement_that_is_given_up_says_how_far_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress().followed(lambda: "half of it"):
        _given_up(SimpleNamespace(function="mine:f", timeout=5.0, json=True))
    out, err = capsys.readouterr()
    assert json.loads(out)["error"].startswith("mine:f was not measured: it took longer than")
    assert "given up: half of it" in err


def test_the_picture_has_a_line_for_each_sign(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run("square", "--picture", "it.svg", *BY_HAND) == 0
    text = (tmp_path / "it.svg").read_text(encoding="utf-8")
    assert "#0102" not in text  # every colour is one of the page
    texts = ["".join(each.itertext()) for each in ElementTree.fromstring(text).iter()]
    assert {"x > 0", "x < 0, by |x|", "worst float", "median"} <= set(texts)


def test_the_picture_shows_the_counts() -> None:
    pytest.importorskip("matplotlib")
    found = jaxgrad.accuracy(
        lambda x: x * x,
        "float8_e5m2",
        derivative=lambda x: jnp.where(x > 4, 0 * x, 2 * x),
    )
    picture = right_bits(found)
    positive, negative = picture.figure.axes
    lines = {patch.get_label(): patch.get_data().values for patch in positive.patches}
    binades = [binade for binade in found.binades if not binade.negative]
    assert list(lines["worst float"]) == [binade.least for binade in binades]
    assert list(lines["median"]) == [binade.median for binade in binades]
    assert {0, 3} == set(lines["worst float"])
    assert all(min(patch.get_data().values) == 3 for patch in negative.patches)
    assert "of 3 bits" in picture.description and "0 bits or more" in picture.description
