"""What was rendered, and the rules that it must keep. A rule is a function that yields what is wrong,
a line each; faults.py shows for each that it can."""

from dataclasses import dataclass

AUTH, SHOP = "auth-service", "shop-service"
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
        return [
            (chart, item)
            for chart in self.charts
            for item in self.charts[chart]
            if item["kind"] in kinds
        ]

    def pods(self):
        """Every pod that comes of it: chart, name, metadata, spec."""
        for chart, item in self.all("Deployment", "Job"):
            template = item["spec"]["template"]
            yield (
                chart,
                f"{item['kind']} {item['metadata']['name']}",
                template["metadata"],
                template["spec"],
            )
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
