"""Every problem of a site's files: the site, profiles, factors, frameworks, benchmarks, pass marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from assistant.indicators import TABLE
from assistant.scale import scale_faults
from configs.load import Loaded, load
from configs.problem import ConfigError, Problem, nearest
from edge_agent.energy.factors import load_factors
from edge_agent.site import PLANT_FILE, Plant, open_site
from kb.framework import Rulebook, inspect


def problems_of_folder(folder: Path) -> list[Problem]:
    """All of them, each once, in the order of the files."""
    problems = [*_raised(lambda: open_site(folder)), *_raised(lambda: load_factors(folder))]
    rulebook, wrong = inspect(folder, TABLE)
    problems += wrong
    try:
        plant: Loaded[Plant] | None = load(folder / PLANT_FILE, Plant, PLANT_FILE)
    except ConfigError as error:
        plant = error.salvage  # open_site has named its faults
    return problems + (list(plant_against(plant, rulebook)) if plant else [])


def plant_against(plant: Loaded[Plant], rulebook: Rulebook) -> Iterator[Problem]:
    """Benchmarks and pass marks of plant.yaml that fit no criterion or framework."""
    criteria = {c.id: c for c in rulebook.criteria() if c.is_measured}
    for name, mark in plant.value.benchmarks.items():
        where = ("benchmarks", name)
        if name not in criteria:
            yield _no(plant, "no_benchmark", name, criteria, *where)
            continue
        for code, fields in scale_faults(criteria[name], mark.base, mark.lead, mark.unit).items():
            yield plant.problem(code, *where, **fields)
    for name in plant.value.pass_marks:
        if name not in rulebook.frameworks:
            yield _no(plant, "no_framework", name, rulebook.frameworks, "pass_marks", name)


def _no(plant: Loaded[Plant], code: str, value: str, allowed: Iterable[str], *where: str) -> Problem:
    words = list(allowed)
    return plant.problem(code, *where, value=value, allowed=", ".join(words), nearest=nearest(value, words))


def _raised(load_it: Callable[[], object]) -> list[Problem]:
    try:
        load_it()
    except ConfigError as error:
        return list(error.problems)
    return []
