"""`app` for any WSGI server.

    gunicorn --workers 2 --threads 4 --bind 127.0.0.1:8080 wsgi:app
    waitress-serve --listen=127.0.0.1:8080 wsgi:app

Settings come from the environment (`FEEDSVC_DATA`, `FEEDSVC_BASE_URL`, ...) and from `feedsvc.toml` in the data folder.
This serves only: nothing watches the inbox here. `feedsvc serve` does both; beside a WSGI server, run `feedsvc ingest`
now and then, or `feedsvc serve` on another port.
"""

from feedsvc.web import create_app

app = create_app()
