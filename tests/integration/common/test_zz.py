import collections, common.database
from contextlib import AsyncExitStack
from common.database import Share
from integration.common.test_database import open_database, hold, ROLE_LIMIT


async def test_x(open_database, monkeypatch):
    c = collections.Counter()
    others = await open_database(Share(1, ROLE_LIMIT - 1))
    pool = await open_database(Share(1, 3))
    async with AsyncExitStack() as stack:
        await hold(stack, others, ROLE_LIMIT - 1)
        await hold(stack, pool, 1)
        for ms in range(100, 240, 2):
            monkeypatch.setattr(common.database, "ACQUIRE_SECONDS", ms / 1000)
            try:
                await hold(stack, pool, 1)
            except Exception as e:
                c[type(e).__name__] += 1
    print(c)
