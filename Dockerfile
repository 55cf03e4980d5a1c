# syntax=docker/dockerfile:1
ARG PYTHON=python:3.13.7-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /build
COPY requirements.txt ./
COPY client client
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt ./client

FROM ${PYTHON}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STORAGE_URL=sqlite:////data/traces.sqlite3
RUN useradd --no-log-init --uid 10001 --create-home tracer \
    && install --directory --owner=tracer /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY tracer_project tracer_project
COPY traces_app traces_app
# Hashed static files for production; the key below signs nothing and does not outlive the command.
RUN ENVIRONMENT=production SECRET_KEY=used-only-while-collecting-static-files ALLOWED_HOSTS=localhost \
    python manage.py collectstatic --noinput
USER 10001
VOLUME /data
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8001/health', timeout=2)"]
CMD ["gunicorn", "tracer_project.wsgi", "--bind=0.0.0.0:8001", "--workers=2", "--threads=8", "--access-logfile=-"]
