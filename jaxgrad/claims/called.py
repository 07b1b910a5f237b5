"""A function and its arguments as a command line gives them, as one call by places."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jax

from jaxgrad.claims.given_arguments import given, is_drawn
from jaxgrad.claims.report.json_report import versions
from jaxgrad.errors import ArgumentError
from jaxgrad.programs.as_code import as_code
from jaxgrad.programs.by_places import ByPlaces, never_traced

__all__ = ["Called"]

# Of the arguments that were drawn, where no code shows them.
_LONGEST = 300


class Called:
    """A call: the arguments by their places, and behind them those by their names.

    Args:
        name: ``module:function``.
        function: that.
        texts: the arguments as they are written.
        seed: of what is drawn.

    Raises:
        ArgumentError: an argument cannot be read, or the function does not take them.

    Example:
        >>> import math
        >>> called = Called("math:ldexp", math.ldexp, ["0.5", "3"], 0)
        >>> called.args, called.by_places(math.ldexp)(*called.args)
        ((0.5, 3), 4.0)
    """

    def __init__(
        self, name: str, function: Callable[..., Any], texts: Sequence[str], seed: int
    ) -> None:
        self.function = function
        self._name, self._texts, self._seed = name, list(texts), seed
        self._module, _, self._path = name.partition(":")
        found = given(texts, self._module, seed)
        self._require_parameters(found.args, found.keywords)
        self._names = sorted(found.keywords, key=self._number)
        self._count = len(found.args)
        self.args = (*found.args, *map(found.keywords.get, self._names))

    def _require_parameters(self, args: Sequence[Any], keywords: dict[str, Any]) -> None:
        """Refuses a call that the signature does not have, before JAX has its own words for it."""
        if self._signature is None:
            return
        try:
            self._signature.bind(*args, **keywords)
        except TypeError as error:
            raise ArgumentError(
                f"{self._name}{self._signature}: {error}; give one argument for each parameter, "
                "e.g. 'f32[3, 4]' for an array of that dtype and shape, drawn; 'jnp.ones(3)', 0.5 "
                "or @file.npz for its values; NAME=VALUE by its name"
            ) from None

    @cached_property
    def _signature(self) -> inspect.Signature | None:
        try:
            return inspect.signature(self.function)
        except (TypeError, ValueError):
            return None

    @cached_property
    def _parameters(self) -> list[str]:
        return [] if self._signature is None else list(self._signature.parameters)

    def _number(self, name: str) -> int:
        """Which parameter has this name; what goes into ``**`` comes last."""
        known = self._parameters
        return known.index(name) if name in known else len(known)

    def by_places(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of the same call, of all arguments by their places.

        Args:
            function: the one that is checked, or a reference for it or a predicate of its
                arguments; one that has other names for them takes them by their places.
        """
        count, names = self._count, self._names
        if not names or not _takes(function, self.args[:count], names):
            return function

        return ByPlaces(function, count, names, self._all_names, self._never_traced(function))

    def _never_traced(self, function: Callable[..., Any]) -> list[int]:
        """The places here of the arguments that a derivative rule is given as they are."""
        parameters = list(enumerate(self._parameters))
        own = never_traced(function)
        return [self._place(k) for k, name in parameters if k in own and self._has(k, name)]

    def _has(self, number: int, name: str) -> bool:
        """Whether an argument is given for a parameter."""
        return number < self._count or name in self._names

    @property
    def _all_names(self) -> list[str]:
        free = [name for name in self._parameters if name not in self._names][: self._count]
        more = [f"argument{k}" for k in range(len(free), self._count)]
        return [*free, *more, *self._names]

    def argnums(self, asked: Sequence[int] | None) -> tuple[int, ...] | None:
        """The places of the arguments by which is differentiated; None for all.

        Args:
            asked: the numbers of their parameters; None where nobody asks, and of those that have
                names the arrays alone are meant.

        Raises:
            ArgumentError: nothing is given for such a parameter.
        """
        if asked is not None:
            return tuple(map(self._place, asked))
        if not self._names:
            return None
        named = [x if _has_array(x) else None for x in self.args[self._count :]]
        kept = self._never_traced(self.function)
        every = [*self.args[: self._count], *named]
        moving = (k for k, x in enumerate(every) if any(map(_moves, jax.tree.leaves(x))))
        found = tuple(k for k in moving if k not in kept)
        if not found and any(map(_moves, jax.tree.leaves(self.args))):
            held = self._names[0]
            raise ArgumentError(
                f"nothing moves: a number that is given by its name, as {held} is, is held fixed; "
                f"write {held}='f32[]', {held}='jnp.asarray(0.5)', or give it by its place"
            )
        return found

    def _place(self, number: int) -> int:
        if number < self._count or not self._names or number >= len(self._parameters):
            return number  # which check_grads refuses where there is none
        name = self._parameters[number]
        if name not in self._names:
            raise ArgumentError(
                f"--argnums {number} is the parameter {name} of {self._name}{self._signature}, for "
                f"which no argument is given; add {name}=ARGUMENT"
            )
        return self._count + self._names.index(name)

    @property
    def held(self) -> list[str]:
        """The names of the numbers of Python that are held fixed for having been named."""
        named = zip(self._names, self.args[self._count :], strict=True)
        return [
            name for name, x in named if not _has_array(x) and any(map(_moves, jax.tree.leaves(x)))
        ]

    @property
    def is_drawn(self) -> bool:
        """Whether something of its arguments was drawn."""
        return any(map(is_drawn, self._texts))

    def is_inside(self, domain: Callable[..., Any]) -> bool:
        """Whether its arguments are in a domain; one that raises is told of elsewhere."""
        try:
            return bool(jax.numpy.all(self.by_places(domain)(*self.args)))
        except (Exception, SystemExit):
            return True

    @property
    def in_words(self) -> str:
        """What was drawn, or that something was where it is long; nothing where nothing was."""
        if not self.is_drawn:
            return ""
        drawn = f"drawn with --seed {self._seed}"
        try:
            text = as_code(self.args)
        except TypeError:
            return f"arguments {drawn}"
        return f"args = {text}, {drawn}" if len(text) <= _LONGEST else f"arguments {drawn}"

    def described(self) -> dict[str, Any]:
        """What a report says of it."""
        said = {"function": self._name, "arguments": self._texts, "seed": self._seed}
        return {**said, "versions": versions()}

    def in_scope(self, text: str) -> str:
        """A text with code, which makes the ``f`` and ``args`` that it said it needs."""
        arguments = (
            "from jaxgrad.claims.given_arguments import given\n"
            f"found = given({self._texts!r}, {self._module!r}, {self._seed})\n"
            f"args = {self._found}"
        )
        both = "# with `f`, and `args` as they were given, in scope"
        text = text.replace(both, f"{self._imports}\n{arguments}")
        return text.replace("# with `f` in scope", self._imports)

    @property
    def _found(self) -> str:
        if not self._names:
            return "found.args"
        named = ", ".join(f"found.keywords[{name!r}]" for name in self._names)
        return f"(*found.args, {named})" if self._count else f"({named},)"

    @property
    def _imports(self) -> str:
        name = "function" if self._names else "f"
        while name in self._all_names:  # or the parameter would hide it
            name += "_"
        if "." in self._path:
            lines = [f"import {self._module}", f"{name} = {self._module}.{self._path}"]
        else:
            lines = [f"from {self._module} import {self._path} as {name}"]
        if self._names:
            places, names = self._all_names[: self._count], self._names
            inside = ", ".join([*places, *(f"{key}={key}" for key in names)])
            lines.append(f"f = lambda {', '.join(self._all_names)}: {name}({inside})")
        return "\n".join(lines)


def _takes(function: Callable[..., Any], args: Sequence[Any], names: Sequence[str]) -> bool:
    """Whether a function has parameters of these names behind its first ones."""
    try:
        inspect.signature(function).bind(*args, **dict.fromkeys(names))
    except (TypeError, ValueError):
        return False
    return True


def _has_array(tree: Any) -> bool:
    return any(hasattr(leaf, "dtype") for leaf in jax.tree.leaves(tree))


def _moves(leaf: Any) -> bool:
    return isinstance(leaf, float | complex) or (
        hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.numpy.inexact)
    )
