"""Runs the resolved docker-compose.yml where there is no engine and no image can be had.

    engine.py FOLDER TOOLS COMMAND… <resolved.json

Each container is a process in namespaces of its own, with the very entrypoint, environment, user,
capabilities, mounts and health check that the file gives it, and with a root that holds nothing
else; what runs in it, images.py says. They share one network, whose names are theirs. When all are
up, COMMAND runs beside them, with VOLUMES and LOGS naming folders of these; then all are stopped, in
order. Volumes stay in FOLDER for the next time.

To be run where the loopback interface and the process numbers are its own.
"""

import contextlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import images

# Seconds: for a container to be up, or done.
PATIENCE = 120
POLL = 0.1

COMPLETED, HEALTHY = "service_completed_successfully", "service_healthy"


class Failure(Exception):
    pass


def plain(value):
    """As a container sees it: where the file is resolved, a `$` still stands as `$$`."""
    match value:
        case str():
            return value.replace("$$", "$")
        case list():
            return [plain(each) for each in value]
        case dict():
            return {name: plain(each) for name, each in value.items()}
    return value


def seconds(duration):
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)([hms])", duration))


class Container:
    def __init__(self, name, service, engine):
        self.name, self.service, self.engine = name, service, engine
        self.image = engine.image(service)
        self.log = engine.logs / name
        self.process = None

    @property
    def is_one_shot(self):
        return "restart" not in self.service

    def mounts(self):
        """Where what is bound: target, source, option."""
        for target, source in self.image.files.items():
            yield target, source, "--ro-bind"
        volumes = {volume["target"]: volume for volume in self.service.get("volumes", [])}
        for target, owner in self.image.folders.items():
            if target not in volumes:
                folder = self.engine.folder / "containers" / self.name / target.replace("/", "_")
                yield target, self.engine.make(folder, owner), "--bind"
        for target, volume in volumes.items():
            if volume["type"] != "volume":
                raise Failure(f"{self.name}: a {volume['type']} is mounted")
            owner = self.image.folders.get(target, "root")
            source = self.engine.make(self.engine.volumes / volume["source"], owner)
            yield target, source, "--ro-bind" if volume.get("read_only") else "--bind"
        for config in self.service.get("configs", []):
            yield config["target"], self.engine.config(config), "--ro-bind"

    def command(self, arguments):
        """What runs `arguments` in this container."""
        service, image = self.service, self.image
        line = "bwrap --die-with-parent --new-session --unshare-pid --unshare-ipc --unshare-uts"
        line += f" --hostname {self.name} --clearenv --proc /proc --dev /dev"
        line = line.split()
        mounts = [("/usr", "/usr", "--ro-bind"), ("/etc/hosts", self.engine.hosts, "--ro-bind")]
        mounts += [
            (file, file, "--ro-bind-try") for file in ["/etc/passwd", "/etc/group", "/etc/ssl"]
        ]
        mounts += self.mounts()
        # Above them, everybody may pass.
        for above in sorted({a for target, _, _ in mounts for a in Path(target).parents}):
            line += ["--perms", "0755", "--dir", str(above)]
        for place in ["bin", "sbin", "lib", "lib64"]:
            line += ["--symlink", f"usr/{place}", f"/{place}"]
        if service.get("network_mode") == "none":
            line.append("--unshare-net")
        tmpfs = service.get("tmpfs", []) if service.get("read_only") else ["/tmp"]
        for target in ["/dev/shm", *tmpfs]:
            line += ["--perms", "1777", "--tmpfs", target]
        for target, source, option in mounts:
            line += [option, str(source), target]
        if service.get("read_only"):
            line += ["--remount-ro", "/"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | image.environment
        for name, value in (environment | (service.get("environment") or {})).items():
            line += ["--setenv", name, value]
        return line + self.confined() + arguments

    def confined(self):
        user, _, group = (self.service.get("user") or self.image.user).partition(":")
        if not user.isdigit():
            account = pwd.getpwnam(user)
            user, group = str(account.pw_uid), str(account.pw_gid)
        bounds = [f"+{name.lower()}" for name in self.service.get("cap_add", [])]
        if self.service["cap_drop"] != ["ALL"]:
            raise Failure(f"{self.name} keeps capabilities")
        line = ["setpriv", "--reuid", user, "--regid", group or user, "--clear-groups"]
        line += ["--bounding-set", ",".join(["-all", *bounds]), "--inh-caps", "-all"]
        return line + ["--no-new-privs"]

    def start(self):
        entrypoint = self.service.get("entrypoint") or self.image.entrypoint
        arguments = entrypoint + (self.service.get("command") or self.image.command)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command(arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_for(self, condition):
        """Until it is as others want it."""
        if condition == COMPLETED:
            return self.end(PATIENCE)
        if condition != HEALTHY:
            return None
        deadline = time.monotonic() + PATIENCE
        while not self.is_healthy():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} has ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} is not healthy")
            time.sleep(POLL)

    def is_healthy(self):
        check = self.service.get("healthcheck")
        if not check or not self.image.is_judged:
            return True
        kind, *test = check["test"]
        if kind != "CMD":
            raise Failure(f"{self.name}: a health check by {kind}")
        ran = subprocess.run(self.command(test), check=False, capture_output=True, timeout=PATIENCE)
        return ran.returncode == 0

    def end(self, patience):
        """Until it has ended well."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} has not ended after {patience} s") from None
        if code != 0:
            raise Failure(f"{self.name} has ended with {code}")

    def stop(self):
        # The container's own first process: what is above it only waits.
        for child in children(self.process.pid):
            for first in children(child):
                os.kill(first, self.image.stop)
        started = time.monotonic()
        self.end(seconds(self.service.get("stop_grace_period", "10s")))
        print(f"{self.name} has stopped after {time.monotonic() - started:.1f} s", flush=True)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Engine:
    def __init__(self, folder, tools, project):
        self.folder, self.project = folder, project
        self.volumes, self.logs = folder / "volumes", folder / "logs"
        shutil.rmtree(folder / "containers", ignore_errors=True)
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        self.others = images.others(tools)
        services = {n: s for n, s in project["services"].items() if self.image(s)}
        self.hosts = folder / "hosts"
        names = [f"127.1.0.{n} {name}\n" for n, name in enumerate(services, 1)]
        self.hosts.write_text("127.0.0.1 localhost\n" + "".join(names))
        self.containers = {n: Container(n, s, self) for n, s in services.items()}

    def image(self, service):
        if service.get("build"):
            return images.ours(service["build"]["target"])
        return self.others[service["image"].rpartition(":")[0]]

    def make(self, folder, owner):
        """A folder as an engine makes it; one that is there stays as it is."""
        if not folder.exists():
            folder.mkdir(parents=True)
            shutil.chown(folder, owner)
        return folder

    def config(self, mount):
        config = self.project["configs"][mount["source"]]
        if "file" in config:
            return config["file"]
        file = self.folder / "containers" / config["name"]
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_text(config["content"])
            file.chmod(int(mount["mode"], 8) if isinstance(mount["mode"], str) else mount["mode"])
        return file

    def up(self):
        started = time.monotonic()
        waiting = dict(self.containers)
        while waiting:
            ready = [n for n, c in waiting.items() if not waiting.keys() & depends_on(c).keys()]
            if not ready:
                raise Failure(f"{' and '.join(waiting)} wait for each other")
            for name in ready:
                container = waiting.pop(name)
                for other, how in depends_on(container).items():
                    self.containers[other].wait_for(how["condition"])
                container.start()
        for container in self.containers.values():
            container.wait_for(COMPLETED if container.is_one_shot else HEALTHY)
        print(f"all are up after {time.monotonic() - started:.1f} s", flush=True)

    def down(self):
        # Who was started last ends first.
        for container in reversed(list(self.started())):
            container.stop()

    def started(self):
        running = [c for c in self.containers.values() if c.process and not c.is_one_shot]
        return sorted(running, key=lambda container: container.process.pid)


def depends_on(container):
    return container.service.get("depends_on", {})


def main():
    folder, tools, *command = sys.argv[1:]
    engine = Engine(Path(folder), Path(tools), plain(json.load(sys.stdin)))
    try:
        engine.up()
        environment = os.environ | {"VOLUMES": str(engine.volumes), "LOGS": str(engine.logs)}
        subprocess.run(command, env=environment, check=True)
        engine.down()
    except (Failure, subprocess.CalledProcessError) as failure:
        for log in sorted(engine.logs.iterdir()):
            with contextlib.suppress(UnicodeDecodeError):
                print(f"-- {log.name}", *log.read_text().splitlines()[-15:], sep="\n")
        sys.exit(f"FAILED: {failure}")


if __name__ == "__main__":
    main()
