"""Which rule gives a primitive its meaning.

A rule declares every parameter of its primitive: those that it reads, and those that it may leave
unread, with the values at which they change nothing.  An equation with any other parameter, such
as one that a release of JAX added, is refused: a parameter that is not read would be misread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.arrays import SystemArray
from jaxgrad.programs.meanings import RULED

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


__all__ = [
    "RULES",
    "UNREAD",
    "DeclaredRule",
    "Rule",
    "anything",
    "rule",
]

Value: TypeAlias = np.ndarray | SystemArray
"""An array of the system's numbers or truth values (:mod:`jaxgrad.numbers.arrays`), or a concrete
array: NumPy's, or JAX's of PRNG keys."""


Outputs: TypeAlias = "Value | list[Value]"
"""One output, or a list of outputs."""


class Equation(Protocol):
    """What a rule reads of an equation: JAX gives no type to the shapes of variables."""

    @property
    def primitive(self) -> Any: ...
    @property
    def invars(self) -> Sequence[Any]: ...
    @property
    def outvars(self) -> Sequence[Any]: ...
    @property
    def params(self) -> dict[str, Any]: ...
    def replace(self, *, invars: Sequence[Any]) -> Equation: ...


Rule: TypeAlias = "Callable[[Interpreter, Equation, list[Value]], Outputs]"
"""What a primitive makes of its inputs."""

UNREAD: dict[str, str] = {
    "sharding": "on which devices the entries lie",
    "out_sharding": "on which devices the entries of the result lie",
    "accuracy": "how a function is rounded, which is asked of the floats",
    "precision": "how products are rounded, which is asked of the floats",
    "unroll": "how many turns of a loop the compiler writes out",
    "_split_transpose": "how the derivative of a loop is laid out; it is traced by itself",
    "indices_are_sorted": "a promise that saves time; results without it are the same",
}
"""Parameters that change no real number, of whatever primitive and at whatever value, and why."""


def anything(value: Any) -> bool:
    """Holds of every value: a parameter that is harmless whatever it is."""
    return True


@dataclass(frozen=True)
class DeclaredRule:
    """The rule of a primitive, which is called with equations whose parameters it knows.

    Args:
        meaning: the rule.
        reads: the parameters that it takes account of.
        harmless: for every other parameter, at which values it makes no difference.
        exact_if_known: whether the primitive itself is run where all its inputs are known, which
            are integers, truth values or keys then; calls and moves have their own way.
    """

    meaning: Rule
    reads: frozenset[str] = frozenset()
    harmless: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)
    exact_if_known: bool = True

    @property
    def declared(self) -> frozenset[str]:
        """The parameters that the primitive may have."""
        return self.reads | self.harmless.keys() | UNREAD.keys()

    def __call__(
        self, interpreter: Interpreter, equation: Equation, inputs: list[Value]
    ) -> Outputs:
        self.read(equation.primitive.name, equation.params)
        return self.meaning(interpreter, equation, inputs)

    def read(self, primitive: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the parameters of an equation that the rule takes account of.

        Raises:
            UnsupportedPrimitive: another one makes a difference, or may.
        """
        for name, value in params.items():
            if name in self.reads or name in UNREAD:
                continue
            if name not in self.harmless or not self.harmless[name](value):
                raise UnsupportedPrimitive(
                    f"`{primitive}` with {name}={_short(value)}, of which its rule "
                    "takes no account; leave it out, or report it with your version of JAX"
                )
        return {name: params[name] for name in self.reads if name in params}


# Enough to recognise a value by; programs are parameters, too.
_LONGEST_VALUE = 60


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


RULES: dict[str, DeclaredRule] = {}
"""Primitive name -> its one rule."""


def rule(
    *names: str,
    reads: Iterable[str] = (),
    harmless: Mapping[str, Callable[[Any], bool]] | None = None,
    exact_if_known: bool = True,
) -> Callable[[Rule], Rule]:
    """Registers the rule of the primitives of these names.

    Args:
        reads: the parameters that the rule takes account of; so does one that binds the primitive
            itself with all of them.
        harmless: parameter -> whether the rule is right without reading it, at a value of it.
        exact_if_known: see :class:`DeclaredRule`.

    Raises:
        ValueError: one of them has a rule already.
    """

    def register(function: Rule) -> Rule:
        for name in names:
            if name in RULES:
                raise ValueError(f"the primitive {name!r} has two rules; keep the right one")
            declared = frozenset(reads), dict(harmless or {})
            RULES[name] = DeclaredRule(function, *declared, exact_if_known)
            RULED.add(name)
        return function

    return register
