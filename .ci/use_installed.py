"""Import every module that needs no extra and load every scenario, where only clinsim's core is installed."""

import importlib
import importlib.util
import pkgutil

import clinsim

NEED_EXTRAS = {"training", "local", "decoding", "adapters", "cast", "shelf", "chat", "chat_server", "mcp", "fhir"}  # most are how `local` writes
HEAVY = ("torch", "transformers", "openai", "mcp")


def main() -> None:
    """Import, load, and count."""
    present = [name for name in HEAVY if importlib.util.find_spec(name)]
    if present:
        raise SystemExit(f"the core pulled in {', '.join(present)}")
    names = [module.name for module in pkgutil.walk_packages(clinsim.__path__, "clinsim.")]
    core = [name for name in names if not NEED_EXTRAS & set(name.split("."))]
    for name in core:
        importlib.import_module(name)
    scenarios = clinsim.scenario_names()
    for name in scenarios:
        clinsim.load_scenario(name)
    if not scenarios:
        raise SystemExit("the wheel holds no scenario")
    print(f"imported {len(core)} modules of {len(names)}, loaded {len(scenarios)} scenarios from {clinsim.__file__}")


if __name__ == "__main__":
    main()
