"""What the caller of a request may see, by the interaction that is asked for.

The request and its record share it. The record must not hold the request, which holds the record: a cycle keeps every
body until the collector comes.
"""

from app.access.caller import Caller
from app.consent.break_glass.opens import GlassLabels
from app.consent.decide import may_see, within
from app.consent.letters import STORES_IMAGES, needed
from fhir.store.connection import Visibility


class Sight:
    """What a caller may see.

    Attributes:
        interaction: What is asked, by the name the audit log uses.
    """

    __slots__ = ("_caller", "_seen", "_whole", "_within", "interaction")

    def __init__(self) -> None:
        self.interaction = ""

    def decide(self, caller: Caller, *, now: int, implied: bool, finds: bool, glass_labels: GlassLabels) -> None:
        """Decide what `caller` may see at the instant `now`; see `may_see`."""
        self._caller = caller
        self._seen: Visibility = may_see(caller, now=now, implied=implied, finds=finds, glass_labels=glass_labels)
        self._whole = caller.scopes is None
        self._within: dict[str, Visibility] = {}

    @property
    def visibility(self) -> Visibility:
        """What the caller may see, now, by the interaction that is asked for."""
        return self._seen if self._whole else self.by(needed(self.interaction))

    @visibility.setter
    def visibility(self, seen: Visibility) -> None:
        """Let a request see what its caller does not: the hub's own."""
        self._seen, self._whole = seen, True

    def by(self, letters: str) -> Visibility:
        """Return what the caller may see whose scope has some letters of `cruds`: what it may change, for instance."""
        of_delete = self.interaction == "dicom-delete" and letters != "d"
        if self._whole or self.interaction in STORES_IMAGES or of_delete:
            # What a STOW request may store was decided as a whole; the Patient and the study are the hub's to look up.
            # So is the ImagingStudy of what is deleted.
            return self._seen
        found = self._within.get(letters)
        if found is None:
            found = self._within[letters] = within(self._seen, self._caller, letters)
        return found
