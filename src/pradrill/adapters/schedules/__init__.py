"""What calls pradrill when drills may be due: cron, or a timer of systemd."""
