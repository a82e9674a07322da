"""Name where cron's jobs are; sent with each script that looks there."""

from __future__ import annotations

CRONTABS = (
    *("/etc/crontab", "/etc/anacrontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily"),
    *("/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron"),
)
