"""Value sets of bindings: is a code in one, as far as what is loaded can tell?

`$validate-code` asks the same members, so it never says otherwise than a profile.

https://hl7.org/fhir/R4/valueset.html#compose
"""

from fhir.profiles.definitions import Definitions
from fhir.terminology.members import Members
from fhir.terminology.sources import of_packages
from fhir.terminology.value_set import value_set


def members(url: str, definitions: Definitions) -> Members:
    """Return the members of a value set: of a loaded one, or of one of R4's own."""
    return value_set(of_packages(definitions), url)
