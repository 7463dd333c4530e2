"""As much of a Kubernetes API server as Helm asks for: it keeps objects in memory, and a Job or a
Pod is done as soon as it is there. Helm itself is the real one."""

import base64
import copy
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import yaml

from discovery import KINDS, discovery

DONE = {
    "Job": {
        "succeeded": 1,
        "conditions": [{"type": "Complete", "status": "True"}],
    },
    "Pod": {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "True"}]},
}

FAILED = {
    "Job": {
        "failed": 4,
        "conditions": [{"type": "Failed", "status": "True", "message": "as it was told to"}],
    }
}


class Cluster:
    """Objects by kind and name, in a single namespace, `default`."""

    def __init__(self):
        self.objects = {("ServiceAccount", "default"): named("ServiceAccount", "default")}
        self.log = []  # (verb, kind, name) of every change
        self.jobs_fail = False
        self.changed = threading.Condition()
        self.version = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def kubeconfig(self):
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "it",
                        "cluster": {"server": f"http://127.0.0.1:{self.server.server_port}"},
                    }
                ],
                "users": [{"name": "it", "user": {}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
                "current-context": "it",
            }
        )

    def find(self, kind, name):
        return self.objects.get((kind, name))

    def put(self, verb, kind, item):
        with self.changed:
            name = item["metadata"]["name"]
            self.log.append((verb, kind, name))
            self.version += 1
            metadata = item["metadata"]
            if "stringData" in item:
                data = {
                    key: base64.b64encode(text.encode()).decode()
                    for key, text in item.pop("stringData").items()
                }
                item.setdefault("data", {}).update(data)
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault("namespace", "default")
            metadata["resourceVersion"] = str(self.version)
            if kind in DONE:
                outcome = FAILED if self.jobs_fail and kind == "Job" else DONE
                item["status"] = copy.deepcopy(outcome[kind])
            self.objects[kind, name] = item
            self.changed.notify_all()
            return item

    def remove(self, kind, name):
        with self.changed:
            self.log.append(("delete", kind, name))
            self.version += 1
            item = self.objects.pop((kind, name))
            self.changed.notify_all()
            return item

    def list(self, kind, query):
        items = [item for (of, _), item in sorted(self.objects.items()) if of == kind]
        for selector in query.get("labelSelector", [""])[0].split(","):
            if selector:
                key, _, value = selector.replace("==", "=").partition("=")
                items = [i for i in items if i["metadata"].get("labels", {}).get(key) == value]
        for selector in query.get("fieldSelector", [""])[0].split(","):
            if selector.startswith("metadata.name="):
                items = [i for i in items if i["metadata"]["name"] == selector.partition("=")[2]]
        return copy.deepcopy(items)


def named(kind, name):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}}


def merge(into, patch):
    """RFC 7396; Helm's strategic patches and its server-side applies of whole objects fit in it,
    as nothing here counts on how lists are merged."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif not key.startswith("$"):
            into[key] = value
    return into


def handler(cluster):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def refuse(self, status, reason):
            self.answer(
                status,
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "status": "Failure",
                    "reason": reason,
                    "message": f"{self.path}: {reason}",
                    "code": status,
                },
            )

        def resource(self):
            """The kind and the name, if there is one, that the path is about."""
            path = urlsplit(self.path).path
            found = re.fullmatch(
                r"/apis?/(v1|[^/]+/[^/]+)(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?", path
            )
            if not found or found[2] not in (None, "default"):
                return None, None, None
            kind = KINDS.get(found[1], {}).get(found[3])
            return found[1], kind, found[4]

        def body(self):
            """None where it is not JSON: the client then falls back to it."""
            text = self.rfile.read(int(self.headers["Content-Length"] or 0))
            is_protobuf = "protobuf" in self.headers.get("Content-Type", "")
            return None if is_protobuf else json.loads(text or "{}")

        def do_GET(self):
            url = urlsplit(self.path)
            if (found := discovery(url.path)) is not None:
                return self.answer(200, found)
            group, kind, name = self.resource()
            query = parse_qs(url.query)
            if kind is None:
                return self.refuse(404, "NotFound")
            if name:
                item = cluster.find(kind, name)
                return self.answer(200, item) if item else self.refuse(404, "NotFound")
            if "sendInitialEvents" in query:
                return self.refuse(422, "Invalid")  # as by default in this version
            if query.get("watch", ["false"])[0] in ("true", "1"):
                return self.watch(kind, query)
            return self.answer(
                200,
                {
                    "apiVersion": group,
                    "kind": f"{kind}List",
                    "items": cluster.list(kind, query),
                    "metadata": {"resourceVersion": str(cluster.version)},
                },
            )

        def watch(self, kind, query):
            """What is there, and then each change until the client has gone."""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            told = {}
            if (since := query.get("resourceVersion", ["0"])[0]) != "0":
                told = {
                    i["metadata"]["name"]: i
                    for i in cluster.list(kind, query)
                    if int(i["metadata"].get("resourceVersion", 0)) <= int(since)
                }
            try:
                while True:
                    with cluster.changed:
                        now = {i["metadata"]["name"]: i for i in cluster.list(kind, query)}
                        events = [("DELETED", told[n]) for n in told.keys() - now.keys()]
                        events += [
                            ("MODIFIED" if n in told else "ADDED", i)
                            for n, i in now.items()
                            if told.get(n) != i
                        ]
                        told = now
                        if not events:
                            cluster.changed.wait(1)
                            continue
                    for what, item in events:
                        self.wfile.write(
                            json.dumps({"type": what, "object": item}).encode() + b"\n"
                        )
                        self.wfile.flush()
            except OSError:
                pass

        def do_POST(self):
            _, kind, _ = self.resource()
            item = self.body()
            if item is None:
                return self.refuse(415, "UnsupportedMediaType")
            if kind is None:
                return self.refuse(404, "NotFound")
            if cluster.find(kind, item["metadata"]["name"]):
                return self.refuse(409, "AlreadyExists")
            return self.answer(201, cluster.put("create", kind, item))

        def do_PUT(self):
            _, kind, name = self.resource()
            if not (kind and cluster.find(kind, name)):
                return self.refuse(404, "NotFound")
            item = self.body()
            if item is None:
                return self.refuse(415, "UnsupportedMediaType")
            return self.answer(200, cluster.put("update", kind, item))

        def do_PATCH(self):
            _, kind, name = self.resource()
            item = copy.deepcopy(cluster.find(kind, name)) if kind else None
            is_apply = "apply-patch" in self.headers.get("Content-Type", "")
            if kind is None or (item is None and not is_apply):
                return self.refuse(404, "NotFound")
            verb = "patch" if item else "create"
            return self.answer(200, cluster.put(verb, kind, merge(item or {}, self.body())))

        def do_DELETE(self):
            _, kind, name = self.resource()
            self.body()
            if not (kind and cluster.find(kind, name)):
                return self.refuse(404, "NotFound")
            return self.answer(200, cluster.remove(kind, name))

    return Handler
