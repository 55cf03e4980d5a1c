from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tracer_project.environment import Environment

CHECKOUT = Path(__file__).resolve().parent.parent
SAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 48,
    "ALLOWED_HOSTS": "traces.example.com",
    "API_KEYS": "project-shop.0123456789abcdef0123",
    "CORS_ORIGINS": "https://app.example.com",
}


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, with these variables only."""
    command = [
        sys.executable,
        "-c",
        "from django.conf import settings as s; print(s.STORAGE_URL, s.API_KEYS)",
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "tracer_project.settings",
        **variables,
    }
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_development_starts_with_nothing_set() -> None:
    done = start()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "sqlite:///data/traces.sqlite3 ['project-dev']"


def test_naming_the_tables_chooses_dynamodb() -> None:
    assert start(DYNAMODB_TRACES_TABLE="our-traces", DYNAMODB_SPANS_TABLE="our-spans").stdout.startswith(
        "dynamodb "
    )


def test_safe_production_settings_start() -> None:
    done = start(**SAFE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", ""),
        ("DEBUG", "true"),
        ("API_KEYS", "project-dev"),
        ("API_KEY_REQUIRED", "false"),
        ("CORS_ORIGINS", "*"),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "*"),
    ],
)
def test_production_refuses_an_unsafe_setting_by_name(name: str, value: str) -> None:
    done = start(**(SAFE | {name: value}))
    assert done.returncode != 0
    assert f"- {name}" in done.stderr.rsplit("Unsafe for ENVIRONMENT=production", 1)[1]


def test_lambda_is_production_without_being_told() -> None:
    assert "Unsafe for ENVIRONMENT=production" in start(AWS_LAMBDA_FUNCTION_NAME="f").stderr


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("RATE_LIMIT_RPM", "many", "a whole number from 0 to 1000000"),
        ("RATE_LIMIT_RPM", "-1", "a whole number from 0 to 1000000"),
        ("RETENTION_DAYS", "0", "a whole number from 1 to 3650"),
        ("API_KEY_REQUIRED", "maybe", "true or false"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO"),
        ("STORAGE_URL", "postgres://x", "sqlite:///path"),
        ("STORAGE_URL", "sqlite:///", "sqlite:///path"),
        ("ENVIRONMENT", "staging", "development, production"),
        ("API_KEYS", "secret-of-mine", "project-"),
        ("CORS_ORIGINS", "app.example.com", "origins like https://app.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "https://x/path", "origins like https://app.example.com"),
        ("DYNAMODB_TRACES_TABLE", "a b", "3 to 255 letters"),
    ],
)
def test_a_wrong_value_stops_the_start_and_says_what_to_write(name: str, value: str, hint: str) -> None:
    done = start(**{name: value})
    assert done.returncode != 0
    assert name in done.stderr
    assert hint in done.stderr


def test_a_key_is_not_printed_when_it_is_wrong() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        Environment({"API_KEYS": "sk-very-secret"}).api_keys("API_KEYS", "")
    assert "very-secret" not in str(caught.value)
