"""The charts: linted, rendered by Helm, held against Kubernetes' schemas and our own rules.

Writes what promtool is to read into the folder that it is given."""

import json
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kubernetes_validate
import yaml

import faults
import lifecycle

# For their rules.
import rules_network
import rules_pods
import rules_secrets
import rules_wiring
from cluster import Cluster
from helm import CHARTS, Helm, laid_over, objects
from rules import AUTH, RULES, SHOP, Rendered

SCHEMAS = ("1.30", "1.37")  # the oldest that the charts support, and the newest there is
SETS = Path(".ci/helm/values")
NO_SCHEMA = {
    "Cluster": (
        "postgresql.cnpg.io/v1",
        {"instances", "storage", "bootstrap", "postgresql", "imageName", "resources"},
    ),
    "PrometheusRule": ("monitoring.coreos.com/v1", {"groups"}),
    "ServiceMonitor": ("monitoring.coreos.com/v1", {"jobLabel", "selector", "endpoints"}),
}
wrong = []


def complain(where, lines):
    wrong.extend(f"{where}: {line}" for line in lines)


def valid(item):
    """What the Kubernetes schemas say against an object."""
    name = f"{item['kind']} {item['metadata']['name']}"
    if item["kind"] in NO_SCHEMA:
        version, fields = NO_SCHEMA[item["kind"]]
        if item["apiVersion"] != version or item["spec"].keys() != fields:
            yield f"{name} is not of the shape {version} {sorted(fields)}"
        return
    for version in SCHEMAS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name}, Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}"


def value_sets():
    sets = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(SETS.glob("*.yaml"))}
    examples = {chart: CHARTS / f"examples/{chart}.yaml" for chart in (AUTH, SHOP)}
    sets["the example"] = {chart: yaml.safe_load(at.read_text()) for chart, at in examples.items()}
    return sets


def render(values):
    """Both charts, as Helm installs them into a fresh cluster."""
    with Cluster() as cluster:
        helm = Helm(cluster)
        shared = values[SHOP].get("sharedSecret", {}).get("name", "latchkey-shared")
        if not values[AUTH].get("sharedSecret", {}).get("create", True):
            cluster.put("given", "Secret", lifecycle.secret(shared))
        for chart in (AUTH, SHOP):
            complain(chart, [f"lint: {line}" for line in helm.lint(chart, values[chart])])
        charts = {chart: objects(helm.install(chart, values[chart])) for chart in (AUTH, SHOP)}
    defaults = {
        chart: yaml.safe_load((CHARTS / chart / "values.yaml").read_text()) for chart in charts
    }
    merged = {chart: laid_over(defaults[chart], values[chart]) for chart in charts}
    return Rendered(charts, merged, example())


def example():
    return list(yaml.safe_load_all((CHARTS / "examples/postgresql.yaml").read_text()))


def versions():
    workspace = tomllib.loads(Path("Cargo.toml").read_text())["workspace"]["package"]["version"]
    library = yaml.safe_load((CHARTS / "latchkey/Chart.yaml").read_text())["version"]
    for chart in (AUTH, SHOP):
        found = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text())
        if found["appVersion"] != workspace:
            yield f"{chart}: appVersion is {found['appVersion']}, the workspace's version {workspace}"
        if [needed["version"] for needed in found["dependencies"]] != [library]:
            yield f"{chart}: it depends on another version of the library than {library}"
        if (CHARTS / chart / "charts/latchkey").resolve() != (CHARTS / "latchkey").resolve():
            yield f"{chart}: charts/latchkey is not a link to {CHARTS}/latchkey"


def readme():
    """The lines for a cluster install what is rendered here as the example."""
    shown = subprocess.run([".ci/section", "cluster"], capture_output=True, check=True, text=True)
    lines = shown.stdout.splitlines()
    for chart in (AUTH, SHOP):
        version = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text())["appVersion"]
        image = f"latchkey/{chart}:{version}"
        for line in (
            f"docker build --target {chart} --tag {image} .",
            f"helm install {chart} {CHARTS}/{chart} -f {CHARTS}/examples/{chart}.yaml --wait",
        ):
            if line not in lines:
                yield f"no line: {line}"
        if not any(line.startswith("kind load") and image in line.split() for line in lines):
            yield f"{image} is not loaded"


def packaged():
    """A package holds the library itself, not the link."""
    with tempfile.TemporaryDirectory() as folder, Cluster() as cluster:
        helm = Helm(cluster)
        archive = helm.package(AUTH, folder)
        if not objects(helm.install(AUTH, lifecycle.VALUES[AUTH], archive)):
            yield "the package renders nothing"


def expressions():
    """The dashboards' queries, as rules that promtool reads."""
    rules = []
    for path in sorted(CHARTS.glob("*/monitoring/dashboard.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", "5m")
                rules.append({"record": f"panel:{len(rules)}", "expr": expression})
    return {"groups": [{"name": "dashboards", "rules": rules}]}


def main(folder):
    complain("versions", versions())
    complain("README", readme())
    sets = value_sets()
    count = 0
    with ThreadPoolExecutor() as several:  # Helm waits more than it works
        all_rendered = dict(zip(sets, several.map(render, sets.values()), strict=True))
    for name, rendered in all_rendered.items():
        everything = [*rendered.charts[AUTH], *rendered.charts[SHOP], *rendered.example]
        if not all(rendered.charts.values()):
            complain(name, ["nothing was rendered"])
        for item in everything:
            complain(name, valid(item))
        for rule in RULES:
            try:
                complain(name, rule(rendered))
            except (AttributeError, IndexError, KeyError) as error:
                complain(name, [f"{rule.__name__} misses something: {error!r}"])
        count += len(everything)
        if name == "all-on" and not wrong:
            complain("the rules themselves", faults.try_all(rendered))
    complain("package", packaged())
    if len(sets) < 5 or not count:
        wrong.append("fewer than five value sets, or nothing was rendered")
    print(
        f"{count} objects of {len(sets)} value sets, {len(RULES)} rules, {len(faults.FAULTS)} faults seen by them"
    )

    complain("Helm", lifecycle.failures())
    print(f"{len(lifecycle.REFUSED)} wrong values tried, and the life of the shared Secret")

    queries = expressions()
    if len(queries["groups"][0]["rules"]) < 10:
        wrong.append("the dashboards ask next to nothing")
    (Path(folder) / "dashboards.yaml").write_text(yaml.safe_dump(queries))
    for line in wrong:
        print(f"FAILED: {line}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
