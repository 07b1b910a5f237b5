"""How the functions of ``jax.numpy`` are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.claims.coverage.recipe import (
    MATRIX,
    OTHER,
    POSITIVE,
    REAL,
    SQUARE,
    Recipe,
    Table,
)
from jaxgrad.programs.real_parts import Parts, of_parts

__all__ = ["TABLES"]

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
        "roots": Recipe(of_parts(lambda a: jnp.roots(a, strip_zeros=False)), x),
        "roll": Recipe(lambda a: jnp.roll(a, 1), x),
        "rollaxis": Recipe(lambda a: jnp.rollaxis(a, 1), m),
        "select": Recipe(lambda a, b: jnp.select([a > 1, b > 1], [a, b * b]), y),
        "sort_complex": Recipe(lambda a, b: of_parts(jnp.sort_complex)(Parts(a, b)), y),
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


TABLES = {
    "jax.numpy": Table(
        jnp,
        plain={
            "real": "abs absolute amax amin arcsinh arctan around array asarray asinh atan "
            "atleast_1d atleast_2d atleast_3d average cbrt ceil conj conjugate copy corrcoef cos "
            "cosh cov cumprod cumsum cumulative_prod cumulative_sum deg2rad degrees diag diagflat "
            "diff ediff1d exp exp2 expm1 fabs fix flip flipud floor gradient i0 max mean median "
            "min minmax modf nan_to_num nancumprod nancumsum nanmax nanmean nanmedian nanmin "
            "nanprod nanstd nansum nanvar negative polyder polyint positive prod ptp rad2deg "
            "radians ravel real reciprocal rint round sign sin sinc sinh sort square squeeze std "
            "sum tan tanh trapezoid trunc var vander frexp unwrap unstack angle imag",
            "positive": "log log10 log1p log2 sqrt",
            "unit": "acos arccos arcsin arctanh asin atanh",
            "above_one": "acosh arccosh",
            "pair": "add arctan2 atan2 convolve copysign correlate divide dot floor_divide fmax "
            "fmin fmod heaviside hypot inner kron logaddexp logaddexp2 maximum minimum mod "
            "multiply outer polyadd polymul polysub remainder subtract true_divide vdot vecdot "
            "divmod polyval polydiv",
            "positive_pair": "float_power pow power",
            "matrix": "fliplr matrix_transpose rot90 transpose trace triu tril diagonal",
        },
        special=_jnp_special,
        instead={
            "boolean": "all allclose any array_equal array_equiv equal greater greater_equal "
            "isclose iscomplex iscomplexobj isfinite isin isinf isnan isneginf isposinf isreal "
            "isrealobj isscalar less less_equal logical_and logical_not logical_or logical_xor "
            "not_equal signbit",
            "constructor": "arange bartlett blackman empty empty_like eye hamming hanning "
            "identity indices kaiser ones ones_like tri zeros zeros_like",
            "dtype": "can_cast dtype isdtype issubdtype promote_types result_type",
            "integer": "argmax argmin argpartition argsort argwhere bitwise_and bitwise_count "
            "bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift "
            "bitwise_xor count_nonzero diag_indices diag_indices_from digitize flatnonzero gcd "
            "invert ix_ lcm left_shift lexsort mask_indices nanargmax nanargmin nonzero packbits "
            "ravel_multi_index right_shift searchsorted tril_indices tril_indices_from "
            "triu_indices triu_indices_from unpackbits unravel_index",
            "float": "nextafter spacing",
            "shape": "broadcast_shapes einsum_path iterable ndim shape size",
            "set": "intersect1d setdiff1d setxor1d union1d unique unique_all unique_counts "
            "unique_inverse unique_values",
            "host": "array_repr array_str from_dlpack frombuffer fromfile fromfunction fromiter "
            "frompyfunc fromstring get_printoptions load printoptions save savez set_printoptions "
            "trim_zeros",
            "counting": "histogram2d histogram_bin_edges histogramdd",
        },
    ),
    "jax.numpy.fft": Table(
        jnp.fft,
        plain={"real": "fftshift ifftshift"},
        special=_fft_special,
        instead={"constructor": "fftfreq rfftfreq"},
    ),
}
