"""``jaxgrad check``: what is printed, and exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from checked_module import MODULE, RAISED, check, folder_with_module
from pasted_code import given_and_true, printed_by

from jaxgrad.claims.cli import main
from jaxgrad.claims.given_arguments import given


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with folder_with_module(tmp_path, monkeypatch):
        yield


def test_a_right_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:power f32[2] 3") == 0
    out = capsys.readouterr().out
    assert out.startswith("PROVED: the custom rules give the same polynomial")
    assert "AGREES is of these points" not in out


def test_a_wrong_rule_and_the_code_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:scaled f32[] --modes rev --no-special-points") == 1
    out = capsys.readouterr().out
    assert out.startswith("REFUTED") and "3/2 of the derivative" in out
    assert "\n\nfrom checked_model import scaled as f\n" in out
    line = MODULE[: MODULE.index("def scaled")].count("\n")  # of the decorator above it
    assert f"\nit is the rule `scaled` (checked_model.py:{line})\n" in out
    assert given_and_true(out) == ("3.0", "2.00000000000")


def test_options_reach_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:straight_through f32[3] --no-special-points") == 1
    assert check("checked_model:straight_through f32[3] --reference checked_model:same") == 0
    capsys.readouterr()
    assert check("checked_model:log jnp.ones(2) --domain checked_model:positive --json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "AGREES" and found["leaves"][0]["path"] == "x"
    assert check("checked_model:random key[] f32[2] --argnums 1 --order 2 --seed 3") == 0
    assert "order 2" in capsys.readouterr().out
    assert check("checked_model:power f32[2] 3 --dtypes float16,float32 --modes fwd") in (0, 1)
    assert "float16" in capsys.readouterr().out


def test_arguments_may_come_behind_options(capsys: pytest.CaptureFixture[str]) -> None:
    for call in ("f32[2] --modes rev by=f32[2]", "--modes rev f32[2] by=f32[2]"):
        assert check(f"checked_model:scaled {call} --budget 0 --json") == 1
        assert json.loads(capsys.readouterr().out)["arguments"] == ["f32[2]", "by=f32[2]"]
    assert check("checked_model:scaled f32[2] --modes rev by=f32[2] --nonsense") == 2
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err


def test_what_is_drawn_is_in_the_domain(capsys: pytest.CaptureFixture[str]) -> None:
    call = "checked_model:log f32[3] --domain checked_model:positive --budget 0"
    assert check(call) == 0
    said = capsys.readouterr().out
    seed = re.search(r"drawn with --seed (\d+)", said)
    assert seed is not None and int(seed[1]) > 0
    assert check(f"{call} --seed {seed[1]}") == 0
    assert capsys.readouterr().out == said
    assert check("checked_model:log f32[2]-99 --domain checked_model:positive") == 2
    said = (
        "--domain checked_model:positive is False at all of 64 points that were drawn, with --seed"
    )
    assert said in capsys.readouterr().err


def test_what_is_open_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:log jnp.zeros(2)-1") == 3
    out = capsys.readouterr().out
    assert out.startswith("UNDECIDED: ") and "drawn" not in out
    assert check("checked_model:log f32[2]-9 --seed 3") == 3
    out = capsys.readouterr().out
    assert "\n\nwith args = (np.array([-6.9" in out and out.endswith(", drawn with --seed 3\n")


def test_where_f_is_nan_at_what_was_drawn_a_domain_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nan = "; f returns NaN at what was drawn: --domain MODULE:PREDICATE says where it does not"
    assert check("checked_model:log f32[2]-9") == 3
    out = capsys.readouterr().out
    assert f"{nan}\n" in out and "matrix" not in out
    assert check("checked_model:log jnp.ones(2)-9") == 3
    assert "returns NaN" not in capsys.readouterr().out
    assert check("checked_model:scaled f32[2] --modes rev") == 1
    assert "returns NaN" not in capsys.readouterr().out
    call = ["check", "checked_model:factor", "f32[3,3]", "--modes", "rev"]
    assert main(call) == 1
    definite = "(lambda a: a @ a.T)(f32[3, 3])"
    out = capsys.readouterr().out
    assert f"{nan}, and '{definite}' draws a positive definite matrix\n" in out
    assert main([*call[:2], definite, *call[3:]]) == 1
    assert "returns NaN" not in capsys.readouterr().out


def test_a_dtype_that_was_not_judged_does_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["check", "checked_model:power", "f32[2]", "3", "--budget", "0"]
    assert main(call) == 0
    judged = "\nthe formulas were judged; --dtypes float32 judges the compiled floats, too\n"
    out = capsys.readouterr().out
    assert "; --budget gives more; n = 3 held fixed\n" in out and out.endswith(judged)
    assert "\nAGREES is of these points; PROVED, of every input, is a custom rule that" in out
    infinite = ["check", "checked_model:same", "jnp.float32(jnp.inf)"]
    assert main(infinite) == 0 and main([*infinite, "--dtypes", "f16"]) == 3
    out = capsys.readouterr().out
    said = "\nUNDECIDED: not judged, though --dtypes asks for it: floats in float16 ("
    assert "the formulas were judged" not in out.partition(said)[2] != ""


@pytest.mark.parametrize(
    ("call", "is_said"),
    [
        ("log jnp.ones(2)", True),
        ("rectified f32[2]", True),
        ("power f32[2] 3", False),
        ("shifted f32[2]", False),
        ("scaled f32[2] by=2 --modes rev --reference checked_model:tripled", False),
        ("straight_through f32[2] --reference checked_model:same", True),
        ("affine jnp.float32(jnp.inf) by=2 plus=3 --modes rev", False),
    ],
)
def test_where_no_custom_rule_was_judged_it_is_said(
    call: str, is_said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that come with JAX are none of the caller's."""
    assert main(["check", *f"checked_model:{call}".split(), "--budget", "0"]) == 0
    said = "\nno custom rule but JAX's own is in it: what was judged is JAX's derivative\n"
    assert (said in capsys.readouterr().out) is is_said


def test_arguments_of_python_are_named_as_options(capsys: pytest.CaptureFixture[str]) -> None:
    call = "checked_model:step f32[] --modes rev"
    assert check(call) == 1
    out, _, code = capsys.readouterr().out.partition("To see it:")
    assert "(--domain, --argnums or --no-special-points keep to yours)" in out and "=," not in out
    assert "jax.grad(f)(*args)" in code
    assert check(f"{call} --json") == 1
    assert "--no-special-points" in json.loads(capsys.readouterr().out)["evidence"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nowhere:f 1.0", "MODULE:FUNCTION 'nowhere:f' cannot be imported: ModuleNotFoundError"),
        ("nowhere:f 1.0", "; the module is looked for in the current folder and among what is"),
        ("checked_model 1.0", "names no function; write module:function"),
        ("package.module.f 1.0", "'package.module.f' names no function; write package.module:f"),
        ("checked_model.py 1.0", "write the module's name, checked_model:FUNCTION"),
        (
            "checked_model:same -2e0",
            "error: unrecognized arguments: -2e0; in brackets it is a number: '(-2e0)'",
        ),
        ("checked_model:rate 1.0", "not a function"),
        ("checked_model:power f32[2]", "power(x, n): missing a required argument: 'n'; give one"),
        (
            "checked_model:power 1.0 2 3",
            "too many positional arguments; give one argument for each",
        ),
        ("checked_model:power f32[] 2 m=3", "got an unexpected keyword argument 'm'"),
        ("checked_model:power f32[2] n=2 n=3", "argument n is given twice"),
        (
            "checked_model:power f32 2",
            "argument 0: f32 has no shape; f32[] is a number, f32[3] a v",
        ),
        ("checked_model.py:power f32[] 2", "write the module's name, checked_model:power"),
        ("./checked_model.py:power f32[] 2", "write the module's name, checked_model:power"),
        ("./a/checked_model:power f32[] 2", "write a.checked_model:power"),
        (
            "../b/c.py:power f32[] 2",
            "write the module's name, c:power, from within the folder ../b",
        ),
        (
            "checked_model:ends f32[]",
            "ends, or its rule, ended the process (SystemExit: 0) at check",
        ),
        ("checked_model:power exit(3) 2", "argument 0 'exit(3)' raised SystemExit: 3"),
        ("exits:f 1.0", "'exits:f' cannot be imported: SystemExit at exits.py:1: 0\n"),
        ("checked_model:power f32[] 2 --seed -1", "--seed: invalid whole number from 0 on value"),
        ("checked_model:power 1 2", "no argument is floating point"),
        ("checked_model:power 1 2", "are held fixed: write one as 3.0, or as f32[3] to draw an"),
        (
            "checked_model:power [0.5,1] 2",
            "of the command line, of which [0.5,1] is no array: 'jnp.array([0.5,1])' is one",
        ),
        (
            "checked_model:raises f32[]",
            f"raises, or its rule, {RAISED}; the arguments are those of the command line",
        ),
        ("checked_model:same f32[] --modes both", "modes"),
        ("checked_model:same f32[] --dtypes floaty", "floaty"),
        ("checked_model:same f32[] --argnums x", "argument --argnums: invalid list of int value"),
        ("checked_model:same f32[] --order 0", "argument --order: invalid positive int value"),
        ("checked_model:same f32[] --domain checked_model:no", "has no attribute 'no'"),
        (
            "checked_model:same f32[] --domain checked_model:raises",
            f"jaxgrad: --domain checked_model:raises {RAISED}; the arguments",
        ),
        (
            "checked_model:raises f32[] --domain checked_model:positive",
            f"jaxgrad: checked_model:raises, or its rule, {RAISED}; the arguments",
        ),
        (
            "checked_model:affine x=1.5 by=0.5 plus=2.0",
            "nothing moves: a number that is given by its name, as x is, is held fixed; write x='f",
        ),
        (
            "checked_model:scaled x=f32[] --argnums 1",
            "--argnums 1 is the parameter by of checked_model:scaled(x, by=2.0), for which no arg",
        ),
    ],
)
def test_what_cannot_be_checked(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err and not captured.out
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "call",
    [
        ["checked_model:same", "f32[]", "--reference", "lambda x: x"],
        ["checked_model:same", "f32[]", "--domain", "x > 0"],
        ["checked_model:same", "f32[]", "--domain", "functools.partial(jnp.less, 0.0)"],
        ["lambda x: x", "f32[]"],
    ],
)
def test_a_function_is_a_name_and_no_expression(
    call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *call]) == 2
    what, code = ("MODULE:FUNCTION", call[0]) if len(call) == 2 else call[2:]
    said = f"jaxgrad: {what} {code!r} is an expression of Python, and has to be the name"
    error = capsys.readouterr().err
    assert said in error and "name it MODULE:FUNCTION, by which it is imported" in error


def test_an_annotation_beside_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert check("checked_model:power f32[] 3") == 0
    assert not capsys.readouterr().err
    assert check("checked_model:scaled f32[] --no-special-points") == 1
    (line,) = capsys.readouterr().err.splitlines()
    at = next(k for k, x in enumerate(MODULE.splitlines(), 1) if x == "@jax.custom_vjp")
    title = "jaxgrad%3A checked_model%3Ascaled is REFUTED"
    assert line.startswith(f"::error file=checked_model.py,line={at},title={title}::REFUTED: ")
    assert "%0A" in line and "To see it" not in line


def test_a_mask_that_is_drawn_hides_no_wrong_rule() -> None:
    for seed in range(4):
        assert check(f"checked_model:masked f32[3] bool[3] --seed {seed}") == 1
        (integers,) = given(["i32[4]"], "math", seed).args
        assert integers[0] == 1 and set(np.asarray(integers).tolist()) <= {0, 1, 2}
        (booleans,) = given(["bool[2]"], "math", seed).args
        assert integers[-1] == 0 and booleans.tolist() == [True, False]


def test_a_malformed_rule_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert check("checked_model:malformed f32[2]") == 1
    assert "title=jaxgrad%3A checked_model%3Amalformed is malformed" in capsys.readouterr().err
    assert check("checked_model:malformed f32[2] --json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] is None and "returns the wrong structure" in found["error"]
    assert check("checked_model:raises f32[2] --json") == 2
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] is None and RAISED in found["error"]
    assert found["function"] == "checked_model:raises" and found["arguments"] == ["f32[2]"]


def test_json_is_one_object_whatever_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:applied jnp.sin f32[3] --json --no-special-points") == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert "something of its own" in err
    assert found["function"] == "checked_model:applied" and found["seed"] == 0
    assert found["arguments"] == ["jnp.sin", "f32[3]"] and found["versions"]["jax"]
    *_, line = printed_by(f"To see it:\n\n{found['counterexample']}")
    said, _, true = line.partition(" should be [")
    assert float(said) == pytest.approx(1.5 * float(true.split()[0]), rel=1e-5)


def test_dtypes_as_in_a_jaxpr(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("checked_model:same f32[2] --dtypes f16,bf16") == 0
    out = capsys.readouterr().out
    for name in ("float16", "bfloat16"):
        line = f"\nthe compiled derivatives in {name} are right but for rounding: fwd at "
        assert line in out and "floats, rev at " in out.partition(line)[2].partition("\n")[0]
    assert check("checked_model:same f32[2] --dtypes f16,bf16 --json") == 0
    said = json.loads(capsys.readouterr().out)["floats"]
    assert len(said) == 4 and all(" float16: " in x or " bfloat16: " in x for x in said)
