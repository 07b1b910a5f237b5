"""Which files a process is told to have read, each way of reading by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jaxgrad.claims.environment import environment

# What is done, and what is changed then, of which nothing but what was read tells.
_SEEN = {
    "open('folder/a').read()": "folder/a",
    "os.listdir('folder')": "folder/new",
    "os.listdir()": "new",
    "list(os.scandir('folder'))": "folder/new",
    "list(Path('folder').iterdir())": "folder/new",
    "list(os.walk('.'))": "folder/deeper/new",
    "__import__('helper')": "before/helper.py",
    "importlib.import_module('helper')": "before/helper/__init__.py",
    "importlib.util.find_spec('helper')": "before/helper.py",
    "__import__('package.inner')": "after/package/inner/__init__.py",
    "tried(importlib.import_module, 'absent')": "after/absent.py",
    "importlib.util.find_spec('absent')": "after/absent/some.py",
    "list(importlib.resources.files('package').iterdir())": "after/package/new.txt",
    "tried(ctypes.CDLL, './library.so')": "library.so",
    "open('cache_of_mine').read()": "cache_of_mine",
}
# What no file's content tells of.
_OPEN = (
    "open('folder/a', 'a').write('x'); open('folder/a').read()",
    "open('new', 'a').write('x'); open('new').read()",
    "os.open('folder', os.O_RDONLY)",
    "os.listdir(os.open('folder', os.O_RDONLY))",
    "sqlite3.connect('data.db')",
    "context('spawn').Process(target=int).start()",
    "context('fork').Process(target=int).start()",
    "shutil.copystat('old', 'folder/a'); open('folder/a').read()",
)
# What is made first depends on nothing before.
_OWN = (
    "open('made', 'w').write('x'); open('made').read()",
    "os.mkdir('made_folder'); os.listdir('made_folder')",
    "open(tempfile.TemporaryDirectory().name + 'x', 'w')",
    "tempfile.TemporaryFile().write(b'x')",
    "open('log', 'a').write('x')",
)
_SCRIPT = """
import contextlib, ctypes, importlib.resources, importlib.util
import json, os, shutil, sqlite3, sys, tempfile
from multiprocessing import get_context as context
from pathlib import Path
from jaxgrad.claims.read_files import ReadFiles

def tried(function, name):
    with contextlib.suppress(ImportError, OSError):
        function(name)

if __name__ == "__main__":
    found, modules, finders = {}, set(sys.modules), list(sys.meta_path)
    for code in json.loads(sys.argv[1]):
        read = ReadFiles()
        exec(code)
        found[code] = read.digests()
        sys.meta_path[:] = finders
        for name in set(sys.modules) - modules:
            if name.partition(".")[0] in ("helper", "package"):
                del sys.modules[name]
        importlib.invalidate_caches()
    print(json.dumps(found))
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What a fresh process says of each of some codes, in a folder of some files."""
    monkeypatch.chdir(tmp_path)
    texts = {
        "after/helper.py": "x = 1",
        "after/package/__init__.py": "",
        "after/package/inner.py": "",
    }
    for name in (*texts, "folder/a", "folder/deeper/b", "before/c", "cache_of_mine", "old"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(texts.get(name, name), encoding="utf-8")
        os.utime(name, (time.time() - 60, time.time() - 60))
    Path("script.py").write_text(_SCRIPT, encoding="utf-8")
    # Named like the cache of JAX, and yet no part of it.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "cache")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    ours = str(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("before", "after", ours)))

    def run(*codes: str) -> dict[str, Any]:
        command = [sys.executable, "-P", "script.py", json.dumps(codes)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_every_way_of_reading_is_told_of(told: Callable[..., dict[str, Any]]) -> None:
    first, again = told(*_SEEN), told(*_SEEN)
    assert first == again and None not in first.values()
    for name in dict.fromkeys(_SEEN.values()):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("changed = 1", encoding="utf-8")
    changed = told(*_SEEN)
    alike = [code for code, digests in first.items() if _stand(digests)]
    assert len(changed) == len(_SEEN) and not alike


def _stand(digests: dict[str, str | None]) -> bool:
    from jaxgrad.claims.read_files import digest_of

    return all(digest_of(file) == digest for file, digest in digests.items())


def test_what_files_do_not_tell_of_and_what_is_made(
    told: Callable[..., dict[str, Any]],
) -> None:
    found = told(*_OWN, *_OPEN)
    assert [code for code in _OPEN if found[code] is not None] == []
    assert [code for code in _OWN if found[code] is None] == []


def test_the_environment_tells_what_is_installed_and_where_modules_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = Path("some-1.0.dist-info")
    package.mkdir()
    Path(package, "METADATA").write_text("Name: some\nVersion: 1.0\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [os.path.dirname(os.__file__), str(tmp_path)])
    seen = {environment()}
    for file, text in (
        (package / "RECORD", "some.py,sha256=a,1\n"),  # installed
        (package / "RECORD", "some.py,sha256=b,1\n"),  # installed anew, another one of that version
        (Path("json.py"), ""),  # in place of an installed one, or behind it
    ):
        file.write_text(text, encoding="utf-8")
        seen.add(environment())
    monkeypatch.setattr(sys, "path", sys.path[::-1])
    seen.add(environment())
    Path("no_installed_one.py").touch()
    assert len(seen) == 5 and environment() in seen
