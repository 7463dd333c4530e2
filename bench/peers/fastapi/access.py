"""Passwords and tokens."""

import os
import time
from typing import Annotated

import anyio
import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from fastapi import Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer

SECRET = os.environ.get("SECRET", "")
# Hashes at once per worker; 0 is the framework's shared pool of 40 threads.
HASH_THREADS = int(os.environ.get("HASH_THREADS", "1"))
TOKEN_SECONDS = int(os.environ.get("TOKEN_SECONDS", 30 * 60))

hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
limiter: anyio.CapacityLimiter | None = None
# Compared with where there is no such user, so that the time taken does not tell.
NOBODY = hasher.hash("nobody has this password")

bearer = OAuth2PasswordBearer(tokenUrl="login")


def start() -> None:
    """To be called in the event loop, before the first request."""
    global limiter
    if len(SECRET) < 32:
        raise RuntimeError("SECRET must have at least 32 characters")
    limiter = anyio.CapacityLimiter(HASH_THREADS) if HASH_THREADS else None


async def hash_password(password: str) -> str:
    return await anyio.to_thread.run_sync(hasher.hash, password, limiter=limiter)


async def check_password(stored: str | None, given: str) -> bool:
    def check() -> bool:
        try:
            return hasher.verify(stored or NOBODY, given) and stored is not None
        except VerificationError:
            return False

    return await anyio.to_thread.run_sync(check, limiter=limiter)


def issue(user_id: int) -> str:
    now = int(time.time())
    return jwt.encode({"sub": str(user_id), "iat": now, "exp": now + TOKEN_SECONDS},
                      SECRET, algorithm="HS256")


async def caller(token: Annotated[str, Depends(bearer)]) -> int:
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"],
                            options={"require": ["exp", "sub"]})
        return int(claims["sub"])
    except (jwt.InvalidTokenError, ValueError):
        raise HTTPException(401, "invalid token", headers={"WWW-Authenticate": "Bearer"}) from None


Me = Annotated[int, Depends(caller)]
