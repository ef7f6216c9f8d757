"""The process's reviewer of the log, which remembers what it has learnt."""

from app.audit.review import Reviewer
from app.portal.gate import Visit


def reviewer_of(visit: Visit) -> Reviewer:
    """Return the process's reviewer."""
    held = visit.web.app.state
    if not hasattr(held, "reviewer"):
        held.reviewer = Reviewer(visit.hub.audit.keys)
    reviewer: Reviewer = held.reviewer
    return reviewer
