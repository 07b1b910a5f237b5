"""Arguments of a function as a command line gives them: shapes, values, files and names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.claims.cli import main
from jaxgrad.claims.given_arguments import evaluated, given
from jaxgrad.errors import ArgumentError


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no_array.py").write_text("rate = 0.5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("f32[]", (), "float32"),
        ("f16[3]", (3,), "float16"),
        ("bf16[2, 3]", (2, 3), "bfloat16"),
        ("f32[2,3,1]", (2, 3, 1), "float32"),
        ("c64[ ]", (), "complex64"),
        ("i32[4]", (4,), "int32"),
        ("u8[]", (), "uint8"),
        ("bool[5]", (5,), "bool"),
        ("f32[0]", (0,), "float32"),
    ],
)
def test_a_shape_is_drawn(text: str, shape: tuple[int, ...], dtype: str) -> None:
    (first,), (again,) = (given([text], "math").args for _ in range(2))
    assert (first.shape, str(first.dtype)) == (shape, dtype)
    assert np.array_equal(first, again)
    other = given(["f32[50]"], "math", seed=1).args[0]
    assert not np.array_equal(other, given(["f32[50]"], "math").args[0])


def test_an_integer_by_itself_is_no_factor_of_1() -> None:
    """Of a power, or a factor that is lost, 1 says nothing."""
    for seed in range(4):
        (one, other, flag), _ = given(["i32[]", "u8[1]", "bool[]"], "math", seed)
        assert {int(one), int(other[0])} == {2, 3}
        assert bool(flag) is (seed % 2 == 0)
    (labels,), _ = given(["i32[4]"], "math")
    assert labels[0] == 1 and labels[-1] == 0


def test_values_trees_keys_and_names() -> None:
    args, keywords = given(
        ["{'w': f32[2], 'b': [0.5, bool(1)]}", "key[]", "key[2]", "pi > 3", "axis = -1", "e==e"],
        "math",
    )
    assert args[0]["w"].shape == (2,) and args[0]["b"] == [0.5, True]
    assert str(args[1].dtype) == "key<fry>" and args[2].shape == (2,)
    assert args[3:] == (True, True) and keywords == {"axis": -1}


def test_arrays_of_files(tmp_path: Path) -> None:
    weights, bias = np.float32([[1, 2], [3, 4]]), np.float32([5])
    np.savez(tmp_path / "both.npz", weights=weights, bias=bias)
    np.savez(tmp_path / "one.npz", weights)
    np.save(tmp_path / "one.npy", weights)
    args, keywords = given(["@both.npz", "@both.npz:bias", "@one.npz", "b=@one.npy"], "math")
    assert set(args[0]) == {"weights", "bias"} and args[1] == 5
    assert np.array_equal(args[2], weights) and np.array_equal(keywords["b"], weights)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "z",
            "argument 0 'z' raised NameError: name 'z' is not defined; it is a Python expression",
        ),
        ("f32[", "argument 0 'f32[' raised SyntaxError"),
        ("axis=mean", """are known; a text has quotes of its own: '"mean"'"""),
        ("axis=z", "argument axis 'z' raised NameError"),
        (
            "float32[3]",
            "the names of math are known; a shape has the short name of a dtype: f32[3]",
        ),
        ("@no.npz", "argument 0, @no.npz: No such file or directory; name a file that np.save"),
        ("@no_array.py", "argument 0, @no_array.py: "),
    ],
)
def test_an_argument_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        given([text], "math")
    assert said in str(raised.value)


def test_an_array_that_a_file_has_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "both.npz", weights=np.ones(2), bias=np.ones(1))
    with pytest.raises(ArgumentError, match=r"both\.npz has no array 'w'; it has weights, bias"):
        given(["@both.npz:w"], "math")


def test_64_bits_need_the_mode_of_64_bits() -> None:
    if jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        pytest.skip("they are enabled")
    with pytest.raises(ArgumentError, match=r"f64\[3\] needs JAX's mode of 64 bits, which the env"):
        given(["f64[3]"], "math")
    with pytest.raises(ArgumentError, match="--args: i64"):
        evaluated("i64[]", "math", "--args")


def test_what_a_module_names_itself_comes_first() -> None:
    (value,) = given(["e"], "math").args
    assert value == pytest.approx(2.718281828)
    sys.modules["math"].f32 = [7.0]  # pyright: ignore
    try:
        assert given(["f32[0]"], "math").args == (7.0,)
    finally:
        del sys.modules["math"].f32  # pyright: ignore


@pytest.mark.parametrize("own", [jnp.float32, np.float32, np.dtype("float32"), len, 1.0])
def test_a_shape_is_told_from_what_the_module_calls_as_its_dtype(
    own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of ``from jax.numpy import float32 as f32``."""
    monkeypatch.setattr(sys.modules["math"], "f32", own, raising=False)
    monkeypatch.setattr(sys.modules["math"], "key", own, raising=False)
    args, keywords = given(["f32[3]", "{'b': [f32[2, 2], f32]}", "key[2]", "dtype=f32"], "math")
    assert args[0].shape == (3,) and args[0].dtype == "float32" and args[2].shape == (2,)
    assert args[1]["b"][0].shape == (2, 2) and args[1]["b"][1] is own
    assert keywords == {"dtype": own}
    assert evaluated("(f32[], f32)", "math", "--args")[1] is own


def test_a_module_with_a_dtype_of_the_name_of_shapes_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "with_a_dtype.py").write_text(_WITH_A_DTYPE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["rules", "--check", "with_a_dtype"]) == 0
    shown = capfd.readouterr().out
    assert "jaxgrad check with_a_dtype:square 'f32[3, 2]'" in shown and "checked: 1 PROVED" in shown


def test_a_list_by_the_name_of_a_dtype_ends_no_search_for_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    written = _WITH_A_DTYPE.replace("from jax.numpy import float32 as f32", "f32 = [2.0]")
    (tmp_path / "with_a_list.py").write_text(written.replace("f32(2)", "f32[0]"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    main(["rules", "--check", "with_a_list"])
    out, err = capfd.readouterr()
    assert "with_a_list:square" in out and "none that were tried suit it" in out
    assert "Traceback" not in err and "ended" not in out


_WITH_A_DTYPE = """
import jax
from jax.numpy import float32 as f32

@jax.custom_jvp
def square(x):
    return x * x

@square.defjvp
def _(primals, tangents):
    return square(*primals), f32(2) * primals[0] * tangents[0]
"""


def test_a_bfloat16_of_a_file(tmp_path: Path) -> None:
    half = np.asarray(jax.numpy.asarray([0.5, 2], "bfloat16"))
    np.save(tmp_path / "half.npy", half)
    (read,) = given(["@half.npy"], "math").args
    assert str(read.dtype) == "bfloat16" and np.array_equal(read, half)
    np.save(tmp_path / "text.npy", np.array(["a"]))
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04nothing")
    for name in ("text.npy", "cut.npz"):
        with pytest.raises(ArgumentError, match=f"argument 0, @{name}: "):
            given([f"@{name}"], "math")
