"""What names something else must name something that is there."""

import re

from network import matches
from rules import AUTH, SHOP, environment, rule

# Values without an inner structure that are for Kubernetes, not for the service.
OTHER_VALUES = {
    "fullnameOverride",
    "preStopSeconds",
    "priorityClassName",
    "replicas",
    "shutdownGraceSeconds",
    "topologySpread",
}


@rule
def each_chart_is_rendered(rendered):
    for chart in (AUTH, SHOP):
        for kind in ("Deployment", "Service", "ServiceAccount", "Pod"):
            if not rendered.of(chart, kind):
                yield f"{chart} has no {kind}"


@rule
def selectors_match(rendered):
    for chart in rendered.charts:
        pods = [
            (name, metadata["labels"]) for of, name, metadata, _ in rendered.pods() if of == chart
        ]
        deployment, _ = rendered.service(chart)
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        selectors = {"Deployment": deployment["spec"]["selector"]}
        for spread in deployment["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            selectors[f"spread over {spread['topologyKey']}"] = spread["labelSelector"]
        for item in rendered.of(chart, "Service"):
            selectors["Service"] = {"matchLabels": item["spec"]["selector"]}
        for item in rendered.of(chart, "PodDisruptionBudget"):
            selectors["PodDisruptionBudget"] = item["spec"]["selector"]
        for what, selector in selectors.items():
            selected = [name for name, its in pods if selector and matches(selector, its)]
            if not matches(selector, labels) or len(selected) != 1:
                yield f"{chart}: the selector of its {what} selects {selected}, not the service's pods alone"
        for item in rendered.of(chart, "NetworkPolicy"):
            if sum(matches(item["spec"]["podSelector"], its) for _, its in pods) != 1:
                yield f"{chart}: the NetworkPolicy {item['metadata']['name']} selects none of its pods, or several"
        for item in rendered.of(chart, "HorizontalPodAutoscaler"):
            target = item["spec"]["scaleTargetRef"]
            if (target["kind"], target["name"]) != ("Deployment", deployment["metadata"]["name"]):
                yield f"{chart}: the HorizontalPodAutoscaler scales {target['kind']} {target['name']}"
        for item in rendered.of(chart, "ServiceMonitor"):
            service = rendered.of(chart, "Service")[0]
            if not matches(item["spec"]["selector"], service["metadata"]["labels"]):
                yield f"{chart}: the ServiceMonitor does not select the Service"
            if service["metadata"]["labels"].get(item["spec"].get("jobLabel")) != chart:
                yield f"{chart}: the ServiceMonitor's jobLabel does not make job={chart}"
            for endpoint in item["spec"]["endpoints"]:
                if endpoint["port"] not in [port["name"] for port in service["spec"]["ports"]]:
                    yield f"{chart}: the ServiceMonitor asks a port {endpoint['port']} that the Service has not"


@rule
def ports_exist(rendered):
    for chart in rendered.charts:
        _, container = rendered.service(chart)
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for variable, port in (("LISTEN_ADDR", "http"), ("OPS_ADDR", "ops")):
            address = environment(container).get(variable, "")
            if address.rpartition(":")[2] != str(ports.get(port)) or address.startswith("127."):
                yield f"{chart}: {variable} is {address!r}, and the port {port} is {ports.get(port)}"
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container.get(probe, {}).get("httpGet", {})
            path = "/health/ready" if probe == "readinessProbe" else "/health/live"
            if asked.get("port") != "ops" or "ops" not in ports or asked.get("path") != path:
                yield f"{chart}: the {probe} must ask {path} on the port ops, and asks {asked}"
        for item in rendered.of(chart, "Service"):
            for port in item["spec"]["ports"]:
                if port["targetPort"] not in ports:
                    yield f"{chart}: the Service's {port['name']} goes to {port['targetPort']}, which is no port"
        services = {
            i["metadata"]["name"]: [p["name"] for p in i["spec"]["ports"]]
            for i in rendered.of(chart, "Service")
        }
        for item in rendered.of(chart, "Ingress"):
            for path in (path for host in item["spec"]["rules"] for path in host["http"]["paths"]):
                to = path["backend"]["service"]
                if to["port"].get("name") != "http" or "http" not in services.get(to["name"], []):
                    yield f"{chart}: the Ingress sends {path['path']} to {to}, which is not the Service's http"


@rule
def the_test_asks_the_service(rendered):
    for chart in rendered.charts:
        variable = rendered.of(chart, "Service")[0]["metadata"]["name"].upper().replace("-", "_")
        for item in rendered.of(chart, "Pod"):
            given = environment(item["spec"]["containers"][0]).get("OPS_ADDR")
            listens = environment(rendered.service(chart)[1])["OPS_ADDR"]
            host = f"$({variable}_SERVICE_HOST)"
            host = f"[{host}]" if listens.startswith("[") else host
            wanted = f"{host}:$({variable}_SERVICE_PORT_OPS)"
            if given != wanted or item["spec"].get("enableServiceLinks") is not True:
                yield f"{chart}: the test's OPS_ADDR is {given}, not {wanted} with enableServiceLinks"


@rule
def alerts_say_what_to_do(rendered):
    for chart, item in rendered.all("PrometheusRule"):
        rules = [rule for group in item["spec"]["groups"] for rule in group["rules"]]
        if len(rules) < 5:
            yield f"{chart}: {len(rules)} alerts"
        for alert in rules:
            notes = alert.get("annotations", {})
            if alert.get("labels", {}).get("severity") not in (
                "critical",
                "warning",
            ) or not notes.get("summary"):
                yield f"{chart}: {alert['alert']} has no severity, or no summary"
            if 'docs/running.md, "What to do when"' not in notes.get("description", ""):
                yield f"{chart}: {alert['alert']} does not say where to read on"
            if f'job="{chart}"' not in alert["expr"]:
                yield f"{chart}: {alert['alert']} asks for other jobs"


@rule
def values_reach_the_service(rendered):
    for chart, values in rendered.values.items():
        given = environment(rendered.service(chart)[1])
        for key, value in values.items():
            text = (
                ",".join(value)
                if isinstance(value, list) and all(isinstance(v, str) for v in value)
                else value
            )
            if isinstance(text, (dict, list)) or key in OTHER_VALUES:
                continue
            variable = re.sub("([A-Z])", r"_\1", key).upper()
            wanted = (
                str(text).lower()
                if isinstance(text, bool)
                else str(text or "")
                if text != 0
                else "0"
            )
            if given.get(variable, "") != wanted:
                yield f"{chart}: {key} is {text!r}, and {variable} {given.get(variable)!r}"
