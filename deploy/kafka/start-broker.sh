#!/bin/sh
# Starts the broker; the first time it formats the data directory and makes a SCRAM user for the administrator and for
# every service in acls.json. Passwords come from files $SECRETS_DIR/kafka-password-<user>.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
kafka_bin=${KAFKA_BIN:-/opt/kafka/bin}
secrets=${SECRETS_DIR:-/run/secrets}
data=${KAFKA_DATA_DIR:-/var/lib/kafka/data}
host=${BROKER_HOST:-kafka}
port=${BROKER_PORT:-9092}
controller_port=${CONTROLLER_PORT:-9093}
config=${KAFKA_CONFIG_DIR:-/tmp}/server.properties
services='key-management auth-verifier usage api'

password_of() {
  cat "$secrets/kafka-password-$1"
}

protocol=SASL_PLAINTEXT
[ ! -f "$secrets/kafka-tls.pem" ] || protocol=SASL_SSL
admin_password=$(password_of admin)

umask 077
{
  cat "$here/server.properties"
  echo "log.dirs=$data"
  echo "listeners=SERVICES://${LISTEN_HOST:-0.0.0.0}:$port,CONTROLLER://127.0.0.1:$controller_port"
  echo "advertised.listeners=SERVICES://$host:$port"
  echo "controller.quorum.voters=1@127.0.0.1:$controller_port"
  echo "listener.security.protocol.map=SERVICES:$protocol,CONTROLLER:SASL_PLAINTEXT"
  echo "listener.name.services.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"admin\" password=\"$admin_password\";"
  echo "listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"$admin_password\" user_admin=\"$admin_password\";"
  if [ "$protocol" = SASL_SSL ]; then
    echo "ssl.keystore.type=PEM"
    echo "ssl.keystore.location=$secrets/kafka-tls.pem"
    echo "ssl.truststore.type=PEM"
    echo "ssl.truststore.location=$secrets/tls-ca.pem"
  fi
} >"$config"

if [ ! -f "$data/meta.properties" ]; then
  set -- --add-scram "SCRAM-SHA-512=[name=admin,password=$admin_password]"
  for service in $services; do
    set -- "$@" --add-scram "SCRAM-SHA-512=[name=$service,password=$(password_of "$service")]"
  done
  # It prints what the passwords were hashed to; its errors go elsewhere.
  "$kafka_bin/kafka-storage.sh" format --cluster-id "$("$kafka_bin/kafka-storage.sh" random-uuid)" \
    --config "$config" "$@" >/dev/null
fi

exec "$kafka_bin/kafka-server-start.sh" "$config"
