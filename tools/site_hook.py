"""What the site of the documentation has beside the files of docs/: the claims and the notebooks.

MkDocs calls these functions (mkdocs.yml, ``hooks``). Pages that are made of something else are made
anew at each build, so that they say what that says.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url
from site_claims import overview, pages  # beside this file, which MkDocs puts on sys.path

ROOT = Path(__file__).resolve().parents[1]
PROOFS = ROOT / "proofs"
# What the theme has for searches without a server; docs/ has a copy.
WORKER = "https://unpkg.com/iframe-worker/shim"
CLAIMS = "claims/"  # in the nav, and the folder of their pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of the claims where the nav says ``claims/``."""
    for item in config.nav or []:
        for title, value in item.items():
            if value == CLAIMS:
                item[title] = list(_claims(_report(config)))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the claims, and a page for each notebook."""
    for path, text in _claims(_report(config)).items():
        files.append(File.generated(config, path, content=text))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        page = f"{file.src_uri.removesuffix('.ipynb')}.md"
        files.append(File.generated(config, page, content=_notebook(Path(file.abs_src_path or ""))))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leave out what doctests alone need to see."""
    return markdown.replace("<BLANKLINE>", "")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Take the one script that the theme asks another host for from the site itself."""
    return own_scripts(output, page.url)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same of what is no page, such as 404.html."""
    return own_scripts(output_content, template_name)


def own_scripts(text: str, url: str) -> str:
    """A page that has no script, style or picture of another host.

    Args:
        text: its HTML.
        url: where it is in the site.

    Raises:
        PluginError: it has one that is not known here.
    """
    text = text.replace(WORKER, get_relative_url("iframe-worker.js", url))
    outside = re.search(r'<(?:script|img|link)\b[^>]*(?:src|href)="?https?:[^>]*>', text)
    if outside:
        raise PluginError(f"{url} asks another host: {outside.group()}")
    return text


def _report(config: MkDocsConfig) -> str:
    return str(config.extra.get("proved") or "")


@cache
def _claims(report: str) -> dict[str, str]:
    """Path in the site -> page."""
    told: Any = json.loads(Path(report).read_text(encoding="utf-8")) if report else None
    made = {f"{CLAIMS}{name}.md": text for name, text in pages(PROOFS, told).items()}
    return {f"{CLAIMS}index.md": overview(PROOFS, told), **made}


def _notebook(path: Path) -> str:
    """A notebook as a page, with the outputs that are stored in it."""
    from nbconvert import MarkdownExporter

    text, _ = MarkdownExporter().from_filename(str(path))
    return f"{text}\n\n[The notebook itself]({path.name})\n"
