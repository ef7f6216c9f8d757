"""`$subsumes`: whether one code means all that another means.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from fhir.errors import NotSupported, UnknownTerminology
from fhir.terminology.code_system import CodeSystem


def subsumes(system: CodeSystem, code: str, other: str) -> str:
    """Return `equivalent`, `subsumes`, `subsumed-by` or `not-subsumed`: what the first code is to the other.

    Raises:
        UnknownTerminology: the system has no such code, or is known in part and says nothing of the two.
        NotSupported: its hierarchy is not of meaning.
    """
    numbers = []
    for name, one in (("codeA", code), ("codeB", other)):
        number = system.find(one)
        if number is None:
            raise UnknownTerminology(f"{system.url} has no code {one!r} as it is known here", name)
        numbers.append(number)
    if numbers[0] == numbers[1]:
        return "equivalent"
    if not system.is_tree:
        raise NotSupported(f"The hierarchy of {system.url} is not one of meaning", "system")
    if numbers[0] in system.ancestors(numbers[1]):
        return "subsumes"
    if numbers[1] in system.ancestors(numbers[0]):
        return "subsumed-by"
    if system.content != "complete":
        raise UnknownTerminology(f"A part of {system.url} is not known here, so it cannot be told", "system")
    return "not-subsumed"
