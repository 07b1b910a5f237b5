"""Which rule of a ``custom_vmap`` a batch fails by, seen where JAX asks it.

JAX names the rule for few of the things that it cannot deal with, and at some it fails later than
where the rule was asked.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.interpreters import batching

from jaxgrad.errors import DtypeMismatch, JaxgradError
from jaxgrad.programs.jax_errors import is_said_of_derivatives
from jaxgrad.programs.jaxprs import CUSTOM_VMAP
from jaxgrad.programs.raised_by import is_raised_outside
from jaxgrad.programs.vmap_returns import asked, fits, wrong_return

__all__ = ["Seen", "rules_named", "rules_watched"]

# The table of JAX is one for all threads.
_LOCK = threading.RLock()


@dataclass
class Seen:
    """What is wrong with the rules that were asked.

    Args:
        failed: with one that JAX failed at.
        odd: with those whose results it took, and which are not what their functions return.
    """

    failed: list[JaxgradError] = field(default_factory=list)
    odd: list[JaxgradError] = field(default_factory=list)

    @property
    def first(self) -> JaxgradError | None:
        """What most likely made a batch fail."""
        return next(iter((*self.failed, *self.odd)), None)

    def require_dtypes(self) -> None:
        """Refuses a rule that returns another dtype than its function, wherever JAX asked it.

        JAX takes that while it runs functions as they are, and under ``jax.jit`` it believes what
        the function returns, and fails or not by what is done with it.

        Raises:
            DtypeMismatch: there is one.
        """
        for error in self.odd:
            if isinstance(error, DtypeMismatch):
                raise error


@contextlib.contextmanager
def rules_watched() -> Iterator[Seen]:
    """What is wrong with the rules that JAX asks meanwhile.

    Example:
        >>> f = jax.custom_batching.custom_vmap(lambda x: 2 * x)
        >>> _ = f.def_vmap(lambda size, batched, x: None)
        >>> with rules_watched() as seen, contextlib.suppress(TypeError):
        ...     jax.make_jaxpr(jax.vmap(f))(jax.numpy.ones(2))
        >>> type(seen.first).__name__
        'TreeMismatch'
    """
    seen, table = Seen(), getattr(batching, "fancy_primitive_batchers", {})
    primitive = next((p for p in table if p.name == CUSTOM_VMAP), None)
    if primitive is None:
        yield seen
        return
    with _LOCK:
        own = table[primitive]
        table[primitive] = _watched(own, seen)
        try:
            yield seen
        finally:
            table[primitive] = own


def _watched(own: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    """How JAX batches a ``custom_vmap``, with notes of what its rule returns in this thread."""
    here = threading.get_ident()

    def batch(axis: Any, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        if threading.get_ident() != here:
            return own(axis, args, dims, **params)

        def note(found: list[JaxgradError]) -> None:
            with contextlib.suppress(Exception):  # it is for words alone
                question = asked(params, axis.size, _batched(dims))
                error = None if question is None else wrong_return(question)
                if error is not None:
                    found.append(error)

        try:
            outs, out_dims = own(axis, args, dims, **params)
        except Exception as error:
            if not (seen.failed or isinstance(error, RecursionError)):
                note(seen.failed)
            raise
        if not fits(outs, _batched(out_dims), params["call"].out_avals, axis.size):
            note(seen.odd)
        return outs, out_dims

    return batch


def _batched(dims: Sequence[Any]) -> list[bool]:
    return [d is not None for d in dims]


@contextlib.contextmanager
def rules_named(function: Callable[..., Any], args: Sequence[Any]) -> Iterator[None]:
    """Where something fails within JAX, asks it again, to see whether such a rule is at fault.

    Args:
        function: what is traced.
        args: its arguments.

    Raises:
        ArgumentError, TreeMismatch, ShapeMismatch, DtypeMismatch, TraceError: one is.
    """
    try:
        yield
    except JaxgradError:
        raise
    except Exception as error:
        if _is_within_jax(error) and not is_said_of_derivatives(error):
            found = _at_fault(function, args)
            if found is not None:
                raise found from error
        raise


def _is_within_jax(error: Exception) -> bool:
    """Whether JAX may have raised it at what somebody's rule returns."""
    return not isinstance(error, RecursionError) and not is_raised_outside(error)


def _at_fault(function: Callable[..., Any], args: Sequence[Any]) -> JaxgradError | None:
    with rules_watched() as seen:
        try:
            jax.eval_shape(lambda *args: function(*args), *args)
        except Exception:  # what failed before
            return seen.first
    return None
