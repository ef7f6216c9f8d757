"""Rate limits: how often a caller may ask, so that one flood does not take the hub from the others.

Each process counts for itself: with `RENKEI_WORKERS` processes a caller gets at most so many times what a setting says.
docs/limits.md says what is counted, and what the caller is told.
"""

import asyncio
import time
from collections.abc import Callable, Hashable

from app.access.caller import Caller
from app.settings import Settings
from fhir.errors import TooManyRequests

MOST_KEPT = 20_000
"""How many callers are counted at once; when there are more, those are forgotten that may ask again anyway."""

SYSTEM = 10
"""How many people a system counts for where a limit is one of a person: it asks for a whole site."""

REFUSALS_PER_SECOND = 10.0
"""Calls of somebody unknown, from one address, that are each recorded; further ones are told to wait."""

LONGEST_WAIT_SECONDS = 30.0
"""How long whoever is too fast on a connection of its own is held up."""

WHOLE_HOUR_SECONDS = 3600.0


class Bucket:
    """Counts by key: so many a second, and a burst of so many at once.

    Kept is the instant at which the bucket of a key is full again (the generic cell rate algorithm, as in ITU-T
    I.371): one number a key, and no timer.

    Args:
        per_second: How often a key may be taken in the long run; 0 counts nothing.
        burst: How often at once.
        clock: Seconds, ever increasing.
    """

    __slots__ = ("_clock", "_each", "_full", "_room")

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._each = 1 / per_second if per_second > 0 else 0.0
        self._room = burst * self._each
        self._full: dict[Hashable, float] = {}
        self._clock = clock

    def take(self, key: Hashable) -> float:
        """Count one; return 0, or in how many seconds there is room again when there is none now."""
        if not self._each:
            return 0.0
        now = self._clock()
        full, wait = self._after(key, now)
        if not wait:
            if len(self._full) >= MOST_KEPT and key not in self._full:
                self._forget(now)
            self._full[key] = full
        return wait

    def wait(self, key: Hashable) -> float:
        """Return what `take` would, without counting."""
        return self._after(key, self._clock())[1] if self._each else 0.0

    def _after(self, key: Hashable, now: float) -> tuple[float, float]:
        """Return when the bucket is full again after one more, and how long that one has to wait."""
        full = self._full.get(key, now)
        full = max(now, full) + self._each
        wait = full - now - self._room
        # A millionth of one: the sums of floats are not exact.
        return full, wait if wait > self._each * 1e-6 else 0.0

    def _forget(self, now: float) -> None:
        self._full = {key: full for key, full in self._full.items() if full > now}
        if len(self._full) >= MOST_KEPT:
            # Made-up names and addresses: the half that is soonest full again goes.
            kept = sorted(self._full.items(), key=lambda one: one[1])[MOST_KEPT // 2 :]
            self._full = dict(kept)


class Limits:
    """The limits of one process of the hub.

    Args:
        settings: The rates.
        clock: Seconds, ever increasing.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        requests = settings.requests_per_second
        searches = settings.person_searches_per_minute
        self._requests = Bucket(requests, requests * 10, clock)
        self._people = Bucket(searches / 60, searches, clock)
        self._systems = Bucket(searches * SYSTEM / 60, searches * SYSTEM, clock)
        self._doors = Bucket(settings.sign_ins_per_minute / 60, settings.sign_ins_per_minute, clock)
        self._refusals = Bucket(REFUSALS_PER_SECOND if requests else 0, REFUSALS_PER_SECOND * 10, clock)
        self._told = Bucket(1 / 60, 1, clock)
        self._most_persons = settings.persons_per_hour
        self._persons: dict[Hashable, set[int]] = {}
        self._began = clock()
        self._clock = clock

    def request(self, caller: Caller) -> None:
        """Count a request of a caller.

        Raises:
            TooManyRequests: it has to wait.
        """
        wait = self._requests.take((caller.client, caller.account))
        if wait:
            raise TooManyRequests("These are too many requests; please wait", retry_after=wait)

    async def turn(self, caller: Caller) -> bool:
        """Count a message on a caller's own connection; who is too fast is held up, and nothing more is read of it.

        Returns:
            Whether it may go on; False when it would have to wait for too long.
        """
        waited = 0.0
        while waited < LONGEST_WAIT_SECONDS:
            try:
                self.request(caller)
            except TooManyRequests as error:
                wait = min(error.retry_after, LONGEST_WAIT_SECONDS)
                waited += wait
                await asyncio.sleep(wait)
            else:
                return True
        return False

    def person_search(self, caller: Caller, *, counted: bool = True) -> None:
        """Count a question that could enumerate people: `$match`, a search for Patients.

        Args:
            caller: Who asks.
            counted: False looks only whether there is room.

        Raises:
            TooManyRequests: it has to wait.
        """
        bucket = self._people if caller.account else self._systems
        key = (caller.client, caller.account)
        wait = bucket.take(key) if counted else bucket.wait(key)
        if wait:
            raise TooManyRequests("These are too many searches for people; please wait", retry_after=wait)

    def door(self, door: str, who: str) -> float:
        """Count a try to sign in or to get a token; return 0, or the seconds to wait."""
        return self._doors.take((door, who))

    def refusal(self, network: str) -> float:
        """Count a call of somebody unknown; return 0, or the seconds to wait."""
        return self._refusals.take(network)

    def is_told(self, what: str, who: Hashable) -> bool:
        """Return whether the audit log is told now that somebody is made to wait: once a minute."""
        return not self._told.take((what, who))

    def saw(self, caller: Caller, patients: set[int]) -> int:
        """Count the Patients of other sites that a caller was shown within an hour.

        Returns:
            How many, when this answer made them more than the setting says; else 0.
        """
        if not self._most_persons:
            return 0
        now = self._clock()
        if now - self._began > WHOLE_HOUR_SECONDS or len(self._persons) >= MOST_KEPT:
            self._began, self._persons = now, {}
        seen = self._persons.setdefault((caller.client, caller.account), set())
        before = len(seen)
        if before > self._most_persons:
            return 0
        seen |= patients
        return len(seen) if len(seen) > self._most_persons else 0
