"""The statements of a queue, made once from its table. Instants are whole microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Integer, SmallInteger, Table, Text, bindparam, delete, func, insert, select, update

from app.records.jobs.job import WAITING, Job

_ID, _CLIENT = bindparam("id", type_=Text), bindparam("client", type_=Text)
_NOW = bindparam("now", type_=BigInteger)
_KEY, _KEPT = bindparam("k_id", type_=Text), bindparam("k_until", type_=BigInteger)


class Statements:
    """What is asked and written of a queue's table.

    Args:
        table: Made by `queue_table`.
        shared: Whether the jobs of all clients are counted together.
    """

    def __init__(self, table: Table, *, shared: bool) -> None:
        kept = table.c
        columns = [kept[name] for name in Job.__dataclass_fields__]
        there, waiting = kept.ends > _NOW, kept.state == WAITING
        # What has no client is worked on by the command that put it there, and is in nobody's way.
        counted = kept.client != "" if shared else kept.client == _CLIENT
        # Another token of the client may be for less: what one began, none with other scopes fetches.
        own = (kept.client == _CLIENT, kept.scope == bindparam("scope", type_=Text))
        self.find = select(*columns).where(kept.id == _ID, *own, there)
        self.count = select(func.count(), func.coalesce(func.sum(waiting.cast(Integer)), 0)).where(counted, there)
        self.add = insert(table).values({column.name: bindparam(f"n_{column.name}") for column in table.columns})
        self.next = (
            select(*columns)
            .where(waiting, kept.client != "", kept.until < _NOW, there)
            .order_by(kept.begun, kept.id)
            .limit(1)
        )
        self.take = (
            update(table)
            .where(kept.id == _KEY, waiting, kept.until < bindparam("k_now", type_=BigInteger))
            .values(until=bindparam("n_until", type_=BigInteger))
        )
        mine = update(table).where(kept.id == _KEY, waiting, kept.until == _KEPT)
        self.hold = mine.values(until=bindparam("n_until", type_=BigInteger))
        self.advance = mine.values(
            until=bindparam("n_until", type_=BigInteger),
            ends=bindparam("n_ends", type_=BigInteger),
            step=bindparam("n_step", type_=Integer),
            steps=bindparam("n_steps", type_=Integer),
            position=bindparam("n_position", type_=Text),
            state=bindparam("n_state", type_=SmallInteger),
        )
        self.expired = select(*columns).where(kept.ends <= _NOW).limit(100)
        self.remove = delete(table).where(kept.id == _KEY)
