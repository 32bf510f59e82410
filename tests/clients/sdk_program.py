"""A program that sets the OpenTelemetry SDK up in code: spans, a recorded exception, logs and three instruments.

Its arguments are the protocol (grpc or http), the endpoint and how often it works; it prints what it sent as JSON.
"""

import importlib
import json
import logging
import sys

from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def exporter(protocol: str, endpoint: str, signal: str, name: str):
    package = f"opentelemetry.exporter.otlp.proto.{protocol}"
    module = {"trace": "trace_exporter", "metrics": "metric_exporter", "logs": "_log_exporter"}[signal]
    kind = getattr(importlib.import_module(f"{package}.{module}"), name)
    if protocol == "grpc":
        return kind(endpoint=endpoint, insecure=True)
    return kind(endpoint=f"{endpoint}/v1/{'traces' if signal == 'trace' else signal}")


def main() -> None:
    protocol, endpoint, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    resource = Resource(attributes={"service.name": f"sdk-{protocol}"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(exporter(protocol, endpoint, "trace", "OTLPSpanExporter")))
    trace.set_tracer_provider(traces)
    reader = PeriodicExportingMetricReader(exporter(protocol, endpoint, "metrics", "OTLPMetricExporter"))
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(meters)
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(exporter(protocol, endpoint, "logs", "OTLPLogExporter")))
    log = logging.getLogger("settlement")
    log.addHandler(LoggingHandler(logger_provider=logs))
    log.setLevel(logging.INFO)

    meter = metrics.get_meter("settlement")
    settled = meter.create_counter("orders.settled")
    took = meter.create_histogram("settlement.duration", unit="ms")
    active = meter.create_up_down_counter("jobs.active")
    tracer = trace.get_tracer("settlement")
    failures = 0
    for number in range(count):
        active.add(1)
        with tracer.start_as_current_span("settle_order") as span:
            span.set_attribute("order.id", number)
            try:
                with tracer.start_as_current_span("pay"):
                    log.info("settling order %d", number)
                    if number % 5 == 0:
                        raise RuntimeError(f"card of order {number} declined")
            except RuntimeError:
                failures += 1
        settled.add(1, {"outcome": "done"})
        took.record(number % 30)
        active.add(-1)
    for provider in (traces, logs, meters):
        provider.shutdown()
    # The three instruments have one series each.
    print(json.dumps({"spans": 2 * count, "logs": count, "points": 3, "exceptions": failures}))


if __name__ == "__main__":
    main()
