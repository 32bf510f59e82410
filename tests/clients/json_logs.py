"""A program that logs JSON lines to standard output, as the usual guides set it up, and something else now and then.

Prints as many orders as its argument says; its last words, on standard error, are what it logged, as JSON.
"""

import json
import logging
import sys
from datetime import datetime, timezone

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        context = trace.get_current_span().get_span_context()
        line = {
            "timestamp": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "severity": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
            "trace_id": format(context.trace_id, "032x"),
            "span_id": format(context.span_id, "016x"),
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(line)


def main() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("shop")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    trace.set_tracer_provider(TracerProvider())
    tracer = trace.get_tracer("shop")
    traces = []
    print("starting", flush=True)
    for number in range(int(sys.argv[1])):
        with tracer.start_as_current_span("order") as span:
            traces.append(format(span.get_span_context().trace_id, "032x"))
            log.info("order %d for buyer-%d@example.com", number, number)
    try:
        raise ValueError("card of buyer@example.com declined")
    except ValueError:
        log.exception("not paid")
    print(json.dumps({"traces": traces}), file=sys.stderr)


if __name__ == "__main__":
    main()
