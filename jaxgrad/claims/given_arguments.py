"""Arguments of a function as a command line gives them: shapes, values and files."""

from __future__ import annotations

import ast
import itertools
import math
import re
import sys
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgrad.errors import ArgumentError

__all__ = ["Given", "evaluated", "full_name", "given", "is_drawn"]

# As JAX writes the dtypes of a jaxpr.
_DTYPES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "c64": "complex64",
    "c128": "complex128",
    **{f"{kind[0]}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    "bool": "bool",
}
_SHORT = {long: short for short, long in _DTYPES.items() if long != short}
_NAMES = "|".join([*_DTYPES, "key"])
_EMPTY_SHAPE = re.compile(rf"\b({_NAMES})\[\s*\]")
_SHAPE = re.compile(rf"\b({_NAMES})\[")
_KEYWORD = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)(.*)", re.DOTALL)
# Below it: labels of few classes, and places in arrays that are not the smallest.
_INTEGERS = 3
_FOR_EXAMPLE = "f32[3, 4], 'jnp.ones(3)', 0.5 or @file.npz"


def full_name(dtype: str) -> str:
    """A dtype's name for JAX, where it is written as in a jaxpr.

    Example:
        >>> full_name("bf16"), full_name("float32")
        ('bfloat16', 'float32')
    """
    return _DTYPES.get(dtype, dtype)


def is_drawn(text: str) -> bool:
    """Whether something in an argument is drawn.

    Example:
        >>> is_drawn("{'w': f32[3]}"), is_drawn("jnp.ones(3)")
        (True, False)
    """
    return _SHAPE.search(text) is not None


class Given(NamedTuple):
    """The arguments of a call.

    Args:
        args: those by their places.
        keywords: those by their names.
    """

    args: tuple[Any, ...]
    keywords: dict[str, Any]


def given(texts: Sequence[str], module: str, seed: int = 0) -> Given:
    """The arguments that are written one by one.

    Args:
        texts: of each a Python expression, in which ``f32[3, 4]`` is a drawn array of that dtype
            and shape; or ``@file.npz``, ``@file.npz:name`` or ``@file.npy``; each may have
            ``name=`` before it.
        module: whose names are known, beside ``jax``, ``jnp`` and ``np``; it is imported.
        seed: of what is drawn.

    Raises:
        ArgumentError: one cannot be read.

    Example:
        >>> args, keywords = given(["f32[2, 3]", "i32[]", "axis=-1"], "math")
        >>> [(x.shape, str(x.dtype)) for x in args], keywords
        ([((2, 3), 'float32'), ((), 'int32')], {'axis': -1})
    """
    names = _names(module, np.random.default_rng(seed), seed)
    found = Given((), {})
    for k, text in enumerate(texts):
        keyword = _KEYWORD.fullmatch(text)
        place = f"argument {keyword[1] if keyword else k}"
        value = _value(keyword[2].strip() if keyword else text.strip(), place, names)
        if keyword and keyword[1] in found.keywords:
            raise ArgumentError(f"{place} is given twice")
        if keyword:
            found.keywords[keyword[1]] = value
        else:
            found = found._replace(args=(*found.args, value))
    return found


def evaluated(expression: str, module: str, option: str) -> Any:
    """What an expression of all arguments says.

    Args:
        expression: as each of :func:`given`, or a tuple of such.
        module: as there.
        option: which option it was given to, for the message.

    Raises:
        ArgumentError: it raises.

    Example:
        >>> evaluated("[1, 2], pi > 3", "math", "--args")
        ([1, 2], True)
    """
    return _value(expression, option, _names(module, np.random.default_rng(0), 0))


def _value(text: str, place: str, names: dict[str, Any]) -> Any:
    if text.startswith("@"):
        return _loaded(text[1:], place)
    try:
        tree = ast.parse(_EMPTY_SHAPE.sub(r"\1[()]", text), mode="eval")
        shaped = ast.fix_missing_locations(_Shapes(names).visit(tree))
        value = eval(compile(shaped, "<argument>", "eval"), names)
    except ArgumentError as error:
        raise ArgumentError(f"{place}: {error}") from None
    except (Exception, SystemExit) as error:
        module = names["__name__"]
        instead = ""
        if isinstance(error, NameError) and text.isidentifier():
            instead = f"; a text has quotes of its own: '\"{text}\"'"
        if isinstance(error, NameError) and error.name in _SHORT:
            instead = f"; a shape has the short name of a dtype: {_SHORT[error.name]}[3]"
        raise ArgumentError(
            f"{place} {text!r} raised {type(error).__name__}: {error}; it is a Python "
            f"expression, e.g. {_FOR_EXAMPLE}, in which jax, jnp, np and the names of {module} are "
            f"known{instead}"
        ) from error
    if any(isinstance(leaf, _Drawn | _Keys) for leaf in jax.tree.leaves(value)):
        raise ArgumentError(
            f"{place}: {text} has no shape; {text}[] is a number, {text}[3] a vector"
        )
    return value


def _names(module: str, generator: np.random.Generator, seed: int) -> dict[str, Any]:
    known = {"jax": jax, "jnp": jax.numpy, "np": np}
    whole, flags = itertools.count(seed), itertools.count(seed)
    drawn = {name: _Drawn(name, dtype, generator, whole) for name, dtype in _DTYPES.items()}
    kept = {"bool": _DrawnBooleans("bool", "bool", generator, flags), "key": _Keys(seed)}
    own, shapes = vars(sys.modules[module]), {**drawn, **kept}
    package = module.partition(".")[0]
    known[package] = sys.modules[package]  # as it is after an import
    # What the module names itself comes first, but where a shape is behind what has no places.
    behind = [name for name in shapes if name in own and not _has_places(own[name])]
    return {**known, **shapes, **own, **{_of_shape(name): shapes[name] for name in behind}}


def _has_places(own: Any) -> bool:
    """Whether brackets behind something of a module's own may be meant: of a list, not of a dtype.

    Example:
        >>> _has_places([7.0]), _has_places(np.float32), _has_places(np.dtype("float32"))
        (True, False, False)
    """
    if isinstance(own, type):
        return False
    return isinstance(own, Sequence | Mapping) or getattr(own, "ndim", 0) > 0


def _of_shape(name: str) -> str:
    """What a name with a shape behind it is known as, which nobody else can be."""
    return f"{name}[]"


class _Shapes(ast.NodeTransformer):
    """Makes names with something in brackets behind them those of shapes, where these are meant.

    Args:
        names: what is known.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and _of_shape(node.value.id) in self._names:
            node.value = ast.Name(_of_shape(node.value.id), ast.Load())
        return node


class _Drawn:
    """Arrays of a dtype, by their shape: normal numbers, or small integers.

    Args:
        name: as it is written.
        dtype: what it is.
        generator: of the numbers.
        count: one number more each time that an integer by itself is drawn.
    """

    def __init__(
        self, name: str, dtype: str, generator: np.random.Generator, count: Iterator[int]
    ) -> None:
        self._name, self._dtype = name, dtype
        self._generator, self._count = generator, count

    def __getitem__(self, shape: int | tuple[int, ...]) -> jax.Array:
        sizes = shape if isinstance(shape, tuple) else (shape,)
        dtype = jax.numpy.dtype(self._dtype)
        if jax.dtypes.canonicalize_dtype(dtype) != dtype:
            raise ArgumentError(
                f"{self._name}{list(sizes)} needs JAX's mode of 64 bits, which the environment "
                "variable JAX_ENABLE_X64=1 sets"
            )
        return jax.numpy.asarray(self._numbers(dtype, sizes), dtype)

    def _numbers(self, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
        draw = self._generator.standard_normal
        if jax.numpy.issubdtype(dtype, np.complexfloating):
            return draw(shape) + 1j * draw(shape)
        if not jax.numpy.issubdtype(dtype, np.integer):
            return draw(shape)
        if math.prod(shape) == 1:  # not 1, a factor or a power that says nothing
            return np.full(shape, 2 + next(self._count) % 2)
        return _varied(self._generator.integers(_INTEGERS, size=shape))


class _DrawnBooleans(_Drawn):
    """Arrays of booleans; called, it is Python's ``bool``."""

    __call__ = staticmethod(bool)

    def _numbers(self, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
        if math.prod(shape) == 1:
            return np.full(shape, next(self._count) % 2 == 0)
        return _varied(self._generator.integers(2, size=shape)) == 1


def _varied(drawn: Any) -> np.ndarray:
    """The same, from a first one of 1 to a last one of 0: of a mask of zeros nothing would be
    left to be checked, and of one of ones everything."""
    array = np.array(drawn)
    array.reshape(-1)[-1:] = 0
    array.reshape(-1)[:1] = 1
    return array


class _Keys:
    """Keys of JAX's generators, by their shape."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __getitem__(self, shape: int | tuple[int, ...]) -> jax.Array:
        key = jax.random.key(self._seed)
        return jax.random.split(key, shape) if shape != () else key


def _loaded(name: str, place: str) -> Any:
    """The arrays of a file; a dict of them where it has several."""
    path, _, entry = name.partition(".npz:")
    path = f"{path}.npz" if entry else path
    try:
        with Path(path).open("rb") as file:  # which NumPy leaves open where it is none of its own
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return _array(found)
            arrays = {key: _array(found[key]) for key in found.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ArgumentError(
            f"{place}, @{name}: {why}; name a file that np.save or np.savez has written"
        ) from error
    if entry:
        if entry not in arrays:
            raise ArgumentError(
                f"{place}, @{name}: {path} has no array {entry!r}; it has {', '.join(arrays)}"
            )
        return arrays[entry]
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def _array(found: np.ndarray) -> jax.Array:
    """What a file has as an array of JAX; NumPy writes a bfloat16 as two bytes of no meaning."""
    if found.dtype.kind == "V" and found.dtype.itemsize == 2:
        found = found.view(jax.numpy.bfloat16)
    return jax.numpy.asarray(found)
