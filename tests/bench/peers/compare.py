"""Sends the same requests through otlet and the Collector, with each pair of configs of the scenarios, and compares what comes out.

    .venv/bin/python tests/bench/peers/compare.py [--otlet target/release/otlet] [SCENARIO ...]

It needs `tests/bench/peers/build` and a build of otlet. What is sent are the requests of real SDKs in tests/fixtures/corpus and
synthetic spans and log records with the attributes that the configs touch. What comes out must be equal record by record, but
for the order of attributes; all masks count as equal. What may differ is in OTHERS. Of metrics that are made of spans the last
numbers of each series must be equal. It prints a line a pair and signal, and ends
with 1 if something is another job on one side than on the other.
"""

import argparse
import gzip
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent.parent
TYPES = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
LISTS = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
}
# Where other records pass, or other texts are masked, than with otlet, and why: a hash decides; patterns find less in the texts of
# real programs; log records without a trace are told the threshold 0; link finds traces in texts, too.
OTHERS = {
    "sample": {"corpus": ("thresholds",)},
    "sample-hash": {"synthetic": ("records",), "corpus": ("records",)},
    "redact": {"corpus": ("texts",)},
    "redact-four": {"corpus": ("texts",)},
    "chain": {"corpus": ("records", "texts")},
}
# How long it takes until a series shows all that it counts: the Collector shows 0 first, and nothing at its end.
FLUSHES = 2.5
MASK = re.compile(r"\[redacted:[^\]]*\]|\*\*\*\*")


class Sink:
    """Takes OTLP by gRPC and HTTP and keeps it."""

    def __init__(self):
        self.requests = {signal: [] for signal in TYPES}
        self.grpc = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 64 << 20)])
        for name, method in METHODS.items():
            service, _, call = method[1:].partition("/")
            take = grpc.unary_unary_rpc_method_handler(lambda body, _, name=name: self.take(name, body))
            self.grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {call: take}),))
        self.grpc_address = f"127.0.0.1:{self.grpc.add_insecure_port('127.0.0.1:0')}"
        self.grpc.start()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                sink.take(self.path.rpartition("/")[2], body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http_address = f"127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def take(self, name, body):
        self.requests[name].append(body)
        return b""

    def close(self):
        self.grpc.stop(None)
        self.http.shutdown()


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def through(command, sent, use_http, compressed, pause=0):
    """What comes out of a program, by signal, that was sent these requests, and ends after a pause."""
    sink = Sink()
    listen_grpc, listen_http = free_address(), free_address()
    env = os.environ | {
        "LISTEN_GRPC": listen_grpc,
        "LISTEN_HTTP": listen_http,
        "SINK_GRPC": sink.grpc_address,
        "SINK_HTTP": sink.http_address,
    }
    program = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    said = []
    reader = threading.Thread(target=lambda: said.extend(program.stderr), daemon=True)
    reader.start()
    try:
        wait_for(listen_http if use_http else listen_grpc, program)
        if use_http:
            for name, bodies in sent.items():
                for body in bodies:
                    headers = {"content-type": "application/x-protobuf"}
                    if compressed:
                        body, headers["content-encoding"] = gzip.compress(body), "gzip"
                    urlopen(Request(f"http://{listen_http}/v1/{name}", body, headers), timeout=20).read()
        else:
            channel = grpc.insecure_channel(listen_grpc, compression=grpc.Compression.Gzip if compressed else None)
            for name, bodies in sent.items():
                call = channel.unary_unary(METHODS[name])
                for body in bodies:
                    call(body, timeout=20)
            channel.close()
        time.sleep(pause)
        program.send_signal(signal.SIGTERM)
        program.wait(timeout=30)
    except Exception:
        program.kill()
        reader.join(5)
        sys.stderr.write("".join(said[-20:]))
        raise
    finally:
        sink.close()
    return sink.requests


def wait_for(address, program):
    host, _, port = address.partition(":")
    for _ in range(600):
        if program.poll() is not None:
            raise RuntimeError("the program ended before it listened")
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the program does not listen")


def plain(message):
    """Puts attributes in order and makes one mask of all masks, at any depth."""
    for field, value in message.ListFields():
        if field.message_type is None:
            if field.type == field.TYPE_STRING and not field.is_repeated:
                if "****" in value or "[redacted:" in value:
                    setattr(message, field.name, MASK.sub("****", value))
        elif field.is_repeated:
            for each in value:
                plain(each)
            if field.message_type is KeyValue.DESCRIPTOR:
                value.sort(key=lambda each: (each.key, each.SerializeToString(deterministic=True)))
        else:
            plain(value)


def records(name, bodies):
    """Every record with the resource and scope that it is in, as often as it is there."""
    resources, scopes, items = LISTS[name]
    found = Counter()
    for body in bodies:
        request = TYPES[name].FromString(body)
        plain(request)
        for resource in getattr(request, resources):
            above = resource.resource.SerializeToString(deterministic=True)
            for scope in getattr(resource, scopes):
                within = scope.scope.SerializeToString(deterministic=True)
                for record in getattr(scope, items):
                    if name == "traces":
                        record.status.SetInParent()  # The Collector writes it where a span came without.
                    found[above, within, record.SerializeToString(deterministic=True)] += 1
    return found


def series(bodies):
    """The last numbers of each series of metrics, by its resource, its name and its attributes."""
    found = {}
    for body in bodies:
        request = TYPES["metrics"].FromString(body)
        plain(request)
        for resource in request.resource_metrics:
            above = resource.resource.SerializeToString(deterministic=True)
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    kind = metric.WhichOneof("data")
                    data = getattr(metric, kind)
                    about = metric.name, metric.unit, kind, data.aggregation_temporality, scope.scope.name
                    for point in data.data_points:
                        key = b"".join(each.SerializeToString(deterministic=True) for each in point.attributes)
                        found[above, about, key] = numbers(point, kind)
    return found


def numbers(point, kind):
    if kind == "sum":
        return point.as_int
    # Sums are added up in another order.
    return point.count, f"{point.sum:.9g}", tuple(point.bucket_counts), tuple(point.explicit_bounds)


def same_series(title, ours, theirs):
    """Prints how the series of two programs compare, and says whether they are equal."""
    differ = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
    for key in differ[:3]:
        sys.stderr.write(f"{title}: {key}: {ours.get(key)} and {theirs.get(key)}\n")
    wrong = ["NOT EQUAL"] if differ or not ours else []
    found = f"{len(ours)} and {len(theirs)} series, {len(ours.keys() & theirs.keys()) - len(differ)} equal"
    print(f"{title}: {found}", *wrong, sep="; ", flush=True)
    return not wrong


def synthetic():
    """Spans and log records with the attributes that the configs touch, in requests of 500."""
    rng = random.Random(1)
    sent = {"traces": [], "logs": []}
    for _ in range(8):
        spans, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
        scoped_spans, scoped_logs = spans.resource_spans.add(), logs.resource_logs.add()
        for each in scoped_spans, scoped_logs:
            attribute(each.resource, "service.name", "checkout")
        scope_spans, scope_logs = scoped_spans.scope_spans.add(), scoped_logs.scope_logs.add()
        for number in range(500):
            route = rng.choice(["/orders/{id}", "/cart/{id}/items", "/users/{id}/profile"])
            ids = {"trace_id": rng.randbytes(16), "span_id": rng.randbytes(8)}
            start = 1_780_000_000_000_000_000 + rng.randrange(10**9)
            span = scope_spans.spans.add(name=f"GET {route}", kind=2, start_time_unix_nano=start, **ids)
            span.end_time_unix_nano = start + rng.randrange(1, 50_000_000)
            attribute(span, "http.request.method", "GET")
            attribute(span, "http.response.status_code", rng.choice([200, 404, 500]))
            attribute(span, "http.route", route)
            attribute(span, "url.full", f"https://shop.example.com{route}?page={rng.randrange(1 << 16)}&sort=price")
            attribute(span, "network.peer.address", f"10.1.{rng.randrange(256)}.{rng.randrange(256)}")
            attribute(span, "ratio", rng.random())
            attribute(span, "retry", rng.random() < 0.5)
            attribute(span, "app.attribute.00", f"{rng.randrange(1 << 64):016x}-0")
            if number % 10 == 0:
                event = span.events.add(time_unix_nano=start, name="cache miss")
                attribute(event, "cache.key", f"order:{rng.randrange(1 << 32)}")
            log = scope_logs.log_records.add(time_unix_nano=start, severity_number=9, severity_text="INFO", **ids)
            log.body.string_value = f"order {rng.randrange(1 << 32)} accepted in {rng.randrange(256)} ms"
            attribute(log, "code.function.name", "accept_order")
            attribute(log, "code.line.number", rng.randrange(256))
            attribute(log, "client.address", f"10.1.{rng.randrange(256)}.{rng.randrange(256)}")
        sent["traces"].append(spans.SerializeToString())
        sent["logs"].append(logs.SerializeToString())
    return sent


def attribute(of, key, value):
    kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
    setattr(of.attributes.add(key=key).value, kind, value)


def corpus():
    folder = ROOT / "tests/fixtures/corpus"
    return {name: [file.read_bytes() for file in sorted(folder.glob(f"{name}-*.pb"))] for name in TYPES}


def scenario(file):
    """What this needs of a scenario's file, which is of a fixed format."""
    text = file.read_text()
    programs = dict(re.findall(r"^  ([\w-]+): *\{ config: (\S+?) *[},]", text, re.M))
    load = re.search(r"^load:.*$", text, re.M)[0]
    share = re.search(r"^expect:.*share: ([\d.]+)", text, re.M)
    return {
        "programs": {name: (file.parent / config).resolve() for name, config in programs.items()},
        "http": "protocol: http" in load,
        "gzip": "gzip: true" in load,
        "share": float(share[1]) if share else None,
    }


def pairs(files):
    """The configs of otlet and of a peer that do the same job in some scenario, and how they are asked to."""
    found = {}
    for file in files:
        what = scenario(file)
        ours = what["programs"].pop("otlet", None)
        # Python's gRPC knows no zstd; what is done to the records is the same with gzip.
        if ours and "compression: zstd" not in ours.read_text():
            found.update({(ours, theirs): what for theirs in what["programs"].values()})
    return found


def compare(ours, theirs, what, otlet):
    """Prints how what comes out of two programs compares, and says whether they do the same."""
    same = True
    configs = ours.read_text(), theirs.read_text()
    for kind, sent in (("synthetic", synthetic()), ("corpus", corpus())):
        sent = {signal: bodies for signal, bodies in sent.items() if all(f"    {signal}: {{" in text for text in configs)}
        commands = [otlet, "run", "--config", ours], [ROOT / "target/peers/collector", "--config", theirs]
        counts = all("span_metrics" in text for text in configs)
        if counts:
            sent.pop("metrics", None)
        pause = FLUSHES if counts else 0
        came = [through(command, sent, what["http"], what["gzip"], pause) for command in commands]
        if counts:
            same &= same_series(f"{ours.stem}, series of {kind} spans", *(series(each["metrics"]) for each in came))
        for signal in sent:
            before = records(signal, sent[signal])
            after = [records(signal, requests[signal]) for requests in came]
            title = f"{ours.stem} and {theirs.stem}, {kind} {signal}"
            same &= verdict(title, before, *after, what["share"] if kind == "synthetic" else None, kind, theirs.stem)
    return same


def verdict(title, before, ours, theirs, share, kind, peer):
    sent, kept, peers = before.total(), ours.total(), theirs.total()
    equal = (ours & theirs).total()
    wrong = []
    if share is not None and any(abs(count / sent - share) > 0.02 for count in (kept, peers)):
        wrong.append(f"NOT A SHARE OF {share}")
    others = OTHERS.get(peer, {}).get(kind, ())
    if kept != peers and "records" not in others:
        wrong.append("NOT AS MANY")
    if not equal == kept == peers and not others:
        wrong.append("NOT EQUAL")
        for which, but_not in ((ours, theirs), (theirs, ours)):
            sys.stderr.write(f"{title}: {next(iter(which - but_not), None)}\n")
    changed = (ours - before).total(), (theirs - before).total()
    found = f"of {sent} {kept} and {peers} pass, {changed[0]} and {changed[1]} changed, {equal} equal"
    print(f"{title}: {found}", *wrong, sep="; ", flush=True)
    return not wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--otlet", default=ROOT / "target/release/otlet", type=Path)
    arguments.add_argument("scenarios", nargs="*")
    arguments = arguments.parse_args()
    names = arguments.scenarios or sorted(file.stem for file in (BENCH / "scenarios").glob("*.yaml"))
    found = pairs(BENCH / "scenarios" / f"{name}.yaml" for name in names)
    same = [compare(*configs, what, arguments.otlet.resolve()) for configs, what in found.items()]
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
