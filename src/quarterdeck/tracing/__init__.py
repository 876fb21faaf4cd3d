"""Traces: what was done for a turn, by which process, how long it took; never what was said.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set and the extra `otel` is installed. Callers use `spans`, which does
nothing until `start_tracing`; `otlp` is the only file that knows OpenTelemetry and is loaded there. May import:
`diagnostics`. To trace one more thing: `span()` around it, in the task that runs the turn.
"""
