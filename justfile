# `just` shows the recipes. Each is a thin name for a command that also works without just.

[private]
default:
    @just --list

# Install what is missing and start the server on http://localhost:8001
run:
    python3 manage.py runserver

# Install what is missing and run the tests
test *arguments:
    python3 manage.py test {{ arguments }}

# Ten thousand cases of each property of the OpenTelemetry receiver
fuzz:
    OTLP_FUZZ_EXAMPLES=10000 .venv/bin/python -m pytest tests/otlp/test_fuzz.py

# Fill the local project with a believable workload
demo:
    python3 manage.py demo

# Everything that is checked without running: style, types, floors
check:
    .venv/bin/ruff format --check .
    .venv/bin/ruff check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# Rewrite the code in the project's style
format:
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix .

# The service and DynamoDB Local in containers
up:
    docker compose up --detach --build

# Use the checks as a commit hook
hooks:
    git config core.hooksPath .githooks

# Remove what can be made again (keeps data/)
clean:
    rm -rf .venv .ministack staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
