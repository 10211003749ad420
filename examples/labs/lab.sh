# The variables and functions of the labs. While `npm start` runs, enter in the root of the repository:
#   . examples/labs/lab.sh
export PATH=$PWD/node_modules/.bin:$PATH # for the Node that npm ci installed
BASE=http://127.0.0.1:${GATEWAY_PORT:-8080}
json='content-type: application/json'

# Prints a part of a JSON document: `field items[0].id`
field() { node -p "JSON.parse(require('fs').readFileSync(0, 'utf8')).$1"; }

# Prints the address of a service's management port: `management billing`
management() {
  case $1 in
    gateway) echo "http://127.0.0.1:${GATEWAY_MANAGEMENT_PORT:-4100}" ;;
    users) echo "http://127.0.0.1:${USERS_MANAGEMENT_PORT:-4101}" ;;
    billing) echo "http://127.0.0.1:${BILLING_MANAGEMENT_PORT:-4102}" ;;
    reporting) echo "http://127.0.0.1:${REPORTING_MANAGEMENT_PORT:-4103}" ;;
  esac
}

# Prints the id of a service's process: `pid billing`
pid() { curl -sS "$(management "$1")/status" | grep -o '"pid":[0-9]*' | cut -d: -f2; }

# Prints the state of a service, as the gateway reports it: `state billing`
state() { curl -sS "$BASE/api/v1/system" | grep -o "\"$1\",\"state\":\"[a-z]*" | cut -d'"' -f6; }

# Prints the lines of the live system that match a pattern, as soon as there are any: `see 'billing.*unready'`
see() { node examples/labs/see.ts "$@"; }

# Prints an access token: `log_in ada@example.com 'correct horse battery'`
log_in() {
  curl -sS --fail --retry 5 --retry-all-errors "$BASE/api/v1/sessions" -H "$json" -d "{\"email\":\"$1\",\"password\":\"$2\"}" | field accessToken
}

# Prints an access token of the administrator
log_in_as_admin() { log_in admin@slipway.local "$(field adminPassword < "${DATA_DIR:-data}/secrets.json")"; }

# Prints the e-mail address of a new account, whose password is `correct horse battery`
sign_up() {
  local email="lab-$RANDOM$RANDOM@example.com"
  curl -sS --fail --retry 5 --retry-all-errors "$BASE/api/v1/users" -H "$json" -o /dev/null \
    -d "{\"email\":\"$email\",\"password\":\"correct horse battery\",\"name\":\"Ada\"}" && echo "$email"
}

# Starts an experiment in a service: `experiment billing '{"fault":{"on":"service","kind":"error"},"seconds":60}'`
experiment() {
  curl -sS --fail-with-body -w '\n' -X PUT "$BASE/api/v1/system/experiments/$1" -H "$json" -d "$2" \
    -H "authorization: Bearer $(log_in_as_admin)"
}

# Ends the experiment in a service: `end_experiment billing`
end_experiment() {
  curl -sS --fail-with-body -w '\n' -X DELETE "$BASE/api/v1/system/experiments/$1" \
    -H "authorization: Bearer $(log_in_as_admin)"
}

# Sends one request after the other to a path of the gateway, in the background, until `end_traffic`
traffic() {
  while :; do curl -sS -o /dev/null --max-time 10 "$@" || sleep 0.1; sleep 0.1; done 2> /dev/null &
  TRAFFIC=$!
}
end_traffic() { kill $TRAFFIC; wait $TRAFFIC 2> /dev/null || true; }
