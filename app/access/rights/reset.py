"""A new password for who has forgotten it: the secretariat gives a one-time password, and never learns the next."""

from app.access.caller import Caller
from app.access.events import by, event
from app.access.rights import account
from app.access.rights.listed import right
from app.access.rights.rules import checked_text
from app.hub import Hub
from fhir.errors import Forbidden


async def reset_password(hub: Hub, caller: Caller, name: str, why: str, *, network: str = "", path: str = "") -> str:
    """Return a one-time password of an account, to be shown once; sessions end, second factors stay.

    Raises:
        Forbidden: the caller is not of the secretariat, or it is the own account.
        Unknown: there is no such account.
        Invalid: there is no reason.
    """
    if caller.role != "secretariat" or caller.user == name:
        raise Forbidden("Passwords are reset by the secretariat, by somebody else")
    reason, now = checked_text(why, "The reason"), hub.clock()
    password, hashed = await account.one_time_password()
    async with hub.database.write() as connection:
        found = await right(connection, name, now)
        await account.set_one_time_password(connection, found.account, hashed, now)
        text = f"The password of {name} was reset. Reason: {reason}"
        said = event(hub, "account", network=network, path=path, client=caller.client, **by(caller), description=text)
        await hub.audit.stage(connection, [said])
    return password
