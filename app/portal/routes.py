"""The portal's addresses."""

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.portal.accounts.factors import own_factors, recovery_codes
from app.portal.accounts.listed import accounts, accounts_csv
from app.portal.accounts.organisations import add_organisation, organisations
from app.portal.accounts.own import account, end_session
from app.portal.accounts.person import change_person, person
from app.portal.accounts.requests import decide_request, make_request, new_request, one_request
from app.portal.accounts.sections import roles
from app.portal.apps import open_app
from app.portal.attachments.answers import content, embedded, picture
from app.portal.audit import audit
from app.portal.authorize import authorize
from app.portal.break_glass import break_glass, do_break_glass, end_break_glass
from app.portal.break_glass_cases import cases, one_case, review_case
from app.portal.consents import consents, record
from app.portal.desk.flags import close_flags, one_flag, open_flags
from app.portal.desk.own_log import link_account, log_at_counter, log_of_oneself
from app.portal.desk.reviews import one_review, save_review, saved_reviews, sign_review
from app.portal.desk.state import log_state
from app.portal.desk.watched import change_watched, watched_patients
from app.portal.documents import document
from app.portal.entries import approve, entries
from app.portal.explain import explain
from app.portal.flags import flags, mark
from app.portal.identity import decide, identity
from app.portal.lock import lock, still_here, unlock, unlock_page
from app.portal.media.decision import decide_patient, patient_of_disc
from app.portal.media.discs import discs, one_disc
from app.portal.media.given import images_zip
from app.portal.media.upload import upload_disc
from app.portal.outside import outside_back, outside_logout, outside_sign_in
from app.portal.page import HERE
from app.portal.patients import patients
from app.portal.printed import printed
from app.portal.second_step import by_passkey, give_second, second
from app.portal.series.page import person_page
from app.portal.signing import home, password, sign_in, sign_out
from app.portal.studies.exposures import patient_doses, patient_doses_csv
from app.portal.studies.objects import object_embedded, object_file, object_page, object_picture, study_doses_csv
from app.portal.studies.page import study_page
from app.portal.subject_rights import act_on_rights_request, enter_rights_request, rights_request, rights_requests
from app.portal.summary import summary_page, summary_pdf
from app.portal.third_party import third_party
from app.portal.version import as_it_came, version
from app.portal.viewer.contents import study_contents
from app.portal.viewer.invoke import ADDRESS as INVOKE_ADDRESS
from app.portal.viewer.invoke import invoke
from app.portal.viewer.links import make_link
from app.portal.viewer.page import viewer
from app.portal.viewer.plain import pictures

routes: list[BaseRoute] = [
    Route("/", home),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-in/second", second),
    Route("/sign-in/second", give_second, methods=["POST"]),
    Route("/sign-in/passkey", by_passkey, methods=["POST"]),
    Route("/oauth/authorize", authorize, methods=["GET", "POST"]),
    Route("/apps/{client}/open", open_app),
    Route("/sign-in/outside", outside_sign_in),
    Route("/sign-in/outside/back", outside_back),
    Route("/sign-in/outside/logout", outside_logout, methods=["POST"]),
    Route("/password", password, methods=["GET", "POST"]),
    Route("/account", account),
    Route("/account/sessions", end_session, methods=["POST"]),
    Route("/account/factors", own_factors, methods=["GET", "POST"]),
    Route("/account/recovery-codes", recovery_codes, methods=["POST"]),
    Route("/accounts", accounts),
    Route("/accounts.csv", accounts_csv),
    Route("/accounts/{name}", person),
    Route("/accounts/{name}", change_person, methods=["POST"]),
    Route("/requests", make_request, methods=["POST"]),
    Route("/requests/new", new_request),
    Route("/requests/{key}", one_request),
    Route("/requests/{key}", decide_request, methods=["POST"]),
    Route("/organisations", organisations),
    Route("/organisations", add_organisation, methods=["POST"]),
    Route("/roles", roles),
    Route("/session", still_here),
    Route("/lock", lock, methods=["POST"]),
    Route("/unlock", unlock_page),
    Route("/unlock", unlock, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/patients", patients),
    Route("/patients/{id}", person_page),
    Route("/patients/{id}/summary", summary_page),
    Route("/patients/{id}/summary.pdf", summary_pdf),
    Route("/patients/{id}/doses", patient_doses),
    Route("/patients/{id}/doses.csv", patient_doses_csv),
    Route("/studies/{study}", study_page),
    Route("/studies/{study}/doses.csv", study_doses_csv),
    Route("/studies/{study}/objects/{instance}", object_page),
    Route("/studies/{study}/objects/{instance}/content/0", object_file),
    Route("/studies/{study}/objects/{instance}/content/0/pictures/{picture:int}", object_picture),
    Route("/studies/{study}/objects/{instance}/content/0/files/{file:int}", object_embedded),
    Route("/documents/Bundle/{id}", version),
    Route("/documents/Bundle/{id}/versions/{number:int}", version),
    Route("/documents/Bundle/{id}/versions/{number:int}/original", as_it_came),
    Route("/documents/{type}/{id}", document),
    Route("/documents/{type}/{id}/content/{number:int}", content),
    Route("/documents/{type}/{id}/content/{number:int}/pictures/{picture:int}", picture),
    Route("/documents/{type}/{id}/content/{number:int}/files/{file:int}", embedded),
    Route(INVOKE_ADDRESS, invoke),
    Route("/images/links", make_link, methods=["POST"]),
    Route("/images/{study}", viewer),
    Route("/images/{study}/pictures", pictures),
    Route("/images/{study}/contents", study_contents),
    Route("/flags/{type}/{id}", flags),
    Route("/flags/{type}/{id}", mark, methods=["POST"]),
    Route("/break-glass", break_glass),
    Route("/break-glass", do_break_glass, methods=["POST"]),
    Route("/break-glass/end", end_break_glass, methods=["POST"]),
    Route("/break-glass/cases", cases),
    Route("/break-glass/cases/{number}", one_case),
    Route("/break-glass/cases/{number}", review_case, methods=["POST"]),
    Route("/explain", explain),
    Route("/consents", consents),
    Route("/consents", record, methods=["POST"]),
    Route("/identity", identity),
    Route("/identity", decide, methods=["POST"]),
    Route("/media", discs),
    Route("/media", upload_disc, methods=["POST"]),
    Route("/images.zip", images_zip),
    Route("/media/{number}", one_disc),
    Route("/media/{number}/patients/{patient}", patient_of_disc),
    Route("/media/{number}/patients/{patient}", decide_patient, methods=["POST"]),
    Route("/audit", audit),
    Route("/audit/reviews", saved_reviews),
    Route("/audit/reviews", save_review, methods=["POST"]),
    Route("/audit/reviews/{number}", one_review),
    Route("/audit/reviews/{number}", sign_review, methods=["POST"]),
    Route("/audit/flags", open_flags),
    Route("/audit/flags", close_flags, methods=["POST"]),
    Route("/audit/flags/{number}", one_flag),
    Route("/audit/state", log_state),
    Route("/own-log", log_of_oneself),
    Route("/own-log/{id}", log_at_counter),
    Route("/own-log/{id}", link_account, methods=["POST"]),
    Route("/watched", watched_patients),
    Route("/watched", change_watched, methods=["POST"]),
    Route("/third-party", third_party),
    Route("/entries", entries),
    Route("/entries", approve, methods=["POST"]),
    Route("/rights-requests", rights_requests),
    Route("/rights-requests", enter_rights_request, methods=["POST"]),
    Route("/rights-requests/{number}", rights_request),
    Route("/rights-requests/{number}", act_on_rights_request, methods=["POST"]),
    Route("/printed", printed, methods=["POST"]),
    Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
]
"""A new page is a file and a line here."""
