"""Helm itself, as a library, and what it renders."""

import asyncio
import copy
import tempfile
from pathlib import Path
from shutil import copytree

import helm_sdkpy
import yaml

CHARTS = Path("helm")


class Helm:
    """Helm at work on a cluster."""

    def __init__(self, cluster, **options):
        self.configuration = helm_sdkpy.Configuration(kubeconfig=cluster.kubeconfig)
        self.options = {"wait": False, "timeout": 30, **options}

    def run(self, action, *given, **options):
        return asyncio.run(action(self.configuration).run(*given, **options))

    def install(self, name, values, chart=None):
        return self.run(
            helm_sdkpy.Install, name, str(chart or CHARTS / name), values, **self.options
        )

    def upgrade(self, name, values):
        return self.run(helm_sdkpy.Upgrade, name, str(CHARTS / name), values, **self.options)

    def uninstall(self, name):
        return self.run(helm_sdkpy.Uninstall, name, wait=False)

    def test(self, name):
        return self.run(helm_sdkpy.ReleaseTest, name)

    def lint(self, name, values):
        """What is worse than advice."""
        with tempfile.TemporaryDirectory() as folder:
            # Lint takes no values, so they become the defaults.
            chart = copytree(CHARTS / name, Path(folder) / name, symlinks=False)
            defaults = yaml.safe_load((chart / "values.yaml").read_text())
            (chart / "values.yaml").write_text(yaml.safe_dump(laid_over(defaults, values)))
            said = self.run(helm_sdkpy.Lint, str(chart))
        if said["TotalChartsLinted"] != 1:
            return ["nothing was linted"]
        return [m for m in said["Messages"] or [] if m["Severity"] > 1] + (said["Errors"] or [])

    def package(self, name, folder):
        return self.run(helm_sdkpy.Package, str(CHARTS / name), str(folder))


def laid_over(defaults, values):
    merged = copy.deepcopy(defaults)
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = laid_over(merged[key], value)
        else:
            merged[key] = value
    return merged


def objects(release):
    """All that a release consists of, hooks among it."""
    texts = [
        release.get("manifest", ""),
        *[hook["manifest"] for hook in release.get("hooks") or []],
    ]
    return [item for text in texts for item in yaml.safe_load_all(text) if item]
