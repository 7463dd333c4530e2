"""Who reaches whom, from outside and within."""

from network import Pod, admits
from rules import AUTH, SHOP, environment, rule

PUBLIC = {
    AUTH: {
        "/login",
        "/token",
        "/revoke",
        "/.well-known/oauth-authorization-server",
        "/password",
        "/sessions",
        "/docs",
        "/openapi.json",
    },
    SHOP: {"/user", "/products", "/cart", "/orders", "/docs", "/openapi.json"},
}


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
        if "defaultBackend" in item["spec"]:
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
    database = {
        AUTH: Pod({"cnpg.io/cluster": "auth-db"}),
        SHOP: Pod({"cnpg.io/cluster": "shop-db"}),
    }
    stranger = Pod({"app": "stranger"})
    controller = Pod({}, namespace="ingress-nginx")
    prometheus = Pod({}, namespace="monitoring")
    operator = Pod({"app.kubernetes.io/name": "cloudnative-pg"}, namespace="cnpg-system")
    dns = Pod({"k8s-app": "kube-dns"}, namespace="kube-system")
    auth, shop = pods[AUTH, "Deployment"], pods[SHOP, "Deployment"]
    needed = [("the shop", shop, auth, auth.ports["http"], "TCP")]
    forbidden = [
        ("a stranger in PostgreSQL", stranger, database[AUTH], 5432, "TCP"),
        ("the shop in auth's PostgreSQL", shop, database[AUTH], 5432, "TCP"),
        ("auth in the shop's PostgreSQL", auth, database[SHOP], 5432, "TCP"),
        ("auth in the shop", auth, shop, shop.ports["http"], "TCP"),
    ]
    for chart in rendered.charts:
        service = pods[chart, "Deployment"]
        http, ops = service.ports["http"], service.ports["ops"]
        for kind in ("Deployment", "Job"):
            if (chart, kind) in pods:
                needed.append(
                    (f"{chart}'s {kind}", pods[chart, kind], database[chart], 5432, "TCP")
                )
                needed.append((f"{chart}'s {kind}", pods[chart, kind], dns, 53, "UDP"))
        needed.append((f"{chart}'s test", pods[chart, "Pod"], service, ops, "TCP"))
        needed.append(("Prometheus", prometheus, service, ops, "TCP"))
        needed.append(("the operator", operator, database[chart], 8000, "TCP"))
        needed.append(("a standby", database[chart], database[chart], 5432, "TCP"))
        if rendered.of(chart, "Ingress"):
            needed.append(("the Ingress controller", controller, service, http, "TCP"))
        else:
            forbidden.append(
                ("an Ingress controller without an Ingress", controller, service, http, "TCP")
            )
        forbidden.append((f"a stranger in {chart}", stranger, service, http, "TCP"))
        forbidden.append((f"a stranger at {chart}'s ops port", stranger, service, ops, "TCP"))
        forbidden.append(
            (
                f"the other service at {chart}'s ops port",
                shop if chart == AUTH else auth,
                service,
                ops,
                "TCP",
            )
        )
        forbidden.append(
            (f"the Ingress controller at {chart}'s ops port", controller, service, ops, "TCP")
        )
        forbidden.append((f"{chart} at any port of anybody", service, stranger, 4444, "TCP"))
    for who, source, to, port, protocol in needed:
        if direction := admits(policies, source, to, port, protocol):
            yield f"{who} does not reach the port {port}: no rule for {direction}"
    for who, source, to, port, protocol in forbidden:
        if not admits(policies, source, to, port, protocol):
            yield f"the NetworkPolicies let through {who} ({port})"
