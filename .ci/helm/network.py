"""What NetworkPolicies let through, as the Kubernetes API defines it: an end that no policy selects
is open, else some rule of some policy must admit the other end and the port."""

import ipaddress
from dataclasses import dataclass, field


@dataclass
class Pod:
    labels: dict
    namespace: str = "default"
    ports: dict = field(default_factory=dict)  # number by name
    address: str = "10.244.0.9"

    @property
    def namespace_labels(self):
        return {"kubernetes.io/metadata.name": self.namespace}


def matches(selector, labels):
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions", []):
        has = labels.get(term["key"])
        wanted = {
            "In": has in term.get("values", []),
            "NotIn": has not in term.get("values", []),
            "Exists": has is not None,
            "DoesNotExist": has is None,
        }
        if not wanted[term["operator"]]:
            return False
    return True


def is_peer(peer, pod, namespace):
    if "ipBlock" in peer:
        return ipaddress.ip_address(pod.address) in ipaddress.ip_network(peer["ipBlock"]["cidr"])
    if "namespaceSelector" in peer:
        is_there = matches(peer["namespaceSelector"], pod.namespace_labels)
    else:
        is_there = pod.namespace == namespace
    return is_there and matches(peer.get("podSelector", {}), pod.labels)


def has_port(ports, number, protocol, to):
    return not ports or any(
        to.ports.get(port.get("port"), port.get("port", number)) == number
        and port.get("protocol", "TCP") == protocol
        for port in ports
    )


def admits(policies, source, to, number, protocol="TCP"):
    """Both directions, or the one that says no."""
    for direction, end, other, peers in (
        ("Egress", source, to, "to"),
        ("Ingress", to, source, "from"),
    ):
        of_end = [
            policy["spec"]
            for policy in policies
            if direction in policy["spec"]["policyTypes"]
            and end.namespace == policy["metadata"].get("namespace", "default")
            and matches(policy["spec"]["podSelector"], end.labels)
        ]
        rules = [rule for spec in of_end for rule in spec.get(direction.lower()) or []]
        if of_end and not any(
            has_port(rule.get("ports"), number, protocol, to)
            and (not rule.get(peers) or any(is_peer(p, other, end.namespace) for p in rule[peers]))
            for rule in rules
        ):
            return direction.lower()
    return None
