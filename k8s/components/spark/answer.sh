# Answers all questions about the last export, whose folder is the working directory, and publishes the answers in one step
# when all of them are there. The arguments are those of spark-sql that say where it runs. Compose uses this file, too.
set -eu
if ! [ -f spark.sql ]; then
  echo "There is no export with events in $PWD. The job event-export of reporting makes one (docs/analytics.md)." >&2
  exit 1
fi

# Each run has a folder of its own, so none changes what another one, or a reader, has.
ANSWERS="answers/spark/$(date -u +%Y%m%dT%H%M%SZ)-$(hostname)"
export ANSWERS
mkdir -p "$ANSWERS"
/opt/spark/bin/spark-sql --name slipway-questions "$@" -f spark.sql
mv "$ANSWERS"/published/part-*.json answers/spark/answers.json

# A reader may still have the answers before these.
ls -d answers/spark/*/ | sort | head -n -2 | xargs -r rm -r
