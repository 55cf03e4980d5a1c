"""One stage on AWS: its names, and the settings in its untracked file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["EXAMPLE", "Deployment", "WrongSetting", "file_of", "read_deployment", "read_variables"]

FOLDER: Final = Path(__file__).resolve().parent
EXAMPLE: Final = FOLDER / "example.env"
STAGES: Final = ("dev", "prod")
ARCHITECTURES: Final = ("arm64", "x86_64")
MAX_ALERT_EMAILS: Final = 3

HERE: Final = frozenset(
    {"AWS_REGION", "ARCHITECTURE", "ALERT_EMAILS", "MONTHLY_BUDGET_USD", "LOG_RETENTION_DAYS"}
)
"""Settings of the deployment. AWS_REGION is set by Lambda itself, so it is not sent either."""

SERVER: Final = frozenset(
    {"SECRET_KEY", "API_KEYS", "RATE_LIMIT_RPM", "RETENTION_DAYS", "CORS_ORIGINS", "LOG_LEVEL"}
    | {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DYNAMODB_SHARDS"}
    | {"EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"}
    | {"DEFAULT_FROM_EMAIL"}
)
"""Settings of the server (docs/settings.md), sent as the function's environment."""

_LINE: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_EMAIL: Final = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


class WrongSetting(Exception):
    """A line of the file that cannot be right; the message names it and never shows a secret."""


@dataclass(frozen=True)
class Deployment:
    stage: str
    region: str
    architecture: str
    alert_emails: tuple[str, ...]
    monthly_budget_usd: int
    log_retention_days: int
    server: dict[str, str]

    @property
    def function_name(self) -> str:
        """As Zappa makes it: project_name-stage."""
        return f"llm-tracer-{self.stage}"

    @property
    def stack_name(self) -> str:
        """Not the function's name: Zappa would take that stack for its own."""
        return f"{self.function_name}-infra"

    @property
    def table_names(self) -> dict[str, str]:
        """By the logical id in the template."""
        return {name: f"{self.function_name}-{name[:-5].lower()}" for name in ("TracesTable", "SpansTable")}

    def stack_parameters(self) -> dict[str, str]:
        return {
            "Stage": self.stage,
            "AlertEmails": ",".join(self.alert_emails),
            "AlertEmailCount": str(len(self.alert_emails)),
            "MonthlyBudgetUsd": str(self.monthly_budget_usd),
            "LogRetentionDays": str(self.log_retention_days),
        }

    def function_variables(self) -> dict[str, str]:
        """The environment of the function. Function URLs are the only hosts, unless others are named."""
        hosts = self.server.get("ALLOWED_HOSTS") or f".lambda-url.{self.region}.on.aws"
        return {
            **self.server,
            "ENVIRONMENT": "production",
            "ALLOWED_HOSTS": hosts,
            "STORAGE_URL": "dynamodb",
            "DYNAMODB_TRACES_TABLE": self.table_names["TracesTable"],
            "DYNAMODB_SPANS_TABLE": self.table_names["SpansTable"],
        }


def file_of(stage: str) -> Path:
    return FOLDER / f"{stage}.env"


def read_deployment(stage: str, file: Path | None = None) -> Deployment:
    """Raises WrongSetting when the file is missing or a value cannot be right."""
    if stage not in STAGES:
        raise WrongSetting(f"There are the stages {' and '.join(STAGES)}, not {stage!r}.")
    found = read_variables(file or file_of(stage))
    return Deployment(
        stage=stage,
        region=_matching(found, "AWS_REGION", "us-east-1", _REGION),
        architecture=_one_of(found, "ARCHITECTURE", ARCHITECTURES),
        alert_emails=_emails(found),
        monthly_budget_usd=_whole(found, "MONTHLY_BUDGET_USD", 10),
        log_retention_days=_whole(found, "LOG_RETENTION_DAYS", 30),
        server={name: found[name] for name in sorted(SERVER) if found.get(name)},
    )


def read_variables(file: Path) -> dict[str, str]:
    """NAME=VALUE lines; ``#`` begins a comment line. Unknown names are refused: they are misspelt ones."""
    if not file.exists():
        raise WrongSetting(f"{file.name} is missing: run `just setup-{file.stem}`.")
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] not in HERE | SERVER:
            raise WrongSetting(f"{file.name}, line {number}: write NAME=VALUE, with a name of example.env.")
        found[match[1]] = match[2].strip()
    return found


def _matching(found: dict[str, str], name: str, default: str, pattern: re.Pattern[str]) -> str:
    value = found.get(name) or default
    if not pattern.fullmatch(value):
        raise WrongSetting(f"{name}={value!r} cannot be right.")
    return value


def _one_of(found: dict[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = found.get(name) or allowed[0]
    if value not in allowed:
        raise WrongSetting(f"{name}={value!r}: write {' or '.join(allowed)}.")
    return value


def _whole(found: dict[str, str], name: str, default: int) -> int:
    value = found.get(name) or str(default)
    if not value.isdecimal() or not int(value):
        raise WrongSetting(f"{name}={value!r}: write a whole number.")
    return int(value)


def _emails(found: dict[str, str]) -> tuple[str, ...]:
    emails = tuple(email.strip() for email in found.get("ALERT_EMAILS", "").split(",") if email.strip())
    if len(emails) > MAX_ALERT_EMAILS or not all(map(_EMAIL.fullmatch, emails)):
        raise WrongSetting(f"ALERT_EMAILS: write up to {MAX_ALERT_EMAILS} addresses, comma-separated.")
    return emails
