#!/bin/sh
# A cron job: sends a heartbeat to all clients, and is silent when all is well,
# because cron mails whatever a job prints. Crontab:
#
#   PATH=/usr/local/bin:/usr/bin:/bin
#   */5 * * * *  SIOEMIT_REDIS_URL=redis://redis.internal SERVERS=3 /opt/heartbeat.cron.sh
#
# cron's own PATH is shorter than yours: the first line says where sioemit is.
#
# It exits with 3 when fewer than $SERVERS Socket.IO servers listen, with 1 when
# Redis cannot be reached, and says so on stderr in one line.
exec sioemit emit --quiet --require "${SERVERS:-1}" --timeout 10s heartbeat "$(date +%s)"
