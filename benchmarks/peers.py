"""One call of each checker on a case: does it pass, and how long does it take?"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import jax
import numpy as np

from benchmarks.cases import Case
from benchmarks.translation import (
    NotExpressible,
    Programs,
    autograd_library,
    evaluate,
    programs,
    torch_library,
)
from jaxgrad.errors import TraceError, UndecidedError

__all__ = [
    "CHECKERS", "FLAGGED", "NOT_EXPRESSIBLE", "OURS", "PASSED", "UNDECIDED", "Answer",
    "available", "run",
]  # fmt: skip

OURS = "jaxgrad.check_grads"

PASSED, FLAGGED, UNDECIDED, NOT_EXPRESSIBLE = "passed", "flagged", "undecided", "not expressible"


@dataclass(frozen=True)
class Answer:
    """What a checker says.

    Args:
        outcome: passed, flagged, undecided (never a pass) or not expressible.
        seconds: how long it took, translation left out.
        text: the message.
    """

    outcome: str
    seconds: float
    text: str = ""


def run(checker: str, case: Case) -> Answer:
    """Asks one checker, with its default settings."""
    with jax.enable_x64(case.x64), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check = CHECKERS[checker](case)
        except Exception as error:  # nothing was checked yet
            return Answer(NOT_EXPRESSIBLE, 0.0, f"{type(error).__name__}: {error}")
        start = time.perf_counter()
        try:
            check()
        except Exception as error:  # whatever it is, it is no pass
            seconds = time.perf_counter() - start
            return Answer(_outcome(checker, error), seconds, f"{type(error).__name__}: {error}")
        return Answer(PASSED, time.perf_counter() - start)


def _outcome(checker: str, error: Exception) -> str:
    if isinstance(error, NotExpressible):
        return NOT_EXPRESSIBLE
    if isinstance(error, NotImplementedError) and checker in TRANSLATED:
        return NOT_EXPRESSIBLE  # a function of theirs that has no rule of the order or mode
    return UNDECIDED if isinstance(error, UndecidedError | TraceError) else FLAGGED


def _ours(case: Case) -> Callable[[], Any]:
    from jaxgrad import check_grads

    asked: dict[str, Any] = {}
    if case.dtypes:
        asked["dtypes"] = case.dtypes
    if case.reference is not None:
        asked["reference"] = case.reference
    return lambda: check_grads(case.function, case.args, case.order, case.modes, **asked)


def _jax(case: Case) -> Callable[[], Any]:
    from jax.test_util import check_grads

    return lambda: check_grads(case.function, case.args, case.order, case.modes)


def _chex(case: Case) -> Callable[[], Any]:
    from chex import assert_numerical_grads

    args = jax.tree.map(np.asarray, case.args)
    if not hasattr(args[0], "size"):
        raise NotExpressible("the first argument is not an array")
    return lambda: assert_numerical_grads(case.function, args, case.order, modes=case.modes)


def _autograd(case: Case) -> Callable[[], Any]:
    from autograd.extend import defjvp, defvjp, primitive
    from autograd.test_util import check_grads

    curried: Any = check_grads
    theirs, library = programs(case), autograd_library()
    n = len(theirs.point)
    function = primitive(lambda *xs: np.asarray(evaluate(theirs.value, xs, library)[0]))
    defvjp(
        function,
        *(
            lambda _, *xs, k=k: lambda u: evaluate(theirs.backward, (*xs, u), library)[k]
            for k in range(n)
        ),
    )

    def tangent(k: int) -> Callable[..., Any]:
        def apply(t: Any, _: Any, *xs: Any) -> Any:
            ts = [t if i == k else np.zeros(np.shape(x)) for i, x in enumerate(theirs.point)]
            return evaluate(theirs.forward, (*xs, *ts), library)[0]

        return apply

    defjvp(function, *(tangent(k) for k in range(n)))
    _try(theirs, library)
    check = curried(function, modes=list(case.modes), order=case.order)
    return lambda: _seeded(lambda: check(*theirs.point))


def _seeded(check: Callable[[], Any]) -> None:
    """autograd draws from NumPy's global generator."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        check()
    finally:
        np.random.set_state(state)


def _torch(case: Case) -> Callable[[], Any]:
    import torch
    from torch.autograd import gradcheck, gradgradcheck

    theirs, library = programs(case), torch_library()

    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, *xs: Any) -> Any:
            context.save_for_backward(*xs)
            return evaluate(theirs.value, xs, library)[0].clone()

        @staticmethod
        def backward(context: Any, *us: Any) -> Any:
            return tuple(evaluate(theirs.backward, (*context.saved_tensors, *us), library))

    _try(theirs, library)
    point = [torch.tensor(x, requires_grad=True) for x in theirs.point]

    def check() -> None:
        gradcheck(Rule.apply, point)
        if case.order > 1:
            gradgradcheck(Rule.apply, point)

    return check


def _try(theirs: Programs, library: Any) -> None:
    """Whether every primitive is in the tables, and the values are the same."""
    arrays = [library.array(x) for x in theirs.point]
    try:
        value = evaluate(theirs.value, arrays, library)[0]
        evaluate(theirs.backward, [*arrays, library.array(np.ones(theirs.result.shape))], library)
        evaluate(theirs.forward, [*arrays, *arrays], library)
    except (TypeError, ValueError, RuntimeError) as error:
        raise NotExpressible(f"{type(error).__name__}: {error}") from error
    if not np.allclose(np.asarray(value), theirs.result, rtol=1e-9, equal_nan=True):
        raise NotExpressible("the value is another one there")


CHECKERS: dict[str, Callable[[Case], Callable[[], Any]]] = {
    OURS: _ours,
    "jax.test_util.check_grads": _jax,
    "chex.assert_numerical_grads": _chex,
    "autograd check_grads": _autograd,
    "torch gradcheck": _torch,
}
TRANSLATED = ("autograd check_grads", "torch gradcheck")
_MODULES = {"chex": "chex", "autograd": "autograd", "torch": "torch"}


def available() -> list[str]:
    """The checkers whose library is installed."""
    return [
        name
        for name in CHECKERS
        if find_spec(_MODULES.get(name.partition(" ")[0].partition(".")[0], "jaxgrad"))
    ]
