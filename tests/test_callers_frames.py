"""Errors show the caller's lines, and those of this package only where it is at fault."""

from __future__ import annotations

import functools
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad import check, check_grads, compare
from jaxgrad.errors import ArgumentError, TreeMismatch
from jaxgrad.gradients import check_grads as module
from jaxgrad.programs.callers_frames import CallersFrames

pytest_plugins = ["pytester"]

_PACKAGES = (Path(jaxgrad.__file__).parent, Path(jax.__file__).parent)


@jax.custom_vjp
def product(x: Any, y: Any) -> Any:
    return x * y


def back_of_one(kept: Any, g: Any) -> Any:
    return (g * kept[1],)


product.defvjp(lambda x, y: (product(x, y), (x, y)), back_of_one)


@jax.custom_vjp
def squared(x: Any) -> Any:
    return x**2


def back_that_raises(x: Any, g: Any) -> Any:
    raise ValueError("no such axis")


squared.defvjp(lambda x: (squared(x), x), back_that_raises)


def back_into_jax(x: Any, g: Any) -> Any:
    return (jnp.ones(3) * jnp.ones(4),)


@jax.custom_vjp
def doubled(x: Any) -> Any:
    return 2 * x


doubled.defvjp(lambda x: (doubled(x), x), back_into_jax)


def raised(call: Callable[..., Any], *args: Any) -> Exception:
    try:
        call(*args)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def frames(error: BaseException | None) -> list[str]:
    """The functions that are shown, but for those that the caller has called."""
    assert error is not None
    found = traceback.extract_tb(error.__traceback__)
    assert found or error.__cause__ is None
    return [x.name for x in found if x.name not in ("check_grads", "compare", "check")]


def own(error: BaseException) -> int:
    found = traceback.extract_tb(error.__traceback__)
    return sum(any(p in Path(x.filename).parents for p in _PACKAGES) for x in found)


def test_a_malformed_rule_is_shown_in_the_callers_lines() -> None:
    error = raised(check_grads, product, (1.0, 2.0))
    assert isinstance(error, TreeMismatch) and frames(error) == ["raised"] and own(error) == 0
    cause = error.__cause__
    assert isinstance(cause, TypeError) and cause.__traceback__ is None
    assert cause.__cause__ is None and cause.__suppress_context__
    assert len("".join(traceback.format_exception(error)).splitlines()) < 30


@pytest.mark.parametrize(
    ("f", "kind", "where"),
    [(squared, ValueError, "back_that_raises"), (doubled, TypeError, "back_into_jax")],
)
def test_an_error_of_the_callers_is_shown_where_it_is(f: Any, kind: Any, where: str) -> None:
    error = raised(check_grads, f, (1.0,))
    assert type(error) is kind and frames(error) == ["raised", where] and own(error) == 0


def test_of_a_comparison_as_well() -> None:
    def hand(x: Any) -> Any:
        raise KeyError("weights")

    error = raised(compare, hand, lambda x: x, 1.0)
    assert isinstance(error, KeyError) and frames(error) == ["raised", "hand"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: check_grads(jnp.sin, 1.0),  # type: ignore[arg-type]
        lambda: check_grads(jnp.sin, (1.0,), 0),
        lambda: check_grads(jnp.sin, (1.0,), modes="both"),
        lambda: check_grads(jnp.sin, (1.0,), argnums=4),
        lambda: check_grads(jnp.sin, (1.0,), budget=-1),
        lambda: check_grads(jnp.sin),  # type: ignore[call-arg]
        lambda: jaxgrad.sweep(jnp.sin, "float99", holds=bool),
        lambda: jaxgrad.everywhere(jnp.sin, (1.0,), (0.0,), between=("0", "1")),
        lambda: jaxgrad.rule("add")(jnp.add),
        lambda: jaxgrad.accuracy(jnp.sin, "float99"),
        lambda: jaxgrad.claim("one is one")(lambda x: x),
        lambda: jaxgrad.run_over(jnp.sin, 3),  # type: ignore[arg-type]
        lambda: jaxgrad.properties.derivative_below(jnp.sin, "x", dtypes="float32"),
    ],
)
def test_no_wrong_call_shows_a_line_of_this_package(wrong: Callable[[], Any]) -> None:
    error = raised(wrong)
    assert isinstance(error, (jaxgrad.JaxgradError, TypeError)) and own(error) == 0
    assert frames(error) == ["raised", "<lambda>"]


def test_pytest_shows_the_line_of_the_test_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import jaxgrad\ndef test_sine():\n    jaxgrad.check_grads(abs, 1.0)")
    shown = pytester.runpytest_inprocess("-p", "no:cacheprovider").stdout.str()
    _, _, shown = shown.partition("test_sine __")
    assert (
        "give a tuple" in shown and len(shown.splitlines()) < 12 and "check_grads.py" not in shown
    )


def test_public_functions_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(jaxgrad.check)) is jaxgrad.check
    below = jaxgrad.properties.derivative_below
    assert pickle.loads(pickle.dumps(below)) is below
    assert jaxgrad.check.__name__ == "check" and "REFUTED" in str(jaxgrad.check.__doc__)


def test_arguments_without_their_tuple_are_told_so() -> None:
    x, y = jnp.ones(2), jnp.ones(2)
    with pytest.raises(ArgumentError, match=r"args is one array; give a tuple .* \(x, y\) for two"):
        check_grads(jnp.dot, x, y)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"give the arguments as one tuple: \(x, y\)"):
        check_grads(jnp.dot, [x], y)  # type: ignore[arg-type]


class Model:
    def loss(self, x: Any) -> Any:
        return jnp.sin(x)


def test_a_method_of_a_class_is_told_to_be_taken_from_an_instance() -> None:
    with pytest.raises(ArgumentError, match=r"is a method: give .* `Model\(...\).loss`"):
        check(Model.loss, (0.5,))
    assert check(Model().loss, (0.5,)).verdict.passes


def test_an_option_that_f_takes_is_told_how_to_be_given() -> None:
    def scaled(x: Any, rate: float = 1.0) -> Any:
        return rate * jnp.sin(x)

    said = r"check\(\) has no option rate=, .* argument of scaled: .*partial\(f, rate=...\)"
    with pytest.raises(ArgumentError, match=said):
        check(scaled, (0.5,), rate=0.5)  # pyright: ignore
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        check(scaled, (0.5,), speed=0.5)  # pyright: ignore
    assert check(functools.partial(scaled, rate=0.5), (0.5,)).verdict.passes


def test_a_fault_of_this_package_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_at_given", None)
    error = raised(check_grads, jnp.sin, (1.0,))
    assert isinstance(error, TypeError) and own(error) > 3
    assert {"_checked", "_check"} <= set(frames(error))


@pytest.fixture
def unfiltered() -> Iterator[None]:
    before = jax.config.jax_traceback_filtering
    jax.config.update("jax_traceback_filtering", "off")
    yield
    jax.config.update("jax_traceback_filtering", before)


@pytest.mark.usefixtures("unfiltered")
def test_all_are_shown_where_jax_shows_its_own() -> None:
    error = raised(check_grads, product, (1.0, 2.0))
    assert own(error) > 5 and error.__cause__ is not None and own(error.__cause__) > 5


def test_what_is_no_exception_goes_by() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, CallersFrames():
        raise KeyboardInterrupt
    assert caught.value.__traceback__ is not None
