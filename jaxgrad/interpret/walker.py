"""One walker over a jaxpr, for any number system.

A value is a NumPy array.  Floating-point values are object arrays of the system's elements;
integers, booleans and PRNG keys that do not depend on them stay concrete; booleans that do are
object arrays of the system's truth values.
"""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.errors import OpaquePrimitive, UnsupportedPrimitive
from jaxgrad.interpret import rules
from jaxgrad.interpret.budgets import require_while
from jaxgrad.interpret.every_pivot import with_every_pivot
from jaxgrad.interpret.loop_precision import with_bits_for_loops
from jaxgrad.interpret.positive_zeros import PositiveZeros
from jaxgrad.interpret.rules.concrete import evaluate, is_concrete
from jaxgrad.interpret.rules.registry import Rule
from jaxgrad.interpret.rules.whole_numbers import WHOLE
from jaxgrad.interpret.still_values import StillValues
from jaxgrad.numbers.arrays import ArraySystem, NumberByNumber
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.elements import array_system
from jaxgrad.programs.complex_parts import (
    Pair,
    flat_parts,
    has_complex,
    joined_parts,
    parts_program,
)
from jaxgrad.programs.implementations import why_not_read
from jaxgrad.programs.jax_errors import KEEPERS
from jaxgrad.programs.jaxprs import OPAQUE
from jaxgrad.programs.meanings import MEANINGS, meaning_of
from jaxgrad.programs.mutable_arrays import REFERENCES
from jaxgrad.programs.namesakes import is_namesake
from jaxgrad.programs.trace import is_differentiable

__all__ = ["Interpreter", "interpret", "no_rule"]

# JAX takes some 200 to 400 μs for an operation on known integers, ten times what a number costs.
CONCRETE_COST = 10
# Of which arguments a primitive's results are remembered, and how many of them: truth values and
# small integers, of which loops make few.
FEW_BYTES, MOST_REMEMBERED = 16, 64


class _Plan:
    """How an equation is evaluated, whatever its arguments; loops come by it again and again.

    Args:
        equation: kept, or another may have its identity.

    Raises:
        UnsupportedPrimitive: it is one of somebody else under the name of one of JAX's.
    """

    def __init__(self, equation: Any) -> None:
        self._equation = equation
        self._rule = rules.RULES.get(equation.primitive.name)
        self._read: tuple[Any, Rule | None] | None = None
        self._evaluated: dict[Any, list[Any]] = {}
        if self._rule is not None and is_namesake(equation.primitive):
            raise UnsupportedPrimitive(
                f"`{equation.primitive.name}` is a primitive of somebody else, under the name of "
                "one of JAX's, which may mean something else; give it a name of its own"
            )
        self.has_complex = has_complex(equation)
        self.exact_if_known = self._rule is None or self._rule.exact_if_known

    def evaluated(self, interpreter: Interpreter, arguments: list[Any]) -> list[Any]:
        """What the primitive itself makes of arguments, few of which are remembered: a loop asks
        the same of the same truth values again and again, each time at the cost of a call of
        JAX's."""
        few = all(type(x) is np.ndarray and x.nbytes <= FEW_BYTES for x in arguments)
        key = tuple(x.tobytes() for x in arguments) if few else None
        found = self._evaluated.get(key)
        if found is None:
            found = self._evaluate(interpreter, arguments)
            if key is not None and len(self._evaluated) < MOST_REMEMBERED:
                self._evaluated[key] = found
        return list(found)

    def _evaluate(self, interpreter: Interpreter, arguments: list[Any]) -> list[Any]:
        """By the primitive, or by the program that it is read as where NumPy knows all of that."""
        meaning = None
        if self._rule is None:
            with contextlib.suppress(UnsupportedPrimitive):
                meaning = meaning_of(self._equation)
        if meaning is not None and all(x.primitive.name in WHOLE for x in meaning.jaxpr.eqns):
            return interpreter.call(meaning, arguments)
        return evaluate(interpreter, self._equation, arguments)

    def read(self) -> tuple[Any, Rule | None]:
        """The program that it stands for, or the rule of its primitive, whose parameters it knows.

        Raises:
            UnsupportedPrimitive: there is neither.
        """
        if self._read is None:
            self._read = self._found()
        return self._read

    def _found(self) -> tuple[Any, Rule | None]:
        equation, name = self._equation, self._equation.primitive.name
        meaning = meaning_of(equation)
        if meaning is not None:
            return meaning, None
        if self._rule is None and name in OPAQUE:
            raise OpaquePrimitive(f"`{name}` runs a kernel, of which only floats can be had")
        if self._rule is None:
            raise UnsupportedPrimitive(no_rule(equation))
        self._rule.read(name, equation.params)
        return None, self._rule.meaning


class Interpreter:
    """Evaluates jaxprs over one number system.

    Args:
        numbers: the numbers to compute with.
    """

    def __init__(self, numbers: NumberSystem | ArraySystem) -> None:
        self.arrays = array_system(numbers)
        # How often the `while_loop`s that are being run, one within the other, have turned.
        self._turns: list[int] = []
        self.spent = 0  # of the budget of all these loops together
        self.positive_zeros = PositiveZeros()
        self.still = StillValues(self.arrays)
        self._plans: dict[int, _Plan] = {}
        # Of each literal, as numbers: not in a walk that lifts them by what was walked before.
        self._literals: dict[int, tuple[Any, Any]] | None = (
            {} if type(self) is Interpreter else None
        )

    def run(self, jaxpr: Any, consts: Any, inputs: list[Any]) -> list[Any]:
        """The outputs of a jaxpr whose constants and inputs are given as values."""
        values = self.bound(jaxpr, consts, inputs)
        self.go_through(jaxpr, jaxpr.eqns, values)
        return [self.read(values, atom) for atom in jaxpr.outvars]

    def bound(self, jaxpr: Any, consts: Any, inputs: list[Any]) -> dict[Any, Any]:
        """The values of the constants and the inputs of a jaxpr, by its variables."""
        lifted = zip(jaxpr.constvars, (self._constant(c) for c in consts), strict=True)
        return {**dict(lifted), **dict(zip(jaxpr.invars, inputs, strict=True))}

    def go_through(self, jaxpr: Any, equations: Sequence[Any], values: dict[Any, Any]) -> None:
        """Adds to values those that some equations of a jaxpr give."""
        for equation in equations:
            tick()
            arguments = [self.read(values, atom) for atom in equation.invars]
            outputs = self.still.outputs(arguments, self.apply(equation, arguments))
            if self._turns:
                size = sum(math.prod(value.shape) for value in outputs)
                known = not any(map(_holds_numbers, arguments))  # left to JAX itself
                self._spend(CONCRETE_COST * size if known else size)
            self.positive_zeros.note(jaxpr, equation, arguments, outputs)
            values.update(zip(equation.outvars, outputs, strict=True))

    def call(self, closed: Any, inputs: list[Any]) -> list[Any]:
        """The outputs of a closed jaxpr, or of an open one without constants."""
        if hasattr(closed, "consts"):
            return self.run(closed.jaxpr, closed.consts, inputs)
        return self.run(closed, (), inputs)

    def turn(self, closed: Any, inputs: list[Any], turns: int) -> list[Any]:
        """As :meth:`call`, of a program that a ``while_loop`` runs, nobody knows how often.

        Args:
            closed: its test or its body.
            inputs: a value for each input.
            turns: how often the loop has turned.

        Raises:
            CannotDecide: all of them together have spent their budget.
        """
        self._turns.append(turns)
        try:
            self._spend(1)
            return self.call(closed, inputs)
        finally:
            self._turns.pop()

    def _spend(self, numbers: int) -> None:
        self.spent += numbers
        require_while(self.spent, max(self._turns))

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        """The outputs of one equation."""
        plan = self._plans.get(id(equation))
        if plan is None:
            plan = self._plans[id(equation)] = _Plan(equation)
        if plan.has_complex:
            return self._in_parts(equation, arguments)
        if plan.exact_if_known and all(map(is_concrete, arguments)):
            # Nothing here depends on a real variable: the primitive itself is exact.
            return plan.evaluated(self, arguments)
        meaning, rule = plan.read()
        if rule is None:
            return self.call(meaning, arguments)
        try:
            outputs = rule(self, equation, arguments)
        except NumberByNumber as error:
            raise UnsupportedPrimitive(f"`{equation.primitive.name}` is {error}") from None
        return outputs if isinstance(outputs, list) else [outputs]

    def _in_parts(self, equation: Any, arguments: list[Any]) -> list[Any]:
        """The outputs of an equation with complex numbers, each of which is a pair."""
        if equation.primitive.name in OPAQUE:
            raise OpaquePrimitive(f"`{equation.primitive.name}` runs a kernel on complex numbers")
        if not any(map(_holds_numbers, arguments)):
            return evaluate(self, equation, arguments)
        outputs = self.call(parts_program(equation), flat_parts(arguments))
        return joined_parts(equation.outvars, outputs)

    def _constant(self, value: Any) -> Any:
        """A constant of the program as a value."""
        return self.still.noted(self.lift(value))

    def lift(self, value: Any) -> Any:
        """A concrete array as a value: floats become numbers, everything else stays."""
        if not hasattr(value, "dtype"):
            value = np.asarray(value)
        if jnp.issubdtype(value.dtype, jax.dtypes.extended):
            return value
        if isinstance(value, Tracer):
            raise UnsupportedPrimitive(
                f"the program holds a value of another trace (a tracer), as is kept by {KEEPERS}"
            )
        if isinstance(value, jax.Ref):
            raise UnsupportedPrimitive(
                "the program holds a reference to an array outside of it (`jax.new_ref`), of which "
                "no derivative tells; make it within the function, or hand its value in"
            )
        if jnp.issubdtype(value.dtype, np.complexfloating):
            return Pair(*(self.lift(np.asarray(part)) for part in (value.real, value.imag)))
        if is_differentiable(value.dtype):
            with jax.ensure_compile_time_eval():
                return self.arrays.lift(np.asarray(value))
        return np.asarray(value)

    @property
    def system(self) -> NumberSystem:
        """The numbers one by one.

        Raises:
            UnsupportedPrimitive: they come in whole arrays.
        """
        return self.arrays.system

    def elements(self, value: Any, dtype: Any) -> Any:
        """A value as an array of numbers (or of truth values, for booleans), or a pair of these."""
        if isinstance(value, Pair) or not is_concrete(value):
            return value
        if np.dtype(dtype) == bool:
            return self.truths(value)
        return self.arrays.lift(np.asarray(value))

    def numbers(self, equation: Any, inputs: list[Any]) -> list[Any]:
        """Inputs of an equation as arrays of numbers (or of truth values), each by its dtype."""
        return [
            self.elements(value, atom.aval.dtype)
            for value, atom in zip(inputs, equation.invars, strict=True)
        ]

    def alike(self, equation: Any, inputs: list[Any]) -> list[Any]:
        """What the output of an equation is put together from, each as an array of its dtype."""
        dtype = equation.outvars[0].aval.dtype
        return [self.elements(value, dtype) for value in inputs]

    def results(self, program: Any, outputs: list[Any]) -> list[Any]:
        """The outputs of a traced program, each as an array of its dtype."""
        pairs = zip(outputs, program.outputs, strict=True)
        return [self.elements(value, leaf.dtype) for value, leaf in pairs]

    def truths(self, value: Any) -> Any:
        """A value as an array of truth values."""
        return self.arrays.truths(np.asarray(value)) if is_concrete(value) else value

    def settle(self, value: Any) -> Any:
        """Truth values as a concrete boolean array if every one of them is decided."""
        known = self.arrays.known(value)
        return value if known is None else known

    def read(self, values: dict[Any, Any], atom: Any) -> Any:
        """The value of a variable, or of a literal."""
        if not hasattr(atom, "val"):
            return values[atom]
        if self._literals is None:
            return self._constant(np.asarray(atom.val, dtype=atom.aval.dtype))
        if id(atom) not in self._literals:
            found = self._constant(np.asarray(atom.val, dtype=atom.aval.dtype))
            self._literals[id(atom)] = atom, found
        return self._literals[id(atom)][1]


_SAMPLERS = ("random_gamma",)  # and beta, dirichlet, t and chisquare, which are made of it


def no_rule(equation: Any) -> str:
    """Why there is no rule for an equation, and what to do about it."""
    name = equation.primitive.name
    if name in REFERENCES:
        return (
            f"`{name}` of a reference that JAX cannot take out of the program; hand on values in "
            "its place, as x.at[i].set(y) does"
        )
    if name in _SAMPLERS:
        return (
            f"`{name}` has no rule: it draws until a number is accepted, so that the sample jumps "
            "with its parameter; the derivative that JAX gives it is that of the quantile of a "
            "fixed probability, an estimator and not the derivative of what is sampled; draw the "
            "sample outside of the function and hand it in"
        )
    reason = why_not_read(equation)
    return (
        f"the primitive `{name}` has no rule (docs/coverage.md lists those that have); "
        f"if it is your own, @jaxgrad.rule({name!r}) above a JAX function says what it computes"
        + _nearly_named(name)
        + (f" ({reason})" if reason else "")
    )


def _nearly_named(name: str) -> str:
    """A name that a rule of the caller's was given to, and which may be a slip."""
    near = difflib.get_close_matches(name, MEANINGS, 1)
    return f"; one was given to {near[0]!r}, is `{name}` meant?" if near else ""


def _holds_numbers(value: Any) -> bool:
    return isinstance(value, Pair) or not is_concrete(value)


def interpret(program: Any, numbers: NumberSystem | ArraySystem, inputs: list[Any]) -> list[Any]:
    """Runs a traced program over a number system.

    Args:
        program: a :class:`~jaxgrad.programs.trace.Program`.
        numbers: the numbers to compute with.
        inputs: for each input leaf an array of numbers, or a concrete integer array.

    Returns:
        for each output leaf an array of numbers.

    Raises:
        UnsupportedPrimitive: a primitive has no rule.

    Example:
        >>> from jaxgrad.numbers.ball import Ball, exact_ball
        >>> from jaxgrad.numbers.base import objects
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(jax.grad(lambda x: x**3), (2.0,))
        >>> interpret(program, Ball(), [objects([exact_ball(2)], ())])[0]
        array(12.0000000000000, dtype=object)
    """

    def run() -> list[Any]:
        interpreter = Interpreter(numbers)
        outputs = interpreter.run(program.jaxpr.jaxpr, program.jaxpr.consts, inputs)
        return interpreter.results(program, outputs)

    return with_every_pivot(numbers, lambda: with_bits_for_loops(program.jaxpr, numbers, run))
