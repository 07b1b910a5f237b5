"""How to call the public functions of JAX at a point where each is a differentiable map.

A recipe is a program of float arrays and the point to look at.  A function that is no such map has
a word that says why.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxgrad.programs.real_parts import Parts, of_parts

__all__ = ["MODULES", "Recipe", "recipes"]

MODULES: dict[str, Any] = {
    "jax.nn": jax.nn,
    "jax.numpy": jnp,
    "jax.numpy.linalg": jnp.linalg,
    "jax.numpy.fft": jnp.fft,
    "jax.scipy.special": jax.scipy.special,
    "jax.lax": lax,
}

# Generic points: no ties, no zeros, no integers, no multiples of one another.
REAL = np.array([0.75, -1.25, 2.125, -0.5])
OTHER = np.array([-0.625, 1.875, 1.375, 0.8125])
POSITIVE = np.array([0.75, 1.25, 2.125, 0.5])
POSITIVE_OTHER = np.array([1.625, 0.875, 1.375, 2.8125])
UNIT = np.array([0.75, 0.25, 0.375, 0.125])
ABOVE_ONE = np.array([1.75, 1.25, 2.125, 3.5])
IMAGE = np.array([[0.75, -1.25], [-0.5, 1.625]])[None, None]
MATRIX = np.array([[0.75, -1.25, 2.125], [-0.5, 1.625, 0.875]])
SQUARE = np.array([[2.75, -1.25, 0.125], [-0.5, 3.625, 0.875], [0.25, 1.375, 4.5]])
SYMMETRIC = np.array([[2.75, -0.75, 0.125], [-0.75, 3.625, 0.875], [0.125, 0.875, 4.5]])


@dataclass(frozen=True)
class Recipe:
    """A program of float arrays and a point.

    Args:
        call: takes the arrays of ``point``, returns a pytree of arrays.
        point: float64 arrays.
    """

    call: Callable[..., Any]
    point: tuple[np.ndarray, ...]


# module -> names, by the arguments that they are called with.
_PLAIN: dict[str, dict[str, str]] = {
    "jax.nn": {
        "real": "celu elu gelu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu "
        "log_sigmoid log_softmax logmeanexp logsumexp mish relu relu6 selu sigmoid silu soft_sign "
        "softmax softplus sparse_plus sparse_sigmoid squareplus standardize swish tanh glu",
        "positive": "log1mexp",
    },
    "jax.numpy": {
        "real": "abs absolute amax amin arcsinh arctan around array asarray asinh atan atleast_1d "
        "atleast_2d atleast_3d average cbrt ceil conj conjugate copy corrcoef cos cosh cov cumprod "
        "cumsum cumulative_prod cumulative_sum deg2rad degrees diag diagflat diff ediff1d exp exp2 "
        "expm1 fabs fix flip flipud floor gradient i0 max mean "
        "median min minmax modf nan_to_num nancumprod nancumsum nanmax nanmean nanmedian nanmin "
        "nanprod nanstd nansum nanvar negative polyder polyint positive prod ptp rad2deg radians "
        "ravel real reciprocal rint round sign sin sinc sinh sort square squeeze std sum tan tanh "
        "trapezoid trunc var vander frexp unwrap "
        "unstack angle imag",
        "positive": "log log10 log1p log2 sqrt",
        "unit": "acos arccos arcsin arctanh asin atanh",
        "above_one": "acosh arccosh",
        "pair": "add arctan2 atan2 convolve copysign correlate divide dot "
        "floor_divide fmax fmin fmod heaviside hypot inner kron logaddexp "
        "logaddexp2 maximum minimum mod multiply outer polyadd polymul polysub remainder subtract "
        "true_divide vdot vecdot divmod polyval polydiv",
        "positive_pair": "float_power pow power",
        "matrix": "fliplr matrix_transpose rot90 transpose trace triu tril diagonal",
    },
    "jax.numpy.linalg": {
        "square": "cond det inv pinv slogdet matrix_transpose trace svdvals qr svd",
        "symmetric": "cholesky eigh eigvalsh",
        "matrix": "norm matrix_norm vector_norm diagonal",
        "pair": "outer vecdot",
    },
    "jax.numpy.fft": {"real": "fftshift ifftshift"},
    "jax.scipy.special": {
        "positive": "digamma entr exp1 expi factorial gamma gammaln loggamma i0 i0e i1 i1e spence "
        "gammasgn",
        "real": "erf erfc erfcx dawsn expit log_ndtr log_softmax logsumexp ndtr sici softmax "
        "fresnel",
        "unit": "erfinv erfcinv logit ndtri",
        "positive_pair": "beta betaln boxcox boxcox1p gammainc gammaincc kl_div poch rel_entr "
        "xlog1py xlogy comb owens_t",
    },
    "jax.lax": {
        "real": "abs asinh atan bessel_i0e bessel_i1e cbrt ceil cos cosh cumlogsumexp cummax "
        "cummin cumprod cumsum erf erfc exp exp2 expm1 floor logistic neg one_minus_square "
        "reciprocal round sign sin sinh sort square stop_gradient tan tanh optimization_barrier",
        "positive": "digamma lgamma log log1p log2 rsqrt sqrt",
        "unit": "acos asin atanh erf_inv",
        "above_one": "acosh",
        "pair": "add atan2 div dot max min mul rem sub",
        "positive_pair": "igamma igammac pow random_gamma_grad zeta",
    },
}

_POINTS: dict[str, tuple[np.ndarray, ...]] = {
    "real": (REAL,),
    "positive": (POSITIVE,),
    "unit": (UNIT,),
    "above_one": (ABOVE_ONE,),
    "pair": (REAL, OTHER),
    "positive_pair": (POSITIVE, POSITIVE_OTHER),
    "matrix": (MATRIX,),
    "square": (SQUARE,),
    "symmetric": (SYMMETRIC,),
}

_I = np.array([3, 0, 2])
_MASK = np.array([True, False, True, True])


def _jnp_special() -> dict[str, Recipe]:
    x, y, m, s = (REAL,), (REAL, OTHER), (MATRIX,), (SQUARE,)
    return {
        "append": Recipe(jnp.append, y),
        "apply_along_axis": Recipe(lambda a: jnp.apply_along_axis(jnp.sum, 0, a), m),
        "apply_over_axes": Recipe(lambda a: jnp.apply_over_axes(jnp.sum, a, [0]), m),
        "array_split": Recipe(lambda a: jnp.array_split(a, 3), x),
        "astype": Recipe(lambda a: jnp.astype(a, np.float32), x),
        "bincount": Recipe(lambda a: jnp.bincount(np.array([0, 1, 1, 2]), a, length=3), x),
        "block": Recipe(lambda a, b: jnp.block([a, b]), y),
        "broadcast_arrays": Recipe(lambda a, b: jnp.broadcast_arrays(a, b[:, None]), y),
        "broadcast_to": Recipe(lambda a: jnp.broadcast_to(a, (2, 4)), x),
        "choose": Recipe(lambda a, b: jnp.choose(np.array([0, 1, 1, 0]), [a, b], mode="clip"), y),
        "clip": Recipe(lambda a: jnp.clip(a, -1.0, 1.5), x),
        "column_stack": Recipe(lambda a, b: jnp.column_stack([a, b]), y),
        "compress": Recipe(lambda a: jnp.compress(_MASK, a, size=3), x),
        "concat": Recipe(lambda a, b: jnp.concat([a, b]), y),
        "concatenate": Recipe(lambda a, b: jnp.concatenate([a, b]), y),
        "cross": Recipe(lambda a, b: jnp.cross(a[:3], b[:3]), y),
        "delete": Recipe(lambda a: jnp.delete(a, 1), x),
        "dsplit": Recipe(lambda a: jnp.dsplit(a.reshape(1, 2, 2), 2), x),
        "dstack": Recipe(lambda a, b: jnp.dstack([a, b]), y),
        "einsum": Recipe(lambda a: jnp.einsum("ij,kj->ik", a, a), m),
        "expand_dims": Recipe(lambda a: jnp.expand_dims(a, 0), x),
        "extract": Recipe(lambda a: jnp.extract(_MASK, a, size=3), x),
        "fill_diagonal": Recipe(lambda a, b: jnp.fill_diagonal(a, b[0], inplace=False),
                                (SQUARE, REAL)),
        "full": Recipe(lambda a: jnp.full((2, 4), a), x),
        "full_like": Recipe(lambda a, b: jnp.full_like(a, b), y),
        "geomspace": Recipe(lambda a: jnp.geomspace(a[0], a[1], 4), (POSITIVE,)),
        "hsplit": Recipe(lambda a: jnp.hsplit(a, 2), x),
        "hstack": Recipe(lambda a, b: jnp.hstack([a, b]), y),
        "histogram": Recipe(
            lambda a: jnp.histogram(np.array([0.25, 0.5, 1.5]), 2, weights=a[:3])[0], x
        ),
        "insert": Recipe(lambda a, b: jnp.insert(a, 1, b[0]), y),
        "interp": Recipe(lambda a, b: jnp.interp(a, np.array([-3.0, -1.0, 0.25, 3.0]), b), y),
        "ldexp": Recipe(lambda a: jnp.ldexp(a, np.array([0, 1, 3, -2])), x),
        "linspace": Recipe(lambda a: jnp.linspace(a[0], a[1], 4), x),
        "logspace": Recipe(lambda a: jnp.logspace(a[0], a[1], 4), x),
        "matmul": Recipe(lambda a: jnp.matmul(a, a.T), m),
        "matvec": Recipe(lambda a, b: jnp.matvec(a, b[:3]), (MATRIX, REAL)),
        "meshgrid": Recipe(lambda a, b: jnp.meshgrid(a, b), y),
        "moveaxis": Recipe(lambda a: jnp.moveaxis(a, 0, 1), m),
        "nanpercentile": Recipe(lambda a: jnp.nanpercentile(a, 30.0), x),
        "nanquantile": Recipe(lambda a: jnp.nanquantile(a, 0.3), x),
        "pad": Recipe(lambda a: jnp.pad(a, 2, mode="reflect"), x),
        "partition": Recipe(lambda a: jnp.partition(a, 2), x),
        "percentile": Recipe(lambda a: jnp.percentile(a, 30.0), x),
        "permute_dims": Recipe(lambda a: jnp.permute_dims(a, (1, 0)), m),
        "piecewise": Recipe(
            lambda a: jnp.piecewise(a, [a < 0, a > 1], [jnp.exp, jnp.square, jnp.sin]), x
        ),
        "place": Recipe(lambda a, b: jnp.place(a, _MASK, b, inplace=False), y),
        "poly": Recipe(jnp.poly, x),
        "polyfit": Recipe(lambda a, b: jnp.polyfit(a, b, 1), y),
        "put": Recipe(lambda a, b: jnp.put(a, _I, b[:3], inplace=False), y),
        "put_along_axis": Recipe(
            lambda a, b: jnp.put_along_axis(a, _I, b[:3], axis=0, inplace=False), y
        ),
        "quantile": Recipe(lambda a: jnp.quantile(a, 0.3), x),
        "repeat": Recipe(lambda a: jnp.repeat(a, 2), x),
        "reshape": Recipe(lambda a: jnp.reshape(a, (2, 2)), x),
        "resize": Recipe(lambda a: jnp.resize(a, (7,)), x),
        "roll": Recipe(lambda a: jnp.roll(a, 1), x),
        "rollaxis": Recipe(lambda a: jnp.rollaxis(a, 1), m),
        "select": Recipe(lambda a, b: jnp.select([a > 1, b > 1], [a, b * b]), y),
        "split": Recipe(lambda a: jnp.split(a, 2), x),
        "stack": Recipe(lambda a, b: jnp.stack([a, b]), y),
        "swapaxes": Recipe(lambda a: jnp.swapaxes(a, 0, 1), m),
        "take": Recipe(lambda a: jnp.take(a, _I), x),
        "take_along_axis": Recipe(lambda a: jnp.take_along_axis(a, _I, axis=0), x),
        "tensordot": Recipe(lambda a: jnp.tensordot(a, a), m),
        "tile": Recipe(lambda a: jnp.tile(a, 2), x),
        "top_k": Recipe(lambda a: jnp.top_k(a, 2)[0], x),  # pyright: ignore
        "vecmat": Recipe(lambda a, b: jnp.vecmat(b[:2], a), (MATRIX, REAL)),
        "vectorize": Recipe(lambda a: jnp.vectorize(jnp.sin)(a), x),
        "vsplit": Recipe(lambda a: jnp.vsplit(a, 2), m),
        "vstack": Recipe(lambda a, b: jnp.vstack([a, b]), y),
        "where": Recipe(lambda a, b: jnp.where(a > b, a, b * b), y),
        "power": Recipe(jnp.power, (POSITIVE, OTHER)),
        "trace": Recipe(jnp.trace, s),
    }  # fmt: skip


def _linalg_special() -> dict[str, Recipe]:
    matrix = (SQUARE, SQUARE[:, 0])
    return {
        "cross": Recipe(lambda a, b: jnp.linalg.cross(a[:3], b[:3]), (REAL, OTHER)),
        "lstsq": Recipe(lambda a, b: jnp.linalg.lstsq(a, b)[0], (SQUARE[:, :2], OTHER[:3])),
        "matmul": Recipe(lambda a: jnp.linalg.matmul(a, a.T), (MATRIX,)),
        "matrix_power": Recipe(lambda a: jnp.linalg.matrix_power(a, 3), (SQUARE,)),
        "multi_dot": Recipe(lambda a: jnp.linalg.multi_dot([a, a.T, a]), (MATRIX,)),
        "solve": Recipe(jnp.linalg.solve, matrix),
        "tensordot": Recipe(lambda a: jnp.linalg.tensordot(a, a), (MATRIX,)),
        "tensorinv": Recipe(lambda a: jnp.linalg.tensorinv(a, ind=1), (SQUARE,)),
        "tensorsolve": Recipe(jnp.linalg.tensorsolve, matrix),
        "eigh": Recipe(lambda a: jnp.linalg.eigh(a)[0], (SYMMETRIC,)),
        "svd": Recipe(lambda a: jnp.linalg.svd(a)[1], (SQUARE,)),
    }


def _nn_special() -> dict[str, Recipe]:
    def attention(a: Any) -> Any:
        rows = a.reshape(1, 2, 1, 2)
        return jax.nn.dot_product_attention(rows, 2 * rows, rows)

    return {"dot_product_attention": Recipe(attention, (REAL,))}


def _fft_special() -> dict[str, Recipe]:
    """Of complex numbers, or with complex results, which are given and returned in parts."""
    vector, matrix = (REAL, OTHER), (MATRIX, MATRIX[::-1])
    kinds = (
        ((REAL,), "rfft ihfft"),
        ((MATRIX,), "rfft2 rfftn"),
        (vector, "fft ifft hfft irfft"),
        (matrix, "fft2 ifft2 fftn ifftn irfft2 irfftn"),
    )

    def of(name: str) -> Callable[..., Any]:
        transform = of_parts(getattr(jnp.fft, name))
        return lambda *parts: transform(*parts if len(parts) == 1 else (Parts(*parts),))

    return {name: Recipe(of(name), point) for point, names in kinds for name in names.split()}


def _special_special() -> dict[str, Recipe]:
    special = jax.scipy.special
    return {
        "bernoulli": Recipe(lambda a: a * special.bernoulli(3)[2], (REAL,)),
        "bessel_jn": Recipe(lambda a: special.bessel_jn(a, v=2, n_iter=10), (POSITIVE,)),
        "betainc": Recipe(lambda a: special.betainc(1.5, 2.5, a), (UNIT,)),
        "expn": Recipe(lambda a: special.expn(2, a), (POSITIVE,)),
        "hyp1f1": Recipe(lambda a: special.hyp1f1(1.5, 2.25, a), (UNIT,)),
        "hyp2f1": Recipe(lambda a: special.hyp2f1(1.5, 2.0, 3.25, a), (UNIT / 2,)),
        "multigammaln": Recipe(lambda a: special.multigammaln(a, 2), (ABOVE_ONE,)),
        "polygamma": Recipe(lambda a: special.polygamma(2, a), (POSITIVE,)),
        "zeta": Recipe(lambda a: special.zeta(2.5, a), (POSITIVE,)),
    }


def _lax_special() -> dict[str, Recipe]:
    x, y = (REAL,), (REAL, OTHER)
    return {
        "betainc": Recipe(lambda a: lax.betainc(np.full(4, 1.5), np.full(4, 2.5), a), (UNIT,)),
        "clamp": Recipe(lambda a: lax.clamp(-1.0, a, 1.5), x),
        "concatenate": Recipe(lambda a, b: lax.concatenate([a, b], 0), y),
        "convert_element_type": Recipe(lambda a: lax.convert_element_type(a, np.float32), x),
        "conv": Recipe(lambda a, b: lax.conv(a, b, (1, 1), "SAME"), (IMAGE, IMAGE)),
        "conv_general_dilated": Recipe(
            lambda a, b: lax.conv_general_dilated(a, b, (1, 2), "SAME", (2, 1), (1, 2)),
            (IMAGE, IMAGE),
        ),
        "conv_transpose": Recipe(
            lambda a, b: lax.conv_transpose(
                a, b, (1, 2), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW")
            ),
            (IMAGE, IMAGE),
        ),
        "conv_with_general_padding": Recipe(
            lambda a, b: lax.conv_with_general_padding(a, b, (1, 1), "VALID", None, None),
            (IMAGE, IMAGE),
        ),
        "dot_general": Recipe(lambda a: lax.dot_general(a, a, (((1,), (1,)), ((), ()))), (MATRIX,)),
        "igamma_grad_a": Recipe(lax.igamma_grad_a, (POSITIVE, POSITIVE_OTHER)),
        "integer_pow": Recipe(lambda a: lax.integer_pow(a, -3), x),
        "polygamma": Recipe(lambda a: lax.polygamma(np.full(4, 2.0), a), (POSITIVE,)),
        "polynomial": Recipe(lambda a: lax.polynomial(a, [1.0, 2.0, 3.0]), x),  # pyright: ignore
        "reduce_max": Recipe(lambda a: lax.reduce_max(a, (0,)), x),
        "reduce_min": Recipe(lambda a: lax.reduce_min(a, (0,)), x),
        "reduce_precision": Recipe(lambda a: lax.reduce_precision(a, 11, 52), x),
        "reduce_prod": Recipe(lambda a: lax.reduce_prod(a, (0,)), x),
        "reduce_sum": Recipe(lambda a: lax.reduce_sum(a, (0,)), x),
        "reduce_window": Recipe(
            lambda a: lax.reduce_window(a, 0.0, lax.add, (2,), (1,), "VALID"), x
        ),
        "select": Recipe(lambda a, b: lax.select(a > b, a, b), y),
        "select_n": Recipe(lambda a, b: lax.select_n(a > b, a, b), y),
        "top_k": Recipe(lambda a: lax.top_k(a, 2)[0], x),
        "zeta": Recipe(lambda a: lax.zeta(np.full(4, 2.5), a), (POSITIVE,)),
    }


_SPECIAL = {
    "jax.nn": _nn_special,
    "jax.numpy": _jnp_special,
    "jax.numpy.linalg": _linalg_special,
    "jax.numpy.fft": _fft_special,
    "jax.scipy.special": _special_special,
    "jax.lax": _lax_special,
}

# Why a function is no differentiable map of real arrays, in a word.
_NOT_A_MAP: dict[str, dict[str, str]] = {
    "jax.nn": {
        "constructor": "one_hot",
        "quantised": "get_scaled_dot_general_config scaled_dot_general scaled_matmul",
    },
    "jax.numpy": {
        "boolean": "all allclose any array_equal array_equiv equal greater greater_equal isclose "
        "iscomplex iscomplexobj isfinite isin isinf isnan isneginf isposinf isreal isrealobj "
        "isscalar less less_equal logical_and logical_not logical_or logical_xor not_equal signbit",
        "constructor": "arange bartlett blackman empty empty_like eye hamming hanning identity "
        "indices kaiser ones ones_like tri zeros zeros_like",
        "dtype": "can_cast dtype isdtype issubdtype promote_types result_type",
        "integer": "argmax argmin argpartition argsort argwhere bitwise_and bitwise_count "
        "bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor "
        "count_nonzero diag_indices diag_indices_from digitize flatnonzero gcd invert ix_ lcm "
        "left_shift lexsort mask_indices nanargmax nanargmin nonzero packbits ravel_multi_index "
        "right_shift searchsorted tril_indices tril_indices_from triu_indices triu_indices_from "
        "unpackbits unravel_index",
        "float": "nextafter spacing",
        "complex": "roots sort_complex",
        "shape": "broadcast_shapes einsum_path iterable ndim shape size",
        "set": "intersect1d setdiff1d setxor1d union1d unique unique_all unique_counts "
        "unique_inverse unique_values",
        "host": "array_repr array_str from_dlpack frombuffer fromfile fromfunction fromiter "
        "frompyfunc fromstring get_printoptions load printoptions save savez set_printoptions "
        "trim_zeros",
        "counting": "histogram2d histogram_bin_edges histogramdd",
    },
    "jax.numpy.linalg": {"complex": "eig eigvals", "integer": "matrix_rank"},
    "jax.numpy.fft": {"constructor": "fftfreq rfftfreq"},
    "jax.scipy.special": {"complex": "sph_harm_y wofz"},
    "jax.lax": {},
}


def recipes(module: str) -> Iterator[tuple[str, Recipe | str]]:
    """The public functions of a module in alphabetical order, each with its recipe.

    Args:
        module: a key of :data:`MODULES`.

    Yields:
        the name, and a recipe, or the word for what the function is instead, ``"?"`` where this
        table does not know it.  Of ``jax.lax`` only the functions that have a recipe are yielded.

    Example:
        >>> dict(recipes("jax.numpy"))["signbit"]
        'boolean'
    """
    space = MODULES[module]
    known: dict[str, Recipe | str] = {}
    for reason, names in _NOT_A_MAP[module].items():
        known |= dict.fromkeys(names.split(), reason)
    for kind, names in _PLAIN[module].items():
        for name in names.split():
            if hasattr(space, name):
                known[name] = Recipe(getattr(space, name), _POINTS[kind])
    known |= _SPECIAL[module]()
    for name in sorted(dir(space)):
        value = getattr(space, name)
        if name.startswith("_") or not callable(value) or inspect.isclass(value):
            continue
        if name in known or module != "jax.lax":
            yield name, known.get(name, "?")
