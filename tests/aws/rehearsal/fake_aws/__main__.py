"""python -m fake_aws API_PORT GATEWAY_PORT: both on loopback, until terminated."""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import ThreadingHTTPServer

os.environ["MOTO_ACCOUNT_ID"] = "123456789012"

from fake_aws import gaps
from fake_aws.gateway import Gateway
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main() -> None:
    api_port, gateway_port = int(sys.argv[1]), int(sys.argv[2])
    api_url, gateway_url = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{gateway_port}"
    gaps.fill(api_url, gateway_url)
    Gateway.endpoint_url = api_url
    moto = DomainDispatcherApplication(create_backend_app)
    api = make_server("127.0.0.1", api_port, gaps.application(moto), threaded=True)
    gateway = ThreadingHTTPServer(("127.0.0.1", gateway_port), Gateway)
    gateway.daemon_threads = True
    for server in (api, gateway):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    gaps.close()


if __name__ == "__main__":
    main()
