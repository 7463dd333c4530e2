"""Our own rules for the resolved docker-compose.yml: JSON on standard input, a line for each fault.

What Compose itself refuses is not asked again.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

import images
from engine import seconds

ONE_SHOT = {"init": "makes the secrets", "demo": "makes the demo data"}
# Who may write where the secrets are: who makes them.
MAKES_SECRETS = {"init", "demo"}
GRACE = 25 + 15 + 5
SECRET = re.compile(r"(SECRETS?|PASSWORD|PEPPER|DATABASE_URL|TOKEN)$|://[^/@]*:[^/@]*@")


def image(name, service, version):
    tag = service["image"].partition(":")[2]
    if not tag or "latest" in tag or not re.search(r"\d+\.\d+", tag):
        yield f"its image has no exact version: {service['image']}"
    if "build" in service:
        if tag != version:
            yield f"its image has {tag}, the workspace {version}"
        if service.get("pull_policy") != "build":
            yield "its image could be pulled from whoever took the name"


def ports(name, service):
    for port in service.get("ports", []):
        if port.get("host_ip") != "127.0.0.1":
            yield f"port {port['target']} is open to the network"
        if port.get("published") != str(port["target"]):
            yield f"port {port['target']} is another outside"
    if "build" in service and service.get("restart"):
        listens = images.ours(service["build"]["target"]).environment
        inside = {int(listens[at].rpartition(":")[2]) for at in ["LISTEN_ADDR", "OPS_ADDR"]}
        if inside != {port["target"] for port in service["ports"]}:
            yield f"its ports are not those of its image, {sorted(inside)}"


def secrets(name, service):
    mounts = {volume["target"] for volume in service.get("volumes", [])}
    for variable, value in (service.get("environment") or {}).items():
        if SECRET.search(variable) or SECRET.search(value or ""):
            yield f"{variable} holds a secret: use {variable}_FILE"
        if variable.endswith("_FILE") and str(Path(value).parent) not in mounts:
            yield f"{variable} names a file in no volume: {value}"
    for volume in service.get("volumes", []):
        if volume["type"] == "volume" and volume["source"].startswith("secrets-"):
            if name not in ("init", volume["source"].removeprefix("secrets-")):
                yield f"{volume['source']} is not for it"
            if not volume.get("read_only") and name not in MAKES_SECRETS:
                yield f"{volume['source']} can be written"


def life(name, service, services):
    if name in ONE_SHOT:
        if service.get("restart"):
            yield f"it only {ONE_SHOT[name]}, and is restarted"
    elif not service.get("restart"):
        yield "it is not restarted"
    elif not service.get("healthcheck", {}).get("test"):
        yield "it has no health check"
    elif "build" in service and seconds(service.get("stop_grace_period", "10s")) < GRACE:
        yield f"it has less than {GRACE} s to stop"
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        if how["condition"] != wanted:
            yield f"it waits for {other} by {how['condition']}, not by {wanted}"


def confinement(name, service):
    if service.get("cap_drop") != ["ALL"]:
        yield "it keeps capabilities"
    if service.get("privileged") or service.get("network_mode", "none") != "none":
        yield "it has more of the machine than it needs"
    if service.get("security_opt") != ["no-new-privileges:true"]:
        yield "it can gain privileges"
    if not service.get("mem_limit") or not service.get("pids_limit"):
        yield "it has no limits"
    if "build" in service and not service.get("read_only"):
        yield "its root can be written"


def files(name, service, configs):
    for volume in service.get("volumes", []):
        if volume["type"] != "volume":
            yield f"a {volume['type']} is mounted: {volume.get('source')}"
    for mount in service.get("configs", []):
        config = configs[mount["source"]]
        if "file" in config:
            if not Path(config["file"]).is_file():
                yield f"there is no {config['file']}"
        elif service.get("read_only"):
            yield f"{mount['source']} cannot be copied into a root that is read-only"
        elif mount.get("mode") not in ("0444", 0o444):  # newer ones of Compose write a text
            # By default some versions of Compose give it to root alone.
            yield f"{mount['source']} needs mode 0444"


def traces(name, service, services):
    endpoint = (service.get("environment") or {}).get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if endpoint and re.sub(r"^http://(.*):4318$", r"\1", endpoint) not in services:
        yield f"its traces go to {endpoint}, which is not there"
    if "jaeger" in services and "build" in service and service.get("restart") and not endpoint:
        yield "its traces go nowhere"


def faults(project):
    services, configs = project["services"], project.get("configs", {})
    with (images.REPOSITORY / "Cargo.toml").open("rb") as manifest:
        version = tomllib.load(manifest)["workspace"]["package"]["version"]
    for name, service in services.items():
        for fault in [
            *image(name, service, version),
            *ports(name, service),
            *secrets(name, service),
            *life(name, service, services),
            *confinement(name, service),
            *files(name, service, configs),
            *traces(name, service, services),
        ]:
            yield f"{name}: {fault}"


project = json.load(sys.stdin)
found = list(faults(project))
print(*found, sep="\n") if found else print(f"{len(project['services'])} services are fit")
sys.exit(bool(found))
