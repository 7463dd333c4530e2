"""What we ask of the charts' objects beside the Kubernetes schemas. A rule is a function that yields
what is wrong, a line each; faults.py shows for each that it can."""

import re
from dataclasses import dataclass

from network import Pod, admits, matches

AUTH, SHOP = "auth-service", "shop-service"
USER = 65532
SECRETS = {"DATABASE_URL", "TOKEN_SECRETS", "REGISTRATION_CLIENT_SECRET", "PASSWORD_PEPPER", "MAIL_URL"}
URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
SHARED_KEYS = {"token-secrets", "registration-client-secret"}
PRIVATE = {"/credentials", "/introspect", "/admin", "/health", "/metrics"}
PUBLIC = {
    AUTH: {"/login", "/token", "/revoke", "/.well-known/oauth-authorization-server", "/password", "/sessions",
           "/docs", "/openapi.json"},
    SHOP: {"/user", "/products", "/cart", "/orders", "/docs", "/openapi.json"},
}
LAST_SECONDS = 20  # background work and the exporter of traces, after SHUTDOWN_GRACE
IDLE_MIB = 70
RULES = []


def rule(function):
    RULES.append(function)
    return function


@dataclass
class Rendered:
    """Both charts' objects under the same value set, and those of the example's PostgreSQL."""

    charts: dict
    values: dict
    example: list

    def of(self, chart, kind):
        return [item for item in self.charts[chart] if item["kind"] == kind]

    def all(self, *kinds):
        return [(chart, item) for chart in self.charts for item in self.charts[chart] if item["kind"] in kinds]

    def pods(self):
        """Every pod that comes of it: chart, name, metadata, spec."""
        for chart, item in self.all("Deployment", "Job"):
            template = item["spec"]["template"]
            yield chart, f"{item['kind']} {item['metadata']['name']}", template["metadata"], template["spec"]
        for chart, item in self.all("Pod"):
            yield chart, f"Pod {item['metadata']['name']}", item["metadata"], item["spec"]

    def containers(self):
        for chart, name, _, spec in self.pods():
            for container in spec["containers"] + spec.get("initContainers", []):
                yield chart, name, spec, container

    def service(self, chart):
        deployment = self.of(chart, "Deployment")[0]
        return deployment, deployment["spec"]["template"]["spec"]["containers"][0]


def environment(container):
    return {variable["name"]: variable.get("value", "") for variable in container.get("env", [])}


def amount(quantity):
    """A quantity's bytes."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(quantity)).groups()
    powers = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    return float(number) * powers[unit]


@rule
def each_chart_is_rendered(rendered):
    for chart in (AUTH, SHOP):
        for kind in ("Deployment", "Service", "ServiceAccount", "Pod"):
            if not rendered.of(chart, kind):
                yield f"{chart} has no {kind}"


@rule
def images_are_pinned(rendered):
    for _, name, _, container in rendered.containers():
        image = container["image"].partition("@")[0].rpartition("/")[2]
        if ":" not in image or image.endswith((":", ":latest")):
            yield f"{name}: the image {container['image']} has no tag that stays"


@rule
def resources_are_bounded(rendered):
    for _, name, _, container in rendered.containers():
        for side in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if what not in container.get("resources", {}).get(side, {}):
                    yield f"{name}: {container['name']} has no {what} among its {side}"


@rule
def memory_holds_all_hashes(rendered):
    _, container = rendered.service(AUTH)
    given = environment(container)
    hashes = int(given.get("HASH_CONCURRENCY", "1"))
    needed = IDLE_MIB * 2**20 + hashes * int(given.get("ARGON2_MEMORY_KIB", "19456")) * 2**10
    limit = container.get("resources", {}).get("limits", {}).get("memory", 0)
    if amount(limit) < needed:
        yield f"{AUTH}: {hashes} hashes take {needed / 2**20:.0f} MiB, and the limit is {limit}"


@rule
def pods_are_confined(rendered):
    for _, name, spec, container in rendered.containers():
        pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
        wanted = {
            "runAsNonRoot": pod.get("runAsNonRoot") is True,
            f"runAsUser {USER}": pod.get("runAsUser") == USER,
            f"runAsGroup {USER}": pod.get("runAsGroup") == USER,
            "seccompProfile RuntimeDefault": pod.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "allowPrivilegeEscalation false": own.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
            "capabilities drop ALL": own.get("capabilities") == {"drop": ["ALL"]},
        }
        for what, is_so in wanted.items():
            if not is_so or own.get("privileged") or spec.get("hostNetwork"):
                yield f"{name}: {container['name']} lacks {what}"


@rule
def no_token_is_mounted(rendered):
    for _, name, _, spec in rendered.pods():
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name} mounts a token of its ServiceAccount"
    for chart, account in rendered.all("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{chart}: the ServiceAccount {account['metadata']['name']} has a token mounted"


@rule
def no_secret_is_shown(rendered):
    for _, item in rendered.all("ConfigMap"):
        for key, text in item.get("data", {}).items():
            if URL_WITH_PASSWORD.search(text) or any(f"{name}=" in text or name == key for name in SECRETS):
                yield f"ConfigMap {item['metadata']['name']}: {key} holds a secret"
    for _, name, _, container in rendered.containers():
        for argument in container.get("args", []) + container.get("command", []):
            if URL_WITH_PASSWORD.search(argument) or re.search("secret|password|pepper|_url|-url", argument, re.I):
                yield f"{name}: the argument {argument.partition('=')[0]} may hold a secret"
        for variable, value in environment(container).items():
            if variable in SECRETS or URL_WITH_PASSWORD.search(value):
                yield f"{name}: {variable} is a secret in plain sight; {variable}_FILE is for that"


@rule
def selectors_match(rendered):
    for chart in rendered.charts:
        pods = [(name, metadata["labels"]) for of, name, metadata, _ in rendered.pods() if of == chart]
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
        services = {i["metadata"]["name"]: [p["name"] for p in i["spec"]["ports"]] for i in rendered.of(chart, "Service")}
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
            wanted = f"$({variable}_SERVICE_HOST):$({variable}_SERVICE_PORT_OPS)"
            if given != wanted or item["spec"].get("enableServiceLinks") is not True:
                yield f"{chart}: the test's OPS_ADDR is {given}, not {wanted} with enableServiceLinks"


@rule
def a_drain_has_time(rendered):
    for chart in rendered.charts:
        deployment, container = rendered.service(chart)
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace = int(environment(container)["SHUTDOWN_GRACE"].removesuffix("s"))
        has = deployment["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        if pause < 1 or has < pause + grace + LAST_SECONDS:
            yield f"{chart}: of {has} s until it is killed, a drain needs {pause} + {grace} + {LAST_SECONDS}"


@rule
def an_update_keeps_all_replicas(rendered):
    for chart in rendered.charts:
        deployment, _ = rendered.service(chart)
        if deployment["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{chart}: an update takes a replica away before the new one is ready"
        scaler = rendered.of(chart, "HorizontalPodAutoscaler")
        if scaler and "replicas" in deployment["spec"]:
            yield f"{chart}: the Deployment's replicas undo what the HorizontalPodAutoscaler does"
        most = scaler[0]["spec"]["maxReplicas"] if scaler else deployment["spec"].get("replicas", 1)
        if bool(rendered.of(chart, "PodDisruptionBudget")) != (most > 1):
            yield f"{chart}: with up to {most} replicas a PodDisruptionBudget is missing, or in the way"


@rule
def only_public_paths_leave_the_cluster(rendered):
    for chart, item in rendered.all("Ingress"):
        _, container = rendered.service(chart)
        if not environment(container).get("TRUSTED_PROXIES"):
            yield f"{chart}: an Ingress, and no TRUSTED_PROXIES"
        if not item["spec"].get("tls"):
            yield f"{chart}: the Ingress has no TLS"
        paths = [path for host in item["spec"]["rules"] for path in host["http"]["paths"]]
        for path in paths:
            if path["path"] not in PUBLIC[chart] or path["pathType"] != "Prefix":
                yield f"{chart}: the Ingress lets {path['path']} ({path['pathType']}) out"
        for missing in PUBLIC[chart] - {path["path"] for path in paths}:
            yield f"{chart}: the Ingress does not have {missing}"
        if any("defaultBackend" in spec for spec in (item["spec"],)):
            yield f"{chart}: the Ingress has a default, which lets every path out"


@rule
def policies_admit_what_is_needed_and_no_more(rendered):
    policies = [item for _, item in rendered.all("NetworkPolicy")]
    if not policies:
        return
    policies += [item for item in rendered.example if item["kind"] == "NetworkPolicy"]
    pods = {}
    for chart, name, metadata, spec in rendered.pods():
        ports = {p["name"]: p["containerPort"] for p in spec["containers"][0].get("ports", [])}
        pods[chart, name.partition(" ")[0]] = Pod(metadata["labels"], ports=ports)
    database = {AUTH: Pod({"cnpg.io/cluster": "auth-db"}), SHOP: Pod({"cnpg.io/cluster": "shop-db"})}
    stranger = Pod({"app": "stranger"})
    controller = Pod({}, namespace="ingress-nginx")
    prometheus = Pod({}, namespace="monitoring")
    operator = Pod({"app.kubernetes.io/name": "cloudnative-pg"}, namespace="cnpg-system")
    dns = Pod({"k8s-app": "kube-dns"}, namespace="kube-system")
    auth, shop = pods[AUTH, "Deployment"], pods[SHOP, "Deployment"]
    needed = [("the shop", shop, auth, auth.ports["http"], "TCP")]
    forbidden = [("a stranger in PostgreSQL", stranger, database[AUTH], 5432, "TCP"),
                 ("the shop in auth's PostgreSQL", shop, database[AUTH], 5432, "TCP"),
                 ("auth in the shop's PostgreSQL", auth, database[SHOP], 5432, "TCP"),
                 ("auth in the shop", auth, shop, shop.ports["http"], "TCP")]
    for chart in rendered.charts:
        service = pods[chart, "Deployment"]
        http, ops = service.ports["http"], service.ports["ops"]
        for kind in ("Deployment", "Job"):
            if (chart, kind) in pods:
                needed.append((f"{chart}'s {kind}", pods[chart, kind], database[chart], 5432, "TCP"))
                needed.append((f"{chart}'s {kind}", pods[chart, kind], dns, 53, "UDP"))
        needed.append((f"{chart}'s test", pods[chart, "Pod"], service, ops, "TCP"))
        needed.append(("Prometheus", prometheus, service, ops, "TCP"))
        needed.append(("the operator", operator, database[chart], 8000, "TCP"))
        needed.append(("a standby", database[chart], database[chart], 5432, "TCP"))
        if rendered.of(chart, "Ingress"):
            needed.append(("the Ingress controller", controller, service, http, "TCP"))
        else:
            forbidden.append(("an Ingress controller without an Ingress", controller, service, http, "TCP"))
        forbidden.append((f"a stranger in {chart}", stranger, service, http, "TCP"))
        forbidden.append((f"a stranger at {chart}'s ops port", stranger, service, ops, "TCP"))
        forbidden.append((f"the other service at {chart}'s ops port", shop if chart == AUTH else auth, service, ops, "TCP"))
        forbidden.append((f"the Ingress controller at {chart}'s ops port", controller, service, ops, "TCP"))
        forbidden.append((f"{chart} at any port of anybody", service, stranger, 4444, "TCP"))
    for who, source, to, port, protocol in needed:
        if direction := admits(policies, source, to, port, protocol):
            yield f"{who} does not reach the port {port}: no rule for {direction}"
    for who, source, to, port, protocol in forbidden:
        if not admits(policies, source, to, port, protocol):
            yield f"the NetworkPolicies let through {who} ({port})"


@rule
def secrets_are_known(rendered):
    shared = {}
    for chart, name, _, spec in rendered.pods():
        for volume in spec.get("volumes", []):
            secret = volume.get("secret")
            if not secret:
                yield f"{name}: the volume {volume['name']} is no Secret"
                continue
            if secret.get("defaultMode") != 0o440 or spec.get("securityContext", {}).get("fsGroup") != USER:
                yield f"{name}: {secret['secretName']} is not for the service's group alone"
            keys = {item["key"] for item in secret["items"]}
            if volume["name"] == "shared":
                shared[chart] = (secret["secretName"], keys)
            elif secret["secretName"] not in str(rendered.values[chart]):
                yield f"{name}: no value names the Secret {secret['secretName']}"
    if shared.get(AUTH) != shared.get(SHOP) or shared[AUTH][1] != SHARED_KEYS:
        yield f"the shared Secret is {shared.get(AUTH)} for auth, {shared.get(SHOP)} for the shop"
    made = rendered.of(AUTH, "Secret")
    takes = rendered.values[AUTH].get("sharedSecret", {}).get("create", True)
    if bool(made) != takes or rendered.of(SHOP, "Secret"):
        yield "the shared Secret is made by auth's chart alone, unless it is told not to"
    for item in made:
        content = item.get("stringData", {})
        if item["metadata"]["name"] != shared[AUTH][0] or content.keys() != SHARED_KEYS:
            yield f"{AUTH} makes {item['metadata']['name']} with {sorted(content)}"
        if any(len(text) < 43 for text in content.values()) or len(set(content.values())) != 2:
            yield f"{AUTH} makes secrets that are short, or alike"


@rule
def files_are_mounted(rendered):
    for _, name, spec, container in rendered.containers():
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        files = set()
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name}: {mount['mountPath']} has no volume {mount['name']}"
                continue
            if not mount.get("readOnly") or not mount["mountPath"].startswith("/run/secrets/"):
                yield f"{name}: {mount['mountPath']} is writable, or not below /run/secrets"
            items = volumes[mount["name"]].get("secret", {}).get("items", [])
            files |= {f"{mount['mountPath']}/{item['path']}" for item in items}
        for unused in volumes.keys() - {mount["name"] for mount in container.get("volumeMounts", [])}:
            yield f"{name}: the volume {unused} is mounted nowhere"
        for variable, value in environment(container).items():
            if variable.endswith("_FILE") and value not in files:
                yield f"{name}: {variable} is {value}, which is not mounted"


@rule
def every_secret_of_a_service_is_a_file(rendered):
    required = {"DATABASE_URL_FILE", "TOKEN_SECRETS_FILE", "REGISTRATION_CLIENT_SECRET_FILE"}
    for chart in rendered.charts:
        for missing in required - environment(rendered.service(chart)[1]).keys():
            yield f"{chart}: {missing} is missing"
        for item in rendered.of(chart, "Job"):
            given = environment(item["spec"]["template"]["spec"]["containers"][0]).keys()
            if given != {"DATABASE_URL_FILE"}:
                yield f"{chart}: the migration gets {sorted(given)}, and needs DATABASE_URL_FILE alone"


@rule
def migrations_come_first(rendered):
    for chart in rendered.charts:
        jobs = rendered.of(chart, "Job")
        at_start = environment(rendered.service(chart)[1]).get("MIGRATE_ON_START")
        if at_start != ("false" if jobs else "true"):
            yield f"{chart}: {len(jobs)} Jobs migrate, and MIGRATE_ON_START is {at_start}"
        for item in jobs:
            hook, spec = item["metadata"]["annotations"], item["spec"]["template"]["spec"]
            if hook.get("helm.sh/hook") != "pre-install,pre-upgrade":
                yield f"{chart}: the migration is the hook {hook.get('helm.sh/hook')}"
            if hook.get("helm.sh/hook-delete-policy") != "before-hook-creation,hook-succeeded":
                yield f"{chart}: the migration's Job would be in its own way, or stay"
            if spec.get("serviceAccountName", "default") != "default":
                yield f"{chart}: the migration uses the account {spec['serviceAccountName']}, made after it"
            if not item["spec"].get("activeDeadlineSeconds") or "backoffLimit" not in item["spec"]:
                yield f"{chart}: the migration may try for ever"
            for secret in rendered.of(chart, "Secret"):
                if weight(secret) >= weight(item):
                    yield f"{chart}: the migration does not wait for the shared Secret"


@rule
def the_shared_secret_outlives_all(rendered):
    for chart, item in rendered.all("Secret"):
        hook = item["metadata"].get("annotations", {})
        if hook.get("helm.sh/hook") != "pre-install,pre-upgrade":
            yield f"{chart}: the Secret is part of the release, which deletes it"
        if hook.get("helm.sh/hook-delete-policy") != "hook-failed" or hook.get("helm.sh/resource-policy") != "keep":
            yield f"{chart}: Helm may delete the Secret"


def weight(item):
    return int(item["metadata"]["annotations"].get("helm.sh/hook-weight", 0))


@rule
def alerts_say_what_to_do(rendered):
    for chart, item in rendered.all("PrometheusRule"):
        rules = [rule for group in item["spec"]["groups"] for rule in group["rules"]]
        if len(rules) < 5:
            yield f"{chart}: {len(rules)} alerts"
        for alert in rules:
            notes = alert.get("annotations", {})
            if alert.get("labels", {}).get("severity") not in ("critical", "warning") or not notes.get("summary"):
                yield f"{chart}: {alert['alert']} has no severity, or no summary"
            if 'docs/running.md, "What to do when"' not in notes.get("description", ""):
                yield f"{chart}: {alert['alert']} does not say where to read on"
            if f'job="{chart}"' not in alert["expr"]:
                yield f"{chart}: {alert['alert']} asks for other jobs"
