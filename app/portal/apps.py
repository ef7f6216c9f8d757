"""Opening an app from a patient's page: a launch is begun, and the browser goes to the app with it.

https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch
"""

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from app.access.oauth.clients import find_client
from app.access.oauth.events import told
from app.access.oauth.launch import Launch, begin, opened_at
from app.access.tables import client
from app.hub import Hub
from app.portal.gate import Visit, moved, view
from fhir.errors import NotFound

_APPS = (
    select(client.c.id, client.c.title)
    .where(client.c.kind == "app", client.c.launch_url != "", client.c.disabled == 0)
    .order_by(client.c.title)
)


async def apps(hub: Hub) -> list[tuple[str, str]]:
    """Return the id and the title of each app that can be opened for a patient."""
    return [(id_, title) for id_, title in await hub.database.reader.fetch(_APPS, {})]


async def open_app(request: Request) -> Response:
    """Begin a launch for the patient, and lead to the app."""

    async def work(visit: Visit) -> Response:
        hub, caller = visit.hub, visit.caller
        app = await find_client(hub.database.reader, visit.web.path_params["client"])
        if app is None or app.kind != "app" or not app.launch_url:
            raise NotFound("There is no such app")
        patient = await visit.fhir.record.read("Patient", visit.web.query_params.get("patient", ""))
        now = hub.clock()
        async with hub.database.write() as connection:
            what = Launch(caller.organisation, caller.account, app.key, patient.id, "")
            text = await begin(connection, what, now)
            event = told(
                hub,
                visit.web,
                "launch",
                client=app.id,
                user=caller.user,
                user_name=caller.user_title,
                organisation=caller.organisation_reference,
                role=caller.role,
                purpose=caller.purpose,
                patient=f"Patient/{patient.id}",
                patient_key=patient.patient_key,
                description=f"{app.title} was opened",
            )
            await hub.audit.stage(connection, [event])
        visit.fhir.recorded = True
        return moved(opened_at(app.launch_url, hub, text))

    return await view(request, "timeline", work, interaction="launch")
