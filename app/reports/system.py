"""The system configuration list (システム構成一覧): versions, places, settings.

安全管理ガイドライン 6.0, 企13; docs/guideline.md, row J1.
"""

import platform
import sys
from importlib.metadata import version

from sqlalchemy import select, text

from app.audit.running import SECRET
from app.audit.tables import audit_tree
from app.db.version import STATED
from app.hub import Hub
from app.observe.trusted_time import last
from app.reports.period import minute
from app.reports.sheet import Sheet, Table
from app.settings import Settings

_TREE = select(audit_tree.c.size)
_SIZES = {
    "postgresql": text("SELECT current_setting('server_version'), pg_database_size(current_database())"),
    "sqlite": text("SELECT sqlite_version(), page_count * page_size FROM pragma_page_count, pragma_page_size"),
}


def _shown(settings: Settings) -> list[tuple[str, str, str]]:
    """Return every setting, its value, and whether it is the default; of a secret only whether it is set."""
    found = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = ("set" if value else "") if name in SECRET else "" if value is None else value
        found.append((f"RENKEI_{name.upper()}", str(shown), "" if value == field.default else "changed"))
    return found


async def system(hub: Hub) -> Sheet:
    """Return the parts of the system: versions, places, settings."""
    reader, dialect = hub.database.reader, hub.database.dialect
    ((number, octets),) = await reader.fetch(_SIZES[dialect], {})
    ((migration,),) = await reader.fetch(STATED, {})
    tree = await reader.fetch(_TREE, {})
    clock = await last(reader)
    drift = (
        f"wrong by {clock.drift / 1_000_000:.3f} s at {minute(clock.at)}" if clock and clock.answered else "not checked"
    )
    parts = [
        ("Renkei", version("renkei")),
        ("Python", sys.version.split()[0]),
        ("Operating system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Database", f"{dialect} {number}, {int(octets) // 1_000_000} MB, migration {migration}"),
        ("Audit log", f"{hub.settings.audit_origin}, {tree[0][0] if tree else 0} records"),
        ("Clock", drift),
    ]
    of_settings = ("設定 / Setting", "値 / Value", "既定と異なる / Changed")
    return Sheet(
        "システム構成一覧 / System",
        *(hub.settings.region, minute(hub.clock())),
        tables=(
            Table("parts", "", ("部品 / Part", "版 / Version"), parts),
            Table("settings", "設定 / Settings", of_settings, _shown(hub.settings)),
        ),
    )
