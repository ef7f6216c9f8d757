"""Adding and removing one's own second factors, and new recovery codes."""

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from app.access import factors, passkeys, recovery, totp
from app.access.change_password import WrongPassword, confirm_password
from app.access.events import by, event
from app.access.sealing import Unopened
from app.portal.accounts.own import is_fresh
from app.portal.forms import exactly, number, one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from fhir.errors import Forbidden

PATH = "/account/factors"


async def _page(visit: Visit, *, problem: str = "", sealed: str = "") -> Page:
    hub, caller = visit.hub, visit.caller
    held = await factors.held(hub.database.reader, caller.account, visit.fhir.now)
    keys, name, region = hub.audit.keys, caller.user, hub.settings.region
    fresh = totp.setup(keys, account=caller.account, name=name, region=region)
    try:
        setup = totp.again(keys, sealed, account=caller.account, name=name, region=region) if sealed else fresh
    except Unopened:
        setup = fresh
    possible = bool(passkeys.party(hub.settings)[0])
    register = ""
    if possible:
        register = passkeys.asked_to_register(
            *(hub.settings, keys),
            account=caller.account,
            name=name,
            title=caller.user_title,
            held=held,
            now=visit.fhir.now,
        )
    values = {
        "problem": problem,
        "setup": setup,
        "picture": Markup(totp.picture(setup.address)),  # noqa: S704 - an SVG that the hub has drawn
        "passkey": register,
        "held": held,
        "fresh": await is_fresh(visit),
        "must": caller.step == "second-factor",
    }
    return Page("factors.html", values, 400 if problem else 200)


async def _still_the_one(visit: Visit) -> None:
    """Ask for the password again, unless the sign-in is fresh.

    Raises:
        WrongPassword: it is wrong.
    """
    if not await is_fresh(visit):
        present, network = exactly(visit.form, "present"), visit.fhir.network
        await confirm_password(visit.hub, visit.caller, present, network=network, path=visit.web.url.path)


async def _added(visit: Visit, kind: str) -> str:
    """Add what the form holds and return the problem, empty when there is none."""
    hub, caller, now = visit.hub, visit.caller, visit.fhir.now
    title = one(visit.form, "title")[: factors.LONGEST_TITLE]
    async with hub.database.write() as connection:
        if kind == factors.TOTP:
            sealed, code = one(visit.form, "sealed"), "".join(one(visit.form, "code").split())
            try:
                secret = totp.again(hub.audit.keys, sealed, account=caller.account, name="", region="").secret
            except Unopened:
                return "code"
            step = totp.step_of(secret, code, now)
            if not step:
                return "code"
            kept = totp.kept(hub.audit.keys, secret, caller.account)
            await factors.add(hub, connection, caller.account, kind, title=title, secret=kept, counter=step)
        else:
            answer = exactly(visit.form, "credential")
            try:
                credential, key, counter = await passkeys.registered(
                    hub.settings, hub.audit.keys, connection, answer, account=caller.account, now=now
                )
            except passkeys.PasskeyRefused:
                return "passkey"
            await factors.add(
                *(hub, connection, caller.account, kind),
                title=title,
                secret=key,
                credential=credential,
                counter=counter,
            )
        if not caller.factors.endswith((factors.TOTP, factors.PASSKEY)):
            await factors.proved(connection, visit.secret, f"{caller.factors or 'password'} {kind}")
        text = f"A second factor was added: {kind}"
        told = event(hub, "account", network=visit.fhir.network, path=PATH, **by(caller), description=text)
        await hub.audit.stage(connection, [told])
    return ""


async def own_factors(request: Request) -> Response:
    """Show how a second factor is added, or add or remove one."""

    async def work(visit: Visit) -> Page | Response:
        if visit.hub.settings.second_factor == "off":
            raise Forbidden("This hub asks for no second factor")
        if visit.web.method == "GET":
            return await _page(visit)
        act, sealed = one(visit.form, "act"), one(visit.form, "sealed")
        try:
            await _still_the_one(visit)
        except WrongPassword:
            visit.fhir.recorded = True
            return await _page(visit, problem="present", sealed=sealed)
        if act == "remove":
            key = number(one(visit.form, "key"), digits=18)
            await factors.remove(visit.hub, visit.caller, key, network=visit.fhir.network)
            return moved("/account?done=removed")
        try:
            problem = await _added(visit, factors.PASSKEY if act == "passkey" else factors.TOTP)
        except factors.TooMany:
            problem = "many"
        if problem:
            return await _page(visit, problem=problem, sealed=sealed)
        left = await factors.codes_left(visit.hub.database.reader, visit.caller.account)
        # The first factor brings recovery codes with it: without them a lost device is a day without the record.
        return moved("/account?done=added") if left else await _codes(visit)

    interaction = "account" if request.method == "POST" else "search-type"
    return await view(request, "", work, interaction=interaction, finishes="second-factor")


async def _codes(visit: Visit) -> Page:
    codes = await recovery.renew(visit.hub, visit.caller, network=visit.fhir.network)
    return Page("recovery_codes.html", {"codes": codes})


async def recovery_codes(request: Request) -> Response:
    """Make new recovery codes and show them, once."""

    async def work(visit: Visit) -> Page:
        if visit.hub.settings.second_factor == "off":
            raise Forbidden("This hub asks for no second factor")
        try:
            await _still_the_one(visit)
        except WrongPassword:
            visit.fhir.recorded = True
            return await _page(visit, problem="present")
        return await _codes(visit)

    return await view(request, "", work, interaction="account")
