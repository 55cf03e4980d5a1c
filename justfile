# `just` shows the recipes. Each is a thin name for a command that also works without just.

[private]
default:
    @{{ just_executable() }} --list

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

# -- AWS (docs/deploying.md). Every recipe of dev has its twin for prod. ---------------------------

# Install the deploying tools into .deploy and say whose AWS account this is
bootstrap: _deploying_tools
    .deploy/bin/python -m infrastructure bootstrap

# Make infrastructure/dev.env with fresh secrets (and what is missing of the environments)
setup-dev: _deploying_tools (_setup "dev")
setup-prod: _deploying_tools (_setup "prod")

# Check settings, template and credentials; changes nothing
init-dev: (_on "init" "dev")
init-prod: (_on "init" "prod")

# Say what apply would change; changes nothing
plan-dev: (_on "plan" "dev")
plan-prod: (_on "plan" "prod")

# Build the package, make or update stack and function, and print the URL
apply-dev: (_on "apply" "dev")
apply-prod: (_on "apply" "prod")

# URL, tables, role and bucket
output-dev: (_on "output" "dev")
output-prod: (_on "output" "prod")

# Build the Lambda package, to look at it (arm64 or x86_64)
build-lambda architecture="arm64":
    python3 -m infrastructure.package --architecture {{ architecture }}

# Run a management command in the function: just manage-dev create_key shop --scope ingest
manage-dev *words: (_on "manage" "dev" words)
manage-prod *words: (_on "manage" "prod" words)

# What the function says: just logs-dev --since 1h
logs-dev *words: (_on "logs" "dev" words)
logs-prod *words: (_on "logs" "prod" words)

# The code of the version before
rollback-dev: (_on "rollback" "dev")
rollback-prod: (_on "rollback" "prod")

# Remove everything but the tables (--with-tables: those too, and every trace in them)
destroy-dev *words: (_on "destroy" "dev" words)
destroy-prod *words: (_on "destroy" "prod" words)

# Deploy to a fake AWS on this machine and call it through the real Lambda runtime
rehearse:
    .venv/bin/python -m tests.aws.rehearsal

[private]
_deploying_tools:
    python3 manage.py test --version
    test -x .deploy/bin/python || python3 -m venv .deploy
    .deploy/bin/pip install --quiet --disable-pip-version-check -r requirements-deploy.txt

[private]
_setup stage:
    .deploy/bin/python -m infrastructure setup {{ stage }}

[private]
_on command stage *words:
    .deploy/bin/python -m infrastructure {{ command }} {{ stage }} {{ words }}

# Remove what can be made again (keeps data/ and infrastructure/*.env)
clean:
    rm -rf .venv .deploy .ministack .rehearsal build staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
