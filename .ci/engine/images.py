"""What stands in the place of an image.

Our own are as the Dockerfile says, with the binaries of the debug build. For others there is what
Debian or Python has of the same kind; an image without that is None, and not run.
"""

import dataclasses
import json
import re
import signal
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Image:
    entrypoint: list
    command: list = dataclasses.field(default_factory=list)
    user: str = "0:0"
    environment: dict = dataclasses.field(default_factory=dict)
    # From where on this machine.
    files: dict = dataclasses.field(default_factory=dict)
    # Folders of which a new volume, or the container, gets a copy; and their owner.
    folders: dict = dataclasses.field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM
    # Whether the program of its health check is there.
    is_judged: bool = True


def ours(target):
    """A stage of the Dockerfile, with what it has of the stages that it builds on."""
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    stages, stage = {}, None
    for line in text.splitlines():
        if found := re.match(r"FROM (\S+) AS (\S+)", line):
            stage = stages[found[2]] = dataclasses.replace(stages.get(found[1], Image([])))
            stage.environment, stage.files = dict(stage.environment), dict(stage.files)
        elif found := re.match(r"(ENTRYPOINT|CMD) (\[.*)", line):
            name = {"ENTRYPOINT": "entrypoint", "CMD": "command"}[found[1]]
            setattr(stage, name, json.loads(found[2]))
        elif found := re.match(r"USER (\S+)", line):
            stage.user = found[1]
        elif found := re.match(r"ENV (.*)", line):
            stage.environment |= dict(word.split("=", 1) for word in found[1].split())
        elif found := re.match(r"COPY --from=\S+ \S*/([\w-]+) /$", line):
            stage.files[f"/{found[1]}"] = REPOSITORY / "target/debug" / found[1]
    return stages[target]


def others(tools):
    """By their names; `tools` is where the unpacked packages of Debian and Python are."""
    server = max(Path("/usr/lib/postgresql").glob("*/bin"))
    return {
        "postgres": Image(
            ["/entrypoint"],
            environment={
                "PATH": f"{server}:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "PGDATA": "/var/lib/postgresql/data",
            },
            files={"/entrypoint": REPOSITORY / ".ci/engine/postgres"},
            folders={"/var/lib/postgresql/data": "postgres", "/var/run/postgresql": "postgres"},
            stop=signal.SIGINT,
        ),
        "axllent/mailpit": Image(
            [sys.executable, "-u", "-m", "aiosmtpd", "--nosetuid", "--listen", "0.0.0.0:1025"],
            environment={"PYTHONPATH": "/python"},
            files={"/python": tools / "python", sys.base_prefix: Path(sys.base_prefix)},
            stop=signal.SIGINT,
            is_judged=False,
        ),
        "prom/prometheus": Image(
            ["/prometheus"],
            ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
            "65534:65534",
            files={"/prometheus": tools / "usr/bin/prometheus"},
            folders={"/data": "nobody"},
            is_judged=False,
        ),
        "grafana/grafana": None,
        "jaegertracing/jaeger": None,
    }
