"""Arguments that ``jaxgrad check`` is given by their names: what is moved, and what is held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from checked_module import check, folder_with_module
from pasted_code import given_and_true


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with folder_with_module(tmp_path, monkeypatch):
        yield


@pytest.mark.parametrize("name", ["scaled", "layer.scaled"])
def test_the_code_says_what_is_held_by_its_name(name: str, capsys: pytest.CaptureFixture) -> None:
    assert check(f"checked_model:{name} f32[] by=4.0 --no-special-points") == 1
    out = capsys.readouterr().out
    assert "f = lambda x, by: function(x, by=by)\n" in out
    assert given_and_true(out) == ("3.0", "4.00000000000")


def test_arrays_by_their_names_are_differentiated(capsys: pytest.CaptureFixture[str]) -> None:
    call = "checked_model:keywords f32[2] w=f32[3] key=key[] mode='sum' --no-special-points --json"
    assert check(call) == 1
    found = json.loads(capsys.readouterr().out)
    wrong = {leaf["path"]: leaf["verdict"] for leaf in found["leaves"]}
    assert wrong == {"x": "REFUTED", "w": "AGREES"}
    assert "function(x, w=w, key=key, mode=mode)" in found["counterexample"]


def test_arguments_by_their_names_come_in_the_order_of_the_signature(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = "checked_model:affine plus=f32[] x=f32[] by=f32[] --no-special-points --json"
    both = f"{call} --reference checked_model:affine_reference"
    for options in ("", "--domain checked_model:inside"):  # which has other names for them
        assert check(f"{both} {options}") == 0
        found = json.loads(capsys.readouterr().out)
        assert [leaf["path"] for leaf in found["leaves"]] == ["x", "by", "plus"]
    assert check(f"{call} --argnums 2") == 0
    assert [one["path"] for one in json.loads(capsys.readouterr().out)["leaves"]] == ["plus"]


def test_a_parameter_may_have_the_name_that_the_code_would_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check("checked_model:of_a_function function=f32[] x=f32[] --no-special-points") == 1
    out = capsys.readouterr().out
    assert "f = lambda function, x: function_(function=function, x=x)\n" in out
    assert given_and_true(out) == ("3.0", "2.00000000000")


def test_what_is_held_by_its_name_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:power f32[2] n=3") == 0
    out = capsys.readouterr().out
    assert "n = 3 held fixed" in out and "\nwith args = (np.array([" in out
    call = "checked_model:affine 1.5 by=0.5 plus=f32[] --no-special-points"
    said = "\nheld fixed, as a number of Python is that is given by its name: by\n"
    assert check(call) == 0 and said in capsys.readouterr().out
    assert check(f"{call} --argnums 0") == 0 and said not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        "f32[3] by=f32[3]",
        "f32[3] by=jnp.float32(2)",
        "f32[3] plus=f32[2] by=2.0",
        "by=jnp.arange(3.0) x=f32[3]",
        "f32[3] jnp.arange(3.0) plus=f32[]",
    ],
)
def test_what_a_rule_is_given_as_it_is_may_be_an_array_with_a_name(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ``nondiff_argnums`` has it: JAX does not trace it, and there is no derivative by it."""
    assert check(f"checked_model:weighed {arguments}") == 0
    assert capsys.readouterr().out.startswith("PROVED")


def test_a_rule_that_is_wrong_beside_an_array_with_a_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check("checked_model:weighed f32[3] by=jnp.array([1.0,3.0,4.0])") == 1
    shown = capsys.readouterr().out
    assert "f = lambda x, by: function(x, by=by)" in shown
    given, true = map(float, given_and_true(shown))
    assert given != pytest.approx(true, rel=1e-3)
