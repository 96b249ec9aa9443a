"""The README and docs: links lead somewhere, commands name files that exist, both install lines are there."""

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


def test_the_first_screen_has_the_two_lines():
    first = (ROOT / "README.md").read_text().splitlines()[:25]
    assert "pip install . && dlasim run configs/firesim_yolov3.yaml" in first
    assert "pip install -e '.[test]' && pytest" in first
