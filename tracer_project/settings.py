"""Settings of one deployment. Every variable is described in docs/settings.md."""

from __future__ import annotations

import logging.config
import platform
import secrets
import sys
from pathlib import Path

import django

from tracer_project.environment import LOG_LEVELS, Environment, refuse_unsafe_production
from traces_app.domain.durations import DAY_S

BASE_DIR = Path(__file__).resolve().parent.parent
_env = Environment()

# -- where it runs ---------------------------------------------------------------------------------
_on_lambda = bool(_env.text("AWS_LAMBDA_FUNCTION_NAME"))
ENVIRONMENT = _env.choice(
    "ENVIRONMENT", "production" if _on_lambda else "development", ("development", "production")
)
PRODUCTION = ENVIRONMENT == "production"
DEBUG = _env.flag("DEBUG", default=False)
SECRET_KEY = _env.text("SECRET_KEY") or ("" if PRODUCTION else secrets.token_urlsafe(48))
ALLOWED_HOSTS = _env.words("ALLOWED_HOSTS", "" if PRODUCTION else "*")
CSRF_TRUSTED_ORIGINS = _env.origins("CSRF_TRUSTED_ORIGINS", "")

# -- who may come in -------------------------------------------------------------------------------
_api_keys = _env.text("API_KEYS", "none" if PRODUCTION else "project-dev")
API_KEYS = [] if _api_keys == "none" else _env.api_keys("API_KEYS", _api_keys)
API_KEY_REQUIRED = _env.flag("API_KEY_REQUIRED", default=True)
RATE_LIMIT_RPM = _env.number("RATE_LIMIT_RPM", 60, at_least=0, at_most=1_000_000)
CORS_ORIGINS = _env.origins("CORS_ORIGINS", "none" if PRODUCTION else "*", words=("*", "none"))
CORS_ALLOW_ALL_ORIGINS = "*" in CORS_ORIGINS
CORS_ALLOWED_ORIGINS = [origin for origin in CORS_ORIGINS if origin not in ("*", "none")]
PROGRAM_PREFIXES = ("/api/", "/v1/")
"""Below these no person reads: other sites may ask, and what is not there is told in JSON."""

CORS_URLS_REGEX = f"^({'|'.join(PROGRAM_PREFIXES)})"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-encoding", "content-type", "x-api-key")

# -- where traces are kept -------------------------------------------------------------------------
DYNAMODB_TRACES_TABLE = _env.table("DYNAMODB_TRACES_TABLE")
DYNAMODB_SPANS_TABLE = _env.table("DYNAMODB_SPANS_TABLE")
STORAGE_URL = _env.storage_url(
    "STORAGE_URL", "dynamodb" if DYNAMODB_TRACES_TABLE else "sqlite:///data/traces.sqlite3"
)
DYNAMODB_TRACES_TABLE = DYNAMODB_TRACES_TABLE or "llm-tracer-traces"
DYNAMODB_SPANS_TABLE = DYNAMODB_SPANS_TABLE or "llm-tracer-spans"
DYNAMODB_SHARDS = int(_env.choice("DYNAMODB_SHARDS", "1", ("1", "2", "4", "8", "16", "32", "64")))
DYNAMODB_ENDPOINT_URL = _env.text("DYNAMODB_ENDPOINT_URL")
AWS_REGION = _env.text("AWS_REGION", _env.text("AWS_DEFAULT_REGION", "us-east-1"))
LAMBDA_MEMORY_MB = _env.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 1024, at_least=128, at_most=10_240)
LAMBDA_ARCHITECTURE = "x86_64" if _on_lambda and platform.machine() == "x86_64" else "arm64"
CHECK_TABLES_AT_START = not _on_lambda  # there it would be two calls more in each cold start
RETENTION_DAYS = _env.number("RETENTION_DAYS", 90, at_least=1, at_most=3650)

if PRODUCTION:
    refuse_unsafe_production(
        secret_key=SECRET_KEY,
        debug=DEBUG,
        api_keys=API_KEYS,
        api_key_required=API_KEY_REQUIRED,
        cors_origins=CORS_ORIGINS,
        hosts=ALLOWED_HOSTS,
    )

# -- Django ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "traces_app",
    "traces_app.explorer",
    "corsheaders",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "traces_app.api.metering.Measured",
    "traces_app.api.health.HealthFirst",
    "django.middleware.security.SecurityMiddleware",
    "traces_app.explorer.static_files.StaticFiles",
    "traces_app.explorer.security.PageGuard",
    "corsheaders.middleware.CorsMiddleware",
    "traces_app.explorer.security.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "tracer_project.urls"
WSGI_APPLICATION = "tracer_project.wsgi.application"
APPEND_SLASH = False  # an exporter that is redirected loses its body
DATABASES: dict[str, dict[str, str]] = {}
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# Floor 4 reads request bodies itself, bounded by its own named limits (traces_app/api/body.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

SESSION_ENGINE = "traces_app.explorer.sessions"
SESSION_COOKIE_NAME = "tracer_session"
SESSION_COOKIE_AGE = 14 * DAY_S
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
if _env.flag("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 30 * DAY_S if PRODUCTION else 0
X_FRAME_OPTIONS = "DENY"

_admin = Path(django.__file__).parent / "contrib" / "admin"
_ninja = _admin.parents[2] / "ninja"  # not imported: pydantic would be loaded at every start
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_admin / "templates", _ninja / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
_collected = BASE_DIR / "staticfiles"
_is_collected = PRODUCTION and ((_collected / "staticfiles.json").exists() or "collectstatic" in sys.argv)
STATIC_ROOT = _collected if _is_collected else None
STATICFILES_DIRS = [folder for folder in (_admin / "static", _ninja / "static") if folder.exists()]
WHITENOISE_USE_FINDERS = not _is_collected
WHITENOISE_AUTOREFRESH = not PRODUCTION
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "staticfiles": {
        "BACKEND": "traces_app.explorer.static_storage.StaticStorage"
        if _is_collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
}

# -- alerts by e-mail ------------------------------------------------------------------------------
EMAIL_HOST = _env.text("EMAIL_HOST")
EMAIL_PORT = _env.number("EMAIL_PORT", 587, at_least=1, at_most=65_535)
EMAIL_HOST_USER = _env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = _env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = _env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = _env.text("DEFAULT_FROM_EMAIL", "llm-tracer@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

LOG_LEVEL = _env.choice("LOG_LEVEL", "INFO", LOG_LEVELS)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"botocore": {"level": "WARNING"}, "pynamodb": {"level": "WARNING"}},
}
LOGGING_CONFIG = None  # Django's would add mails to administrators, and load its debug pages for them
logging.config.dictConfig(LOGGING)
