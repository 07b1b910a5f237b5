"""What is said of an error of the user's code: its kind, the line and the message, told apart."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxgrad import sweep
from jaxgrad.claims.failures import failure_text
from jaxgrad.claims.raised_text import all_that_was_raised, line_of, what_was_raised

HERE = Path(__file__).name


def fails() -> None:
    raise RuntimeError("rule is\nbroken\n")


def _caught(function) -> BaseException:
    with pytest.raises(BaseException) as caught:
        function()
    return caught.value


def test_the_message_cannot_be_read_as_the_place() -> None:
    line = fails.__code__.co_firstlineno + 1
    error = _caught(fails)
    assert what_was_raised(error) == f"RuntimeError at {HERE}:{line}: rule is …"
    assert all_that_was_raised(error) == f"RuntimeError at {HERE}:{line}: rule is\n  broken"
    assert what_was_raised(error, " there") == "RuntimeError there: rule is …"


def test_a_long_message_does_not_bury_what_comes_behind() -> None:
    said = all_that_was_raised(ValueError("\n".join(map(str, range(50))))).splitlines()
    assert (said[0], said[-2:], len(said)) == ("ValueError: 0", ["  11", "  …"], 13)
    assert len(all_that_was_raised(ValueError("\n".join("0" * 12))).splitlines()) == 12


def test_a_line_without_an_end_is_cut_and_what_moves_a_terminal_is_written_out() -> None:
    said = all_that_was_raised(ValueError("a" * 10**6))
    assert len(said) == len("ValueError: ") + 1001 and said.endswith("a…")
    assert what_was_raised(ValueError("\x1b[2Jé\tσ")) == "ValueError: \\x1b[2Jé\tσ"


def test_a_claim_that_raises_moves_no_terminal(tmp_path: Path) -> None:
    text = failure_text(ValueError("\x1b[2J"), tmp_path)
    assert text == "ValueError: \\x1b[2J"


def test_a_class_of_a_proof_module_has_the_name_that_was_written(tmp_path: Path) -> None:
    own = type("Odd", (Exception,), {"__module__": "_jaxgrad_claims_0f3a_claims"})
    assert failure_text(own("no"), tmp_path) == "Odd: no"


def test_an_error_without_a_text_and_one_that_has_none_to_give() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise KeyError("text")

    assert what_was_raised(AssertionError()) == all_that_was_raised(AssertionError())
    assert what_was_raised(Odd()) == "Odd: its text cannot be made (KeyError)"


@pytest.mark.parametrize(
    "function",
    [
        lambda: jax.jit(lambda x: x + np.zeros(2))(np.zeros(3)),
        lambda: json.loads("{"),
        lambda: sweep(json.loads, "float16", lambda x, y: y == y),
    ],
    ids=["jax", "library", "package"],
)
def test_the_line_is_the_users_own(function) -> None:
    assert line_of(_caught(function)).startswith(f" at {HERE}:")


def test_an_installed_package_is_named_where_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "installed_raises.py").write_text("def fails():\n    raise ValueError\n")
    monkeypatch.syspath_prepend(str(folder))
    from installed_raises import fails as of_package  # pyright: ignore

    error = _caught(of_package)
    assert line_of(error).startswith(f" at {HERE}:")
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next
    assert line_of(error) == " at installed_raises.py:2"
    sys.modules.pop("installed_raises")


def test_nothing_is_said_where_only_the_machinery_ran() -> None:
    error = _caught(lambda: json.loads("{"))
    while (
        error.__traceback__ is not None and HERE in error.__traceback__.tb_frame.f_code.co_filename
    ):
        error.__traceback__ = error.__traceback__.tb_next
    assert error.__traceback__ is not None
    assert line_of(error) == line_of(ValueError()) == ""
