"""What each role sees and writes, by section of the data, for people to read (安全管理ガイドライン 6.0 シス14⑤)."""

from dataclasses import dataclass

from app.access.caller import ROLES, Role
from app.consent.decide import SEES, SEES_EVERYWHERE, WRITES
from fhir.store.categories import Category


@dataclass(frozen=True, slots=True)
class Section:
    """What one role may do with one section of the data."""

    role: Role
    category: Category
    sees: bool
    """Its own site's, and of other sites what consents permit."""
    everywhere: bool
    """Of every site, whatever consents say."""
    writes: bool

    @property
    def name(self) -> str:
        """The section's name, as consents call it: `vital-sign`."""
        return self.category.name.lower().replace("_", "-")


def sections() -> tuple[tuple[Section, ...], ...]:
    """Return a row for each section, and in it what each role may do, in the order of `ROLES`."""
    return tuple(tuple(_section(role, category) for role in ROLES) for category in Category)


def _section(role: Role, category: Category) -> Section:
    return Section(
        role,
        category,
        sees=bool(SEES[role] >> category & 1),
        everywhere=bool(SEES_EVERYWHERE.get(role, 0) >> category & 1),
        writes=bool(WRITES.get(role, 0) >> category & 1),
    )
