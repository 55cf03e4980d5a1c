"""OTLP over HTTP: traces, logs and metrics of any OpenTelemetry exporter."""
