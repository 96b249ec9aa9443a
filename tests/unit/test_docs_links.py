"""The README and docs: links lead somewhere, commands name files that exist, both install lines are there."""

import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("hw_models", "workloads", "simulator", "tests", "configs")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_config_files_in_commands_exist(page):
    named = re.findall(r"\bconfigs/[\w./-]+\.yaml", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_in_the_text_exist(page):
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w./-]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_the_reference_of_python_names_exists():
    text = (ROOT / "docs" / "api.md").read_text()
    for name, members in re.findall(r"^::: ([\w.]+)$(?:\n +options:\n +members: \[([^]]+)\])?", text, re.M):
        found = pkgutil.resolve_name(name)
        assert [m for m in members.split(", ") if m and not hasattr(found, m)] == []


def test_every_page_is_in_the_site():
    pages = re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text().partition("nav:")[2])
    assert sorted(pages) == sorted(page.name for page in (ROOT / "docs").glob("*.md"))


def test_the_first_screen_has_the_two_lines():
    first = (ROOT / "README.md").read_text().splitlines()[:25]
    assert "pip install . && dlasim run configs/firesim_yolov3.yaml" in first
    assert "pip install -e '.[test]' && pytest -n auto" in first
