"""A generated project with a control plane to itself, for what is measured over HTTP."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SCOPES = ("config:read", "config:write", "publish", "audit:read")


def generate(project, objects, *arguments):
    """Writes a project of so many manifests."""
    command = [HERE / "generate-manifests.py", project, str(objects), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class ControlPlane:
    """`trueup serve` over a folder, with a key of the project `generated`; ended at the end of a `with`."""

    def __init__(self, trueup, folder, *arguments):
        self.data = pathlib.Path(folder, "data")
        key = json.loads(subprocess.run(
            [trueup, "keys", "create", "--data", self.data, "--project", "generated",
             "--name", f"measure-{time.monotonic_ns()}", "-o", "json",
             *(f"--scope={scope}" for scope in SCOPES)], check=True, capture_output=True).stdout)
        self.client_id = key["client_id"]
        self.environment = dict(os.environ, TRUEUP_CLIENT_SECRET=key["client_secret"])
        ready = pathlib.Path(folder, "ready")
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [trueup, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--ready-file", ready, "--log-level", "error",
             *arguments], stderr=subprocess.DEVNULL)
        while not (ready.exists() and ready.read_text().strip()):
            if self.process.poll() is not None:
                sys.exit("the server ended at once")
            time.sleep(0.05)
        self.url = ready.read_text().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def target(self, url=None):
        """The target as a project file has it, at another address than its own if one is given."""
        return (f'server: {{ url: "{url or self.url}", clientId: "{self.client_id}", '
                "clientSecret: { fromEnv: TRUEUP_CLIENT_SECRET } }")

    def processor_time(self):
        """Processor seconds of the server so far."""
        return processor_time(self.process.pid)[0]


def processor_time(pid):
    """Processor seconds of a process so far, and of the children that it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own, children = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return own / os.sysconf("SC_CLK_TCK"), children / os.sysconf("SC_CLK_TCK")


class CountingProxy:
    """Passes bytes on, and counts them both ways."""

    def __init__(self, url):
        self.scheme, address = url.split("://")
        host, port = address.split(":")
        self.server, self.bytes, self.connections = (host, int(port)), 0, []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{self.scheme}://{host}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.server)
            with self.lock:
                self.connections += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source, sink):
        try:
            while part := source.recv(1 << 16):
                with self.lock:
                    self.bytes += len(part)
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one that was cut

    def cut(self):
        """Ends all connections, as a server does that has waited long enough for the next request."""
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other end was first
                connection.close()
            self.connections = []
