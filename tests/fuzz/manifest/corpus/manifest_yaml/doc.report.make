tool: report.make
exec: /usr/local/bin/report
digest: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
argv: ["report", "--database", "db.internal.example:5432"]
network:
  mode: broker
  allow: ["db.internal.example:5432"]
secrets:
  DB: {file: /etc/tipstaff/secrets/report-db}     # TIPSTAFF_SECRET_DB_FD says where
limits: {tmp_mb: 256}
