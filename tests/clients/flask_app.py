"""A Flask service that calls another one by `requests`, to be run under `opentelemetry-instrument`.

Handles as many requests of its own as its argument says, prints what it did as JSON, and ends as services do on SIGTERM:
by sys.exit, so that the SDK sends what it still holds.
"""

import json
import logging
import sys
import threading

import requests
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)
log = logging.getLogger("shop")
address = ""


@app.get("/orders/<int:order>")
def order(order: int) -> dict:
    log.info("order %d for buyer-%d@example.com", order, order)
    price = requests.get(f"http://{address}/price/{order}", timeout=5).json()
    return {"order": order, **price}


@app.get("/price/<int:order>")
def price(order: int) -> dict:
    log.warning("price of order %d is a guess", order)
    return {"price": order * 7}


def main() -> None:
    global address
    count = int(sys.argv[1])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for number in range(count):
        requests.get(f"http://{address}/orders/{number}", timeout=5).raise_for_status()
    server.shutdown()
    # Every order is a client span and a server span of its own, and the same for its price.
    print(json.dumps({"spans": 4 * count, "logs": 2 * count}))
    sys.exit(0)


if __name__ == "__main__":
    main()
