"""`renkei report`: what the log and the running configuration say, for people who answer for it.

docs/reports.md; 安全管理ガイドライン 6.0, 企13, 企15④ and システム運用編 17④.
"""

import click

from app.cli.report.breach import breach
from app.cli.report.configuration import accounts, mds, rights, system
from app.cli.report.month import month


@click.group()
def report() -> None:
    """Write reports: of a breach, of a month, of the system, its accounts and rights."""


for _command in (breach, month, system, accounts, rights, mds):
    report.add_command(_command)
