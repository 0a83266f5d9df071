"""Each way in. All of them only put bytes into the spool; `ingest` takes them from there."""
