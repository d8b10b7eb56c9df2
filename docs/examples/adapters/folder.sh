#!/bin/sh
# A complete adapter for Hallpass in POSIX shell: each grant is a file of its own in a folder, its content the login.
# A service that lets in whoever is named in that folder is all it takes. Needs nothing beside sh, sed and coreutils.
#
#   kind = "exec"
#   program = "/opt/hallpass/adapters/folder.sh"
#   config = { folder = "/etc/door/allowed" }
#   # a role's target: { name = "front" }   a person's logins: { door = "ana" }
set -eu
umask 022

# Requests are compact JSON on one line. In such a line `"key":"` is never part of a text (its quotes would be escaped),
# so sed may cut out a value, as long as it accepts only characters that JSON does not escape.
request=$(cat)
field() { # field NAME CHARACTERS
    printf '%s\n' "$request" | sed -n "s/.*\"$1\":\"\\([$2]\\{1,\\}\\)\".*/\\1/p"
}
refuse() { # refuse CODE MESSAGE: nothing was changed
    printf '{"error":{"code":"%s","message":"%s"}}\n' "$1" "$2"
    exit 1
}
say() { printf '{"protocol":"hallpass-adapter/1","status":"%s"}\n' "$1"; }

op=$(field op a-z)
if [ "$op" = describe ]; then
    cat <<'DESCRIPTION'
{"protocols":["hallpass-adapter/1"],"name":"folder","version":"1","ownership":"per_grant","sessions":"next_request",
 "principal":"door","deadline_s":10,"ops":["observe","grant","revoke","resolve","health"],
 "by_hand":"delete the file that is named after the grant from the adapter's folder"}
DESCRIPTION
    exit 0
fi

folder=$(field folder 'A-Za-z0-9._/-')
[ -n "$folder" ] || refuse invalid 'config.folder is missing, or has characters other than letters, digits and . _ / -'
if [ ! -d "$folder" ] || [ ! -x "$folder" ]; then
    refuse transient 'the folder is not there' # not "absent": it could not look
fi

case $op in
health)
    [ -w "$folder" ] || refuse denied 'the folder cannot be written'
    printf '{"status":"active","message":"the folder can be written"}\n'
    exit 0
    ;;
resolve)
    login=$(field door 'a-z0-9_-')
    [ -n "$login" ] || refuse no_such_principal 'the person has no login for the door, of small letters, digits, _ and -'
    name=$(printf '%s\n' "$request" | sed -n 's/.*"target":{"name":"\([a-z0-9_-]\{1,\}\)"}.*/\1/p')
    [ -n "$name" ] || refuse no_such_target 'the target must be a name of small letters, digits, _ and -, and nothing else'
    printf '{"status":"active","principal":"%s","preview":"%s may open the door %s"}\n' "$login" "$login" "$name"
    exit 0
    ;;
esac

grant=$(field grant 'A-Za-z0-9._-')
case $grant in
'' | .*) refuse invalid 'the grant has a name that cannot be a file' ;;
esac
file=$folder/$grant

case $op in
observe)
    if [ -e "$file" ]; then say active; else say absent; fi
    ;;
grant)
    principal=$(field principal 'a-z0-9_-')
    [ -n "$principal" ] || refuse no_such_principal 'the login has characters that are not allowed'
    # Written beside and renamed: the service never reads half a name, and doing it again changes nothing.
    printf '%s\n' "$principal" >"$folder/.$grant.new"
    mv -f "$folder/.$grant.new" "$file"
    say active
    ;;
revoke)
    rm -f "$file" "$folder/.$grant.new"
    say absent
    ;;
*)
    refuse unsupported 'this adapter does not know that'
    ;;
esac
