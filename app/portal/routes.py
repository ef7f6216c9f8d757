"""The portal's addresses."""

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.portal.audit import audit
from app.portal.consents import consents, record
from app.portal.documents import content, document
from app.portal.flags import flags, mark
from app.portal.identity import decide, identity
from app.portal.page import HERE
from app.portal.patients import patients
from app.portal.signing import home, password, sign_in, sign_out
from app.portal.third_party import third_party
from app.portal.timeline import timeline

routes: list[BaseRoute] = [
    Route("/", home),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/password", password, methods=["GET", "POST"]),
    Route("/patients", patients),
    Route("/patients/{id}", timeline),
    Route("/documents/{type}/{id}", document),
    Route("/documents/{type}/{id}/content/{number:int}", content),
    Route("/flags/{type}/{id}", flags),
    Route("/flags/{type}/{id}", mark, methods=["POST"]),
    Route("/consents", consents),
    Route("/consents", record, methods=["POST"]),
    Route("/identity", identity),
    Route("/identity", decide, methods=["POST"]),
    Route("/audit", audit),
    Route("/third-party", third_party),
    Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
]
"""A new page is a file and a line here."""
