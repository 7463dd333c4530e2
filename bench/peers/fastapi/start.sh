#!/bin/sh
# DATABASE_URL=... SECRET=... ./start.sh [PORT]
cd "$(dirname "$0")" || exit
exec "${VENV:-.venv}/bin/uvicorn" app:app --host 127.0.0.1 --port "${1:-8100}" \
    --workers "${WORKERS:-2}" --loop uvloop --http httptools --no-access-log --log-level warning
