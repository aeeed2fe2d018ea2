"""Names of drugs and allergens as people write them, and what the formulary calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from clinsim.formulary_file import Drug, Formulary
from clinsim.hospital.drug_checks import INTOLERANCES
from clinsim.hospital.safety import load_formulary

STEMS = (
    ("cillin", "penicillin"),
    ("pen v", "penicillin"),
    ("cef", "cephalosporin"),
    ("ceph", "cephalosporin"),
    ("penem", "carbapenem"),
    ("sulfamethoxazole", "sulfonamide"),
    ("sulfadiazine", "sulfonamide"),
    ("sulfasalazine", "sulfonamide"),
    ("profen", "nsaid"),
    ("coxib", "nsaid"),
    ("naproxen", "nsaid"),
    ("diclofenac", "nsaid"),
    ("indometacin", "nsaid"),
    ("floxacin", "fluoroquinolone"),
    ("thromycin", "macrolide"),
    ("salicyl", "salicylate"),
)
"""What a part of a name says of the kind of drug. Source: WHO, the use of stems in the selection of INN, 2018; short names from charts."""
ALLERGEN_WORDS = {
    "penicillins": "penicillin",
    "cephalosporins": "cephalosporin",
    "sulfa": "sulfonamide",
    "sulfa drug": "sulfonamide",
    "sulfa drugs": "sulfonamide",
    "sulfonamides": "sulfonamide",
    "sulphonamides": "sulfonamide",
    "nsaids": "nsaid",
    "fluoroquinolones": "fluoroquinolone",
    "quinolones": "fluoroquinolone",
    "macrolides": "macrolide",
    "opioids": "opioid_allergy",
}
"""What charts call an allergen, and what the formulary calls it."""
SAME, LIKE = 0.85, 0.75
"""How alike two names are of which one is probably the other misspelt, and from which on they may be (share of letters in common, `difflib`)."""
SHORTEST = 5
"""Letters of a name from which on likeness says something."""
WORD_BREAK = re.compile(r"[\s/,-]+")
BRACKET = re.compile(r"\((?:class:)?([^)]*)\)")
STRENGTH = re.compile(r"\s+\d.*$|\s*\(.*$")


def plain_name(written: str) -> str:
    """A drug's name as written, without strength, brackets and capitals: `Metformin 1000mg BID` is `metformin`."""
    return STRENGTH.sub("", " ".join(written.lower().replace("_", " ").split())).strip()


def members(written: str) -> tuple[str, ...]:
    """The drugs that a class names in brackets: `NSAIDs (class: ibuprofen/naproxen)` names two."""
    match = BRACKET.search(written.lower())
    return tuple(part.strip() for part in re.split(r"[/,]", match[1]) if part.strip()) if match else ()


@lru_cache(maxsize=4096)
def known_as(written: str) -> Drug | None:
    """The drug of the formulary that a written name means; None if it has none."""
    return load_formulary().find(plain_name(written))


def meant_by(written: str) -> Drug | None:
    """The drug of whose name a word in an unknown name is nearly one; None if there is none."""
    names = _words_of_names()
    if known_as(written) is not None:
        return None
    return next((drug for word in _long_words(written) if word not in names for drug in _named_like(word, SAME)), None)


def _long_words(written: str) -> list[str]:
    return [word for word in WORD_BREAK.split(plain_name(written)) if len(word) >= SHORTEST]


def _named_like(word: str, alike: float) -> list[Drug]:
    """The drug in whose name a word stands, or nearly stands."""
    names = _words_of_names()
    return [names[found] for found in get_close_matches(word, names, 1, alike)]


@lru_cache(maxsize=1)
def _words_of_names() -> dict[str, Drug]:
    """Each word in a name of a drug, with the first drug of that name."""
    named = load_formulary().by_brand.items()
    return {word: drug for name, drug in reversed(list(named)) for word in name.split("_") if len(word) >= SHORTEST}


def same_drug(a: str, b: str) -> bool:
    """Whether two written names mean one drug."""
    first, second = known_as(a), known_as(b)
    return plain_name(a) == plain_name(b) or (first is not None and second is not None and first.name == second.name)


def allergen_of(written: str) -> str:
    """What the formulary calls an allergen as charted."""
    name = plain_name(written)
    return ALLERGEN_WORDS.get(name, name)


def kinds_of(written: str) -> tuple[str, ...]:
    """Allergens that a written drug carries: those of the formulary, else its name and what its stem says."""
    drug = known_as(written)
    if drug is not None:
        return drug.allergens
    name = plain_name(written)
    return (name, *(kind for stem, kind in STEMS if stem in name))


def allergic_to(drug_name: str, allergies: Iterable[tuple[str, str]], formulary: Formulary) -> tuple[str, str] | None:
    """The allergy that speaks against a drug so that it must not be given, and why; None if none does.

    Args:
        drug_name: As written.
        allergies: Allergen and reaction, as charted.
        formulary: Knows which kinds cross.
    """
    kinds = set(kinds_of(drug_name))
    if known_as(drug_name) is None:
        kinds.update(kind for word in _long_words(drug_name) for drug in _named_like(word, LIKE) for kind in drug.allergens)
    for allergen, reaction in allergies:
        if set(reaction.lower().split()) & INTOLERANCES:
            continue
        substance = allergen_of(allergen)
        meant = {substance, *kinds_of(substance)}
        if kinds & meant:
            return allergen, f"{plain_name(drug_name)} is of the kind that caused {reaction or 'a reaction'}"
        for row in formulary.cross_reactions:
            if row.allergy in meant and row.to in kinds and row.severity != "note":
                return allergen, row.text
    return None
