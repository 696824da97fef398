#!/bin/sh
# Makes the passwords of the Compose stack, once; what is there stays:
#   sh deploy/secrets.sh                    into ./secrets, or into the folder that SECRETS_DIR names
#   sh deploy/secrets.sh --renew collector  also new passwords for one user: admin, collector, signaler, health,
#                                           cli or grafana
# Each file is for one or two containers; compose.yaml says which. The folder is closed to others on this machine;
# the files in it are readable because the containers' users do not exist here.
set -eu
umask 022
folder=${SECRETS_DIR:-secrets}

refuse() {
    echo "secrets: $1" >&2
    exit 2
}

case "$#:${1:-}" in
0:) ;;
2:--renew)
    case "$2" in
    admin | collector | signaler | health | cli) rm -f "$folder/$2_database_url" "$folder/$2_nats_url" ;;
    grafana) rm -f "$folder/grafana_password" ;;
    *) refuse "'$2' is no user whose password can be renewed here; see the head of this file" ;;
    esac
    ;;
*) refuse "the only option is --renew USER" ;;
esac

password() {
    od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# Writes a file unless it is there; by rename, so that it is there whole or not at all.
keep() {
    [ -e "$folder/$1" ] || write "$1" "$2"
}

write() {
    printf '%s\n' "$2" >"$folder/.$1.draft"
    mv "$folder/.$1.draft" "$folder/$1"
}

password_in() {
    sed -E 's#^[a-z]+://[^:]*:([^@]*)@.*#\1#' "$folder/$1"
}

mkdir -p "$folder"
chmod 700 "$folder"

keep superuser_database_url "postgresql://postgres:$(password)@postgres:5432/postgres"
for user in admin collector signaler health; do
    keep "${user}_database_url" "postgresql://bongsu_$user:$(password)@postgres:5432/bongsu"
done
for user in admin collector signaler health cli; do
    keep "${user}_nats_url" "nats://$user:$(password)@nats:4222"
done
# The servers' side of the same passwords.
write postgres_password "$(password_in superuser_database_url)"
write nats_passwords.conf "$(
    for user in admin collector signaler health cli; do
        printf '%s_PASSWORD: "%s"\n' "$(echo "$user" | tr '[:lower:]' '[:upper:]')" "$(password_in "${user}_nats_url")"
    done
)"
keep grafana_password "$(password)"
# Yours: empty means that Gemini is not asked, and that no change is notified.
keep gemini_api_key ""
keep notify_url ""
echo "secrets: $folder is complete; a Gemini key goes into $folder/gemini_api_key"
