"""The measures of the house: sizes of functions, modules and templates; docs that keep up with the code."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
CODE = [
    file
    for folder in ("traces_app", "tracer_project", "infrastructure", "client/llm_tracer")
    for file in sorted((CHECKOUT / folder).rglob("*.py"))
]


def functions() -> Iterator[tuple[str, int]]:
    for file in CODE:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{file.relative_to(CHECKOUT)}:{node.lineno} {node.name}"
                yield name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions_are_small() -> None:
    sizes = dict(functions())
    ordered = sorted(sizes.values())
    assert statistics.median(ordered) <= 9
    assert ordered[len(ordered) * 9 // 10] <= 30
    assert {name: size for name, size in sizes.items() if size > 40} == {}


def test_modules_and_templates_are_small() -> None:
    modules = {str(file): len(file.read_text().splitlines()) for file in CODE}
    assert {name: size for name, size in modules.items() if size > 400} == {}
    templates = {
        str(file): len(file.read_text().splitlines()) for file in (CHECKOUT / "traces_app").rglob("*.html")
    }
    assert templates
    assert {name: size for name, size in templates.items() if size > 150} == {}


def test_lines_of_templates_styles_and_scripts_can_be_read() -> None:
    files = [
        file
        for ending in ("html", "css", "js")
        for file in sorted((CHECKOUT / "traces_app/explorer").rglob(f"*.{ending}"))
    ]
    assert len(files) > 50
    long = [
        f"{file.relative_to(CHECKOUT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > 550 and "data:" not in line
    ]
    assert long == []


def test_the_export_has_the_colours_of_the_page() -> None:
    explorer = CHECKOUT / "traces_app/explorer"
    rule = re.compile(r"\.(\w+) \{ (--kind: light-dark\([^)]*\))")
    page = dict(rule.findall((explorer / "static/explorer/base.css").read_text()))
    export = dict(rule.findall((explorer / "templates/explorer/_export_style.html").read_text()))
    assert len(page) == 9
    assert export == page


def test_a_day_and_an_hour_have_one_name() -> None:
    written_out = re.compile(r"\b(86_?400|3_?600)(_?000)*\b|\b24 \* ")
    server = [
        file
        for file in CODE
        if file.is_relative_to(CHECKOUT / "traces_app") or file.parent.name == "tracer_project"
    ]
    found = [
        f"{file.relative_to(CHECKOUT)}: {line.strip()}"
        for file in server
        for line in file.read_text().splitlines()
        if written_out.search(line) and "2**" not in line
    ]
    assert found == ["traces_app/domain/durations.py: DAY_S: Final = 24 * HOUR_S"]


def test_every_setting_is_described() -> None:
    read = set(
        re.findall(r'_env\.\w+\(\s*"([A-Z_]+)"', (CHECKOUT / "tracer_project/settings.py").read_text())
    )
    described = (CHECKOUT / "docs/settings.md").read_text()
    assert len(read) > 15
    assert {
        name for name in read - {"AWS_LAMBDA_FUNCTION_NAME", "AWS_DEFAULT_REGION"} if name not in described
    } == set()


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("client/*.md")]
    broken = [
        (document.name, target)
        for document in documents
        for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_decisions_are_short() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in CHECKOUT.glob("docs/decisions/*.md")}
    assert {name: length for name, length in lengths.items() if length > 25} == {}


def test_requirements_are_pinned() -> None:
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-deploy.txt",
        "requirements-ministack.txt",
    ):
        lines = (CHECKOUT / name).read_text().splitlines()
        unpinned = [line for line in lines if line and not line.startswith("#") and "==" not in line]
        assert unpinned == [], name
