"""The site as MkDocs builds it: without a warning, without a network, and complete."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from paretobench import cli
from paretobench.config.settings import Settings
from paretobench.resources import sweeps_folder
from paretobench.store.migrations import apply_migrations
from scripts.reference import hook, markup, verbs, yaml_keys
from tests.docs.commands import ROOT
from tests.report.browser.chromium import Page


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; building it fails on any warning."""
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr
    return folder


class Html(HTMLParser):
    """The addresses that a page loads, the places it names, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.names |= {said["id"] or ""} if "id" in said else set()
        if tag in ("script", "img", "iframe", "source") and said.get("src"):
            self.loads.append(said["src"] or "")
        if tag == "link" and said.get("rel") in ("stylesheet", "preconnect", "icon", "preload"):
            self.loads.append(said.get("href") or "")
        if tag == "a" and said.get("href"):
            self.links.append(said["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        loads = Html(path).loads
        assert loads and [address for address in loads if "//" in address] == [], path
    for path in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?https?:[^)]*\)", path.read_text(encoding="utf-8")) == []


def test_every_link_inside_the_site_leads_somewhere(site: Path) -> None:
    pages = {path: Html(path) for path in site.rglob("*.html") if path.name != "404.html"}
    for path, page in pages.items():
        for link in page.links:
            address, _, name = link.partition("#")
            if "//" in address or address.startswith("mailto:"):
                continue
            target = (path.parent / address).resolve() if address else path
            assert target.exists(), f"{path.name}: {link}"
            if name and target.suffix == ".html" and not name.startswith("__"):
                assert name in pages[target].names, f"{path.name}: {link}"


def test_every_link_into_the_repository_is_a_file_of_it(site: Path) -> None:
    base = "https://github.com/paretobench/paretobench/blob/main/"
    links = [link for path in site.rglob("*.html") for link in Html(path).links]
    paths = [link.removeprefix(base).split("#")[0] for link in links if link.startswith(base)]
    assert paths and [path for path in paths if not (ROOT / path).exists()] == []


def test_every_generated_page_takes_the_place_of_its_sentence(site: Path) -> None:
    stubs = list((ROOT / "docs" / "reference").glob("*.md"))
    assert {f"reference/{stub.name}" for stub in stubs} == set(hook.PAGES)
    for stub in stubs:
        links = re.findall(r"\]\(([^)#]+)\)", stub.read_text(encoding="utf-8"))
        assert [link for link in links if not (stub.parent / link).exists()] == []
        page = Html(site / "reference" / f"{stub.stem}.html")
        assert page.text.count("is generated from the code") == 1 and "make docs" not in page.text
        assert (
            stub.read_text(encoding="utf-8").splitlines()[0]
            == hook.PAGES[f"reference/{stub.name}"]().splitlines()[0]
        )


def test_the_reference_has_every_verb_with_every_option(site: Path) -> None:
    text = Html(site / "reference" / "commands.html").text
    for name, command in verbs.commands():
        assert f"paretobench {name}" in text
        options = [each for each in command.params if isinstance(each, click.Option)]
        assert [name for each in options for name in each.opts if name not in text] == []
    assert {name.split()[0] for name, _ in verbs.commands()} == set(cli.VERBS)


def test_the_reference_has_every_group_member_and_every_setting(site: Path) -> None:
    models = Html(site / "reference" / "models.html").text
    files = list(sweeps_folder().rglob("*/*.yaml"))
    assert files and [file.stem for file in files if file.stem not in models] == []
    said = yaml_keys.setting_comments()
    names = [name for name in Settings.__dataclass_fields__ if name != "accuracy"]
    assert [name for name in names if not said.get(name)] == []
    settings = Html(site / "reference" / "settings.html").text
    assert [name for name in names if name not in settings] == []


def test_the_reference_has_every_table_and_every_column(site: Path) -> None:
    page = Html(site / "reference" / "database.html")
    connection = sqlite3.connect(":memory:")
    apply_migrations(connection)
    found = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    tables = [name for (name,) in found if not name.startswith(("_", "sqlite_"))]
    assert len(tables) > 15
    for table in tables:
        assert table in page.names
        for _, column, *_ in connection.execute(f'PRAGMA table_info("{table}")'):
            assert column in page.text


def test_a_page_that_the_navigation_does_not_name_is_put_at_its_end(tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "c/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    config = SimpleNamespace(docs_dir=str(tmp_path), nav=["a.md", {"Title": [{"B": "b.md"}]}])
    assert hook.on_config(config).nav[2:] == [{"More": ["c/d.md"]}]
    assert hook.on_config(config).nav[3:] == []


@pytest.mark.parametrize("kind", ["Encoder", "Resolutions", "LanguageModel", "Tiling"])
def test_every_key_of_a_file_is_described(kind: str) -> None:
    described = getattr(yaml_keys, kind)
    fields = set(described.__dataclass_fields__) - {"name"}
    assert fields <= set(markup.attributes(described))


def test_bars_and_brackets_do_not_break_a_table() -> None:
    row = markup.table(["a"], [["x | y <name> `<b>`\nz"]]).splitlines()[2]
    assert row == "| x \\| y &lt;name> `<b>` z |"


@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_a_page_fits_and_asks_nobody(site: Path, chromium: Page, width: int) -> None:
    chromium.size(width, 900, is_phone=width < 500)
    for name in ("index", "tutorial", "accuracy", "reference/commands", "reference/models"):
        chromium.errors.clear()
        chromium.requests.clear()
        chromium.command("Page.navigate", url=(site / f"{name}.html").as_uri())
        chromium.wait(f"location.href.endsWith('{name}.html') && document.readyState == 'complete'")
        chromium.run("new Promise((done) => setTimeout(done, 300))")
        assert chromium.run("document.documentElement.scrollWidth") <= width, name
        assert chromium.errors == []
        assert [url for url in chromium.requests if not url.startswith(("file:", "data:"))] == []
